//! The secrets of a development directory, in one file that only its owner reads.

use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use footfall_shared::keys::{ApiKey, KeyKind};
use footfall_shared::text::hex;
use serde::{Deserialize, Serialize};

use crate::app::system_entropy;

/// The file in the data directory.
const FILE: &str = "dev-secrets.json";

/// What the supervisor keeps in clear text, because the database has only hashes.
#[derive(Serialize, Deserialize)]
pub(super) struct Secrets {
    /// Signs the calls between edge and origin.
    pub(super) edge_keys: String,
    /// Signs the access tokens of people. Older files do not have it yet.
    #[serde(default)]
    pub(super) jwt_secret: String,
    /// The demo shop's key for pages.
    pub(super) publishable_key: String,
    /// The demo shop's key for servers.
    pub(super) secret_key: String,
    /// The demo shop's admin.
    pub(super) admin_identifier: String,
    /// Its password.
    pub(super) admin_password: String,
    #[serde(skip)]
    path: PathBuf,
}

impl Secrets {
    /// Reads the file, or makes it.
    pub(super) fn load_or_make(data_dir: &Path) -> anyhow::Result<Self> {
        let path = data_dir.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                let made = Self::make(path);
                made.save()?;
                return Ok(made);
            }
            Err(cause) => {
                return Err(cause).with_context(|| format!("{} cannot be read", path.display()));
            }
        };
        let read: Self = serde_json::from_str(&text).with_context(|| {
            format!(
                "{} is damaged; delete it, and new secrets are made",
                path.display()
            )
        })?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
            .with_context(|| format!("{} cannot be made private", path.display()))?;
        let mut secrets = Self { path, ..read };
        if secrets.jwt_secret.is_empty() {
            secrets.jwt_secret = hex(&system_entropy::<32>());
            secrets.save()?;
        }
        Ok(secrets)
    }

    fn make(path: PathBuf) -> Self {
        Self {
            edge_keys: hex(&system_entropy::<32>()),
            jwt_secret: hex(&system_entropy::<32>()),
            publishable_key: ApiKey::generate(KeyKind::Publishable, system_entropy()),
            secret_key: ApiKey::generate(KeyKind::Secret, system_entropy()),
            admin_identifier: crate::demo::ADMIN.to_owned(),
            admin_password: hex(&system_entropy::<12>()),
            path,
        }
    }

    /// Takes a new key in place of one that was revoked.
    pub(super) fn replace_key(&mut self, kind: KeyKind) -> anyhow::Result<()> {
        let made = ApiKey::generate(kind, system_entropy());
        match kind {
            KeyKind::Publishable => self.publishable_key = made,
            KeyKind::Secret => self.secret_key = made,
        }
        self.save()
    }

    fn save(&self) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(self).context("the secrets cannot be written")?;
        write_private(&self.path, &text)
    }
}

/// Writes a file that only its owner reads, all of it or nothing.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let failed = || format!("{} cannot be written", path.display());
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .with_context(failed)?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .with_context(failed)?;
    std::fs::rename(&beside, path).with_context(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_private_and_the_same_on_the_second_start() {
        let folder = tempfile::tempdir().unwrap();
        let first = Secrets::load_or_make(folder.path()).unwrap();
        let path = folder.path().join(FILE);
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let second = Secrets::load_or_make(folder.path()).unwrap();
        assert_eq!(first.secret_key, second.secret_key);
        assert_eq!(first.jwt_secret, second.jwt_secret);
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(ApiKey::parse(&second.publishable_key).is_some());
        assert!(second.edge_keys.parse::<crate::config::EdgeKeys>().is_ok());
    }

    #[test]
    fn a_file_of_an_older_release_gets_the_secret_that_it_lacks_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        Secrets::load_or_make(folder.path()).unwrap();
        let text = std::fs::read(&path).unwrap();
        let mut older: serde_json::Value = serde_json::from_slice(&text).unwrap();
        older.as_object_mut().unwrap().remove("jwt_secret");
        std::fs::write(&path, older.to_string()).unwrap();
        let first = Secrets::load_or_make(folder.path()).unwrap().jwt_secret;
        assert!(crate::config::JwtSecret::parse(&first).is_some());
        let second = Secrets::load_or_make(folder.path()).unwrap().jwt_secret;
        assert_eq!(first, second);
    }

    #[test]
    fn a_damaged_file_is_named_and_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "{").unwrap();
        let fault = Secrets::load_or_make(folder.path())
            .err()
            .unwrap()
            .to_string();
        assert!(fault.contains(FILE), "{fault}");
    }
}
