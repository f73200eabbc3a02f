//! What reviews say.
//!
//! - [`vader`]: how positive a text is
//! - [`language`]: whether it is English, the language that VADER knows
//! - [`blend`]: text and stars together
//! - [`keywords`]: the words that tell good reviews from bad ones
//! - [`trend`]: whether it gets better

pub mod blend;
pub mod keywords;
pub mod language;
mod lexicon;
pub mod trend;
pub mod vader;
