//! What a caller may see of a person: the privacy promise, as a pure rule.

use crate::identity::Trust;

/// How much of a person's data a reply shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disclosure {
    /// Names, email and order data as they are.
    Full,
    /// The reply keeps its shape; whatever tells of the person or the orders is masked or null.
    Masked,
}

impl Disclosure {
    /// What a caller of this trust sees where data is shown from `reveal_from` on.
    #[must_use]
    pub fn of(trust: Trust, reveal_from: Trust) -> Self {
        if trust >= reveal_from {
            Self::Full
        } else {
            Self::Masked
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::{Access, Mode};

    #[test]
    fn production_reveals_to_the_verified_only_and_development_to_all() {
        for (mode, trust, expected) in [
            (Mode::Production, Trust::Address, Disclosure::Masked),
            (Mode::Production, Trust::Claimed, Disclosure::Masked),
            (Mode::Production, Trust::Verified, Disclosure::Full),
            (Mode::Development, Trust::Address, Disclosure::Full),
            (Mode::Development, Trust::Claimed, Disclosure::Full),
            (Mode::Development, Trust::Verified, Disclosure::Full),
        ] {
            assert_eq!(
                Disclosure::of(trust, Access::of(mode).reveal_from),
                expected,
                "{mode:?} {trust:?}"
            );
        }
    }
}
