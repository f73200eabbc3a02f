//! How long a job will take, by how long those before it took.

use footfall_shared::id::ShopId;
use serde::Serialize;
use utoipa::ToSchema;

use super::job::JobKind;
use super::queries;
use crate::db::{Handle, StorageError};

/// Past jobs that are looked at.
pub(super) const LOOKED_AT: i64 = 10;

/// How long a job is thought to take.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Estimate {
    /// Whole seconds, one at least.
    pub seconds: i64,
    /// `measured` where it follows from jobs before it, else `prior`.
    pub basis: &'static str,
}

/// Units of work a second where nothing was measured yet: bytes of a file, rows of an analysis.
const fn prior_rate(kind: JobKind) -> f64 {
    match kind {
        JobKind::Import => 5_000_000.0,
        JobKind::Segments | JobKind::Affinity => 200_000.0,
        JobKind::Sentiment => 50_000.0,
        JobKind::Recommendations => 1_000.0,
        JobKind::Analytics => 20_000.0,
        JobKind::UserSegments => 100_000.0,
        JobKind::Retrain => 100.0,
        JobKind::SalesSuccess => 1_000.0,
        JobKind::Erasure => 100_000.0,
        JobKind::PrivacyExport => 20_000.0,
    }
}

/// The time for so many units, by the median rate of the shop's latest jobs of this kind.
pub async fn estimate(
    db: &mut impl Handle,
    shop: &ShopId,
    kind: JobKind,
    units: i64,
) -> Result<Estimate, StorageError> {
    let past = queries::list_done(db, shop, kind, LOOKED_AT).await?;
    let mut rates: Vec<f64> = past
        .into_iter()
        .filter(|(units, _)| *units > 0)
        .map(|(units, ms)| units as f64 * 1000.0 / ms.max(1) as f64)
        .collect();
    rates.sort_by(f64::total_cmp);
    let measured = rates.get(rates.len() / 2).copied();
    let rate = measured.unwrap_or(prior_rate(kind));
    Ok(Estimate {
        seconds: ((units as f64 / rate).ceil() as i64).max(1),
        basis: if measured.is_some() {
            "measured"
        } else {
            "prior"
        },
    })
}
