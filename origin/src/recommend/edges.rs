//! Lists on their way to the edges: asked for, or pushed when they change.
//!
//! The version of a customer's list is the sum of when the recommender was put in service and of the customer's own
//! version: both only grow, and a list changes with one of them only.
//!
//! Who refuses personalization has no list of their own, and is told what everybody is.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use footfall_shared::id::ShopId;
use footfall_shared::identity::EmailHash;
use footfall_shared::privacy::consent::Purpose;
use footfall_shared::wire::internal::{
    AskRecommendations, CustomerCard, RecommendationList, RecommendationsAnswer,
};

use super::lists::Recommended;
use super::queries::{self, COLD, Version};
use super::told::{RecommendedProduct, without_newly_bought};
use crate::app::App;
use crate::db::{Handle, StorageError, Tx};
use crate::edges::{self, Subject};
use crate::http::error::AppError;
use crate::http::extract::SignedEdge;
use crate::intelligence;
use crate::orders::counted_orders;
use crate::privacy::consent;
use crate::shops::{self, Shop};

/// Recommendations that an edge holds of somebody.
const HELD: usize = 20;
/// Customers whose lists are queued at once.
const QUEUED_AT_ONCE: i64 = 2_000;

/// What an edge holds of somebody; without a list of their own it tells what it tells everybody.
type Held = RecommendationsAnswer<Option<RecommendationList<RecommendedProduct>>>;

/// The lists of the customers who have these emails; `None` is everybody who is not known.
pub async fn find_for_edges(
    db: &mut impl Handle,
    shop: &Shop,
    whom: &[Option<EmailHash>],
) -> Result<BTreeMap<Option<EmailHash>, Held>, StorageError> {
    let serving = queries::find_serving(db, &shop.id).await?;
    let hashes: Vec<EmailHash> = whom.iter().flatten().cloned().collect();
    let cards: BTreeMap<EmailHash, (CustomerCard, i64)> =
        intelligence::find_entries(db, shop, &hashes)
            .await?
            .into_iter()
            .map(|(hash, entry)| (hash, (entry.card, entry.version)))
            .collect();
    let Some(serving) = serving else {
        let held = whom.iter().map(|one| {
            let version = one.as_ref().and_then(|hash| cards.get(hash));
            let list = one.is_none().then(|| RecommendationList {
                basis: "untrained".to_owned(),
                model_version: None,
                recommendations: Vec::new(),
            });
            let version = version.map_or(0, |(_, version)| *version);
            (one.clone(), RecommendationsAnswer { version, list })
        });
        return Ok(held.collect());
    };
    let refused = consent::refused(db, &shop.id, Purpose::Personalization, &hashes).await?;
    let names: Vec<&str> = cards
        .iter()
        .filter(|(hash, _)| !refused.contains(*hash))
        .flat_map(|(_, (card, _))| names_of(card))
        .collect();
    let names: Vec<&str> = names.into_iter().chain([COLD]).collect();
    let mut lists = queries::find_lists(db, &shop.id, serving.number, &names).await?;
    let ids: Vec<_> = cards.values().map(|(card, _)| card.id.clone()).collect();
    let orders = counted_orders(db, &shop.id, &ids).await?;
    let mut held = BTreeMap::new();
    for one in whom {
        let card = one.as_ref().and_then(|hash| cards.get(hash));
        let own = card.and_then(|(card, _)| {
            let list = names_of(card).find_map(|name| lists.remove(name))?;
            let bought = orders.get(&card.id).map_or(&[][..], Vec::as_slice);
            Some(told(
                "personal",
                &serving,
                without_newly_bought(list, bought),
            ))
        });
        let list = match one {
            Some(_) => own,
            None => Some(told(
                "cold",
                &serving,
                lists.remove(COLD).unwrap_or_default(),
            )),
        };
        let version = serving.served_at + card.map_or(0, |(_, version)| *version);
        held.insert(one.clone(), RecommendationsAnswer { version, list });
    }
    Ok(held)
}

/// Under which names lists of a customer are kept: the shop's own id, ours, or the email.
fn names_of(card: &CustomerCard) -> impl Iterator<Item = &str> {
    let external = card.external_id.as_ref().map(|id| id.as_str());
    external
        .into_iter()
        .chain([card.id.as_str(), card.email.as_str()])
}

fn told(
    basis: &str,
    serving: &Version,
    list: Vec<Recommended>,
) -> RecommendationList<RecommendedProduct> {
    RecommendationList {
        basis: basis.to_owned(),
        model_version: Some(serving.number),
        recommendations: RecommendedProduct::list(list, HELD),
    }
}

/// Answers an edge that asks for a list.
pub(super) async fn answer_edge(
    State(app): State<App>,
    SignedEdge(AskRecommendations { shop, whom }): SignedEdge<AskRecommendations>,
) -> Result<Json<Held>, AppError> {
    let mut db = app.db().read().await?;
    let shop = shops::find_by_id(&mut db, &shop)
        .await?
        .ok_or(AppError::NotFound)?;
    let mut held = find_for_edges(&mut db, &shop, std::slice::from_ref(&whom)).await?;
    held.remove(&whom).map(Json).ok_or(AppError::NotFound)
}

/// Puts a version in service, and queues the lists of everybody who has one or had one.
pub(super) async fn put_in_service(
    app: &App,
    shop: &Shop,
    version: i64,
) -> Result<(), StorageError> {
    let (id, now) = (&shop.id, app.now());
    let mut tx = app.db().begin().await?;
    let before = queries::find_serving(&mut tx, id).await?;
    queries::serve(&mut tx, id, version, now).await?;
    let Some(serving) = queries::find_serving(&mut tx, id).await? else {
        return Ok(());
    };
    let everybody = (Subject::Recommendations(None), serving.served_at);
    edges::queue(app, &mut tx, id, [everybody], now).await?;
    edges::commit(app, tx).await?;
    // Not in one transaction: who writes events would wait for as long as it takes.
    let versions = (version, before.map_or(version, |before| before.number));
    let mut after = COLD.to_owned();
    loop {
        let mut tx = app.db().begin().await?;
        let names = queries::list_customers(&mut tx, id, versions, &after, QUEUED_AT_ONCE).await?;
        let Some(last) = names.last().cloned() else {
            return Ok(());
        };
        let told: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = intelligence::find_by_names(&mut tx, shop, &told).await?;
        let subjects = found.into_iter().map(|customer| {
            let version = serving.served_at + customer.version;
            (Subject::Recommendations(Some(customer.email_hash)), version)
        });
        edges::queue(app, &mut tx, id, subjects, now).await?;
        edges::commit(app, tx).await?;
        after = last;
    }
}

/// Queues the lists of customers who have just bought something, and may have it on their list; each with its version.
pub async fn queue_buyers(
    app: &App,
    tx: &mut Tx,
    shop: &ShopId,
    buyers: Vec<(EmailHash, i64)>,
) -> Result<(), StorageError> {
    if app.config().edges.is_empty() {
        return Ok(());
    }
    let Some(serving) = queries::find_serving(tx, shop).await? else {
        return Ok(());
    };
    let subjects = buyers.into_iter().map(|(hash, version)| {
        let version = serving.served_at + version;
        (Subject::Recommendations(Some(hash)), version)
    });
    edges::queue(app, tx, shop, subjects, app.now()).await
}
