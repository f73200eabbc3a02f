//! Files of separated values.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use chardetng::EncodingDetector;
use csv::ByteRecord;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;

use super::{Format, Record, Sink, SourceError, broken, take_start};

/// What is looked at to find out encoding and separator.
const LOOKED_AT_BYTES: usize = 64 * 1024;
/// Longest record. Beyond it a quote is open that nobody closes, and the rest of the file would be one cell.
const RECORD_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The separators that are tried, the likeliest first.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Reads a text to its end.
pub(super) fn read(
    mut input: impl Read,
    gzip: bool,
    sink: &mut impl Sink,
) -> Result<(), SourceError> {
    let start = take_start(&mut input, LOOKED_AT_BYTES)?;
    let encoding = encoding_of(&start);
    // What is nearly UTF-8 is read cell by cell: a file may be of two minds.
    let stream = (encoding == UTF_16LE || encoding == UTF_16BE).then_some(encoding);
    let whole = io::Cursor::new(start).chain(input);
    let mut decoded = DecodeReaderBytesBuilder::new()
        .encoding(stream)
        .utf8_passthru(true)
        .strip_bom(true)
        .build(whole);
    let start = take_start(&mut decoded, LOOKED_AT_BYTES)?;
    let (told, body) = told_separator(&start);
    let separator = told.unwrap_or_else(|| separator_of(body));
    sink.opened(Format {
        file: "csv".into(),
        gzip,
        encoding: encoding.name().to_owned(),
        separator: Some(char::from(separator).to_string()),
    });
    let since_record = Rc::new(Cell::new(0));
    let counted = Counted {
        inner: io::Cursor::new(body.to_vec()).chain(decoded),
        since_record: Rc::clone(&since_record),
    };
    let mut records = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .buffer_capacity(256 * 1024)
        .from_reader(counted);
    let mut cells = ByteRecord::new();
    loop {
        since_record.set(0);
        match records.read_byte_record(&mut cells) {
            Ok(true) => sink.record(&Record {
                cells: &cells,
                encoding,
            })?,
            Ok(false) => return Ok(()),
            Err(fault) => return Err(fault_of(fault.into_kind())),
        }
    }
}

fn fault_of(fault: csv::ErrorKind) -> SourceError {
    match fault {
        csv::ErrorKind::Io(fault) if fault.kind() == io::ErrorKind::FileTooLarge => {
            SourceError::Unreadable(
                "a row is longer than 4 MiB: is a quote open that nobody closes?".into(),
            )
        }
        csv::ErrorKind::Io(fault) => broken(&fault),
        _ => SourceError::Unreadable("the rows cannot be told apart".into()),
    }
}

/// The encoding that a text's beginning shows.
fn encoding_of(start: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(start) {
        return encoding;
    }
    // Without a mark, Latin letters in UTF-16 have a zero beside each.
    let zeros = |parity: usize| {
        let bytes = start.iter().skip(parity).step_by(2);
        bytes.filter(|byte| **byte == 0).count() * 4 > start.len()
    };
    if zeros(1) {
        return UTF_16LE;
    }
    if zeros(0) {
        return UTF_16BE;
    }
    let is_utf8 = match std::str::from_utf8(start) {
        Ok(_) => true,
        // The beginning may end within a character.
        Err(fault) => fault.error_len().is_none(),
    };
    if is_utf8 {
        // What follows may not be; then it is as the web's default has it.
        return if start.is_ascii() {
            encoding_rs::WINDOWS_1252
        } else {
            UTF_8
        };
    }
    let mut detector = EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    detector.feed(start, true);
    detector.guess(None, chardetng::Utf8Detection::Deny)
}

/// The separator that a first line `sep=;` tells, as spreadsheets write it, and the text behind it.
fn told_separator(start: &[u8]) -> (Option<u8>, &[u8]) {
    let told = match start {
        [b's', b'e', b'p', b'=', separator, b'\r', b'\n', rest @ ..]
        | [b's', b'e', b'p', b'=', separator, b'\n', rest @ ..] => Some((*separator, rest)),
        _ => None,
    };
    match told {
        Some((separator, rest)) => (Some(separator), rest),
        None => (None, start),
    }
}

/// The separator that cuts the first lines into the most cells of the same number.
fn separator_of(start: &[u8]) -> u8 {
    let score = |separator: &u8| {
        let mut records = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(*separator)
            .from_reader(start);
        let lengths: Vec<usize> = records
            .byte_records()
            .take(20)
            .filter_map(Result::ok)
            .map(|record| record.len())
            .collect();
        let header = lengths.first().copied().unwrap_or(0);
        // The last may be cut off.
        let same = lengths.iter().filter(|length| **length == header).count();
        if header > 1 {
            (same * 2 >= lengths.len(), header)
        } else {
            (false, 0)
        }
    };
    let best = SEPARATORS
        .iter()
        .rev()
        .max_by_key(|separator| score(separator));
    best.copied().unwrap_or(b',')
}

