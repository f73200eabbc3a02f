//! The reducer as WebAssembly: folds a session again and again.

#[path = "../../src/session.rs"]
mod session;

/// Folds sessions of [`session::EVENTS`] events until this many are folded; a number that depends on all of them.
#[unsafe(no_mangle)]
pub extern "C" fn fold_events(events: u32) -> u32 {
    session::fold_events(events)
}
