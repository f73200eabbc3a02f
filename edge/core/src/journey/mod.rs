//! The journey engine's routes: sessions, decided from the edge's own state.
//!
//! - [`step`] is what happens where a session is alone.

pub mod step;

use footfall_shared::time::DAY_MS;

/// After how long without events an edge forgets a session; the origin has its log.
pub const FORGOTTEN_AFTER_MS: i64 = 30 * DAY_MS;
