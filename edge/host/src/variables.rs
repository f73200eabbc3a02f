//! `spin:variables`: the configuration that the component may read, fixed at start.

use crate::bindings::spin::variables::variables::{Error, Host, HostWithStore};
use crate::guest::Guest;
use std::collections::BTreeMap;
use std::fmt;
use wasmtime::component::{Accessor, HasSelf};

/// The component's variables. Secrets are among them, so `Debug` shows names only.
pub(crate) struct Variables(BTreeMap<String, String>);

impl Variables {
    pub(crate) fn new(values: BTreeMap<String, String>) -> Self {
        Self(values)
    }

    fn get(&self, name: &str) -> Result<String, Error> {
        let known_characters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if name.is_empty() || !name.bytes().all(known_characters) {
            return Err(Error::InvalidName(name.to_owned()));
        }
        let value = self.0.get(name).cloned();
        value.ok_or_else(|| Error::Undefined(name.to_owned()))
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Host for Guest {}

impl<T: 'static> HostWithStore<T> for HasSelf<Guest> {
    async fn get(
        accessor: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, Error>> {
        Ok(accessor.with(|mut guest| guest.get().stores.variables.get(&name)))
    }
}
