//! The contract's bounds: requests a minute and caller, over all nodes.

use footfall_shared::time::UtcMillis;

use crate::app::App;
use crate::auth::CountedShop;
use crate::http::error::AppError;
use crate::limits::{Bound, spend};

/// Reads.
const READS: Bound = Bound {
    requests: 100,
    minutes: 1,
};
/// Computations.
const COMPUTES: Bound = Bound {
    requests: 10,
    minutes: 1,
};

/// Counts a read of a caller.
pub(super) async fn read(app: &App, caller: &CountedShop, now: UtcMillis) -> Result<(), AppError> {
    let name = format!("behavior:{}", caller.caller);
    spend(app, &caller.shop.id, &name, READS, now).await
}

/// Counts a computation that a caller asks for.
pub(super) async fn compute(
    app: &App,
    caller: &CountedShop,
    now: UtcMillis,
) -> Result<(), AppError> {
    let name = format!("compute:{}", caller.caller);
    spend(app, &caller.shop.id, &name, COMPUTES, now).await
}
