//! Puts together what reviews say, and keeps it.

use footfall_shared::behavior::sentiment::keywords::Keyword;
use footfall_shared::behavior::sentiment::trend::Trend;
use footfall_shared::id::ShopId;
use footfall_shared::upload::field::Kind;
use footfall_shared::upload::row::Row;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;

use super::reviews::{Reviews, Tally};
use crate::app::App;
use crate::behavior::catalogue;
use crate::behavior::data::{LineBlock, LineSink, scan};
use crate::behavior::refresh::then_recommend;
use crate::behavior::results::{self, Computed};
use crate::behavior::scope::{Need, Scope, Sources, find_sources_of_job};
use crate::db::{Handle, StorageError};
use crate::jobs::{JobFault, JobKind, Run};
use crate::shops;
use crate::uploads::block::Block;
use crate::uploads::read_blocks;

/// Products that are kept, those with the most reviews.
const PRODUCTS_MAX: usize = 1_000;
/// Words of each side that are kept.
const KEYWORDS_MAX: usize = 50;
/// Blocks read at once, and that wait to be counted.
const BLOCKS_AT_ONCE: usize = 4;

/// What a run found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::behavior) struct Heard {
    /// All reviews.
    pub(in crate::behavior) all: Group,
    /// How many stand on text and stars, on one of them, or on stars because the text is in another language.
    pub(in crate::behavior) bases: Vec<(String, i64)>,
    /// Reviews that could not be read.
    pub(in crate::behavior) unread: i64,
    /// The one with the most reviews first.
    pub(in crate::behavior) categories: Vec<Category>,
    /// The one with the most reviews first.
    pub(in crate::behavior) products: Vec<Product>,
    /// Words of positive reviews, the clearest first.
    pub(in crate::behavior) praise: Vec<Word>,
    /// Words of negative ones.
    pub(in crate::behavior) complaints: Vec<Word>,
}

/// Some reviews.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::behavior) struct Group {
    pub(in crate::behavior) count: i64,
    /// The mean score, −1 to 1, and half of its 95 % interval.
    pub(in crate::behavior) score: f64,
    pub(in crate::behavior) half: f64,
    /// The mean of the stars; `None` where nobody gave any.
    pub(in crate::behavior) stars: Option<f64>,
    pub(in crate::behavior) positive: i64,
    pub(in crate::behavior) neutral: i64,
    pub(in crate::behavior) negative: i64,
}

impl Group {
    fn of(tally: &Tally) -> Self {
        let count = tally.count.max(1) as f64;
        let score = tally.scores / count;
        let variance = (tally.squares / count - score * score).max(0.0);
        Self {
            count: tally.count,
            score,
            half: 1.96 * (variance / count).sqrt(),
            stars: (tally.rated > 0).then(|| tally.stars / tally.rated as f64),
            positive: tally.positive,
            neutral: tally.neutral,
            negative: tally.negative,
        }
    }
}

/// The reviews of a category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::behavior) struct Category {
    pub(in crate::behavior) name: String,
    pub(in crate::behavior) reviews: Group,
    /// `None` where there are too few months or reviews.
    pub(in crate::behavior) trend: Option<Trend>,
}

/// The reviews of a product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::behavior) struct Product {
    pub(in crate::behavior) id: String,
    /// Its name, else its id.
    pub(in crate::behavior) name: String,
    pub(in crate::behavior) category: Option<String>,
    pub(in crate::behavior) reviews: Group,
    /// Lines of orders; `None` where the scope has no orders.
    pub(in crate::behavior) purchases: Option<i64>,
    /// What they brought, in minor units.
    pub(in crate::behavior) revenue: i64,
}

/// A word that tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::behavior) struct Word {
    pub(in crate::behavior) word: String,
    pub(in crate::behavior) count: u32,
    pub(in crate::behavior) sentiment: f64,
    pub(in crate::behavior) z: f64,
}

impl Word {
    fn of(keyword: Keyword) -> Self {
        Self {
            word: keyword.word,
            count: keyword.count,
            sentiment: keyword.sentiment,
            z: keyword.z,
        }
    }
}

/// What the last run found.
pub(in crate::behavior) async fn find_heard(
    db: &mut impl Handle,
    shop: &ShopId,
    scope: &Scope,
) -> Result<Option<Computed<Heard>>, StorageError> {
    results::find(db, shop, scope, JobKind::Sentiment).await
}

