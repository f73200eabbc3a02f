//! Trains a shop's recommender and makes everybody's lists.

use std::future::Future;
use std::time::{Duration, Instant};

use footfall_shared::id::{JobId, ShopId};
use footfall_shared::time::{DAY_MS, UtcMillis};
use serde_json::json;

use super::data::{self, Shelf};
use super::edges::put_in_service;
use super::lists::{CustomerLists, Maker, similar, used_up};
use super::models::blend::Mix;
use super::models::calibrate::Calibration;
use super::models::choose::{Choice, Core, Recipe, candidates, choose, fit};
use super::models::evaluate::{View, evaluate};
use super::models::history::Customer;
use super::models::two_tower::{self, FitError, TwoTower};
use super::newcomers;
use super::queries::{self, COLD, Version, cold_of};
use super::report::{
    ComparisonReport, NewcomersReport, Report, metrics, models, name_of, popular, rounded,
    view_name,
};
use crate::app::App;
use crate::behavior;
use crate::db::{StorageError, Tx};
use crate::jobs::{self, JobFault, JobKind, NewJob, Run};
use crate::shops;

/// The seed: the same purchases always make the same model.
const SEED: u64 = 42;
/// How often shops are looked at whose purchases have changed.
const LOOK_EVERY: Duration = Duration::from_secs(3_600);
/// How long after its start a node first looks: it has other things to do then.
const FIRST_LOOK: Duration = Duration::from_secs(600);
/// How long a model serves at least before another one is trained by itself.
const AGE_MS: i64 = DAY_MS;
/// The share of purchases that are of things which are used up, from which on what customers have may be recommended.
const USED_UP_MIN: f64 = 0.3;
/// How far ahead recommendations are measured.
const MONTH_MS: i64 = 30 * DAY_MS;
/// Lists written at once.
const LISTS_AT_ONCE: usize = 2_000;
/// Versions that are kept with their lists, the one in service among them: what can be rolled back to.
const VERSIONS_KEPT: i64 = 3;

/// Asks for a training.
pub(super) async fn ask(app: &App, tx: &mut Tx, shop: &ShopId) -> Result<JobId, StorageError> {
    let what = NewJob {
        kind: JobKind::Retrain,
        subject: String::new(),
        options: json!({}),
    };
    jobs::enqueue(app, tx, shop, &what, None).await
}

/// Trains a shop's recommender.
pub async fn train(run: &Run) -> Result<(), JobFault> {
    let (app, id) = (&run.app, &run.job.shop);
    let (shop, serving, data_version) = {
        let mut db = app.db().read().await?;
        let shop = shops::find_by_id(&mut db, id)
            .await?
            .ok_or(JobFault::Lost)?;
        let serving = queries::find_serving(&mut db, id).await?;
        (shop, serving, behavior::lines_version(&mut db, id).await?)
    };
    let shelf = data::read(app, &shop).await?;
    if shelf.customers.is_empty() {
        return Err(JobFault::Impossible(
            "there are no purchases of known customers yet".to_owned(),
        ));
    }
    let begun = Instant::now();
    let before = serving.map(|serving| serving.recipe);
    let made = tokio::task::spawn_blocking(move || make(&shelf, before)).await?;
    let mut made = made.map_err(|fault| JobFault::Impossible(fault.to_string()))?;
    made.report.seconds = rounded(begun.elapsed().as_secs_f64());
    let version = {
        let mut tx = app.db().begin().await?;
        run.note(&mut tx, 0, Some(made.lists.len() as i64)).await?;
        let new = queries::NewVersion {
            recipe: &made.recipe,
            report: &made.report,
            data_version: &data_version,
        };
        let version = queries::insert_version(&mut tx, id, &new, app.now()).await?;
        tx.commit().await?;
        version
    };
    let mut done = 0;
    for lists in made.lists.chunks(LISTS_AT_ONCE) {
        let mut tx = app.db().begin().await?;
        queries::insert_lists(&mut tx, id, version, lists).await?;
        done += lists.len() as i64;
        run.note(&mut tx, done, Some(made.lists.len() as i64))
            .await?;
        tx.commit().await?;
    }
    put_in_service(app, &shop, version).await?;
    let mut tx = app.db().begin().await?;
    queries::forget_old(&mut tx, id, VERSIONS_KEPT).await?;
    let result =
        json!({"version": version, "model": made.report.model, "metrics": made.report.metrics});
    run.finish(&mut tx, done, &result).await?;
    tx.commit().await?;
    Ok(())
}

