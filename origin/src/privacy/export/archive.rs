//! A ZIP of JSON files that grows row by row, so that nobody's events are ever all in memory.

use std::io::{Cursor, Write as _};

use footfall_shared::shop::ShopSettings;
use serde::Serialize;
use serde_json::Value;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::db::StorageError;

const STEP: &str = "pack an export";

fn fault(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StorageError {
    StorageError::corrupt(STEP, cause)
}

/// How long something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeptFor {
    /// As long as the shop has the customer.
    Always,
    /// As long as events keep their people; what stays then is nobody's.
    Events,
    /// As long as texts are kept that events left.
    Texts,
    /// As long as devices are.
    Devices,
    /// Until it is computed again.
    NextComputing,
    /// As long as the shop keeps the file.
    File,
}

impl KeptFor {
    fn to_text(self, settings: &ShopSettings) -> String {
        let (months, days) = (settings.event_months, settings.device_days);
        match self {
            Self::Always => "until the person asks for erasure".to_owned(),
            Self::Events => format!("for {months} months; then without the person"),
            Self::Texts => format!("for {months} months"),
            Self::Devices => format!("for {days} days after the device was seen last"),
            Self::NextComputing => "until it is computed again".to_owned(),
            Self::File => "until the shop deletes the file".to_owned(),
        }
    }
}

/// A kind of data: a file of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// The file's name.
    pub(super) file: &'static str,
    /// What it is and why it is kept, in a sentence.
    pub(super) about: &'static str,
    /// How long.
    pub(super) kept: KeptFor,
}

/// What a file is, for the person.
#[derive(Debug, Serialize)]
struct Note {
    file: &'static str,
    rows: usize,
    about: &'static str,
    kept: String,
}

/// What is in the archive, for the person.
#[derive(Debug, Serialize)]
struct Manifest<'a> {
    shop: &'a str,
    email: &'a str,
    made_at: &'a str,
    times: &'static str,
    money: &'static str,
    files: &'a [Note],
}

/// An archive that is being made.
pub(super) struct Archive<'a> {
    zip: ZipWriter<Cursor<Vec<u8>>>,
    settings: &'a ShopSettings,
    notes: Vec<Note>,
}

impl<'a> Archive<'a> {
    /// An empty one.
    pub(super) fn new(settings: &'a ShopSettings) -> Self {
        Self {
            zip: ZipWriter::new(Cursor::new(Vec::new())),
            settings,
            notes: Vec::new(),
        }
    }

    /// Begins the file of a kind; [`Archive::end`] has to follow.
    pub(super) fn begin(&mut self, kind: &Kind) -> Result<(), StorageError> {
        self.notes.push(Note {
            file: kind.file,
            rows: 0,
            about: kind.about,
            kept: kind.kept.to_text(self.settings),
        });
        self.start_file(kind.file)?;
        self.write("[")
    }

    /// Adds a row to the file that was begun.
    pub(super) fn add(&mut self, row: &Value) -> Result<(), StorageError> {
        let text = serde_json::to_string_pretty(row).map_err(fault)?;
        let Some(note) = self.notes.last_mut() else {
            return Err(fault("no file was begun"));
        };
        let before = if note.rows == 0 { "\n  " } else { ",\n  " };
        note.rows += 1;
        self.write(before)?;
        // Within texts JSON has no line feeds, so each of these begins a line.
        self.write(&text.replace('\n', "\n  "))
    }

    /// Ends the file that was begun.
    pub(super) fn end(&mut self) -> Result<(), StorageError> {
        let is_empty = self.notes.last().is_none_or(|note| note.rows == 0);
        self.write(if is_empty { "]\n" } else { "\n]\n" })
    }

    /// Adds the whole file of a kind.
    pub(super) fn put(&mut self, kind: &Kind, rows: &[Value]) -> Result<(), StorageError> {
        self.begin(kind)?;
        for row in rows {
            self.add(row)?;
        }
        self.end()
    }

    /// Rows of all files.
    pub(super) fn rows(&self) -> usize {
        self.notes.iter().map(|note| note.rows).sum()
    }

    /// Adds what is in it, and ends it: the bytes of the ZIP.
    pub(super) fn finish(
        mut self,
        shop: &str,
        email: &str,
        made_at: &str,
    ) -> Result<Vec<u8>, StorageError> {
        let manifest = Manifest {
            shop,
            email,
            made_at,
            times: "RFC 3339, in UTC",
            money: "in the currency's main unit, as 14.95 euros",
            files: &self.notes,
        };
        let text = serde_json::to_string_pretty(&manifest).map_err(fault)?;
        self.start_file("manifest.json")?;
        self.write(&text)?;
        let bytes = self.zip.finish().map_err(fault)?;
        Ok(bytes.into_inner())
    }

    fn start_file(&mut self, name: &str) -> Result<(), StorageError> {
        let packed = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        self.zip.start_file(name, packed).map_err(fault)
    }

    fn write(&mut self, text: &str) -> Result<(), StorageError> {
        self.zip.write_all(text.as_bytes()).map_err(fault)
    }
}
