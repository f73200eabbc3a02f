//! What files of customers tell of them.

use std::collections::HashMap;

use footfall_shared::id::ShopId;
use footfall_shared::upload::field::Kind;
use footfall_shared::upload::row::Row;

use super::customers::Customers;
use crate::app::App;
use crate::db::StorageError;
use crate::uploads::{each_row, list_sources};

/// Adds to customers what the shop's files of customers tell, the newest file first; what lines of orders tell stays.
pub(super) async fn add(
    app: &App,
    shop: &ShopId,
    customers: &mut Customers,
) -> Result<(), StorageError> {
    let files = {
        let mut db = app.db().read().await?;
        list_sources(&mut db, shop).await?
    };
    let mut by_name: HashMap<String, usize> = HashMap::new();
    for (at, one) in customers.all.iter().enumerate() {
        by_name.extend(one.id.iter().map(|id| (id.clone(), at)));
        by_name.extend(one.email.iter().map(|email| (email.clone(), at)));
    }
    for file in files
        .iter()
        .filter(|file| file.done && file.kind == Kind::Customers)
    {
        each_row(app, shop, file, |row| add_row(customers, &by_name, row)).await?;
    }
    Ok(())
}

fn add_row(customers: &mut Customers, by_name: &HashMap<String, usize>, row: &Row<'_>) {
    let Row::Customer(told) = row else { return };
    let by_email = told.email.as_deref().and_then(|email| by_name.get(email));
    let Some(at) = by_name.get(told.customer.as_ref()).or(by_email) else {
        return;
    };
    let mut word = |text: &Option<std::borrow::Cow<'_, str>>| {
        text.as_deref().map(|text| customers.words.number(text))
    };
    let (gender, location) = (word(&told.gender), word(&told.location));
    if let Some(one) = customers.all.get_mut(*at) {
        one.age = one.age.or(told.age);
        one.gender = one.gender.or(gender);
        one.location = one.location.or(location);
        if let Some(email) = told.email.as_deref() {
            one.email.get_or_insert_with(|| email.to_owned());
        }
    }
}