/// Reads the reviews of a scope.
pub async fn listen(run: &Run) -> Result<(), JobFault> {
    let (app, job) = (&run.app, &run.job);
    let scope = Scope::of(Some(job.what.subject.clone()));
    let (shop, lines, sources) = {
        let mut db = app.db().read().await?;
        let shop = shops::find_by_id(&mut db, &job.shop)
            .await?
            .ok_or(JobFault::Lost)?;
        let lines = find_sources_of_job(&mut db, &job.shop, &scope, Need::Lines).await?;
        let sources = find_sources_of_job(&mut db, &job.shop, &scope, Need::Reviews).await?;
        (shop, lines, sources)
    };
    let Lines(reviews) = scan(app, &shop, &lines, Lines::default()).await?;
    let reviews = read_reviews(app, &job.shop, &sources, reviews).await?;
    let told = catalogue::find(app, &job.shop, reviews.ids.iter().cloned()).await?;
    let has_orders = !lines.is_empty();
    let heard =
        tokio::task::spawn_blocking(move || put_together(reviews, &told, has_orders)).await?;
    let mut tx = app.db().begin().await?;
    run.finish(
        &mut tx,
        sources.rows(),
        &json!({"reviews_count": heard.all.count}),
    )
    .await?;
    let computed = Computed {
        version: sources.version(),
        at: app.now(),
        body: heard,
    };
    results::save(&mut tx, job, &computed).await?;
    then_recommend(app, &mut tx, job).await?;
    tx.commit().await?;
    Ok(())
}

/// Lines of orders count as purchases, and as reviews where they have stars.
#[derive(Debug, Default)]
struct Lines(Reviews);

impl LineSink for Lines {
    fn take(&mut self, lines: &LineBlock) {
        let rows = lines.block.rows(Kind::Transactions).zip(&lines.counts);
        for (row, _) in rows.filter(|(_, counts)| **counts) {
            if let Row::Line(line) = row {
                self.0.add_line(&line);
            }
        }
    }
}

async fn read_reviews(
    app: &App,
    shop: &ShopId,
    sources: &Sources,
    mut reviews: Reviews,
) -> Result<Reviews, JobFault> {
    let (tell, mut told) = mpsc::channel::<Vec<u8>>(BLOCKS_AT_ONCE);
    let counting = tokio::task::spawn_blocking(move || {
        while let Some(bytes) = told.blocking_recv() {
            let block = Block::decode(&bytes)
                .map_err(|cause| StorageError::corrupt("read a block of reviews", cause))?;
            for row in block.rows(Kind::Reviews) {
                if let Row::Review(review) = row {
                    reviews.add(&review);
                }
            }
        }
        Ok::<_, StorageError>(reviews)
    });
    for upload in sources
        .uploads
        .iter()
        .filter(|one| one.kind == Kind::Reviews)
    {
        let mut after = 0;
        loop {
            let blocks = {
                let mut db = app.db().read().await?;
                let limit = i64::try_from(BLOCKS_AT_ONCE).unwrap_or(1);
                read_blocks(&mut db, shop, &upload.id, after, limit).await?
            };
            let Some((last, _)) = blocks.last() else {
                break;
            };
            after = *last;
            for (_, bytes) in blocks {
                if tell.send(bytes).await.is_err() {
                    break;
                }
            }
        }
    }
    drop(tell);
    Ok(counting.await??)
}

fn put_together(
    mut reviews: Reviews,
    told: &std::collections::HashMap<String, catalogue::Told>,
    has_orders: bool,
) -> Heard {
    for (id, product) in reviews.ids.iter().zip(&mut reviews.products) {
        if let Some(told) = told.get(id) {
            product.name = product.name.take().or_else(|| told.name.clone());
            product.category = product.category.take().or_else(|| told.category.clone());
        }
    }
    let categories = reviews
        .by_category()
        .into_iter()
        .map(|(name, tally, months)| Category {
            name,
            reviews: Group::of(&tally),
            trend: months.trend(),
        });
    let categories = categories.collect();
    let (praise, complaints) = reviews.keywords.top(KEYWORDS_MAX);
    let mut products: Vec<Product> = reviews
        .ids
        .into_iter()
        .zip(reviews.products)
        .filter(|(_, product)| product.tally.count > 0)
        .map(|(id, product)| Product {
            name: product.name.unwrap_or_else(|| id.clone()),
            id,
            category: product.category,
            reviews: Group::of(&product.tally),
            purchases: has_orders.then_some(product.purchases),
            revenue: product.revenue,
        })
        .collect();
    products.sort_by(|a, b| {
        b.reviews
            .count
            .cmp(&a.reviews.count)
            .then_with(|| a.id.cmp(&b.id))
    });
    products.truncate(PRODUCTS_MAX);
    let basis = |(basis, count)| {
        let name = serde_json::to_value(basis).ok();
        let name = name.and_then(|name| name.as_str().map(str::to_owned));
        (name.unwrap_or_default(), count)
    };
    Heard {
        all: Group::of(&reviews.all),
        bases: reviews.bases.into_iter().map(basis).collect(),
        unread: reviews.unread,
        categories,
        products,
        praise: praise.into_iter().map(Word::of).collect(),
        complaints: complaints.into_iter().map(Word::of).collect(),
    }
}
