//! Which customer was seen on which device; [`Owner::after`] is the rule.
//!
//! **Invariant:** every link can be undone ([`reset`]): what was seen until then says nothing any more,
//! also when the projections are rebuilt from the log. Test: `a_link_that_was_undone_stays_undone`.

use std::collections::BTreeMap;
use std::time::Duration;

use footfall_shared::event::Event;
use footfall_shared::id::ShopId;
use footfall_shared::identity::{DeviceKey, EmailHash, Geo, Trust};
use footfall_shared::intelligence::Owner;
use footfall_shared::time::{DAY_MS, UtcMillis};
use footfall_shared::wire::internal::DeviceLink;

use super::queries::devices as queries;
use super::take_turn;
use crate::app::App;
use crate::db::{Handle, StorageError, Tx};
use crate::edges::{self, Subject};
use crate::shops::Shop;

/// How often devices are looked through.
const RETIRE_EVERY: Duration = Duration::from_secs(6 * 3600);
/// Devices that one transaction forgets.
const DEVICES_A_STEP: usize = 500;

/// A device as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDevice {
    /// Whom it stands for; `None` after a reset, and while a rebuild has cleared it.
    pub owner: Option<Owner>,
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
    /// What was seen until then says nothing any more.
    pub reset_at: UtcMillis,
}

impl KnownDevice {
    /// A device that is not stored. Its versions begin with the clock: should it have been here before and
    /// been forgotten, an edge must take what is told now.
    fn unseen(at: UtcMillis, now: UtcMillis) -> Self {
        Self {
            owner: None,
            version: now.get(),
            visit_count: 0,
            geo: None,
            first_seen: at,
            last_seen: at,
            reset_at: UtcMillis::new(0),
        }
    }

    /// The customer was seen on it; whether the link changed.
    fn see(&mut self, sighting: &Sighting<'_>) -> bool {
        if sighting.at <= self.reset_at {
            return false;
        }
        if self.visit_count == 0 {
            (self.first_seen, self.last_seen) = (sighting.at, sighting.at);
        }
        self.visit_count += 1;
        self.first_seen = self.first_seen.min(sighting.at);
        self.last_seen = self.last_seen.max(sighting.at);
        if sighting.geo.is_some() {
            self.geo = sighting.geo.cloned();
        }
        let owner = Owner::after(self.owner.clone(), sighting.email_hash, sighting.trust);
        let changed = self.owner.as_ref() != Some(&owner);
        if changed {
            self.version += 1;
            self.owner = Some(owner);
        }
        changed
    }

    /// What an edge holds of it.
    #[must_use]
    pub fn to_link(&self) -> Option<DeviceLink> {
        Some(DeviceLink {
            owner: self.owner.clone()?,
            version: self.version,
        })
    }
}

/// A customer was seen on a device.
#[derive(Debug, Clone)]
pub struct Sighting<'a> {
    /// What the device is known by.
    pub keys: Vec<DeviceKey>,
    /// Where it was.
    pub geo: Option<&'a Geo>,
    /// The customer.
    pub email_hash: &'a EmailHash,
    /// How sure that is.
    pub trust: Trust,
    /// When.
    pub at: UtcMillis,
}

