//! k-means over three figures (Lloyd, 1982), begun by k-means++ (Arthur and Vassilvitskii, 2007), and the silhouette that
//! tells how well groups are apart (Rousseeuw, 1987).
//!
//! Own code, because three columns fit into registers: six numbers of groups are tried with ten restarts each while a shop
//! waits (benches/behavior has the figures against scikit-learn).

/// A customer's place.
pub type Point = [f64; 3];

/// Rounds of one run at most; runs that are not done by then are nearly.
const ROUNDS_MAX: usize = 300;
/// Points whose silhouette is measured at most, evenly taken: it needs the distances of all pairs.
const SILHOUETTE_MAX: usize = 1_000;

/// Splitmix64 (Steele, Lea and Flood, 2014): a short generator that is the same everywhere.
#[derive(Debug, Clone, Copy)]
struct Random(u64);

impl Random {
    /// Between 0 and 1, 1 left out.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        (bits >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Groups points into `count` groups: the best of some runs, by the sum of squared distances. Each point's group, from 0;
/// a group may be empty where points are the same. The same points and seed give the same groups.
#[must_use]
pub fn kmeans(points: &[Point], count: usize, runs: usize, seed: u64) -> Vec<usize> {
    let mut random = Random(seed);
    let mut best: Option<(f64, Vec<usize>)> = None;
    for _ in 0..runs.max(1) {
        let (sum, groups) = run(points, count.max(1), &mut random);
        if best.as_ref().is_none_or(|(least, _)| sum < *least) {
            best = Some((sum, groups));
        }
    }
    best.map(|(_, groups)| groups).unwrap_or_default()
}

fn run(points: &[Point], count: usize, random: &mut Random) -> (f64, Vec<usize>) {
    let mut centres = begin(points, count, random);
    let mut groups = vec![usize::MAX; points.len()];
    let mut sum = 0.0;
    for _ in 0..ROUNDS_MAX {
        let mut moved = false;
        let mut totals = vec![([0.0; 3], 0u32); centres.len()];
        sum = 0.0;
        for (point, group) in points.iter().zip(&mut groups) {
            let (nearest, distance) = nearest(point, &centres);
            moved |= *group != nearest;
            *group = nearest;
            sum += distance;
            let (total, members) = &mut totals[nearest];
            for (sum, value) in total.iter_mut().zip(point) {
                *sum += value;
            }
            *members += 1;
        }
        if !moved {
            break;
        }
        for (centre, (total, members)) in centres.iter_mut().zip(&totals) {
            if *members > 0 {
                *centre = total.map(|sum| sum / f64::from(*members));
            }
        }
    }
    (sum, groups)
}

/// The first centres: each next one is drawn by its squared distance from those before.
fn begin(points: &[Point], count: usize, random: &mut Random) -> Vec<Point> {
    let draw = |random: &mut Random| {
        let at = (random.next() * points.len() as f64) as usize;
        points.get(at).copied().unwrap_or_default()
    };
    let mut centres = vec![draw(random)];
    let mut distances: Vec<f64> = points
        .iter()
        .map(|point| square(point, &centres[0]))
        .collect();
    while centres.len() < count {
        let total: f64 = distances.iter().sum();
        let mut left = random.next() * total;
        let drawn = distances.iter().position(|distance| {
            left -= distance;
            left < 0.0
        });
        let next = drawn
            .and_then(|at| points.get(at))
            .copied()
            .unwrap_or_else(|| draw(random));
        for (distance, point) in distances.iter_mut().zip(points) {
            *distance = distance.min(square(point, &next));
        }
        centres.push(next);
    }
    centres
}

fn nearest(point: &Point, centres: &[Point]) -> (usize, f64) {
    let mut best = (0, f64::INFINITY);
    for (at, centre) in centres.iter().enumerate() {
        let distance = square(point, centre);
        if distance < best.1 {
            best = (at, distance);
        }
    }
    best
}

fn square(a: &Point, b: &Point) -> f64 {
    let [x, y, z] = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    x * x + y * y + z * z
}

/// How well each of some groupings tells points apart, −1 to 1; `None` where it has fewer than two groups. Of many points
/// evenly taken ones are measured. A point that is alone in its group counts 0, as Rousseeuw has it.
#[must_use]
pub fn silhouettes(points: &[Point], groupings: &[Vec<usize>]) -> Vec<Option<f64>> {
    let step = points.len().div_ceil(SILHOUETTE_MAX).max(1);
    let taken: Vec<usize> = (0..points.len()).step_by(step).collect();
    let places: Vec<Point> = taken.iter().map(|at| points[*at]).collect();
    let groups: Vec<Vec<usize>> = groupings
        .iter()
        .map(|groups| taken.iter().map(|at| groups[*at]).collect())
        .collect();
    let counts: Vec<Vec<u32>> = groups.iter().map(|groups| count(groups)).collect();
    let mut totals = vec![0.0; groupings.len()];
    let mut sums: Vec<Vec<f64>> = counts
        .iter()
        .map(|counts| vec![0.0; counts.len()])
        .collect();
    for (at, place) in places.iter().enumerate() {
        sums.iter_mut().for_each(|sums| sums.fill(0.0));
        for (other, point) in places.iter().enumerate() {
            let distance = square(place, point).sqrt();
            for (sums, groups) in sums.iter_mut().zip(&groups) {
                sums[groups[other]] += distance;
            }
        }
        for (grouping, total) in totals.iter_mut().enumerate() {
            *total += of_point(&sums[grouping], &counts[grouping], groups[grouping][at]);
        }
    }
    let several = |counts: &Vec<u32>| counts.iter().filter(|count| **count > 0).count() > 1;
    let means = totals.iter().zip(&counts);
    means
        .map(|(total, counts)| several(counts).then(|| total / places.len() as f64))
        .collect()
}

fn count(groups: &[usize]) -> Vec<u32> {
    let mut counts = vec![0; groups.iter().max().map_or(0, |most| most + 1)];
    groups.iter().for_each(|group| counts[*group] += 1);
    counts
}

fn of_point(sums: &[f64], counts: &[u32], own: usize) -> f64 {
    if counts[own] < 2 {
        return 0.0;
    }
    let within = sums[own] / f64::from(counts[own] - 1);
    let others = sums.iter().zip(counts).enumerate();
    let others = others.filter(|(group, (_, count))| *group != own && **count > 0);
    let nearest = others
        .map(|(_, (sum, count))| sum / f64::from(*count))
        .fold(f64::INFINITY, f64::min);
    let larger = within.max(nearest);
    if larger > 0.0 && nearest.is_finite() {
        (nearest - within) / larger
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points around some places, made without chance.
    fn around(places: &[Point], each: usize) -> Vec<Point> {
        let spread = |n: usize| (n % 7) as f64 / 70.0;
        let near = |place: &Point, n: usize| {
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

    const PLACES: [Point; 4] = [
        [0.0, 0.0, 0.0],
        [3.0, 0.0, 0.0],
        [0.0, 3.0, 0.0],
        [0.0, 0.0, 3.0],
    ];

    #[test]
    fn groups_that_lie_apart_are_found() {
        let points = around(&PLACES, 25);
        let groups = kmeans(&points, 4, 10, 42);
        for group in groups.chunks(25) {
            assert!(group.iter().all(|one| *one == group[0]));
        }
        assert_eq!(groups, kmeans(&points, 4, 10, 42));
        let scores = silhouettes(&points, &[kmeans(&points, 3, 10, 42), groups, vec![0; 100]]);
        assert!(scores[1] > Some(0.9) && scores[1] > scores[0], "{scores:?}");
        assert_eq!(scores[2], None);
    }

    /// scikit-learn's silhouette_score of the same points and groups.
    #[test]
    fn the_silhouette_is_the_published_one() {
        let points = [
            [0.0, 0.0, 0.0],
            [1.0, 0.0, 0.0],
            [4.0, 0.0, 0.0],
            [5.0, 1.0, 0.0],
            [9.0, 9.0, 9.0],
        ];
        let score = silhouettes(&points, &[vec![0, 0, 1, 1, 2]])[0].unwrap();
        assert!((score - 0.557_731_705_5).abs() < 1e-9, "{score}");
    }

    #[test]
    fn points_that_are_the_same_are_grouped_without_a_fault() {
        assert_eq!(kmeans(&[], 3, 2, 1), Vec::<usize>::new());
        assert_eq!(kmeans(&[[1.0; 3]; 3], 2, 2, 1), [0, 0, 0]);
    }

    proptest::proptest! {
        #[test]
        fn no_point_is_nearer_to_another_groups_centre(
            values in proptest::collection::vec(proptest::array::uniform3(-5.0..5.0f64), 2..40), count in 1usize..5,
        ) {
            let groups = kmeans(&values, count, 3, 7);
            let centres: Vec<Option<Point>> = (0..count).map(|group| {
                let members: Vec<&Point> = values.iter().zip(&groups).filter(|(_, one)| **one == group).map(|(point, _)| point).collect();
                let mean = |axis: usize| members.iter().map(|point| point[axis]).sum::<f64>() / members.len() as f64;
                (!members.is_empty()).then(|| [mean(0), mean(1), mean(2)])
            }).collect();
            for (point, group) in values.iter().zip(&groups) {
                let own = square(point, &centres[*group].unwrap());
                for centre in centres.iter().flatten() {
                    proptest::prop_assert!(own <= square(point, centre) + 1e-9);
                }
            }
        }
    }
}
