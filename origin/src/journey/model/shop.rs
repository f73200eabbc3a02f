//! A shop's own model: fitted on its sessions by a job, and served only if it is better than the one in service.
//!
//! - The visits of the newest sessions that are over, at most 50,000 of them, each seen after its first 30 happenings
//!   before the purchase, and some 300,000 such moments in all
//! - the older 70 % are fitted on, the newer 30 % judge: by log loss, on the same moments as the model in service
//! - below 200 buying visits, or 30 among those that judge, nothing is fitted

use footfall_shared::id::ShopId;
use footfall_shared::journey::event::Happening;
use footfall_shared::journey::features::COUNT;
use footfall_shared::journey::model::{Basis, Model, Weights};
use footfall_shared::journey::reducer::fold;
use footfall_shared::journey::session::Session;
use footfall_shared::journey::stage::Stage;
use footfall_shared::time::UtcMillis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Sample;
use super::datasets::SteppedSession;
use super::evaluate::Evaluation;
use super::fit::{FitError, fit};
use super::prior::{medians, ready};
use crate::db::{Db, StorageError};
use crate::journey::fold::Told;
use crate::journey::queries::{Place, find_happenings, list_before};

/// Buying visits that a model of the shop's own needs.
pub const CONVERSIONS_MIN: usize = 200;
/// Of them among those that judge.
const JUDGING_CONVERSIONS_MIN: usize = 30;
/// Visits that are fitted on, in percent; the later rest judges.
const FITTED_PERCENT: usize = 70;
/// Most sessions that are read.
const SESSIONS_MAX: usize = 50_000;
/// No further page is read beyond so many moments: what is held at once stays below some 200 MB.
const MOMENTS_READ_MAX: usize = 300_000;
/// Sessions that are read over one connection.
const SESSIONS_A_PAGE: i64 = 200;
/// Moments of a visit that are looked at: a visit that never ends must not outweigh the others.
const MOMENTS_MAX: usize = 30;

/// How good a model is on the visits that judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Figures {
    /// The area under the ROC curve.
    pub auc: f64,
    /// The mean negative log likelihood, in nats.
    pub log_loss: f64,
    /// The expected calibration error, over ten groups.
    pub calibration_error: f64,
}

impl From<Evaluation> for Figures {
    fn from(told: Evaluation) -> Self {
        Self {
            auc: told.auc,
            log_loss: told.log_loss,
            calibration_error: told.calibration_error,
        }
    }
}

/// A model that was fitted, and how it does beside the one in service.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The model.
    pub model: Model,
    /// Its figures.
    pub own: Figures,
    /// Those of the model in service.
    pub in_service: Figures,
}

impl Fitted {
    /// Whether it is to be served.
    #[must_use]
    pub fn is_better(&self) -> bool {
        self.own.log_loss < self.in_service.log_loss
    }
}

/// What a shop has to fit on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counted {
    /// Visits that are over.
    pub visits: usize,
    /// Those of them that bought.
    pub conversions: usize,
    /// Those that bought among the newest, which judge.
    pub judging: usize,
}

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum NoModel {
    /// Too few visits bought.
    #[error(
        "{} buying visits, of which {} are the newest: {CONVERSIONS_MIN} and {JUDGING_CONVERSIONS_MIN} are needed",
        .0.conversions, .0.judging
    )]
    TooFew(Counted),
    /// The visits do not tell anything apart.
    #[error(transparent)]
    Fit(#[from] FitError),
}

/// A shop's newest visits that are over, the oldest first.
pub(super) async fn read_visits(
    db: &Db,
    shop: &ShopId,
    idle_ms: i64,
    now: UtcMillis,
) -> Result<Vec<SteppedSession>, StorageError> {
    let mut visits = Vec::new();
    let mut place: Place = (now.plus(-idle_ms), String::new());
    let (mut sessions, mut moments) = (0, 0);
    while sessions < SESSIONS_MAX && moments < MOMENTS_READ_MAX {
        // For each page anew: others wait for connections, and this reads for a while.
        let mut reader = db.read().await?;
        let page = list_before(&mut reader, shop, &place, SESSIONS_A_PAGE).await?;
        for (_, session) in &page {
            let mut told = find_happenings(&mut reader, shop, session).await?;
            told.sort_by_key(|one| one.event.seq);
            let stepped = step_through(&told);
            moments += stepped.iter().map(|one| one.moments.len()).sum::<usize>();
            visits.extend(stepped);
        }
        sessions += page.len();
        let Some(last) = page.into_iter().last() else {
            break;
        };
        place = last;
    }
    visits.sort_by_key(|visit| visit.moments.first().map(|(_, at)| *at));
    Ok(visits)
}

/// The visits of a session, each at its moments until the purchase.
fn step_through(told: &[Told]) -> Vec<SteppedSession> {
    let mut session = Session::default();
    let mut visits: Vec<SteppedSession> = Vec::new();
    for one in told {
        if one.event.seq <= session.seq {
            continue;
        }
        if one.event.visit > session.visit {
            visits.push(SteppedSession::default());
        }
        session = fold(session, &one.event, one.at);
        let Some(visit) = visits.last_mut().filter(|visit| visit.bought_at.is_none()) else {
            continue;
        };
        let is_sale = matches!(&one.event.what, Happening::Converted(sale) if sale.is_sale());
        if is_sale {
            visit.bought_at = Some(session.last_at);
        } else if session.stage != Stage::Purchase && visit.moments.len() < MOMENTS_MAX {
            let now = session.last_at;
            visit.moments.push((session.observed(now), now));
        }
    }
    visits.retain(|visit| !visit.moments.is_empty());
    visits
}

/// Fits a model on visits in their sequence and judges it beside the one in service.
///
/// # Errors
/// [`NoModel`]: there is too little to fit on.
pub fn fit_visits(
    visits: &[SteppedSession],
    in_service: &Model,
    version: &str,
) -> Result<Fitted, NoModel> {
    let bought = |visits: &[SteppedSession]| {
        visits
            .iter()
            .filter(|visit| visit.bought_at.is_some())
            .count()
    };
    let (early, late) = visits.split_at(visits.len() * FITTED_PERCENT / 100);
    let counted = Counted {
        visits: visits.len(),
        conversions: bought(visits),
        judging: bought(late),
    };
    if counted.conversions < CONVERSIONS_MIN || counted.judging < JUDGING_CONVERSIONS_MIN {
        return Err(NoModel::TooFew(counted));
    }
    let samples: Vec<Sample> = early.iter().flat_map(SteppedSession::samples).collect();
    let line = fit(&samples)?;
    let mut weights = [0.0; COUNT];
    weights.copy_from_slice(&line.weights);
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let mut model = Model {
        version: version.to_owned(),
        basis: Basis::Fitted,
        source: "the shop's own sessions".to_owned(),
        sessions: number(early.len()),
        conversions: number(bought(early)),
        intercept: line.intercept,
        weights: Weights(weights),
        ready: 0.0,
        median_s: medians(early),
    };
    model.ready = ready(&model, early);
    let judge = |model: &Model| {
        let told = late.iter().flat_map(|visit| {
            let bought = visit.bought_at.is_some();
            let moments = visit.moments.iter();
            moments.map(move |(observed, _)| (model.probability(observed), bought))
        });
        Evaluation::of(told.collect()).map(Figures::from)
    };
    let (Some(own), Some(in_service)) = (judge(&model), judge(in_service)) else {
        return Err(NoModel::Fit(FitError::OneOutcome));
    };
    Ok(Fitted {
        model,
        own,
        in_service,
    })
}