impl<'a> Sighting<'a> {
    /// The sighting that an event with an email tells of.
    #[must_use]
    pub fn of(event: &'a Event, email_hash: &'a EmailHash, shop: &Shop) -> Self {
        let anonymous_id = event.anonymous_id.as_deref();
        Self {
            keys: event.device.keys(anonymous_id, &shop.salt),
            geo: event.device.geo.as_ref(),
            email_hash,
            trust: event.trust.unwrap_or(Trust::Claimed),
            at: event.at,
        }
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
    let mut keys: Vec<DeviceKey> = sightings.iter().flat_map(|one| one.keys.clone()).collect();
    keys.sort();
    keys.dedup();
    let mut devices: BTreeMap<DeviceKey, KnownDevice> =
        queries::find_devices(tx, shop, &keys).await?;
    let mut changed: BTreeMap<DeviceKey, i64> = BTreeMap::new();
    for sighting in sightings {
        for key in &sighting.keys {
            let device = devices
                .entry(key.clone())
                .or_insert_with(|| KnownDevice::unseen(sighting.at, now));
            if device.see(sighting) {
                changed.insert(key.clone(), device.version);
            }
        }
    }
    queries::save_devices(tx, shop, &devices).await?;
    tell(app, tx, shop, changed, now).await
}

/// Undoes links: these keys recognize nobody until somebody is seen with them anew. The answer counts the
/// keys that were known. The caller holds the shop's turn.
pub async fn reset(
    app: &App,
    tx: &mut Tx,
    shop: &ShopId,
    keys: &[DeviceKey],
    now: UtcMillis,
) -> Result<usize, StorageError> {
    let mut devices = queries::find_devices(tx, shop, keys).await?;
    for device in devices.values_mut() {
        device.owner = None;
        device.version += 1;
        device.reset_at = now;
    }
    queries::save_devices(tx, shop, &devices).await?;
    let changed = devices
        .iter()
        .map(|(key, device)| (key.clone(), device.version));
    tell(app, tx, shop, changed.collect(), now).await?;
    Ok(devices.len())
}

/// The devices that recognize a customer, and how sure each is.
pub async fn list_owned(
    db: &mut impl Handle,
    shop: &ShopId,
    owner: &EmailHash,
) -> Result<Vec<(DeviceKey, Trust)>, StorageError> {
    let found = queries::list_devices(db, shop, Some(owner)).await?;
    let trust = |device: &KnownDevice| match device.owner {
        Some(Owner::Person { trust, .. }) => Some(trust),
        Some(Owner::Shared) | None => None,
    };
    let owned = found
        .into_iter()
        .filter_map(|(key, device)| Some((key, trust(&device)?)));
    Ok(owned.collect())
}

/// Forgets these devices and all that recognize a customer, as if they had never been here; the edges are told. The keys of
/// all that there were. The caller holds the shop's turn.
pub async fn forget(
    app: &App,
    tx: &mut Tx,
    shop: &ShopId,
    owner: &EmailHash,
    keys: &[DeviceKey],
    now: UtcMillis,
) -> Result<Vec<DeviceKey>, StorageError> {
    let gone = queries::delete_devices(tx, shop, owner, keys).await?;
    let keys = gone.iter().map(|(key, _)| key.clone()).collect();
    let changed = gone.into_iter().map(|(key, version)| (key, version + 1));
    tell(app, tx, shop, changed.collect(), now).await?;
    Ok(keys)
}

/// Forgets the devices that were not seen for as long as the shop keeps them, in all shops, and what browsers
/// said of orders in that time; the edges are told. How many devices.
pub async fn retire(app: &App, now: UtcMillis) -> Result<usize, StorageError> {
    let shops = crate::shops::list_shops(&mut app.db().read().await?).await?;
    let mut retired = 0;
    for shop in shops {
        let kept_ms = i64::from(shop.settings.device_days) * DAY_MS;
        loop {
            let forgotten = retire_some(app, &shop.id, now.plus(-kept_ms), now).await?;
            retired += forgotten;
            if forgotten < DEVICES_A_STEP {
                break;
            }
        }
    }
    Ok(retired)
}

async fn retire_some(
    app: &App,
    shop: &ShopId,
    before: UtcMillis,
    now: UtcMillis,
) -> Result<usize, StorageError> {
    let mut tx = app.db().begin().await?;
    take_turn(&mut tx, shop).await?;
    let limit = i64::try_from(DEVICES_A_STEP).unwrap_or(i64::MAX);
    let gone = queries::delete_unseen(&mut tx, shop, before, limit).await?;
    let changed = gone.into_iter().map(|(key, version)| (key, version + 1));
    let changed: BTreeMap<DeviceKey, i64> = changed.collect();
    let count = changed.len();
    tell(app, &mut tx, shop, changed, now).await?;
    crate::orders::forget_links(&mut tx, shop, before).await?;
    edges::commit(app, tx).await?;
    Ok(count)
}

/// Forgets what has to be forgotten every few hours, until `stop` is done.
pub async fn keep_retiring(app: App, stop: impl Future<Output = ()> + Send) {
    let retiring = async {
        loop {
            match retire(&app, app.now()).await {
                Ok(0) => {}
                Ok(devices) => tracing::info!(devices, "devices were forgotten"),
                Err(error) => tracing::warn!(%error, "devices could not be forgotten"),
            }
            tokio::time::sleep(RETIRE_EVERY).await;
        }
    };
    tokio::select! {
        () = retiring => {}
        () = stop => {}
    }
}

async fn tell(
    app: &App,
    tx: &mut Tx,
    shop: &ShopId,
    changed: BTreeMap<DeviceKey, i64>,
    now: UtcMillis,
) -> Result<(), StorageError> {
    let subjects = changed
        .into_iter()
        .map(|(key, version)| (Subject::Device(key), version));
    edges::queue(app, tx, shop, subjects, now).await
}
