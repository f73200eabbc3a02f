//! `footfall admin shop show|set`.

use anyhow::Context;
use serde_json::{Map, Value};

use super::find_shop;
use crate::app::App;
use crate::cli::output::say;
use crate::edges;
use crate::shops::settings;

/// Shows a shop's settings as JSON, as the API does.
pub(super) async fn show(app: &App, slug: &str) -> anyhow::Result<()> {
    let shop = find_shop(app.db(), slug).await?;
    say(format_args!(
        "{}",
        serde_json::to_string_pretty(&shop.settings)?
    ));
    Ok(())
}

/// Changes settings, and shows them as they are then.
pub(super) async fn set(app: &App, slug: &str, assignments: &[String]) -> anyhow::Result<()> {
    let shop = find_shop(app.db(), slug).await?;
    let held = serde_json::to_value(&shop.settings)?;
    let mut changes = Map::new();
    for assignment in assignments {
        let (name, text) = assignment
            .split_once('=')
            .context("--set takes name=value, as locale=en")?;
        let is_list = held.get(name).is_some_and(Value::is_array);
        changes.insert(name.to_owned(), value(text, is_list));
    }
    let mut tx = app.db().begin().await?;
    settings::change_settings(app, &mut tx, &shop.id, &changes, app.now()).await?;
    edges::commit(app, tx).await?;
    show(app, slug).await
}

/// A value as a shell writes it: JSON where it is, a list separated by commas where one is wanted, else a
/// text.
fn value(text: &str, is_list: bool) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Array(_) | Value::Null)) => value,
        Ok(value) if !is_list => value,
        _ if is_list => {
            let parts = text
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty());
            let part = |part: &str| {
                serde_json::from_str(part)
                    .ok()
                    .filter(Value::is_u64)
                    .unwrap_or_else(|| part.into())
            };
            parts.map(part).collect()
        }
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_read_as_a_shell_writes_it() {
        let cases = [
            ("en", false, json!("en")),
            ("true", false, json!(true)),
            ("500", false, json!(500)),
            ("null", false, json!(null)),
            (
                "https://a.example, https://b.example",
                true,
                json!(["https://a.example", "https://b.example"]),
            ),
            ("1893,85123A", true, json!([1893, "85123A"])),
            ("44", true, json!([44])),
            ("[44]", true, json!([44])),
            ("", true, json!([])),
        ];
        for (text, is_list, expected) in cases {
            assert_eq!(value(text, is_list), expected, "{text}");
        }
    }
}