/// What a training made.
struct Made {
    recipe: Recipe,
    report: Report,
    lists: Vec<CustomerLists>,
}

fn make(shelf: &Shelf, in_service: Option<Recipe>) -> Result<Made, FitError> {
    let purchases = &shelf.purchases;
    let last = purchases.last().unwrap_or_default();
    let end = last.plus(1);
    let view = view_of(shelf);
    let choices = choose(purchases, end, &candidates(), SEED)?;
    let choice = choices.and_then(|all| all.into_iter().find(|choice| choice.view == view));
    let settings = towers_of(choice.as_ref());
    let (recipe, calibration, in_service) = decide(shelf, choice.as_ref(), in_service, end)?;
    let row = choice
        .as_ref()
        .and_then(|choice| choice.table.iter().find(|row| row.recipe == recipe));
    let figures = row.and_then(|row| row.mixed);
    let report = Report {
        customers: shelf.customers.len(),
        products: purchases.sold().iter().filter(|sold| **sold).count(),
        purchases: purchases.all().count(),
        data_until: Some(last.to_rfc3339()),
        seconds: 0.0,
        view: view_name(view).to_owned(),
        model: name_of(&recipe.core).to_owned(),
        metrics: match (&choice, figures) {
            (Some(choice), Some(figures)) => Some(metrics(figures, popular(choice))),
            (Some(choice), None) => {
                judged(shelf, &recipe, view, end)?.map(|figures| metrics(figures, popular(choice)))
            }
            (None, _) => None,
        },
        models: choice.as_ref().map_or_else(Vec::new, |choice| {
            models(choice, &recipe, figures.map(|figures| figures.recall))
        }),
        newcomers: judge_places(shelf, &recipe, settings, end)?,
        in_service,
    };
    let towers = settings
        .map(|settings| two_tower::fit(purchases, settings, SEED))
        .transpose()?;
    let by_place = report.newcomers.as_ref().is_some_and(|told| told.by_place);
    let lists = make_lists(shelf, &recipe, towers.as_ref(), by_place, &calibration, end)?;
    Ok(Made {
        recipe,
        report,
        lists,
    })
}

/// Whether most of what is bought is used up, so that customers may want it again.
fn view_of(shelf: &Shelf) -> View {
    let used_up = used_up(&shelf.purchases);
    let (mut again, mut all) = (0_usize, 0_usize);
    for bought in shelf.purchases.all() {
        all += 1;
        again += usize::from(used_up[bought.item as usize]);
    }
    if again as f64 >= USED_UP_MIN * all as f64 {
        View::All
    } else {
        View::New
    }
}

/// The recipe that serves: the one in service, unless the best new one beats it on the last month. Where nobody came back,
/// what is popular.
fn decide(
    shelf: &Shelf,
    choice: Option<&Choice>,
    in_service: Option<Recipe>,
    end: UtcMillis,
) -> Result<(Recipe, Calibration, Option<ComparisonReport>), FitError> {
    let Some(choice) = choice else {
        let popular = Recipe {
            core: Core::Popularity(30.0),
            mix: Mix::NONE,
        };
        return Ok((popular, Calibration::default(), None));
    };
    let winner = (choice.winner, choice.calibration.clone());
    let of_winner = choice.table.iter().find(|row| row.recipe == choice.winner);
    let recall = of_winner
        .and_then(|row| row.mixed)
        .map_or(0.0, |figures| figures.recall);
    let Some(held) = in_service.filter(|held| *held != choice.winner) else {
        return Ok((winner.0, winner.1, None));
    };
    let held_recall = judged(shelf, &held, choice.view, end)?.map_or(0.0, |figures| figures.recall);
    let replaced = recall > held_recall;
    let told = ComparisonReport {
        model: name_of(&held.core).to_owned(),
        recall_at_20: rounded(held_recall),
        challenger: name_of(&choice.winner.core).to_owned(),
        challenger_recall_at_20: rounded(recall),
        replaced,
    };
    let (recipe, calibration) = if replaced {
        winner
    } else {
        (held, Calibration::default())
    };
    Ok((recipe, calibration, Some(told)))
}

