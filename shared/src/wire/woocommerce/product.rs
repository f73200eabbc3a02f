//! Products. The price is the one that the shop shows now (`price`: on sale or not), as it is entered: with
//! or without tax, as the shop has it.

use serde::Deserialize;

use super::{Told, loose, utc};
use crate::id::ExternalId;
use crate::money::{Currency, MinorUnits};
use crate::text::InvalidField;
use crate::time::UtcMillis;
use crate::wire::orders::NAME_CHARS_MAX;

/// A product as the shop sends it.
#[derive(Debug, Clone, Deserialize)]
pub struct WooProduct {
    /// The shop's id of it.
    pub id: ExternalId,
    #[serde(default, deserialize_with = "loose::text")]
    name: Option<String>,
    #[serde(default, deserialize_with = "loose::text")]
    slug: Option<String>,
    #[serde(default, rename = "type", deserialize_with = "loose::text")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "loose::text")]
    price: Option<String>,
    #[serde(default, deserialize_with = "loose::text")]
    stock_quantity: Option<String>,
    #[serde(default, deserialize_with = "loose::text")]
    date_created_gmt: Option<String>,
    #[serde(default, deserialize_with = "loose::text")]
    date_modified_gmt: Option<String>,
}

/// A product to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldProduct {
    /// The shop's id of it.
    pub id: ExternalId,
    /// Its name.
    pub name: String,
    /// Its place in the shop's URLs.
    pub slug: String,
    /// Its price; a product of several variations may have none of its own.
    pub price: Option<MinorUnits>,
    /// How many are left; `None` where the shop does not count them.
    pub stock: Option<i64>,
    /// When the shop changed it last.
    pub modified_at: UtcMillis,
}

impl WooProduct {
    /// What the payload comes to in a shop with this currency.
    ///
    /// # Errors
    /// [`InvalidField`] names the payload's field.
    pub fn parse(self, currency: Currency) -> Result<Told<ToldProduct>, InvalidField> {
        if self.kind.as_deref() == Some("variation") {
            return Ok(Told::Nothing("a variation is sold under its product's id"));
        }
        let modified = utc(self.date_modified_gmt.as_deref());
        let modified = modified.or_else(|| utc(self.date_created_gmt.as_deref()));
        let modified_at = modified
            .ok_or_else(|| InvalidField::new("date_modified_gmt", "must be a time in UTC"))?;
        let price = self
            .price
            .map(|price| MinorUnits::parse("price", &price, currency))
            .transpose()?;
        let name = loose::name(self.name.as_deref().unwrap_or_default(), NAME_CHARS_MAX);
        if name.is_empty() {
            return Err(InvalidField::new("name", "must not be empty"));
        }
        // A draft has no address part yet.
        let slug = loose::name(self.slug.as_deref().unwrap_or_default(), NAME_CHARS_MAX);
        Ok(Told::This(ToldProduct {
            slug: if slug.is_empty() {
                self.id.as_str().to_owned()
            } else {
                slug
            },
            id: self.id,
            name,
            price,
            // Extensions sell by halves; a text that is no number counts as none.
            stock: self
                .stock_quantity
                .and_then(|text| text.parse::<f64>().ok())
                .map(whole),
            modified_at,
        }))
    }
}

/// A quantity's whole pieces.
#[expect(clippy::cast_possible_truncation, reason = "a cast to i64 saturates")]
fn whole(quantity: f64) -> i64 {
    quantity.floor() as i64
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(change: &Value) -> Result<Told<ToldProduct>, InvalidField> {
        let mut product = json!({
            "id": 794, "name": "Premium &amp; Quality", "slug": "premium-quality-19", "type": "simple",
            "status": "publish", "price": "21.99", "sale_price": "", "date_modified_gmt": "2017-03-23T20:01:14",
        });
        for (field, value) in change.as_object().unwrap() {
            product[field] = value.clone();
        }
        let product: WooProduct = serde_json::from_value(product).unwrap();
        product.parse(Currency::EUR)
    }

    fn told(change: &Value) -> ToldProduct {
        match parse(change).unwrap() {
            Told::This(told) => told,
            Told::Nothing(reason) => panic!("{reason}"),
        }
    }

    #[test]
    fn a_product_is_read_with_its_text_price_or_none() {
        let product = told(&json!({}));
        assert_eq!(product.price, Some(MinorUnits::new(2199)));
        assert_eq!(
            (product.name.as_str(), product.slug.as_str()),
            ("Premium & Quality", "premium-quality-19")
        );
        for none in [json!(""), json!(null)] {
            assert_eq!(
                told(&json!({"price": none, "type": "variable"})).price,
                None
            );
        }
        assert_eq!(
            told(&json!({"price": 21.99})).price,
            Some(MinorUnits::new(2199))
        );
        assert_eq!(told(&json!({"slug": ""})).slug, "794");
    }

    #[test]
    fn a_stock_is_read_where_the_shop_counts() {
        for (told_by_shop, stock) in [
            (json!(23), Some(23)),
            (json!("7.5"), Some(7)),
            (json!(-2), Some(-2)),
            (json!(null), None),
            (json!(""), None),
        ] {
            assert_eq!(told(&json!({"stock_quantity": told_by_shop})).stock, stock);
        }
    }

    #[test]
    fn a_variation_is_nothing_for_us_and_a_fault_names_its_field() {
        assert!(matches!(
            parse(&json!({"type": "variation"})),
            Ok(Told::Nothing(_))
        ));
        for (change, field) in [
            (json!({"price": "free"}), "price"),
            (json!({"name": ""}), "name"),
            (json!({"date_modified_gmt": null}), "date_modified_gmt"),
        ] {
            assert_eq!(parse(&change).unwrap_err().field, field);
        }
    }
}
