//! What a check found, and how it is told.

use std::fmt;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grade {
    /// As it should be.
    Good,
    /// Works, but look at it.
    Warn,
    /// Does not work, or lets somebody in.
    Bad,
}

/// The answer of one check.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) grade: Grade,
    what: String,
    /// Why it matters, and the command or setting that mends it; empty where all is well.
    why: &'static str,
    mend: String,
}

impl Finding {
    /// All is well.
    pub(super) fn good(what: impl Into<String>) -> Self {
        Self {
            grade: Grade::Good,
            what: what.into(),
            why: "",
            mend: String::new(),
        }
    }

    /// Something to look at.
    pub(super) fn warn(
        what: impl Into<String>,
        why: &'static str,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            grade: Grade::Warn,
            what: what.into(),
            why,
            mend: mend.into(),
        }
    }

    /// A fault.
    pub(super) fn bad(what: impl Into<String>, why: &'static str, mend: impl Into<String>) -> Self {
        Self {
            grade: Grade::Bad,
            ..Self::warn(what, why, mend)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grade = match self.grade {
            Grade::Good => "ok  ",
            Grade::Warn => "warn",
            Grade::Bad => "BAD ",
        };
        write!(f, "  {grade}  {}", self.what)?;
        if self.grade != Grade::Good {
            write!(
                f,
                "\n        why   {}\n        mend  {}",
                self.why, self.mend
            )?;
        }
        Ok(())
    }
}
