//! Choosing between variants by what they were worth so far, and telling what that was.
//!
//! - [`seed`]: chance that everybody can draw again
//! - [`choice`]: Thompson sampling with the probability of each choice known
//! - [`lift`]: measured differences with their interval
//! - [`change`]: whether a figure is another one than before
//! - [`student`]: Student's t

pub mod change;
pub mod choice;
pub mod lift;
pub mod seed;
pub mod student;
