//! What a group of customers is called.
//!
//! Each name has an ideal place: mean scores of recency, frequency and money. The group that lies nearest to one takes it,
//! then the next nearest of what is left, until all groups have a name; so no name is given twice. Where no recency is
//! known, it counts as the middle of the scale.

/// A name and its ideal mean scores, after the usual grid of RFM segments.
const IDEALS: [(&str, [f64; 3]); 11] = [
    ("Champions", [4.6, 4.6, 4.6]),
    ("Loyal Customers", [3.7, 4.0, 4.0]),
    ("Potential Loyalists", [4.2, 2.8, 2.8]),
    ("New Customers", [4.5, 1.4, 1.6]),
    ("Promising", [3.8, 1.6, 2.6]),
    ("Value Seekers", [3.2, 3.0, 1.6]),
    ("Big Spenders", [3.0, 2.2, 4.4]),
    ("Need Attention", [2.8, 2.9, 3.0]),
    ("At Risk", [1.9, 3.4, 3.4]),
    ("Hibernating", [1.8, 1.9, 2.0]),
    ("Lost", [1.2, 1.2, 1.2]),
];

/// Most groups that have names of their own.
pub const NAMES: usize = IDEALS.len();

/// Mean scores of a group; the recency is `None` where it is not known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanScores {
    /// Of recency.
    pub recency: Option<f64>,
    /// Of frequency.
    pub frequency: f64,
    /// Of money.
    pub monetary: f64,
}

/// Names groups; more groups than there are names are numbered.
#[must_use]
pub fn name(groups: &[MeanScores]) -> Vec<String> {
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        let place = [
            group.recency.unwrap_or(3.0),
            group.frequency,
            group.monetary,
        ];
        for (ideal, (_, scores)) in IDEALS.iter().enumerate() {
            let square = |(a, b): (&f64, &f64)| (a - b) * (a - b);
            let distance = place.iter().zip(scores).map(square).sum::<f64>();
            pairs.push((distance, at, ideal));
        }
    }
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let mut names: Vec<Option<&str>> = vec![None; groups.len()];
    let mut taken = [false; IDEALS.len()];
    for (_, at, ideal) in pairs {
        if names[at].is_none() && !taken[ideal] {
            names[at] = Some(IDEALS[ideal].0);
            taken[ideal] = true;
        }
    }
    let numbered = |(at, name): (usize, Option<&str>)| {
        name.map_or_else(|| format!("Segment {at}"), str::to_owned)
    };
    names.into_iter().enumerate().map(numbered).collect()
}

/// Gives groups the ids that they had before: each takes that of the old group with which it shares most customers, the
/// greatest overlap first; what is left gets new ones. `overlaps[group][old]` counts shared customers, `old_ids` are the
/// ids of the old groups.
#[must_use]
pub fn keep_ids(overlaps: &[Vec<u64>], old_ids: &[i64]) -> Vec<i64> {
    let mut pairs: Vec<(u64, usize, usize)> = Vec::new();
    for (group, row) in overlaps.iter().enumerate() {
        let shared = row.iter().enumerate().filter(|(_, count)| **count > 0);
        pairs.extend(shared.map(|(old, count)| (*count, group, old)));
    }
    pairs.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let mut ids: Vec<Option<i64>> = vec![None; overlaps.len()];
    let mut taken = vec![false; old_ids.len()];
    for (_, group, old) in pairs {
        if ids[group].is_none() && !taken[old] {
            ids[group] = Some(old_ids[old]);
            taken[old] = true;
        }
    }
    let mut free = (0..).filter(|id| !old_ids.contains(id));
    ids.into_iter()
        .map(|id| id.or_else(|| free.next()).unwrap_or(0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(recency: f64, frequency: f64, monetary: f64) -> MeanScores {
        MeanScores {
            recency: Some(recency),
            frequency,
            monetary,
        }
    }

    #[test]
    fn groups_are_called_after_what_they_do() {
        let names = name(&[
            group(1.5, 1.4, 1.6),
            group(4.5, 4.7, 4.7),
            group(1.9, 3.5, 3.6),
            group(4.3, 1.5, 1.5),
        ]);
        assert_eq!(names, ["Lost", "Champions", "At Risk", "New Customers"]);
    }

    #[test]
    fn no_name_is_given_twice() {
        let groups = vec![group(4.6, 4.6, 4.6); 13];
        let mut names = name(&groups);
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 13);
    }

    #[test]
    fn ids_stay_with_their_customers() {
        let overlaps = [vec![1, 50, 0], vec![90, 3, 0], vec![0, 0, 0]];
        assert_eq!(keep_ids(&overlaps, &[0, 1, 2]), [1, 0, 3]);
        assert_eq!(keep_ids(&[vec![], vec![]], &[]), [0, 1]);
    }
}
