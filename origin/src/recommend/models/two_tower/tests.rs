use super::super::history::tests::{day, purchases};
use super::super::history::{Bought, Purchases};
use super::*;

const SETTINGS: Settings = Settings {
    width: 8,
    rate: 0.03,
    decay: 0.01,
    epochs: 8,
    batch: 128,
    half_life_days: 60.0,
};

/// Two tastes of eight items each; customers buy four of their taste's one after the other. Nobody bought
/// the last two: by its name item 16 is of the second taste, and item 17 of the first.
fn tastes() -> Purchases {
    let customers: Vec<_> = (0..60u32)
        .map(|n| {
            (0..4)
                .map(|at| ((n % 2) * 8 + (n / 2 + at * 3) % 8, i64::from(n + at * 10)))
                .collect()
        })
        .collect();
    let mut all = purchases(18, &customers);
    for (at, item) in all.items.iter_mut().enumerate() {
        item.name = if at < 8 || at == 17 {
            "red cup"
        } else {
            "blue bowl"
        }
        .to_owned();
    }
    for (at, customer) in all.customers.iter_mut().enumerate() {
        customer.attributes = vec![format!("likes={}", at % 2)];
    }
    all
}

fn of_second_taste(scores: &[f32]) -> f32 {
    scores[8..16].iter().sum::<f32>() / scores[..16].iter().sum::<f32>()
}

fn scores(towers: &TwoTower, bought: &[Bought], attributes: &[String]) -> Vec<f32> {
    let mut scores = vec![0.0; 18];
    towers.score(
        &Shopper {
            bought,
            attributes,
            now: day(100),
        },
        &mut scores,
    );
    scores
}

#[test]
fn tastes_are_found_from_history_attributes_and_names() {
    let towers = fit(&tastes(), SETTINGS, 1).unwrap();
    let bought = [Bought {
        item: 9,
        at: day(99),
    }];
    let known = scores(&towers, &bought, &[]);
    assert!(of_second_taste(&known) > 0.8, "{known:?}");
    let told = scores(&towers, &[], &["likes=1".to_owned()]);
    assert!(of_second_taste(&told) > 0.6, "{told:?}");
    assert!(known[16] > known[17], "{known:?}");
}

#[test]
fn the_same_seed_gives_the_same_towers() {
    let few = Settings {
        epochs: 1,
        ..SETTINGS
    };
    let (one, other) = (
        fit(&tastes(), few, 7).unwrap(),
        fit(&tastes(), few, 7).unwrap(),
    );
    assert_eq!(one, other);
    assert_ne!(one, fit(&tastes(), few, 8).unwrap());
}

#[test]
fn a_new_item_has_the_vector_of_its_features() {
    let all = tastes();
    let towers = fit(
        &all,
        Settings {
            epochs: 1,
            ..SETTINGS
        },
        1,
    )
    .unwrap();
    let made = towers.new_item(&all.items[16]);
    let (popularity, tastes) = made.split_last().unwrap();
    let (unsold, there) = towers.item(16).split_last().unwrap();
    for (made, there) in tastes.iter().zip(there) {
        assert!((made - there).abs() < 1e-6);
    }
    assert!(popularity > unsold, "a prior of what things are bought");
}

#[test]
fn the_watched_fit_ends_by_itself() {
    let split = tastes().split(day(70), day(100));
    let many = Settings {
        epochs: 1_000,
        ..SETTINGS
    };
    let (_, epochs) = fit_watched(&split, many, 1).unwrap();
    assert!(epochs < 100, "{epochs}");
}

#[test]
fn a_shop_without_customers_is_fitted_without_a_fault() {
    let towers = fit(&purchases(18, &[]), SETTINGS, 1).unwrap();
    assert!(
        scores(&towers, &[], &[])
            .iter()
            .all(|score| score.is_finite())
    );
}
