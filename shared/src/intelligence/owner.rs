//! Whom a device's key stands for, as one sighting after the other tells it.
//!
//! **Invariant:** nobody is shown in full what is another's: a key is trusted as verified for one person
//! alone, and only the browser's own id can be (`nobody_sees_in_full_what_is_anothers`).

use serde::{Deserialize, Serialize};

use crate::identity::{DeviceKey, EmailHash, Trust};

/// Whom a key stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Owner {
    /// One person.
    Person {
        /// Who.
        email_hash: EmailHash,
        /// How sure that is.
        trust: Trust,
    },
    /// Two people were verified with it: from then on it recognizes nobody by itself.
    Shared,
}

impl Owner {
    /// Whom the key stands for once `email_hash` was seen with it.
    ///
    /// A claim never displaces a verified person; between claims the later wins; a second verified person
    /// makes the key shared, which only an explicit reset undoes.
    #[must_use]
    pub fn after(held: Option<Self>, email_hash: &EmailHash, trust: Trust) -> Self {
        let seen = || Self::Person {
            email_hash: email_hash.clone(),
            trust,
        };
        let Some(held) = held else { return seen() };
        match &held {
            Self::Shared => held,
            Self::Person {
                email_hash: known,
                trust: sure,
            } => {
                let (verified, again) = (Trust::Verified, known == email_hash);
                if again {
                    let (email_hash, trust) = (known.clone(), trust.max(*sure));
                    Self::Person { email_hash, trust }
                } else if *sure < verified {
                    seen()
                } else if trust < verified {
                    held
                } else {
                    Self::Shared
                }
            }
        }
    }

    /// Who is recognized by `key` and how surely; nobody where it is shared.
    #[must_use]
    pub fn recognized_by(&self, key: &DeviceKey) -> Option<(&EmailHash, Trust)> {
        match self {
            Self::Shared => None,
            Self::Person { email_hash, trust } => Some((email_hash, (*trust).min(key.trust_max()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::event::Device;
    use crate::identity::{Email, FingerprintHash, IpHash, Salt};

    const SALT: Salt = Salt::new([7; 32]);

    fn person(number: u8) -> EmailHash {
        let email = Email::parse("email", &format!("p{number}@example.com")).unwrap();
        EmailHash::of(&email, &SALT)
    }

    fn after(sightings: &[(u8, Trust)]) -> Owner {
        let see =
            |held, (who, trust): &(u8, Trust)| Some(Owner::after(held, &person(*who), *trust));
        sightings.iter().fold(None, see).unwrap()
    }

    fn is(who: u8, trust: Trust) -> Owner {
        let email_hash = person(who);
        Owner::Person { email_hash, trust }
    }

    #[test]
    fn a_verified_person_beats_a_claimed_one_and_between_claims_the_later_wins() {
        use Trust::{Claimed, Verified};
        for (sightings, expected) in [
            (vec![(1, Claimed), (2, Claimed)], is(2, Claimed)),
            (vec![(1, Claimed), (2, Verified)], is(2, Verified)),
            (vec![(1, Verified), (2, Claimed)], is(1, Verified)),
            (vec![(1, Verified), (1, Claimed)], is(1, Verified)),
            (vec![(1, Claimed), (1, Verified)], is(1, Verified)),
        ] {
            assert_eq!(after(&sightings), expected, "{sightings:?}");
        }
    }

    #[test]
    fn a_second_verified_person_makes_a_key_shared_for_good() {
        use Trust::{Claimed, Verified};
        let shared = after(&[(1, Verified), (2, Verified), (1, Verified), (1, Claimed)]);
        assert_eq!(shared, Owner::Shared);
        let key = DeviceKey::Ip(IpHash::of("192.0.2.1".parse().unwrap(), &SALT));
        assert_eq!(shared.recognized_by(&key), None);
    }

    /// Who did what where: a browser on a device (whose fingerprint another may share) at an address.
    fn sighting() -> impl Strategy<Value = (u8, u8, u8, u8, bool)> {
        (0..4u8, 0..2u8, 0..2u8, 0..3u8, any::<bool>())
    }

    proptest! {
        #[test]
        fn nobody_sees_in_full_what_is_anothers(seen in prop::collection::vec(sighting(), 1..40)) {
            let mut owners: BTreeMap<DeviceKey, Owner> = BTreeMap::new();
            let mut verified_in: BTreeMap<u8, BTreeSet<EmailHash>> = BTreeMap::new();
            for (browser, print, address, who, vouched) in seen {
                let device = Device {
                    fingerprint: Some(FingerprintHash::of(&print.to_string(), &SALT)),
                    ip: Some(IpHash::of([192, 0, 2, address].into(), &SALT)),
                    geo: None,
                };
                let id = format!("a-random-id-of-browser-{browser}");
                let keys = device.keys(Some(&id), &SALT);
                let trust = if vouched { Trust::Verified } else { Trust::Claimed };
                for key in &keys {
                    let owner = Owner::after(owners.remove(key), &person(who), trust);
                    owners.insert(key.clone(), owner);
                }
                if vouched {
                    verified_in.entry(browser).or_default().insert(person(who));
                }
                // Whichever key recognizes, in full only the one person who was verified in this browser.
                for key in &keys {
                    if let Some((shown, Trust::Verified)) = owners[key].recognized_by(key) {
                        prop_assert_eq!(&verified_in[&browser], &BTreeSet::from([shown.clone()]));
                    }
                }
            }
        }
    }
}
