//! Which customer was seen on which device.
//!
//! A verified email beats a claimed one; between equals the later wins. An address recognizes too, but
//! never with more trust than [`Trust::Address`], since households share one.

use std::collections::BTreeMap;

use footfall_shared::event::Device;
use footfall_shared::id::ShopId;
use footfall_shared::identity::{EmailHash, FingerprintHash, Geo, IpHash, Trust};
use footfall_shared::intelligence::track::replaces;
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::internal::DeviceLink;

use super::queries::devices as queries;
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::edges::{self, Subject};

/// What a device is known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeviceKey {
    /// Its fingerprint.
    Fingerprint(FingerprintHash),
    /// Its address.
    Ip(IpHash),
}

impl DeviceKey {
    /// The kind and the hash, as they are stored.
    #[must_use]
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Fingerprint(hash) => ("fingerprint", hash.as_str()),
            Self::Ip(hash) => ("ip", hash.as_str()),
        }
    }

    /// Reads the kind and the hash.
    #[must_use]
    pub fn parse(kind: &str, hash: &str) -> Option<Self> {
        match kind {
            "fingerprint" => FingerprintHash::parse(hash).map(Self::Fingerprint),
            "ip" => IpHash::parse(hash).map(Self::Ip),
            _ => None,
        }
    }

    fn to_subject(&self) -> Subject {
        match self {
            Self::Fingerprint(hash) => Subject::Fingerprint(hash.clone()),
            Self::Ip(hash) => Subject::Ip(hash.clone()),
        }
    }
}

/// A device as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDevice {
    /// Who was seen on it and how surely; `None` after the log was cleared for a rebuild.
    pub link: Option<(EmailHash, Trust)>,
    /// Grows with every change of the link.
    pub version: i64,
    /// Events with an email that came from it.
    pub visit_count: i64,
    /// Where it was last.
    pub geo: Option<Geo>,
    /// When it was seen first.
    pub first_seen: UtcMillis,
    /// When it was seen last.
    pub last_seen: UtcMillis,
}

impl KnownDevice {
    fn unseen(at: UtcMillis) -> Self {
        Self {
            link: None,
            version: 0,
            visit_count: 0,
            geo: None,
            first_seen: at,
            last_seen: at,
        }
    }

    /// The customer was seen on it; whether the link changed.
    fn see(&mut self, sighting: &Sighting<'_>) -> bool {
        let Sighting {
            device,
            email_hash,
            trust,
            at,
        } = sighting;
        if self.visit_count == 0 {
            (self.first_seen, self.last_seen) = (*at, *at);
        }
        self.visit_count += 1;
        self.first_seen = self.first_seen.min(*at);
        self.last_seen = self.last_seen.max(*at);
        if device.geo.is_some() {
            self.geo.clone_from(&device.geo);
        }
        let link = match &self.link {
            Some((known, sure)) if known == *email_hash => (known.clone(), (*sure).max(*trust)),
            Some((known, sure)) if !replaces(*sure, *trust) => (known.clone(), *sure),
            _ => ((*email_hash).clone(), *trust),
        };
        let changed = self.link.as_ref() != Some(&link);
        if changed {
            self.version += 1;
            self.link = Some(link);
        }
        changed
    }

    /// What an edge holds of it.
    #[must_use]
    pub fn to_link(&self, key: &DeviceKey) -> Option<DeviceLink> {
        let (email_hash, trust) = self.link.clone()?;
        let trust = match key {
            DeviceKey::Fingerprint(_) => trust,
            DeviceKey::Ip(_) => trust.min(Trust::Address),
        };
        Some(DeviceLink {
            email_hash,
            trust,
            version: self.version,
        })
    }
}

/// A customer was seen on a device.
#[derive(Debug, Clone)]
pub struct Sighting<'a> {
    /// The device.
    pub device: &'a Device,
    /// The customer.
    pub email_hash: &'a EmailHash,
    /// How sure that is.
    pub trust: Trust,
    /// When.
    pub at: UtcMillis,
}

impl Sighting<'_> {
    fn keys(&self) -> impl Iterator<Item = DeviceKey> {
        let fingerprint = self.device.fingerprint.clone().map(DeviceKey::Fingerprint);
        let ip = self.device.ip.clone().map(DeviceKey::Ip);
        fingerprint.into_iter().chain(ip)
    }
}

/// Records sightings in their sequence, and queues a push for each link that changed.
pub async fn record(
    app: &App,
    tx: &mut Tx,
    shop: &ShopId,
    sightings: &[Sighting<'_>],
    now: UtcMillis,
) -> Result<(), StorageError> {
    let mut keys: Vec<DeviceKey> = sightings.iter().flat_map(Sighting::keys).collect();
    keys.sort();
    keys.dedup();
    let mut devices: BTreeMap<DeviceKey, KnownDevice> =
        queries::find_devices(tx, shop, &keys).await?;
    let mut changed: BTreeMap<DeviceKey, i64> = BTreeMap::new();
    for sighting in sightings {
        for key in sighting.keys() {
            let device = devices
                .entry(key.clone())
                .or_insert_with(|| KnownDevice::unseen(sighting.at));
            if device.see(sighting) {
                changed.insert(key, device.version);
            }
        }
    }
    queries::save_devices(tx, shop, &devices).await?;
    let subjects = changed
        .iter()
        .map(|(key, version)| (key.to_subject(), *version));
    edges::queue(app, tx, shop, subjects, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(digit: &str) -> EmailHash {
        EmailHash::parse(&digit.repeat(64)).unwrap()
    }

    fn see(device: &mut KnownDevice, email: &EmailHash, trust: Trust, at: i64) -> bool {
        device.see(&Sighting {
            device: &Device::default(),
            email_hash: email,
            trust,
            at: UtcMillis::new(at),
        })
    }

    #[test]
    fn a_verified_email_beats_a_claimed_one_and_between_equals_the_later_wins() {
        let (ada, bob) = (hash("a"), hash("b"));
        let mut device = KnownDevice::unseen(UtcMillis::new(0));
        assert!(see(&mut device, &ada, Trust::Claimed, 1));
        assert!(see(&mut device, &bob, Trust::Claimed, 2));
        assert!(see(&mut device, &ada, Trust::Verified, 3));
        assert!(!see(&mut device, &bob, Trust::Claimed, 4));
        assert!(!see(&mut device, &ada, Trust::Claimed, 5));
        assert_eq!(device.link, Some((ada, Trust::Verified)));
        assert_eq!((device.version, device.visit_count), (3, 5));
        assert!(see(&mut device, &bob, Trust::Verified, 6));
    }

    #[test]
    fn an_address_never_recognizes_with_more_than_its_own_trust() {
        let mut device = KnownDevice::unseen(UtcMillis::new(0));
        see(&mut device, &hash("a"), Trust::Verified, 1);
        let ip = DeviceKey::Ip(IpHash::parse(&"0".repeat(64)).unwrap());
        let link = device.to_link(&ip).unwrap();
        assert_eq!(link.trust, Trust::Address);
    }
}
