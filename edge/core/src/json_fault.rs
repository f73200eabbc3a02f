//! Where in a JSON text a fault lies: the field's name as its sender knows it.
//!
//! serde tells line and column only, and a deserializer that follows the path is compiled once more for every
//! request type, a tenth of the component. So the path is looked up in the text, and only where there is a fault.

/// The path of the value that ends or begins at `offset`, as `items[2].price`; empty for the body itself.
pub(crate) fn path_at(text: &str, offset: usize) -> String {
    let mut walk = Walk {
        bytes: text.as_bytes(),
        at: 0,
        offset,
        path: Vec::new(),
        found: None,
    };
    let _ = walk.value(0);
    let mut path = String::new();
    for step in walk.found.unwrap_or_default() {
        match step {
            Step::Index(index) => path.push_str(&format!("[{index}]")),
            Step::Key(start, end) => {
                if !path.is_empty() {
                    path.push('.');
                }
                let key = text.get(start..end).unwrap_or_default();
                // A key with escapes is repeated as it is written.
                path.push_str(key);
            }
        }
    }
    path
}

/// The byte that serde's line and column (both from 1) mean.
pub(crate) fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let before = text.split_inclusive('\n').take(line.saturating_sub(1));
    before.map(str::len).sum::<usize>() + column
}

#[derive(Clone, Copy)]
enum Step {
    Key(usize, usize),
    Index(usize),
}

/// Deeper than serde_json itself goes.
const DEPTH_MAX: usize = 130;

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    offset: usize,
    path: Vec<Step>,
    found: Option<Vec<Step>>,
}

impl Walk<'_> {
    /// Passes over a value; `None` where the text ends or is none, or the place is found.
    fn value(&mut self, depth: usize) -> Option<()> {
        self.space();
        let start = self.at;
        match self.bytes.get(self.at)? {
            b'{' | b'[' if self.offset <= start + 1 => {
                // A container where none may be: the fault is told before it is entered.
                self.found = Some(self.path.clone());
                return None;
            }
            b'{' if depth < DEPTH_MAX => self.members(depth)?,
            b'[' if depth < DEPTH_MAX => self.items(depth)?,
            b'"' => {
                self.string()?;
            }
            _ => {
                let rest = &self.bytes[self.at..];
                let ends = |byte: &u8| b",]}:".contains(byte) || byte.is_ascii_whitespace();
                let length = rest.iter().position(ends).unwrap_or(rest.len());
                if length == 0 {
                    return None;
                }
                self.at += length;
            }
        }
        if self.offset <= self.at {
            self.found = Some(self.path.clone());
            return None;
        }
        Some(())
    }

    fn members(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        loop {
            self.space();
            match self.bytes.get(self.at)? {
                b'}' => break,
                b',' => self.at += 1,
                b'"' => {
                    let key = self.string()?;
                    self.space();
                    (self.bytes.get(self.at)? == &b':').then_some(())?;
                    self.at += 1;
                    self.path.push(Step::Key(key.0, key.1));
                    self.value(depth + 1)?;
                    self.path.pop();
                }
                _ => return None,
            }
        }
        self.at += 1;
        Some(())
    }

    fn items(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        let mut index = 0;
        loop {
            self.space();
            match self.bytes.get(self.at)? {
                b']' => break,
                b',' => {
                    self.at += 1;
                    index += 1;
                }
                _ => {
                    self.path.push(Step::Index(index));
                    self.value(depth + 1)?;
                    self.path.pop();
                }
            }
        }
        self.at += 1;
        Some(())
    }

    /// Passes over a text and gives where its inside begins and ends.
    fn string(&mut self) -> Option<(usize, usize)> {
        let start = self.at + 1;
        let mut at = start;
        loop {
            match self.bytes.get(at)? {
                b'"' => break,
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
        self.at = at + 1;
        Some((start, at))
    }

    fn space(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its faults matter")]
    struct Body {
        name: Option<String>,
        items: Option<Vec<Item>>,
        deep: Option<Box<Body>>,
        number: Option<u32>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its faults matter")]
    struct Item {
        price: f64,
    }

    fn check(text: &str, path: &str) {
        let fault = serde_json::from_str::<Body>(text).unwrap_err();
        let offset = offset_of(text, fault.line(), fault.column());
        assert_eq!(path_at(text, offset), path, "{text}: {fault}");
    }

    #[test]
    fn the_field_at_fault_is_named() {
        check(r#"{"name": 5}"#, "name");
        check(r#"{"name":5,"items":[]}"#, "name");
        check(r#"{"name": {"a": 1}}"#, "name");
        check(r#"{"name": ["a"]}"#, "name");
        check(
            r#"{"items": [{"price": 1}, {"price": "x"}]}"#,
            "items[1].price",
        );
        check("{\n \"items\": [\n {\"price\": true}]}", "items[0].price");
        check(r#"{"items": [{"price": 1}, 5]}"#, "items[1]");
        check(r#"{"items": [{"price": 1}, {}]}"#, "items[1]");
        check(r#"{"deep": {"deep": {"number": -1}}}"#, "deep.deep.number");
        check(r#"{"number": 99999999999}"#, "number");
        check(r#"{"a\"b": [1, {"c": 2}], "number": "1"}"#, "number");
        check(r#"{"name": "x", "number": 1.5 }"#, "number");
    }

    #[test]
    fn the_body_itself_has_no_name() {
        check("5", "");
        check(r#"{"name": "x" "#, "");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String, offset in 0..200_usize) {
            let _ = path_at(&text, offset);
        }
    }
}
