//! Workbooks: the first sheet that has rows.

use std::io::{self, BufReader, Read, Seek as _};

use calamine::{DataRef, Reader as _, Xlsx, XlsxError};
use csv::ByteRecord;
use encoding_rs::UTF_8;

use super::{Format, Record, Sink, SourceError, broken};

/// Largest workbook. A sheet has a million rows at most, and such a one has some 60 MiB.
const BYTES_MAX: u64 = 128 * 1024 * 1024;
/// What of it is held in memory, unpacked: all but the sheets, above all the table of texts. A small file may unpack to much.
const HELD_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Columns that are read.
const COLUMNS_MAX: usize = 512;

/// Reads the first sheet of a workbook to its end. Workbooks are read here and there, so the file is put on disk first.
pub(super) fn read(input: impl Read, gzip: bool, sink: &mut impl Sink) -> Result<(), SourceError> {
    let mut file = tempfile::tempfile().map_err(|fault| broken(&fault))?;
    let mut input = input.take(BYTES_MAX + 1);
    let bytes = io::copy(&mut input, &mut file).map_err(|fault| broken(&fault))?;
    if bytes > BYTES_MAX {
        let rule = "a workbook may have 128 MiB at most: send it as CSV";
        return Err(SourceError::Unreadable(rule.into()));
    }
    file.rewind().map_err(|fault| broken(&fault))?;
    check_held(&mut file, HELD_BYTES_MAX)?;
    file.rewind().map_err(|fault| broken(&fault))?;
    let mut book: Xlsx<_> =
        calamine::open_workbook_from_rs(BufReader::new(file)).map_err(damaged)?;
    sink.opened(Format {
        file: "xlsx".into(),
        gzip,
        encoding: UTF_8.name().to_owned(),
        separator: None,
    });
    let sheets = book.sheet_names();
    let sheet = sheets
        .first()
        .ok_or_else(|| SourceError::Unreadable("the workbook has no sheet".into()))?;
    let mut cells = book.worksheet_cells_reader(sheet).map_err(damaged)?;
    let mut rows = Rows {
        sink,
        row: None,
        texts: Vec::new(),
        width: 0,
    };
    while let Some(cell) = cells.next_cell().map_err(damaged)? {
        let (row, column) = cell.get_position();
        rows.put(row, column as usize, text_of(cell.get_value()))?;
    }
    rows.flush()
}

/// Unpacks what will be held and counts it: the sizes that a file tells of itself may be wrong.
fn check_held(file: impl Read + io::Seek, bytes_max: u64) -> Result<(), SourceError> {
    let fault =
        |_| SourceError::Unreadable("the workbook is damaged, or locked by a password".into());
    let mut parts = zip::ZipArchive::new(BufReader::new(file)).map_err(fault)?;
    let mut left = bytes_max;
    for at in 0..parts.len() {
        let part = parts.by_index(at).map_err(fault)?;
        if part
            .name()
            .is_ok_and(|name| name.starts_with("xl/worksheets/"))
        {
            continue;
        }
        let bytes =
            io::copy(&mut part.take(left + 1), &mut io::sink()).map_err(|fault| broken(&fault))?;
        left = left.checked_sub(bytes).ok_or_else(|| {
            SourceError::Unreadable("the workbook holds too many texts: send it as CSV".into())
        })?;
    }
    Ok(())
}

struct Rows<'s, S> {
    sink: &'s mut S,
    row: Option<u32>,
    texts: Vec<String>,
    width: usize,
}

impl<S: Sink> Rows<'_, S> {
    fn put(&mut self, row: u32, column: usize, text: String) -> Result<(), SourceError> {
        if self.row != Some(row) {
            self.flush()?;
            self.row = Some(row);
        }
        if column < COLUMNS_MAX && !text.is_empty() {
            if self.texts.len() <= column {
                self.texts.resize(column + 1, String::new());
            }
            self.texts[column] = text;
        }
        Ok(())
    }

    /// Hands the row on, as wide as the headers: empty cells at the end are not in the file.
    fn flush(&mut self) -> Result<(), SourceError> {
        if self.texts.iter().all(String::is_empty) {
            return Ok(());
        }
        self.width = self
            .width
            .max(if self.width == 0 { self.texts.len() } else { 0 });
        if self.texts.len() < self.width {
            self.texts.resize(self.width, String::new());
        }
        let cells = ByteRecord::from(std::mem::take(&mut self.texts));
        self.sink.record(&Record {
            cells: &cells,
            encoding: UTF_8,
        })
    }
}

fn text_of(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(truth) => truth.to_string(),
        DataRef::DateTime(at) => {
            let (year, month, day, hour, minute, second, milli) = at.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{milli:03}")
        }
        DataRef::Error(_) | DataRef::Empty => String::new(),
    }
}

fn damaged(fault: XlsxError) -> SourceError {
    match fault {
        XlsxError::Io(fault) => broken(&fault),
        _ => SourceError::Unreadable("the workbook is damaged, or locked by a password".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_file_that_unpacks_to_much_is_refused_before_it_is_held() {
        let book = include_bytes!("../../../tests/it/uploads/orders.xlsx");
        assert!(check_held(io::Cursor::new(book), 100_000).is_ok());
        let fault = check_held(io::Cursor::new(book), 1_000).unwrap_err();
        assert!(fault.to_string().contains("too many texts"), "{fault}");
        assert!(check_held(io::Cursor::new(b"PK\x03\x04"), 1_000).is_err());
    }
}