/// A recipe's figures on the last month.
fn judged(
    shelf: &Shelf,
    recipe: &Recipe,
    view: View,
    end: UtcMillis,
) -> Result<Option<super::models::evaluate::Figures>, FitError> {
    let cut = end.plus(-MONTH_MS);
    let split = shelf.purchases.split(cut, end);
    let model = fit(recipe, &split.before, cut, SEED)?;
    Ok(evaluate(&model, &split, view))
}

fn make_lists(
    shelf: &Shelf,
    recipe: &Recipe,
    towers: Option<&TwoTower>,
    by_place: bool,
    calibration: &Calibration,
    end: UtcMillis,
) -> Result<Vec<CustomerLists>, FitError> {
    let model = fit(recipe, &shelf.purchases, end, SEED)?;
    let maker = Maker::new(shelf, &model, calibration, end, towers);
    let mut scores = vec![0.0; shelf.purchases.items.len()];
    let mut nearest = towers.map_or_else(Vec::new, |towers| similar(shelf, towers, end, SEED));
    nearest.resize(shelf.customers.len(), Vec::new());
    let mut list = |maker: &Maker<'_>, customer: String, of: &Customer, similar| CustomerLists {
        customer,
        recommended: maker.list(of, &mut scores),
        similar,
    };
    let mut lists = vec![list(
        &maker,
        COLD.to_owned(),
        &Customer::default(),
        Vec::new(),
    )];
    if let (true, Some(towers)) = (by_place, towers) {
        // Their scores are the towers', which nobody has counted.
        let uncounted = Calibration::default();
        let maker = Maker::new(shelf, towers, &uncounted, end, Some(towers));
        for attribute in newcomers::attributes(shelf) {
            let unknown = Customer {
                bought: Vec::new(),
                attributes: vec![attribute.clone()],
            };
            lists.push(list(&maker, cold_of(&attribute), &unknown, Vec::new()));
        }
    }
    let customers = shelf.customers.iter().zip(&shelf.purchases.customers);
    for ((id, customer), similar) in customers.zip(nearest) {
        lists.push(list(&maker, id.clone(), customer, similar));
    }
    Ok(lists)
}

/// Whether new customers' first purchases of the last month were foretold better by where they live.
fn judge_places(
    shelf: &Shelf,
    recipe: &Recipe,
    settings: Option<two_tower::Settings>,
    end: UtcMillis,
) -> Result<Option<NewcomersReport>, FitError> {
    let (Some(settings), true) = (settings, newcomers::attributes(shelf).len() > 1) else {
        return Ok(None);
    };
    let cut = end.plus(-MONTH_MS);
    let split = shelf.purchases.split(cut, end);
    let everybody = fit(recipe, &split.before, cut, SEED)?;
    let towers = two_tower::fit(&split.before, settings, SEED)?;
    let all = &shelf.purchases.customers;
    let compared = newcomers::compare(&everybody, &towers, &split, all, end);
    Ok(compared.map(|(everybody, by_place)| NewcomersReport {
        customers: everybody.customers,
        recall_at_20: rounded(everybody.recall),
        recall_at_20_by_place: rounded(by_place.recall),
        by_place: by_place.recall > everybody.recall,
    }))
}

/// The settings of the towers, as they were chosen.
fn towers_of(choice: Option<&Choice>) -> Option<two_tower::Settings> {
    choice?.table.iter().find_map(|row| match row.recipe.core {
        Core::TwoTower(settings) => Some(settings),
        _ => None,
    })
}

