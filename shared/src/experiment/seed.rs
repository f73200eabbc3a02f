//! Chance that depends on names alone: edge, origin and a replay draw the same.

use sha2::{Digest, Sha256};

/// The seed of a draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// The seed of these names, in this sequence: the first 8 bytes of SHA-256 over each one's length and bytes.
    #[must_use]
    pub fn of(names: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for name in names {
            hash.update((name.len() as u64).to_be_bytes());
            hash.update(name);
        }
        let mut first = [0; 8];
        first.copy_from_slice(&hash.finalize()[..8]);
        Self(u64::from_be_bytes(first))
    }

    /// A whole number below `bound`, each as likely as the others to 2⁻³².
    #[must_use]
    pub fn below(self, bound: u32) -> u32 {
        let drawn = (self.0 >> 32) * u64::from(bound);
        u32::try_from(drawn >> 32).unwrap_or(0)
    }
}

/// Whether a session is held out: it sees what everybody would see without personalization, so that what
/// personalization is worth can be measured. Independent of every slot's draw.
#[must_use]
pub fn is_held_out(shop: &str, session: &str, permille: u32) -> bool {
    Seed::of(&["hold-out", shop, session]).below(1000) < permille
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_run_together_are_other_names() {
        assert_ne!(Seed::of(&["a", "bc"]), Seed::of(&["ab", "c"]));
        assert_eq!(Seed::of(&["a", "bc"]), Seed::of(&["a", "bc"]));
    }

    #[test]
    fn a_tenth_is_held_out_whatever_the_sessions_are_called() {
        let held_out = (0..10_000)
            .filter(|at| is_held_out("shop", &format!("session_{at}"), 100))
            .count();
        // Three standard deviations around 1,000.
        assert!((910..=1090).contains(&held_out), "{held_out}");
        assert!(!is_held_out("shop", "s", 0));
        assert!(is_held_out("shop", "s", 1000));
    }

    proptest::proptest! {
        #[test]
        fn a_draw_is_below_its_bound(name: String, bound in 1..u32::MAX) {
            proptest::prop_assert!(Seed::of(&[&name]).below(bound) < bound);
        }
    }
}
