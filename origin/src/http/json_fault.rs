//! Turns what a parser says into a field and a reason that never repeat the rejected value.

use super::error::AppError;

/// A fault at `path` (serde_path_to_error's notation) with the parser's own text.
pub(super) fn bad_request(path: &str, parser_text: &str) -> AppError {
    let text = parser_text.split(" at line ").next().unwrap_or(parser_text);
    let outer = field_of(path);
    let join = |name: &str| match &outer {
        Some(outer) => format!("{outer}.{name}"),
        None => name.to_owned(),
    };
    if let Some(name) = quoted_after(text, "missing field `") {
        return AppError::BadRequest {
            field: Some(join(name)),
            reason: "is required".into(),
        };
    }
    if let Some(name) = quoted_after(text, "duplicate field `") {
        return AppError::BadRequest {
            field: Some(join(name)),
            reason: "stands there twice".into(),
        };
    }
    AppError::BadRequest {
        reason: reason(text, outer.is_some()),
        field: outer,
    }
}

/// The field that a path names. `.` is the whole body, and a trailing `?` a part that has no name yet.
pub(super) fn field_of(path: &str) -> Option<String> {
    let named = path.trim_end_matches('?').trim_end_matches('.');
    (!named.is_empty()).then(|| named.to_owned())
}

fn quoted_after<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    text.strip_prefix(start)?.split('`').next()
}

fn reason(text: &str, has_field: bool) -> String {
    // serde's own faults repeat the value before ", expected …" and tell the rule after it.
    let repeats = [
        "invalid type: ",
        "invalid value: ",
        "invalid length ",
        "unknown variant ",
        "unknown field ",
    ];
    if repeats.iter().any(|start| text.starts_with(start)) {
        let expected = text
            .rsplit_once(", expected ")
            .map_or("something else", |(_, rule)| rule);
        let subject = if has_field {
            "must be"
        } else {
            "The body must be"
        };
        return format!("{subject} {expected}");
    }
    // Our own parsers say a predicate that begins with a placeholder for the field.
    let own = ["must ", "is not ", "not "];
    if own.iter().any(|start| text.contains(start)) && !text.contains('"') {
        return if has_field {
            format!("is refused: {text}")
        } else {
            text.to_owned()
        };
    }
    if has_field {
        "is not valid".into()
    } else {
        "The body is not valid".into()
    }
}

/// Where a NUL stands in a parsed value: PostgreSQL cannot store it in a text.
pub(super) fn find_nul(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => text.contains('\0').then(String::new),
        serde_json::Value::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
            find_nul(item).map(|rest| format!("[{index}]{}", dotted(&rest)))
        }),
        serde_json::Value::Object(fields) => fields.iter().find_map(|(name, field)| {
            if name.contains('\0') {
                return Some(String::new());
            }
            find_nul(field).map(|rest| format!("{name}{}", dotted(&rest)))
        }),
        _ => None,
    }
}

fn dotted(rest: &str) -> String {
    if rest.is_empty() || rest.starts_with('[') {
        rest.to_owned()
    } else {
        format!(".{rest}")
    }
}

/// Whether the JSON text has the escape `\u0000` in it: a backslash that is not itself escaped.
pub(super) fn has_nul_escape(json: &[u8]) -> bool {
    let mut at = 0;
    while at < json.len() {
        match json[at] {
            b'\\' if json[at + 1..].starts_with(b"u0000") => return true,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_backslash_before_u0000_is_no_nul() {
        assert!(has_nul_escape(br#""a\u0000""#));
        assert!(has_nul_escape(br#""a\\\u0000""#));
        assert!(!has_nul_escape(br#""a\\u0000""#));
        assert!(!has_nul_escape(b"\"\\"));
    }

    #[test]
    fn a_nul_is_found_with_the_path_to_it() {
        let value = serde_json::json!({"orders": [{"id": "1"}, {"customer": {"email": "a\0"}}]});
        assert_eq!(
            find_nul(&value).as_deref(),
            Some("orders[1].customer.email")
        );
        assert_eq!(find_nul(&serde_json::json!(["ok"])), None);
    }

    #[test]
    fn the_rejected_value_is_not_repeated() {
        let cases = [
            (
                "a",
                "invalid type: string \"secret, expected x\", expected u32 at line 1 column 3",
                "a must be u32",
            ),
            (
                ".",
                "missing field `status` at line 1 column 2",
                "status is required",
            ),
            (
                "orders[0]",
                "missing field `status`",
                "orders[0].status is required",
            ),
            (
                "s",
                "unknown variant `secret`, expected one of `a`, `b`",
                "s must be one of `a`, `b`",
            ),
            ("s", "weird \"secret\"", "s is not valid"),
        ];
        for (path, text, expected) in cases {
            assert_eq!(bad_request(path, text).public_message(), expected);
        }
    }
}
