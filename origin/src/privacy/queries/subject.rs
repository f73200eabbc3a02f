//! Who somebody is.

use footfall_shared::identity::EmailHash;

use crate::db::{During, Handle, StorageError};
use crate::intelligence::{Customer, find_by_names};
use crate::on_db;
use crate::shops::Shop;

/// The shopper with this email.
pub(in crate::privacy) async fn find_customer(
    db: &mut impl Handle,
    shop: &Shop,
    hash: &EmailHash,
) -> Result<Option<Customer>, StorageError> {
    const SQL: &str = "SELECT id FROM customers WHERE shop_id = $1 AND email_hash = $2";
    let id: Option<String> = on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.id.as_str())
            .bind(hash.as_str())
            .fetch_optional(connection)
            .await
    })
    .during("find the customer with an email")?;
    let Some(id) = id else { return Ok(None) };
    let found = find_by_names(db, shop, &[id.as_str()]).await?;
    Ok(found
        .into_iter()
        .find(|customer| customer.email_hash == *hash))
}