/// Has shops' recommenders trained whose purchases have changed, until `stop` is done.
pub async fn keep_training(app: App, stop: impl Future<Output = ()> + Send) {
    let training = async {
        tokio::time::sleep(FIRST_LOOK).await;
        loop {
            if let Err(error) = train_due(&app).await {
                tracing::warn!(%error, "recommenders cannot be kept up to date");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::select! {
        () = training => {}
        () = stop => {}
    }
}

/// Asks for a training of each shop whose purchases are others than those that its version of yesterday or before was made
/// from; how many.
pub async fn train_due(app: &App) -> Result<usize, StorageError> {
    let shops = shops::list_shops(&mut app.db().read().await?).await?;
    let mut asked = 0;
    for shop in shops {
        let due = {
            let mut db = app.db().read().await?;
            let data = behavior::lines_version(&mut db, &shop.id).await?;
            let known = queries::find_latest(&mut db, &shop.id).await?;
            !data.is_empty() && known.is_none_or(|known| is_old(&known, &data, app.now()))
        };
        if due {
            let mut tx = app.db().begin().await?;
            ask(app, &mut tx, &shop.id).await?;
            tx.commit().await?;
            asked += 1;
        }
    }
    Ok(asked)
}

fn is_old(known: &Version, data: &str, now: UtcMillis) -> bool {
    known.data_version != data && now.since(known.trained_at) >= AGE_MS
}

#[cfg(test)]
mod tests {
    use super::super::models::choose::Family;
    use super::super::models::history::{Bought, Item, Purchases};
    use super::super::models::item_knn;
    use super::*;

    /// Four tastes of twenty things each, of which a customer buys the next two every ten days.
    fn shelf() -> Shelf {
        let of = |n: u32| {
            let bought = (0..12).flat_map(|at: u32| {
                let item = move |k: u32| n % 4 * 20 + (n / 4 * 7 + at * 2 + k) % 20;
                let at = UtcMillis::new((i64::from(at) * 10 + i64::from(n % 10)) * DAY_MS);
                [Bought { item: item(0), at }, Bought { item: item(1), at }]
            });
            Customer {
                bought: bought.collect(),
                attributes: Vec::new(),
            }
        };
        Shelf {
            purchases: Purchases {
                customers: (0..80).map(of).collect(),
                items: vec![Item::default(); 80],
            },
            customers: (0..80).map(|n| format!("c{n}")).collect(),
            products: (0..80).map(|n| format!("p{n}")).collect(),
            unsold: Vec::new(),
        }
    }

    #[test]
    fn a_new_recipe_serves_only_where_it_beats_the_one_in_service() {
        let shelf = shelf();
        let end = shelf.purchases.last().unwrap().plus(1);
        let tried = [
            Core::Popularity(30.0),
            Core::ItemKnn(item_knn::Settings {
                neighbours: 20,
                shrinkage: 1.0,
                half_life_days: 80.0,
            }),
        ];
        let choices = choose(&shelf.purchases, end, &tried, SEED)
            .unwrap()
            .unwrap();
        let mut choice = choices
            .into_iter()
            .find(|choice| choice.view == View::New)
            .unwrap();
        let best = choice.winner;
        assert_eq!(best.core.family(), Family::ItemKnn);
        let popular = choice.table[0].recipe;
        let decided = |choice: &Choice, held| decide(&shelf, Some(choice), held, end).unwrap();
        assert_eq!(decided(&choice, None).0, best);
        assert_eq!(
            decided(&choice, Some(best)).2,
            None,
            "the same recipe, on newer data"
        );
        let (serves, _, told) = decided(&choice, Some(popular));
        assert!(serves == best && told.unwrap().replaced);
        choice.winner = popular;
        let (serves, calibration, told) = decided(&choice, Some(best));
        assert!(serves == best && !told.unwrap().replaced);
        assert_eq!(
            calibration.confidence(1.0),
            None,
            "its scores were not counted this time"
        );
        let (serves, ..) = decide(&shelf, None, Some(best), end).unwrap();
        assert_eq!(serves.core.family(), Family::Popularity, "nobody came back");
    }
}