/// Ends a record that does not end.
struct Counted<R> {
    inner: R,
    since_record: Rc<Cell<usize>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_record.get() > RECORD_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = self.inner.read(buffer)?;
        self.since_record.set(self.since_record.get() + read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use footfall_shared::upload::parse::Cells;

    use super::*;

    #[derive(Default)]
    struct Told {
        encoding: String,
        rows: Vec<String>,
    }

    impl Sink for Told {
        fn opened(&mut self, format: Format) {
            self.encoding = format.encoding;
        }

        fn record(&mut self, record: &Record<'_>) -> Result<(), SourceError> {
            let cells: Vec<_> = (0..record.len()).map(|at| record.cell(at)).collect();
            self.rows.push(cells.join("|"));
            Ok(())
        }
    }

    fn told(bytes: &[u8]) -> Told {
        let mut told = Told::default();
        super::super::read(bytes, &mut told).unwrap();
        told
    }

    #[test]
    fn encodings_are_recognized() {
        let text = "name;stück\nMüller;\"5;5\"\n";
        let expected = ["name|stück", "Müller|5;5"];
        let utf16 =
            |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        let windows = encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
        for (bytes, encoding) in [
            (text.as_bytes().to_vec(), "UTF-8"),
            (
                [b"\xef\xbb\xbf".to_vec(), text.as_bytes().to_vec()].concat(),
                "UTF-8",
            ),
            (windows, "windows-1252"),
            (
                [b"\xff\xfe".to_vec(), utf16(u16::to_le_bytes)].concat(),
                "UTF-16LE",
            ),
            (
                [b"\xfe\xff".to_vec(), utf16(u16::to_be_bytes)].concat(),
                "UTF-16BE",
            ),
            (utf16(u16::to_le_bytes), "UTF-16LE"),
        ] {
            let told = told(&bytes);
            assert_eq!(
                (told.encoding.as_str(), told.rows.as_slice()),
                (encoding, expected.map(str::to_owned).as_slice())
            );
        }
    }

    #[test]
    fn a_text_that_changes_its_mind_is_read_cell_by_cell() {
        let mut bytes = b"name,city\n".to_vec();
        bytes.extend(b"Ann,Rome\n".repeat(10_000));
        bytes.extend(b"M\xfcller,K\xf6ln\nM\xc3\xbcller,Bonn\n");
        let told = told(&bytes);
        assert_eq!(told.rows[10_001..], ["Müller|Köln", "Müller|Bonn"]);
    }

    #[test]
    fn separators_quotes_and_line_ends_are_recognized() {
        for text in [
            "a,b\n1,2\n",
            "a;b\r\n1;2\r\n",
            "a\tb\n1\t2",
            "a|b\n1|2\n",
            "sep=;\na;b\n1;2\n",
            "\"a\",\"b\"\n\"1\",\"2\"\n",
        ] {
            assert_eq!(told(text.as_bytes()).rows, ["a|b", "1|2"], "{text:?}");
        }
        assert_eq!(
            told(b"a;b\n\"1, x\ny\";\"say \"\"hi\"\"\"\n").rows,
            ["a|b", "1, x\ny|say \"hi\""]
        );
        assert_eq!(told(b"only\none\n").rows, ["only", "one"]);
    }

    #[test]
    fn a_quote_that_nobody_closes_does_not_swallow_the_file() {
        let mut bytes = b"a,b\n1,\"2\n".to_vec();
        bytes.resize(16 * 1024 * 1024, b'x');
        let fault = super::super::read(bytes.as_slice(), &mut Told::default()).unwrap_err();
        assert!(fault.to_string().contains("quote"), "{fault}");
    }

    #[test]
    fn a_packed_file_that_breaks_off_is_said_to() {
        use std::io::Write as _;
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let lines = (0..50_000).map(|n| format!("{n},{}\n", n * 7919 % 10007));
        packed
            .write_all(("a,b\n".to_owned() + &lines.collect::<String>()).as_bytes())
            .unwrap();
        let packed = packed.finish().unwrap();
        assert_eq!(told(&packed).rows.len(), 50_001);
        let cut = &packed[..packed.len() / 2];
        let fault = super::super::read(cut, &mut Told::default()).unwrap_err();
        assert!(fault.to_string().contains("breaks off"), "{fault}");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_records_or_a_fault(bytes: Vec<u8>) {
            let _ = super::super::read(bytes.as_slice(), &mut Told::default());
        }
    }
}
