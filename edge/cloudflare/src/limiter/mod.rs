//! The limiter: Durable Objects near each of Cloudflare's locations, and every key in one of its location's.
//!
//! A location has objects of its own, because that is where a limit is promised to be exact, and because
//! another location's would be far away.

pub(crate) mod object;

use std::cell::Cell;

use footfall_edge::platform::{Limiter, LimiterError};
use footfall_shared::time::UtcMillis;
use futures_util::future::try_join_all;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use worker::ObjectNamespace;

use crate::object::ask;
use crate::platform::{Bindings, now};

/// The location of what comes in nowhere.
const NOWHERE: &str = "nowhere";
/// How many objects share the keys of a location.
const SHARDS: u32 = 4;
/// How often an isolate has its location's objects swept; they sweep themselves every hour.
const SWEEP_EVERY_MS: i64 = 60_000;

thread_local! {
    static SWEPT_AT: Cell<i64> = const { Cell::new(0) };
}

/// What an object is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Question {
    /// Count a use; answered with how many there are.
    Hit { key: String, until: UtcMillis },
    /// Take a place; answered with whether there is one.
    Admit {
        key: String,
        member: String,
        most: u32,
        until: UtcMillis,
    },
    /// Forget what has ended.
    Sweep { now: UtcMillis },
}

/// The objects of one location.
pub(crate) struct LocalLimiter {
    objects: ObjectNamespace,
    location: String,
}

impl LocalLimiter {
    /// The limiter of the location in which a request came in.
    pub(crate) fn new(bindings: &Bindings, location: Option<String>) -> Self {
        Self {
            objects: bindings.limiter.clone(),
            location: location.unwrap_or_else(|| NOWHERE.to_owned()),
        }
    }

    async fn ask<R: DeserializeOwned>(
        &self,
        shard: u32,
        question: &Question,
    ) -> Result<R, LimiterError> {
        let failed = |fault: worker::Error| LimiterError(fault.to_string());
        let name = format!("{}/{shard}", self.location);
        let stub = self.objects.get_by_name(&name).map_err(failed)?;
        ask(&stub, question).await.map_err(failed)
    }
}

/// The shard of a key: any spread will do, as long as it is always the same.
fn shard_of(key: &str) -> u32 {
    let mixed = key.bytes().fold(0_u32, |mixed, byte| {
        mixed.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    mixed % SHARDS
}

impl Limiter for LocalLimiter {
    async fn hit(&self, key: &str, until: UtcMillis) -> Result<u32, LimiterError> {
        let (shard, key) = (shard_of(key), key.to_owned());
        self.ask(shard, &Question::Hit { key, until }).await
    }

    async fn admit(
        &self,
        key: &str,
        member: &str,
        most: u32,
        until: UtcMillis,
    ) -> Result<bool, LimiterError> {
        let question = Question::Admit {
            key: key.to_owned(),
            member: member.to_owned(),
            most,
            until,
        };
        self.ask(shard_of(key), &question).await
    }

    async fn sweep(&self, until: UtcMillis) -> Result<(), LimiterError> {
        let now = now().get();
        if now - SWEPT_AT.replace(now) < SWEEP_EVERY_MS {
            return Ok(());
        }
        let question = Question::Sweep { now: until };
        let asked = (0..SHARDS).map(|shard| self.ask::<()>(shard, &question));
        try_join_all(asked).await.map(|_| ())
    }
}
