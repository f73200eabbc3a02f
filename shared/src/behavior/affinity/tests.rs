//! The whole way over a real shop's orders, beside what mlxtend finds in them.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::baskets::Baskets;
use super::fpgrowth::mine;
use super::rules::rules;
use crate::text::hex;

/// Online Retail's clean invoices, as ../shared/data/README.md has them, and its codes by their numbers.
fn online_retail() -> Option<(Baskets, Vec<String>)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data/online-retail/online_retail.csv.gz");
    let Ok(file) = std::fs::File::open(file) else {
        eprintln!("skipped: ../shared/data/online-retail is not here");
        return None;
    };
    let mut records = csv::Reader::from_reader(flate2::read::GzDecoder::new(file));
    let (mut numbers, mut codes) = (HashMap::new(), Vec::new());
    let mut orders: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    let mut record = csv::StringRecord::new();
    while records.read_record(&mut record).unwrap() {
        let clean = !record[0].starts_with('C')
            && !record[6].is_empty()
            && record[3].parse::<i64>().unwrap() > 0
            && record[5].parse::<f64>().unwrap() > 0.0;
        if clean {
            let number = *numbers.entry(record[1].to_owned()).or_insert_with(|| {
                codes.push(record[1].to_owned());
                codes.len() as u32 - 1
            });
            orders.entry(record[0].to_owned()).or_default().push(number);
        }
    }
    let mut baskets = Baskets::default();
    orders.into_values().for_each(|items| baskets.push(items));
    Some((baskets, codes))
}

#[test]
fn online_retail_has_the_itemsets_and_rules_that_mlxtend_finds() {
    let Some((baskets, codes)) = online_retail() else {
        return;
    };
    assert_eq!(baskets.len(), 18_532);
    let itemsets = mine(&baskets, 186, usize::MAX, 10_000).unwrap();
    let name = |items: &[u32]| {
        let mut names: Vec<&str> = items
            .iter()
            .map(|item| codes[*item as usize].as_str())
            .collect();
        names.sort_unstable();
        names.join(" ")
    };
    let mut lines: Vec<String> = itemsets
        .iter()
        .map(|one| format!("{} {}", name(&one.items), one.count))
        .collect();
    lines.sort_unstable();
    // mlxtend 0.25's fpgrowth at support 0.01: its 1,031 sets with their counts, a line each, sorted.
    assert_eq!(lines.len(), 1_031);
    let digest = hex(&Sha256::digest(lines.join("\n")));
    assert_eq!(
        digest,
        "cdc143a37ec229a018d6320c54787261a222da808542369dac3328458c0f0920"
    );

    let rules = rules(&itemsets, baskets.len(), 0.3);
    assert_eq!(rules.len(), 705);
    let teacups = rules
        .iter()
        .find(|rule| name(&rule.antecedent) == "22697" && name(&rule.consequent) == "22699")
        .unwrap();
    assert_eq!(teacups.count, 541);
    assert!((teacups.confidence - 541.0 / 691.0).abs() < 1e-12);
    assert!((teacups.lift - 541.0 * 18_532.0 / (691.0 * 783.0)).abs() < 1e-9);
}
