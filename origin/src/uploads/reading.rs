//! Records into rows, rows into blocks: what the job's own thread does.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Bytes;
use footfall_shared::money::Currency;
use footfall_shared::upload::date::DateOrder;
use footfall_shared::upload::field::Kind;
use footfall_shared::upload::layout::{Asked, Layout};
use footfall_shared::upload::parse::{Cells, Parser, RowFault};
use footfall_shared::upload::row::Row;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::block::BlockBuilder;
use super::source::{self, Format, Record, Sink, SourceError};

/// Rows of a block.
const BLOCK_ROWS: u32 = 32_768;
/// Rows that are looked at to find out what the columns are.
const SAMPLE_ROWS: usize = 200;
/// Bad rows that are kept with their reason, of a file.
pub(super) const ERRORS_MAX: i64 = 10_000;
/// Bad rows after which a piece is handed on.
const ERRORS_OF_PIECE: usize = 500;
/// A file with more bad rows than one in so many is not what it seems.
const REFUSED_SHARE: i64 = 5;

/// How a file is read: what it is and what its columns are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Understood {
    /// What kind of file it is.
    pub(super) format: Format,
    /// What its columns are.
    pub(super) layout: Layout,
}

/// A bad row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowError {
    /// Its number; the header is row 1.
    pub(super) row: i64,
    /// The column's header.
    pub(super) column: String,
    /// What is wrong with it.
    pub(super) reason: &'static str,
}

/// Rows so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Rows that were read.
    pub(super) read: i64,
    /// That were taken.
    pub(super) taken: i64,
    /// That were left out.
    pub(super) refused: i64,
    /// When the first thing happened that the rows tell, epoch milliseconds.
    pub(super) first_at: Option<i64>,
    /// And the last.
    pub(super) last_at: Option<i64>,
}

/// A piece of the work, to be written down.
#[derive(Debug)]
pub(super) struct Piece {
    /// How the file is read.
    pub(super) understood: Arc<Understood>,
    /// The rows; empty where there are only bad ones.
    pub(super) block: Vec<u8>,
    /// Bad rows.
    pub(super) errors: Vec<RowError>,
    /// Rows so far, this piece included.
    pub(super) counts: Counts,
    /// Bytes of the file so far.
    pub(super) bytes: i64,
}

/// What is known before the file is opened.
#[derive(Debug, Clone)]
pub(super) struct Given {
    /// What the sender says.
    pub(super) asked: Asked,
    /// How the shop writes dates.
    pub(super) habit: DateOrder,
    /// The shop's time zone.
    pub(super) zone: TimeZone,
    /// The shop's currency.
    pub(super) currency: Currency,
    /// What an earlier try has written down; its rows are passed over.
    pub(super) before: Counts,
}

/// A file that arrives from another task, piece by piece.
pub(super) struct Arriving {
    chunks: mpsc::Receiver<Bytes>,
    now: Bytes,
    bytes: Arc<AtomicI64>,
}

impl Arriving {
    pub(super) fn new(chunks: mpsc::Receiver<Bytes>) -> Self {
        Self {
            chunks,
            now: Bytes::new(),
            bytes: Arc::default(),
        }
    }
}

impl Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.now.is_empty() {
            match self.chunks.blocking_recv() {
                Some(chunk) => self.now = chunk,
                None => return Ok(0),
            }
        }
        let length = self.now.len().min(buffer.len());
        let part = self.now.split_to(length);
        buffer[..length].copy_from_slice(&part);
        self.bytes.fetch_add(length as i64, Ordering::Relaxed);
        Ok(length)
    }
}

/// Reads a file to its end and hands on what is to be written down; the counts of all of it.
pub(super) fn read(
    input: Arriving,
    given: Given,
    tell: mpsc::Sender<Piece>,
) -> Result<Counts, SourceError> {
    let bytes = Arc::clone(&input.bytes);
    let mut importer = Importer {
        given,
        format: None,
        stage: Stage::Sampling(Vec::new()),
        counts: Counts::default(),
        block: BlockBuilder::default(),
        errors: Vec::new(),
        first_fault: None,
        bytes,
        tell,
    };
    source::read(input, &mut importer)?;
    importer.end()
}

enum Stage {
    /// The first records, until there are enough of them.
    Sampling(Vec<Vec<String>>),
    Reading(Box<Parser>, Arc<Understood>),
}

struct Importer {
    given: Given,
    format: Option<Format>,
    stage: Stage,
    counts: Counts,
    block: BlockBuilder,
    errors: Vec<RowError>,
    first_fault: Option<String>,
    bytes: Arc<AtomicI64>,
    tell: mpsc::Sender<Piece>,
}

impl Sink for Importer {
    fn opened(&mut self, format: Format) {
        self.format = Some(format);
    }

