//! What a training tells of itself, as it is kept.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::models::choose::{Choice, Core, Family, Recipe, Row};
use super::models::evaluate::{Figures, View};

/// What came of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(super) struct Report {
    /// Customers that were learned from.
    pub(super) customers: usize,
    /// Products that were ever bought.
    pub(super) products: usize,
    /// Purchases: each product of each order once.
    pub(super) purchases: usize,
    /// The last of them, RFC 3339; the month before it decides.
    pub(super) data_until: Option<String>,
    /// How long it took.
    pub(super) seconds: f64,
    /// `all` where customers buy most things again, so that what they have may be recommended, else `new`.
    #[schema(example = "new")]
    pub(super) view: String,
    /// What serves: `popularity`, `item_knn`, `ease` or `two_tower`.
    #[schema(example = "ease")]
    pub(super) model: String,
    /// Its figures on the last month, which chose nothing; null where nobody came back, and then what is popular serves as a
    /// prior.
    pub(super) metrics: Option<MetricsReport>,
    /// All models on the same month, the best recall first.
    pub(super) models: Vec<ModelReport>,
    /// Whether who has not bought anything is told by where they live; null where too few new customers came in that month
    /// to find out.
    #[serde(default)]
    pub(super) newcomers: Option<NewcomersReport>,
    /// How the best new one compares with the one that was in service, on the same month; null without one.
    pub(super) in_service: Option<ComparisonReport>,
}

/// Figures of full rankings over all products.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(super) struct MetricsReport {
    /// Customers who bought something next.
    pub(super) customers: usize,
    /// The mean share of what they bought next that was among the first 20 (of more than 20 products: of 20).
    pub(super) recall_at_20: f64,
    /// The mean normalized discounted cumulative gain of the first 20.
    pub(super) ndcg_at_20: f64,
    /// The share of products that anybody was shown.
    pub(super) coverage: f64,
    /// Each by that of popularity; null where that is 0.
    pub(super) recall_vs_popularity: Option<f64>,
    pub(super) ndcg_vs_popularity: Option<f64>,
    pub(super) coverage_vs_popularity: Option<f64>,
}

/// A model on the last month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(super) struct ModelReport {
    /// Which.
    #[schema(example = "two_tower")]
    pub(super) model: String,
    /// The model alone.
    pub(super) alone: Option<MetricsReport>,
    /// With the customer's habits, what is popular and what becomes so, as it would serve.
    pub(super) mixed: Option<MetricsReport>,
    /// Whether it serves.
    pub(super) serves: bool,
    /// By how much the recall of the one that serves is higher.
    pub(super) behind_by: Option<f64>,
}

/// How well the first purchases of the last month's new customers were foretold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(super) struct NewcomersReport {
    /// Customers who bought for the first time.
    pub(super) customers: usize,
    /// The recall of the list that everybody is told.
    pub(super) recall_at_20: f64,
    /// The recall of lists that the towers make of where a customer lives.
    pub(super) recall_at_20_by_place: f64,
    /// Whether places have lists of their own, because they did better.
    pub(super) by_place: bool,
}

/// The best new recipe against the one in service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(super) struct ComparisonReport {
    /// What was in service.
    pub(super) model: String,
    /// Its recall on the last month.
    pub(super) recall_at_20: f64,
    /// The best new one.
    pub(super) challenger: String,
    /// And its recall.
    pub(super) challenger_recall_at_20: f64,
    /// Whether the new one took its place. Else the recipe in service serves on, fitted on the newer data.
    pub(super) replaced: bool,
}

/// A model's name.
pub(super) const fn name_of(core: &Core) -> &'static str {
    match core {
        Core::Popularity(_) => "popularity",
        Core::ItemKnn(_) => "item_knn",
        Core::Ease(_) => "ease",
        Core::TwoTower(_) => "two_tower",
    }
}

/// A view's name.
pub(super) const fn view_name(view: View) -> &'static str {
    match view {
        View::All => "all",
        View::New => "new",
    }
}

/// Figures, by those of popularity.
pub(super) fn metrics(figures: Figures, popular: Option<Figures>) -> MetricsReport {
    let by = |of: fn(&Figures) -> f64| {
        let popular = popular.as_ref().map(of).filter(|value| *value > 0.0);
        popular.map(|popular| rounded(of(&figures) / popular))
    };
    MetricsReport {
        customers: figures.customers,
        recall_at_20: rounded(figures.recall),
        ndcg_at_20: rounded(figures.ndcg),
        coverage: rounded(figures.coverage),
        recall_vs_popularity: by(|one| one.recall),
        ndcg_vs_popularity: by(|one| one.ndcg),
        coverage_vs_popularity: by(|one| one.coverage),
    }
}

/// What is popular alone, in a table.
pub(super) fn popular(choice: &Choice) -> Option<Figures> {
    let of = |row: &&Row| row.recipe.core.family() == Family::Popularity;
    choice.table.iter().find(of).and_then(|row| row.plain)
}

/// All models of a choice, where `serving` serves with this recall.
pub(super) fn models(choice: &Choice, serving: &Recipe, recall: Option<f64>) -> Vec<ModelReport> {
    let popular = popular(choice);
    let mut rows: Vec<&Row> = choice.table.iter().collect();
    let recall_of = |row: &Row| row.mixed.map_or(0.0, |figures| figures.recall);
    rows.sort_by(|one, other| recall_of(other).total_cmp(&recall_of(one)));
    let told = rows.into_iter().map(|row| ModelReport {
        model: name_of(&row.recipe.core).to_owned(),
        alone: row.plain.map(|figures| metrics(figures, popular)),
        mixed: row.mixed.map(|figures| metrics(figures, popular)),
        serves: row.recipe == *serving,
        behind_by: recall
            .zip(row.mixed)
            .map(|(recall, figures)| rounded(recall - figures.recall)),
    });
    told.collect()
}

/// For figures that nobody reads further.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}
