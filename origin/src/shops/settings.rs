//! Changing a shop's settings.

use footfall_shared::id::ShopId;
use footfall_shared::shop::ShopSettings;
use footfall_shared::text::InvalidField;
use footfall_shared::time::UtcMillis;
use serde_json::{Map, Value};

use super::queries;
use crate::analytics;
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::edges;
use crate::http::error::AppError;
use crate::http::extract::parse_json;

/// Why settings were not changed.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// There is no such shop.
    #[error("there is no such shop")]
    NotFound,
    /// A setting is unknown or has a wrong value.
    #[error("{field} {reason}")]
    Invalid {
        /// The setting, with the place in it.
        field: String,
        /// A predicate, without the value.
        reason: String,
    },
    /// The database said no.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<InvalidField> for SettingsError {
    fn from(fault: InvalidField) -> Self {
        let InvalidField { field, reason } = fault;
        Self::Invalid { field, reason }
    }
}

impl From<SettingsError> for AppError {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::NotFound => Self::NotFound,
            SettingsError::Invalid { field, reason } => {
                Self::InvalidField(InvalidField { field, reason })
            }
            SettingsError::Storage(error) => error.into(),
        }
    }
}

/// Merges changes into a shop's settings and tells the edges. What is not named stays; `null` takes a
/// setting back to its default.
pub async fn change_settings(
    app: &App,
    tx: &mut Tx,
    shop: &ShopId,
    changes: &Map<String, Value>,
    now: UtcMillis,
) -> Result<ShopSettings, SettingsError> {
    // Two changes at once are merged one after the other.
    tx.serialize("settings", shop.as_str()).await?;
    let held = queries::find_by_id(tx, shop).await?;
    let held = held.ok_or(SettingsError::NotFound)?;
    let settings = merge(&held.settings, changes)?;
    queries::update_settings(tx, shop, &settings).await?;
    if analytics::depends_on_settings(&held.settings, &settings) {
        analytics::ask_refresh(app, tx, shop).await?;
    }
    edges::queue_shop_keys(app, tx, shop, &held.slug, now).await?;
    Ok(settings)
}

/// The settings with the changes in them.
fn merge(held: &ShopSettings, changes: &Map<String, Value>) -> Result<ShopSettings, SettingsError> {
    let defaults = to_map(&ShopSettings::default())?;
    let mut merged = to_map(held)?;
    for (name, value) in changes {
        let Some(default) = defaults.get(name) else {
            let known: Vec<&str> = defaults.keys().map(String::as_str).collect();
            return Err(SettingsError::Invalid {
                field: known_text(name),
                reason: format!("is no setting; known are {}", known.join(", ")),
            });
        };
        let value = if value.is_null() { default } else { value };
        check_alone(name, value)?;
        merged.insert(name.clone(), value.clone());
    }
    let settings: ShopSettings = serde_json::from_value(Value::Object(merged))
        .map_err(|cause| StorageError::corrupt("merge a shop's settings", cause))?;
    Ok(settings.checked()?)
}

/// A name from outside as it may be told back: short and plain, else not at all.
fn known_text(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.len() <= 40 && name.chars().all(plain) {
        name.to_owned()
    } else {
        "a field".to_owned()
    }
}

/// Parses one setting by itself: the fault is then its own, with the place in it.
fn check_alone(name: &str, value: &Value) -> Result<(), SettingsError> {
    let alone = Value::Object(Map::from_iter([(name.to_owned(), value.clone())]));
    match parse_json::<ShopSettings>(alone.to_string().as_bytes()) {
        Ok(_) => Ok(()),
        Err(AppError::BadRequest { field, reason }) => Err(SettingsError::Invalid {
            field: field.unwrap_or_else(|| name.to_owned()),
            reason,
        }),
        Err(_) => Err(SettingsError::Invalid {
            field: name.to_owned(),
            reason: "is not valid".to_owned(),
        }),
    }
}

fn to_map(settings: &ShopSettings) -> Result<Map<String, Value>, SettingsError> {
    const STEP: &str = "write a shop's settings as JSON";
    match serde_json::to_value(settings) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(StorageError::corrupt(STEP, "no object").into()),
        Err(cause) => Err(StorageError::corrupt(STEP, cause).into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(changes: Value) -> Result<ShopSettings, String> {
        let held = ShopSettings {
            locale: "en".into(),
            allowed_origins: vec!["https://a.example".into()],
            ..ShopSettings::default()
        };
        merge(&held, changes.as_object().unwrap()).map_err(|fault| fault.to_string())
    }

    #[test]
    fn what_is_named_changes_and_the_rest_stays() {
        let settings = merged(json!({"reveal_from": "claimed"})).unwrap();
        assert_eq!(
            settings.reveal_from,
            footfall_shared::identity::Trust::Claimed
        );
        assert_eq!(settings.locale, "en");
        assert_eq!(settings.allowed_origins, ["https://a.example"]);
    }

    #[test]
    fn null_is_the_default_again() {
        let settings = merged(json!({"allowed_origins": null, "locale": null})).unwrap();
        assert_eq!(
            settings.allowed_origins,
            ShopSettings::default().allowed_origins
        );
        assert_eq!(settings.locale, ShopSettings::default().locale);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = [
            (json!({"lokale": "en"}), "lokale is no setting"),
            (json!({"<script>": 1}), "a field is no setting"),
            (json!({"locale": 5}), "locale must be"),
            (json!({"locale": "de"}), "locale must be nl or en"),
            (json!({"reveal_from": "anybody"}), "reveal_from must be"),
            (json!({"allowed_origins": "x"}), "allowed_origins must be"),
            (
                json!({"allowed_origins": ["x"]}),
                "allowed_origins[0] must be an origin",
            ),
            (
                json!({"excluded_products": [1, ""]}),
                "excluded_products[1]",
            ),
            (
                json!({"locale": "en\u{0}"}),
                "locale must not contain a NUL",
            ),
        ];
        for (changes, expected) in wrong {
            let told = merged(changes).unwrap_err();
            assert!(told.starts_with(expected), "{expected}: {told}");
        }
    }
}
