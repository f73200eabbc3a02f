//! What kind of file it is, and its records, one after another.

mod text;
mod xlsx;

use std::borrow::Cow;
use std::io::{self, Read};

use csv::ByteRecord;
use encoding_rs::Encoding;
use flate2::read::MultiGzDecoder;
use footfall_shared::upload::parse::Cells;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why a file cannot be read on.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    /// The file is at fault; the sentence is for who sent it.
    #[error("{0}")]
    Unreadable(String),
    /// Nobody wants its records any more.
    #[error("nobody listens")]
    Unwanted,
}

/// What was found out about a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(super) struct Format {
    /// `csv` or `xlsx`.
    pub(super) file: String,
    /// Whether it was packed with gzip.
    pub(super) gzip: bool,
    /// Its encoding, as the web names it.
    pub(super) encoding: String,
    /// What stands between its cells.
    pub(super) separator: Option<String>,
}

/// Who takes the records.
pub(super) trait Sink {
    /// What was found out, before the first record.
    fn opened(&mut self, format: Format);
    /// The next record; the first are the headers.
    fn record(&mut self, record: &Record<'_>) -> Result<(), SourceError>;
}

/// A record: its cells, which are UTF-8 or, each on its own, of the file's encoding.
pub(super) struct Record<'a> {
    cells: &'a ByteRecord,
    encoding: &'static Encoding,
}

impl Cells for Record<'_> {
    fn len(&self) -> usize {
        self.cells.len()
    }

    fn cell(&self, at: usize) -> Cow<'_, str> {
        let bytes = self.cells.get(at).unwrap_or_default();
        match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => self.encoding.decode_without_bom_handling(bytes).0,
        }
    }
}

/// Reads a file to its end, whatever it is.
pub(super) fn read(mut input: impl Read, sink: &mut impl Sink) -> Result<(), SourceError> {
    let start = take_start(&mut input, 4)?;
    let whole = io::Cursor::new(start.clone()).chain(input);
    match start.as_slice() {
        [0x1f, 0x8b, ..] => {
            let mut unpacked = MultiGzDecoder::new(whole);
            let start = take_start(&mut unpacked, 4)?;
            let whole = io::Cursor::new(start.clone()).chain(unpacked);
            match start.as_slice() {
                b"PK\x03\x04" => xlsx::read(whole, true, sink),
                _ => text::read(whole, true, sink),
            }
        }
        b"PK\x03\x04" => xlsx::read(whole, false, sink),
        _ => text::read(whole, false, sink),
    }
}

/// The first bytes, or fewer where there are no more.
fn take_start(input: &mut impl Read, bytes: usize) -> Result<Vec<u8>, SourceError> {
    let mut start = Vec::with_capacity(bytes);
    input
        .take(bytes as u64)
        .read_to_end(&mut start)
        .map_err(|fault| broken(&fault))?;
    Ok(start)
}

fn broken(fault: &io::Error) -> SourceError {
    match fault.kind() {
        io::ErrorKind::BrokenPipe => SourceError::Unwanted,
        _ => SourceError::Unreadable("the file breaks off, or is damaged".into()),
    }
}
