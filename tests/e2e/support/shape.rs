//! Whether a reply has the shape of one of the contract's example replies.

use serde_json::Value;

/// Stands in an example where the contract says "and more fields".
const MORE: &str = "...";

/// Reads an example reply, with the contract's own elisions: `[...]` is a list of anything, and a line
/// `...` allows more fields.
pub(crate) fn read(text: &str) -> Value {
    let lines = text.replace("[...]", "[]");
    let lines = lines.lines().map(|line| match line.trim() {
        MORE => format!("\"{MORE}\": true"),
        _ => line.to_owned(),
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    serde_json::from_str(&text).unwrap()
}

/// What is wrong with `actual`: fields that are missing, of another JSON type, or neither in the example
/// nor among the `additions` that Footfall documents.
pub(crate) fn faults(example: &Value, actual: &Value, additions: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    compare(example, actual, "", additions, &mut faults);
    faults
}

fn compare(
    example: &Value,
    actual: &Value,
    place: &str,
    additions: &[&str],
    faults: &mut Vec<String>,
) {
    match (example, actual) {
        (Value::Object(example), Value::Object(actual)) => {
            for (name, value) in example.iter().filter(|(name, _)| *name != MORE) {
                let place = format!("{place}.{name}");
                match actual.get(name) {
                    Some(actual) => compare(value, actual, &place, additions, faults),
                    None => faults.push(format!("{place} is missing")),
                }
            }
            if !example.contains_key(MORE) {
                let extra = actual.keys().filter(|name| !example.contains_key(*name));
                let extra = extra.map(|name| format!("{place}.{name}"));
                let unknown = extra.filter(|place| !additions.contains(&place.as_str()));
                faults.extend(unknown.map(|place| format!("{place} is not in the contract")));
            }
        }
        (Value::Array(example), Value::Array(actual)) => {
            let Some(first) = example.first() else { return };
            if actual.is_empty() {
                faults.push(format!("{place} is empty"));
            }
            for element in actual {
                compare(first, element, &format!("{place}[]"), additions, faults);
            }
        }
        _ if kind(example) == kind(actual) => {}
        // An amount such as 64.28 may be a whole number in another case; a count may not be 1.5.
        (Value::Number(_), Value::Number(_)) if kind(example) == "number" => {}
        _ => faults.push(format!(
            "{place} is {} instead of {}",
            kind(actual),
            kind(example)
        )),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

#[test]
fn a_missing_wrong_or_unknown_field_is_a_fault() {
    let example = read("{\"a\": 1, \"b\": 1.5, \"c\": [...], \"d\": {\n\"e\": \"x\",\n...\n}}");
    let good = serde_json::json!({"a": 2, "b": 2.0, "c": [{}], "d": {"e": "", "f": 0}, "g": 1});
    assert_eq!(faults(&example, &good, &[".g"]), [""; 0]);
    let bad = serde_json::json!({"a": "2", "b": 2, "d": {"e": null}, "g": 1});
    let expected = [
        ".a is string instead of integer",
        ".c is missing",
        ".d.e is null instead of string",
        ".g is not in the contract",
    ];
    assert_eq!(faults(&example, &bad, &[]), expected);
}
