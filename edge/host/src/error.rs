//! Why the host did not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the embedded host could not start. Nothing of it is left running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The origin's URL is not `http://host[:port]`.
    #[error("the origin URL must be http://host[:port] without a path (put TLS in front of it)")]
    OriginUrl,
    /// The component's file cannot be read or is not a component that exports `wasi:http/handler`.
    #[error("cannot load the edge component {path}")]
    Component {
        /// The file.
        path: PathBuf,
        /// What wasmtime says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The policy's file cannot be read or is not a component that exports `footfall:policy/ranker`.
    #[error("cannot load the policy {path}")]
    Policy {
        /// The file.
        path: PathBuf,
        /// What wasmtime says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The component decides everything itself.
    #[error(
        "the edge component {path} takes no policy; the one that does is edge-policy.wasm (make build)"
    )]
    PolicyNotTaken {
        /// The component's file.
        path: PathBuf,
    },
    /// wasmtime does not accept this machine or these settings.
    #[error("cannot set up the WebAssembly engine")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The data directory cannot be made or opened.
    #[error("cannot use the data directory {path}")]
    DataDirectory {
        /// The directory.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// Another host works in this data directory. Its cache would not see our writes.
    #[error("another edge host uses the data directory {path}")]
    DataDirectoryInUse {
        /// The directory.
        path: PathBuf,
    },
    /// A database cannot be opened.
    #[error("cannot open the database {path}")]
    Database {
        /// The file.
        path: PathBuf,
        /// SQLite's reason.
        #[source]
        source: rusqlite::Error,
    },
    /// The database in memory cannot be made.
    #[error("cannot make a database in memory")]
    Memory(#[source] rusqlite::Error),
    /// The geography file cannot be read or is no MMDB database.
    #[error("cannot use the geography file {path}")]
    Geo {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: maxminddb::MaxMindDbError,
    },
    /// A thread could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}
