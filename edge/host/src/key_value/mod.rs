//! `spin:key-value`: the store "default", in `kv.db` under the data directory.

mod cache;
mod store;

use crate::bindings::spin::key_value::key_value::{Error, Host, HostStore, HostStoreWithStore};
use crate::guest::Guest;
use hyper::body::Bytes;
use std::sync::Arc;
use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

pub(crate) use store::{KeyValueStore, StoreError};

/// The name that `spin.toml` grants.
const LABEL: &str = "default";

/// A store that a guest has opened. There is only one, so the handle carries nothing.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct OpenStore;

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Other(error.to_string())
    }
}

impl Host for Guest {}

impl HostStore for Guest {
    async fn drop(&mut self, store: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

impl<T: Send + 'static> HostStoreWithStore<T> for HasSelf<Guest> {
    async fn open(
        accessor: &Accessor<T, Self>,
        label: String,
    ) -> wasmtime::Result<Result<Resource<OpenStore>, Error>> {
        if label != LABEL {
            return Ok(Err(Error::AccessDenied));
        }
        Ok(Ok(
            accessor.with(|mut guest| guest.get().table.push(OpenStore))?
        ))
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        _: Resource<OpenStore>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        let value = backing(accessor).get(&key).await;
        Ok(value.map(|v| v.map(Vec::from)).map_err(Error::from))
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        _: Resource<OpenStore>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let written = backing(accessor).put(key, Some(Bytes::from(value))).await;
        Ok(written.map_err(Error::from))
    }

    async fn delete(
        accessor: &Accessor<T, Self>,
        _: Resource<OpenStore>,
        key: String,
    ) -> wasmtime::Result<Result<(), Error>> {
        Ok(backing(accessor).put(key, None).await.map_err(Error::from))
    }

    async fn exists(
        accessor: &Accessor<T, Self>,
        _: Resource<OpenStore>,
        key: String,
    ) -> wasmtime::Result<Result<bool, Error>> {
        let value = backing(accessor).get(&key).await;
        Ok(value.map(|v| v.is_some()).map_err(Error::from))
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        _: Resource<OpenStore>,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Result<(), Error>>)> {
        let (keys, outcome) = match backing(accessor).keys().await {
            Ok(keys) => (keys, Ok(())),
            Err(error) => (Vec::new(), Err(Error::from(error))),
        };
        accessor.with(|mut access| {
            let keys = StreamReader::new(&mut access, keys)?;
            let outcome =
                FutureReader::new(
                    &mut access,
                    async move { Ok::<_, wasmtime::Error>(outcome) },
                )?;
            Ok((keys, outcome))
        })
    }
}

fn backing<T: 'static>(accessor: &Accessor<T, HasSelf<Guest>>) -> Arc<KeyValueStore> {
    accessor.with(|mut guest| Arc::clone(&guest.get().stores.key_value))
}
