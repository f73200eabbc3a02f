//! What is told of an upload.

use std::collections::BTreeMap;

use footfall_shared::time::UtcMillis;
use footfall_shared::upload::date::DateOrder;
use footfall_shared::upload::field::{Field, Kind};
use footfall_shared::upload::layout::Program;
use footfall_shared::upload::number::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::jobs;
use crate::uploads::queries::{State as Stands, Upload};
use crate::uploads::source::Format;

/// Where an upload stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    /// The file comes in.
    Receiving,
    /// Its rows are read, or wait for it.
    Processing,
    /// Its rows count.
    Done,
    /// They never will; `error` says why.
    Failed,
}

/// A file that was sent.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UploadReply {
    /// Its id: what `upload_id` takes elsewhere.
    #[schema(example = "upload_01KB000000000000000000000A")]
    pub(super) upload_id: String,
    /// The file's name, as it was sent.
    name: String,
    /// What the rows are; null until that is recognized.
    kind: Option<Kind>,
    /// Where it stands.
    status: Status,
    /// Bytes of the file.
    bytes: i64,
    /// What kind of file it is.
    format: Option<Format>,
    /// Which program wrote it.
    program: Option<Program>,
    /// The headers, by the field that they were taken for.
    columns: BTreeMap<Field, String>,
    /// The decimal sign.
    decimal: Option<Decimal>,
    /// The order of dates.
    dates: Option<DateOrder>,
    /// Whether the file shows that order; else it is the shop's habit.
    dates_shown: Option<bool>,
    /// Rows that were read so far.
    rows_read: i64,
    /// That were taken.
    rows_taken: i64,
    /// That were left out: see `errors.csv`.
    rows_refused: i64,
    /// How much of the file is read, 0 to 1; null while nobody reads it.
    progress: Option<f64>,
    /// Rows that were read a second; null while that cannot be said.
    rows_per_second: Option<f64>,
    /// How long it will still take at that rate; null while that cannot be said.
    seconds_left: Option<f64>,
    /// When the first thing happened that the rows tell, RFC 3339.
    first_at: Option<String>,
    /// And the last.
    last_at: Option<String>,
    /// Why it failed.
    error: Option<String>,
    /// The job that reads it.
    job_id: Option<String>,
    /// When it was sent.
    created_at: String,
    /// When its rows were read.
    finished_at: Option<String>,
}

impl UploadReply {
    pub(super) fn of(upload: Upload, job: Option<&jobs::Job>, now: UtcMillis) -> Self {
        let Upload {
            id,
            name,
            bytes,
            state,
            kind,
            understood,
            counts,
            fault,
            job: job_id,
            created_at,
            finished_at,
            ..
        } = upload;
        let running = job.filter(|job| job.state == jobs::JobState::Running);
        let spent_s = job.and_then(|job| {
            let until = job.finished_at.unwrap_or(now);
            Some(until.since(job.started_at?) as f64 / 1000.0)
        });
        let share = match state {
            Stands::Done => Some(1.0),
            _ => running.map(|job| (job.done as f64 / bytes.max(1) as f64).min(1.0)),
        };
        let seconds_left = running
            .and(spent_s)
            .zip(share)
            .and_then(|(spent, share)| (share > 0.0).then(|| spent * (1.0 - share) / share));
        let rows_per_second = spent_s
            .filter(|spent| *spent > 0.0 && counts.read > 0)
            .map(|spent| (counts.read as f64 / spent).round());
        let text = |at: Option<i64>| at.map(|at| UtcMillis::new(at).to_rfc3339());
        let (format, layout) = understood.map(|known| (known.format, known.layout)).unzip();
        let columns = layout.as_ref().map(|layout| {
            let named = layout.columns.iter().map(|(field, at)| {
                let header = layout.headers.get(*at).cloned();
                (*field, header.unwrap_or_default())
            });
            named.collect()
        });
        Self {
            upload_id: id,
            name,
            kind,
            status: match state {
                Stands::Arriving => Status::Receiving,
                Stands::Processing => Status::Processing,
                Stands::Done => Status::Done,
                Stands::Failed => Status::Failed,
            },
            bytes,
            format,
            program: layout.as_ref().map(|layout| layout.program),
            columns: columns.unwrap_or_default(),
            decimal: layout.as_ref().map(|layout| layout.decimal),
            dates: layout.as_ref().map(|layout| layout.dates),
            dates_shown: layout.as_ref().map(|layout| layout.dates_shown),
            rows_read: counts.read,
            rows_taken: counts.taken,
            rows_refused: counts.refused,
            progress: share,
            rows_per_second,
            seconds_left,
            first_at: text(counts.first_at),
            last_at: text(counts.last_at),
            error: fault,
            job_id,
            created_at: created_at.to_rfc3339(),
            finished_at: finished_at.map(UtcMillis::to_rfc3339),
        }
    }
}
