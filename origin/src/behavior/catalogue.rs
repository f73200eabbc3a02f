//! What files of products tell of them.

use std::collections::{BTreeSet, HashMap};

use footfall_shared::id::ShopId;
use footfall_shared::upload::field::Kind;
use footfall_shared::upload::row::Row;

use crate::app::App;
use crate::db::StorageError;
use crate::uploads::{Sourced, each_row, list_sources};

/// What is told of a product.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Its name.
    pub(super) name: Option<String>,
    /// Its category.
    pub(super) category: Option<String>,
}

/// What the shop's files of products tell of some products: name and category.
pub async fn describe_products(
    app: &App,
    shop: &ShopId,
    products: impl Iterator<Item = String>,
) -> Result<HashMap<String, (Option<String>, Option<String>)>, StorageError> {
    let found = find(app, shop, products).await?;
    let told = found
        .into_iter()
        .map(|(product, Told { name, category })| (product, (name, category)));
    Ok(told.collect())
}

/// Products that the shop's files of products tell of, at most so many, the newest file first: id, name and category.
pub async fn list_products(
    app: &App,
    shop: &ShopId,
    most: usize,
) -> Result<Vec<(String, Option<String>, Option<String>)>, StorageError> {
    let mut ids = BTreeSet::new();
    for file in product_files(app, shop).await? {
        each_row(app, shop, &file, |row| {
            if let Row::Product(product) = row
                && ids.len() < most
            {
                ids.insert(product.product.as_ref().to_owned());
            }
        })
        .await?;
    }
    let found = find(app, shop, ids.into_iter()).await?;
    let told = found
        .into_iter()
        .map(|(product, Told { name, category })| (product, name, category));
    Ok(told.collect())
}

/// The shop's files of products, the newest first.
async fn product_files(app: &App, shop: &ShopId) -> Result<Vec<Sourced>, StorageError> {
    let mut db = app.db().read().await?;
    let mut files = list_sources(&mut db, shop).await?;
    files.retain(|file| file.done && file.kind == Kind::Products);
    Ok(files)
}

/// What the shop's files of products tell of some products, the newest file first.
pub(super) async fn find(
    app: &App,
    shop: &ShopId,
    products: impl Iterator<Item = String>,
) -> Result<HashMap<String, Told>, StorageError> {
    let mut found: HashMap<String, Told> = products.map(|id| (id, Told::default())).collect();
    for file in product_files(app, shop).await? {
        each_row(app, shop, &file, |row| add(&mut found, row)).await?;
    }
    Ok(found)
}

fn add(found: &mut HashMap<String, Told>, row: &Row<'_>) {
    let Row::Product(product) = row else { return };
    let Some(told) = found.get_mut(product.product.as_ref()) else {
        return;
    };
    let keep = |place: &mut Option<String>, text: &Option<std::borrow::Cow<'_, str>>| {
        if let (None, Some(text)) = (&place, text) {
            *place = Some(text.clone().into_owned());
        }
    };
    keep(&mut told.name, &product.name);
    keep(&mut told.category, &product.category);
}