    fn record(&mut self, record: &Record<'_>) -> Result<(), SourceError> {
        if let Stage::Sampling(sample) = &mut self.stage {
            sample.push(
                (0..record.len())
                    .map(|at| record.cell(at).into_owned())
                    .collect(),
            );
            return match sample.len() > SAMPLE_ROWS {
                true => self.understand(),
                false => Ok(()),
            };
        }
        self.take(record)
    }
}

impl Importer {
    /// Finds out what the columns are, and reads the rows that this took.
    fn understand(&mut self) -> Result<(), SourceError> {
        let Stage::Sampling(mut sample) =
            std::mem::replace(&mut self.stage, Stage::Sampling(Vec::new()))
        else {
            return Ok(());
        };
        if sample.len() < 2 {
            return Err(SourceError::Unreadable(
                "the file has no rows below its header".into(),
            ));
        }
        let headers = sample.remove(0);
        let layout = Layout::recognize(&headers, &sample, &self.given.asked, self.given.habit)
            .map_err(|fault| SourceError::Unreadable(fault.to_string()))?;
        let format = self.format.clone().ok_or(SourceError::Unwanted)?;
        let understood = Arc::new(Understood {
            format,
            layout: layout.clone(),
        });
        let parser = Parser::new(layout, self.given.zone.clone(), self.given.currency);
        self.stage = Stage::Reading(Box::new(parser), understood);
        for row in &sample {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            self.take(cells.as_slice())?;
        }
        Ok(())
    }

    fn take<C: Cells + ?Sized>(&mut self, cells: &C) -> Result<(), SourceError> {
        let Stage::Reading(parser, _) = &mut self.stage else {
            return Ok(());
        };
        self.counts.read += 1;
        let number = self.counts.read + 1;
        let known = self.counts.read <= self.given.before.read;
        let (block, counts) = (&mut self.block, &mut self.counts);
        let read = parser.read(number.unsigned_abs(), cells, |row| {
            if !known {
                note_time(counts, &row);
                block.push(&row);
            }
        });
        if known {
            if self.counts.read == self.given.before.read {
                self.counts = self.given.before;
            }
            return Ok(());
        }
        match read {
            Ok(()) => self.counts.taken += 1,
            Err(fault) => self.refuse(number, fault),
        }
        if self.block.rows() >= BLOCK_ROWS || self.errors.len() >= ERRORS_OF_PIECE {
            self.hand_on()?;
        }
        Ok(())
    }

    fn refuse(&mut self, row: i64, fault: RowFault) {
        self.counts.refused += 1;
        let RowFault { column, reason } = fault;
        self.first_fault
            .get_or_insert_with(|| match column.is_empty() {
                true => format!("row {row} {reason}"),
                false => format!("row {row}: {column} {reason}"),
            });
        if self.counts.refused <= ERRORS_MAX {
            self.errors.push(RowError {
                row,
                column,
                reason,
            });
        }
    }

    fn hand_on(&mut self) -> Result<(), SourceError> {
        let Stage::Reading(_, understood) = &self.stage else {
            return Ok(());
        };
        let block = match self.block.rows() {
            0 => Vec::new(),
            // What is in memory can be written to memory.
            _ => self.block.take().map_err(|_| SourceError::Unwanted)?,
        };
        let piece = Piece {
            understood: Arc::clone(understood),
            block,
            errors: std::mem::take(&mut self.errors),
            counts: self.counts,
            bytes: self.bytes.load(Ordering::Relaxed),
        };
        self.tell
            .blocking_send(piece)
            .map_err(|_| SourceError::Unwanted)
    }

    fn end(mut self) -> Result<Counts, SourceError> {
        if matches!(self.stage, Stage::Sampling(_)) {
            self.understand()?;
        }
        self.hand_on()?;
        let Counts { read, refused, .. } = self.counts;
        if refused * REFUSED_SHARE > read {
            let first = self.first_fault.unwrap_or_else(|| "see the errors".into());
            return Err(SourceError::Unreadable(format!(
                "{refused} of {read} rows are bad, which is more than a fifth; {first}"
            )));
        }
        Ok(self.counts)
    }
}

fn note_time(counts: &mut Counts, row: &Row<'_>) {
    let at = match row {
        Row::Line(line) => line.at,
        Row::Review(review) => review.at,
        Row::PageEvent(event) => event.at,
        Row::Product(_) | Row::Customer(_) => None,
    };
    if let Some(at) = at.map(footfall_shared::time::UtcMillis::get) {
        counts.first_at = Some(counts.first_at.map_or(at, |first| first.min(at)));
        counts.last_at = Some(counts.last_at.map_or(at, |last| last.max(at)));
    }
}

/// The kind that was recognized.
impl Understood {
    pub(super) const fn kind(&self) -> Kind {
        self.layout.kind
    }
}
