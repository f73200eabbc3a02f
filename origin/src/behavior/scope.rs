//! Which data count: one upload's, or all of the shop's.

use footfall_shared::id::ShopId;
use footfall_shared::upload::field::Kind;

use crate::db::{Handle, StorageError};
use crate::http::error::AppError;
use crate::orders;
use crate::uploads::{self, Sourced};

/// One upload, or (with an empty name) all of the shop's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope(String);

impl Scope {
    /// All of the shop's data.
    pub(super) const ALL: &str = "";

    /// As a caller names it.
    pub(super) fn of(upload: Option<String>) -> Self {
        Self(upload.unwrap_or_default())
    }

    /// As it is stored.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The upload; `None` for all of the shop's data.
    pub(super) fn upload(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|upload| !upload.is_empty())
    }
}

/// What an analysis is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Lines of orders.
    Lines,
    /// Reviews, or lines that come with a rating.
    Reviews,
    /// Either.
    Any,
}

impl Need {
    pub(super) const fn is_met_by(self, kind: Kind) -> bool {
        match self {
            Self::Lines => matches!(kind, Kind::Transactions),
            Self::Reviews | Self::Any => matches!(kind, Kind::Transactions | Kind::Reviews),
        }
    }
}

/// What there is to compute from.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources {
    /// Uploads, the newest first.
    pub(super) uploads: Vec<Sourced>,
    /// The shop's own orders: how many, and a mark that changes with them.
    pub(super) orders: Option<(i64, String)>,
    /// Whether more is on its way.
    pub(super) more: bool,
}

impl Sources {
    /// Rows in all, for estimates.
    pub(super) fn rows(&self) -> i64 {
        let uploads = self.uploads.iter().map(|one| one.rows).sum::<i64>();
        uploads + self.orders.as_ref().map_or(0, |(count, _)| *count)
    }

    /// A text that is the same as long as the data are.
    pub(super) fn version(&self) -> String {
        let uploads = self.uploads.iter().map(|one| one.id.as_str());
        let orders = self.orders.iter().map(|(_, mark)| mark.as_str());
        uploads.chain(orders).collect::<Vec<_>>().join(" ")
    }

    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.uploads.is_empty() && self.orders.is_none()
    }
}

/// Finds what there is.
///
/// # Errors
/// The contract's `INVALID_UPLOAD` where the scope is an upload that the shop does not have.
pub(super) async fn find_sources(
    db: &mut impl Handle,
    shop: &ShopId,
    scope: &Scope,
    need: Need,
) -> Result<Sources, AppError> {
    let all = uploads::list_sources(db, shop).await?;
    if let Some(id) = scope.upload() {
        let upload = all.into_iter().find(|one| one.id == id);
        let upload = upload.ok_or(AppError::InvalidUpload)?;
        let more = !upload.done;
        let counts = upload.done && need.is_met_by(upload.kind);
        return Ok(Sources {
            uploads: if counts { vec![upload] } else { Vec::new() },
            orders: None,
            more,
        });
    }
    Ok(all_sources(db, shop, all, need).await?)
}

/// As [`find_sources`] for a job, whose upload may be gone.
pub(super) async fn find_sources_of_job(
    db: &mut impl Handle,
    shop: &ShopId,
    scope: &Scope,
    need: Need,
) -> Result<Sources, StorageError> {
    let all = uploads::list_sources(db, shop).await?;
    match scope.upload() {
        Some(id) => Ok(Sources {
            uploads: all
                .into_iter()
                .filter(|one| one.id == id && one.done && need.is_met_by(one.kind))
                .collect(),
            ..Sources::default()
        }),
        None => all_sources(db, shop, all, need).await,
    }
}

/// A text that is the same as long as the lines of the shop's orders are; empty without any.
pub async fn lines_version(db: &mut impl Handle, shop: &ShopId) -> Result<String, StorageError> {
    let sources = find_sources_of_job(db, shop, &Scope::of(None), Need::Lines).await?;
    Ok(sources.version())
}

async fn all_sources(
    db: &mut impl Handle,
    shop: &ShopId,
    uploads: Vec<Sourced>,
    need: Need,
) -> Result<Sources, StorageError> {
    let fits = |one: &Sourced| need.is_met_by(one.kind);
    let more = uploads.iter().any(|one| !one.done && fits(one));
    let orders = match need {
        Need::Lines | Need::Any => {
            let (count, at) = orders::count_and_last_change(db, shop).await?;
            (count > 0).then(|| (count, format!("orders:{count}:{}", at.get())))
        }
        Need::Reviews => None,
    };
    Ok(Sources {
        uploads: uploads
            .into_iter()
            .filter(|one| one.done && fits(one))
            .collect(),
        orders,
        more,
    })
}
