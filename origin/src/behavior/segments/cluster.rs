//! How many groups, and who is in which.

use footfall_shared::behavior::kmeans::{Point, kmeans, silhouettes};
use footfall_shared::behavior::segment::NAMES;

/// The seed: the same customers always fall into the same groups.
const SEED: u64 = 42;
/// Restarts.
const RUNS: usize = 10;
/// Numbers of groups that are tried. Two tell a shop nothing that it can act on.
const TRIED: std::ops::RangeInclusive<usize> = 3..=8;

/// Most groups that can be asked for.
pub(super) const CLUSTERS_MAX: usize = NAMES;

/// Groups, and how they were found.
#[derive(Debug, Clone, PartialEq)]
pub struct Clusters {
    /// The group of each customer, from 0.
    pub of: Vec<usize>,
    /// How many groups there are, none of them empty.
    pub count: usize,
    /// How well they are told apart, −1 to 1; `None` for one group.
    pub silhouette: Option<f64>,
}

/// Groups customers by their features: into `asked` groups (or fewer, where customers do not differ enough), or into as many
/// as the silhouette finds best.
#[must_use]
pub fn cluster(features: &[Point], asked: Option<usize>) -> Clusters {
    let most = count_distinct(features).min(CLUSTERS_MAX);
    let tried: Vec<usize> = match asked {
        Some(asked) => vec![asked.min(most)],
        None => TRIED.filter(|count| *count <= most).collect(),
    };
    let tried = if tried.is_empty() { vec![most] } else { tried };
    let groupings: Vec<Vec<usize>> = tried
        .into_iter()
        .map(|count| kmeans(features, count, RUNS, SEED))
        .collect();
    let scores = silhouettes(features, &groupings);
    // Of two that are equally good the smaller number.
    let best = groupings
        .into_iter()
        .zip(scores)
        .reduce(|best, one| if one.1 > best.1 { one } else { best });
    let (groups, silhouette) = best.unwrap_or_default();
    let (of, count) = without_gaps(&groups);
    Clusters {
        of,
        count,
        silhouette,
    }
}

fn count_distinct(features: &[Point]) -> usize {
    let mut bits: Vec<[u64; 3]> = features
        .iter()
        .map(|point| point.map(f64::to_bits))
        .collect();
    bits.sort_unstable();
    bits.dedup();
    bits.len()
}

/// Groups without numbers that nobody has.
fn without_gaps(groups: &[usize]) -> (Vec<usize>, usize) {
    let mut used = groups.to_vec();
    used.sort_unstable();
    used.dedup();
    let of = groups
        .iter()
        .map(|group| used.partition_point(|one| one < group));
    (of.collect(), used.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(places: &[f64], each: usize) -> Vec<Point> {
        let near = |place: &f64, n: usize| [*place, n as f64 / 100.0, 0.0];
        places
            .iter()
            .flat_map(|place| (0..each).map(move |n| near(place, n)))
            .collect()
    }

    #[test]
    fn the_number_of_groups_follows_from_the_customers_or_from_the_caller() {
        let customers = points(&[0.0, 5.0, 10.0, 20.0], 10);
        assert_eq!(cluster(&customers, None).count, 4);
        assert_eq!(cluster(&customers, Some(2)).count, 2);
        assert_eq!(cluster(&customers, None), cluster(&customers, None));
    }

    #[test]
    fn customers_who_do_not_differ_are_one_group() {
        let found = cluster(&[[1.0; 3]; 10], Some(4));
        assert_eq!((found.count, found.silhouette), (1, None));
        assert_eq!(cluster(&[[0.0; 3]], None).count, 1);
        assert_eq!(cluster(&[], None).count, 0);
        assert_eq!(cluster(&[[0.0; 3], [1.0; 3], [1.0; 3]], Some(5)).count, 2);
    }
}
