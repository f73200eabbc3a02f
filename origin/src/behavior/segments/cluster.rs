//! k-means, and how many groups.

use footfall_shared::behavior::segment::NAMES;
use linfa::prelude::{Fit, Predict, SilhouetteScore};
use linfa::{DatasetBase, ParamGuard as _};
use linfa_clustering::{KMeans, KMeansParams};
use ndarray::{Array1, Array2};
use rand_xoshiro::Xoshiro256Plus;
use rand_xoshiro::rand_core::SeedableRng as _;

/// The generator's seed: the same customers always fall into the same groups.
const SEED: u64 = 42;
/// Restarts of the fit that counts, and of those that only look how many groups there are.
const RUNS: usize = 10;
const LOOKING_RUNS: usize = 3;
/// Numbers of groups that are tried. Two tell a shop nothing that it can act on.
const TRIED: std::ops::RangeInclusive<usize> = 3..=8;
/// Customers whose silhouette is measured: it takes their square.
const SILHOUETTE_MAX: usize = 1_500;

/// Most groups that can be asked for.
pub(super) const CLUSTERS_MAX: usize = NAMES;

/// Groups, and how they were found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Clusters {
    /// The group of each customer, from 0.
    pub(super) of: Vec<usize>,
    /// How many groups there are, none of them empty.
    pub(super) count: usize,
    /// How well they are told apart, −1 to 1; `None` for one group.
    pub(super) silhouette: Option<f64>,
}

/// Groups customers by their features: into `asked` groups (or fewer, where customers do not differ enough), or into as many
/// as the silhouette finds best.
pub(super) fn cluster(features: &[[f64; 3]], asked: Option<usize>) -> Clusters {
    let distinct = count_distinct(features);
    let rows = Array2::from(features.to_vec());
    let most = distinct.min(CLUSTERS_MAX);
    let fit = |count: usize, runs: usize| fit(&rows, count, runs);
    let found = match asked {
        Some(asked) => fit(asked.min(most), RUNS),
        None => {
            let tried = TRIED.filter(|count| *count <= most).map(|count| {
                let labels = fit(count, LOOKING_RUNS);
                let score = labels.as_ref().and_then(|labels| silhouette(&rows, labels));
                (score.unwrap_or(-1.0), count)
            });
            // Of two that are equally good the smaller number.
            let best = tried.reduce(|best, one| if one.0 > best.0 { one } else { best });
            fit(best.map_or(most, |(_, count)| count), RUNS)
        }
    };
    // One group, where nothing can be told apart.
    let labels = found.unwrap_or_else(|| vec![0; features.len()]);
    let silhouette = silhouette(&rows, &labels);
    let (of, count) = without_gaps(&labels);
    Clusters {
        of,
        count,
        silhouette,
    }
}

fn fit(rows: &Array2<f64>, count: usize, runs: usize) -> Option<Vec<usize>> {
    if count < 2 {
        return None;
    }
    let seeded = Xoshiro256Plus::seed_from_u64(SEED);
    let params: KMeansParams<f64, _, _> = KMeans::params_with_rng(count, seeded).n_runs(runs);
    // k-means++ is the library's own beginning.
    let params = params.check().ok()?;
    let dataset = DatasetBase::from(rows.clone());
    let model = params.fit(&dataset).ok()?;
    Some(model.predict(rows).to_vec())
}

fn silhouette(rows: &Array2<f64>, labels: &[usize]) -> Option<f64> {
    let step = rows.nrows().div_ceil(SILHOUETTE_MAX).max(1);
    let sample: Vec<usize> = (0..rows.nrows()).step_by(step).collect();
    let labels: Vec<usize> = sample.iter().map(|at| labels[*at]).collect();
    if count_distinct(&labels) < 2 {
        return None;
    }
    let rows = rows.select(ndarray::Axis(0), &sample);
    let dataset = DatasetBase::new(rows, Array1::from(labels));
    dataset
        .silhouette_score()
        .ok()
        .filter(|score: &f64| score.is_finite())
}

fn count_distinct<T: PartialOrd + Clone>(values: &[T]) -> usize {
    let mut values = values.to_vec();
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    values.dedup();
    values.len()
}

/// Labels without numbers that nobody has.
fn without_gaps(labels: &[usize]) -> (Vec<usize>, usize) {
    let mut used = labels.to_vec();
    used.sort_unstable();
    used.dedup();
    let of = labels
        .iter()
        .map(|label| used.partition_point(|one| one < label));
    (of.collect(), used.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(places: &[[f64; 3]], each: usize) -> Vec<[f64; 3]> {
        let spread = |n: usize| (n % 7) as f64 / 70.0;
        let near = |place: &[f64; 3], n: usize| {
            [
                place[0] + spread(n),
                place[1] - spread(n * 3),
                place[2] + spread(n * 5),
            ]
        };
        places
            .iter()
            .flat_map(|place| (0..each).map(move |n| near(place, n)))
            .collect()
    }

    #[test]
    fn groups_that_lie_apart_are_found_and_counted() {
        let places = [
            [0.0, 0.0, 0.0],
            [3.0, 0.0, 0.0],
            [0.0, 3.0, 0.0],
            [0.0, 0.0, 3.0],
        ];
        let found = cluster(&around(&places, 25), None);
        assert_eq!(found.count, 4);
        assert!(found.silhouette > Some(0.8), "{found:?}");
        for group in found.of.chunks(25) {
            assert!(group.iter().all(|label| *label == group[0]));
        }
        assert_eq!(
            found,
            cluster(&around(&places, 25), None),
            "it is the same each time"
        );
        assert_eq!(cluster(&around(&places, 25), Some(2)).count, 2);
    }

    #[test]
    fn customers_who_do_not_differ_are_one_group() {
        let found = cluster(&[[1.0; 3]; 10], Some(4));
        assert_eq!((found.count, found.silhouette), (1, None));
        assert_eq!(cluster(&[[0.0; 3]], None).count, 1);
        let two = cluster(&[[0.0; 3], [1.0; 3], [1.0; 3]], Some(5));
        assert_eq!(two.count, 2);
    }
}
