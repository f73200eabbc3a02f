//! Products and what ties them, in communities.

use std::collections::BTreeMap;

use super::rules::Rule;

/// Colours of communities, by their size, beginning with the contract's.
pub const COLOURS: [&str; 10] = [
    "#00F0FF", "#7000FF", "#FF6B00", "#00C853", "#FF2D78", "#FFC400", "#3D5AFE", "#8D6E63",
    "#00BFA5", "#C51162",
];

/// Two products that are bought together.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Whoever buys this
    pub source: u32,
    /// also buys that: the direction with the higher confidence.
    pub target: u32,
    /// How strongly they belong together, 0 to 1: the mean of both directions' confidences (Kulczynski, 1927), which large
    /// baskets do not change.
    pub strength: f64,
    /// The share of all baskets that have both.
    pub support: f64,
    /// Of the direction.
    pub confidence: f64,
    /// How many times as often as if without regard for each other.
    pub lift: f64,
}

/// Products by what ties them.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Products and their communities, from 0 by size; by product.
    pub nodes: Vec<(u32, usize)>,
    /// The ties, the surest first.
    pub links: Vec<Link>,
}

/// The network of the first `top` ties among rules that are sorted. `counts` tells in how many baskets each product is.
#[must_use]
pub fn network(rules: &[Rule], counts: &BTreeMap<u32, u32>, top: usize) -> Network {
    let mut links: Vec<Link> = Vec::new();
    let mut places: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    for rule in rules {
        let ([a], [c]) = (&rule.antecedent[..], &rule.consequent[..]) else {
            continue;
        };
        let pair = (*a.min(c), *a.max(c));
        if let Some(place) = places.get(&pair) {
            let link = &mut links[*place];
            if rule.confidence > link.confidence {
                (link.source, link.target, link.confidence) = (*a, *c, rule.confidence);
            }
            continue;
        }
        if links.len() >= top {
            continue;
        }
        places.insert(pair, links.len());
        let share = |product: &u32| {
            f64::from(rule.count)
                / f64::from(
                    counts
                        .get(product)
                        .copied()
                        .unwrap_or(0)
                        .max(rule.count)
                        .max(1),
                )
        };
        links.push(Link {
            source: *a,
            target: *c,
            strength: (share(a) + share(c)) / 2.0,
            support: rule.support,
            confidence: rule.confidence,
            lift: rule.lift,
        });
    }
    let mut products: Vec<u32> = links
        .iter()
        .flat_map(|link| [link.source, link.target])
        .collect();
    products.sort_unstable();
    products.dedup();
    let place = |product: u32| products.binary_search(&product).unwrap_or(0);
    let edges: Vec<(usize, usize, f64)> = links
        .iter()
        .map(|link| (place(link.source), place(link.target), link.strength))
        .collect();
    let communities = communities(products.len(), &edges);
    Network {
        nodes: products.into_iter().zip(communities).collect(),
        links,
    }
}

/// Communities by the Louvain method (Blondel, Guillaume, Lambiotte and Lefebvre, 2008): nodes move to where the modularity
/// gains most, then communities become nodes, until nothing gains any more. Numbered by size, the largest 0; of equal ones
/// the one with the first node comes first. The nodes are tried in their order, so the same network has the same communities.
#[must_use]
pub fn communities(nodes: usize, edges: &[(usize, usize, f64)]) -> Vec<usize> {
    let mut community: Vec<usize> = (0..nodes).collect();
    let mut graph = Graph::of(nodes, edges);
    loop {
        let moved = graph.move_nodes();
        if !graph.gained {
            break;
        }
        let (numbers, count) = numbered(&moved);
        community.iter_mut().for_each(|one| *one = numbers[*one]);
        graph = graph.merged(&numbers, count);
    }
    by_size(&community)
}

#[derive(Debug)]
struct Graph {
    /// Ties of each node to others.
    ties: Vec<BTreeMap<usize, f64>>,
    /// Twice the weight of a node's ties to itself.
    own: Vec<f64>,
    gained: bool,
}

impl Graph {
    fn of(nodes: usize, edges: &[(usize, usize, f64)]) -> Self {
        let mut graph = Self {
            ties: vec![BTreeMap::new(); nodes],
            own: vec![0.0; nodes],
            gained: false,
        };
        for (a, b, weight) in edges {
            if a == b {
                graph.own[*a] += 2.0 * weight;
            } else {
                *graph.ties[*a].entry(*b).or_default() += weight;
                *graph.ties[*b].entry(*a).or_default() += weight;
            }
        }
        graph
    }

    fn degree(&self, node: usize) -> f64 {
        self.own[node] + self.ties[node].values().sum::<f64>()
    }

    fn move_nodes(&mut self) -> Vec<usize> {
        let nodes = self.ties.len();
        let degrees: Vec<f64> = (0..nodes).map(|node| self.degree(node)).collect();
        let whole: f64 = degrees.iter().sum();
        let mut community: Vec<usize> = (0..nodes).collect();
        let mut totals = degrees.clone();
        self.gained = false;
        loop {
            let mut moved = false;
            for node in 0..nodes {
                let from = community[node];
                totals[from] -= degrees[node];
                let mut towards: BTreeMap<usize, f64> = BTreeMap::new();
                for (other, weight) in &self.ties[node] {
                    *towards.entry(community[*other]).or_default() += weight;
                }
                let gain = |to: usize| {
                    towards.get(&to).copied().unwrap_or(0.0) - totals[to] * degrees[node] / whole
                };
                let stay = gain(from);
                let best =
                    towards
                        .keys()
                        .map(|to| (gain(*to), *to))
                        .fold((stay, from), |best, one| {
                            // A tiny gain is rounding.
                            if one.0 > best.0 + 1e-12 { one } else { best }
                        });
                totals[best.1] += degrees[node];
                community[node] = best.1;
                moved |= best.1 != from;
            }
            if !moved {
                return community;
            }
            self.gained = true;
        }
    }

    fn merged(&self, numbers: &[usize], count: usize) -> Self {
        let mut graph = Self::of(count, &[]);
        for (node, ties) in self.ties.iter().enumerate() {
            let a = numbers[node];
            graph.own[a] += self.own[node];
            for (other, weight) in ties {
                let b = numbers[*other];
                if a == b {
                    graph.own[a] += weight;
                } else {
                    *graph.ties[a].entry(b).or_default() += weight;
                }
            }
        }
        graph
    }
}

/// Numbers without gaps, in the order in which they come.
fn numbered(community: &[usize]) -> (Vec<usize>, usize) {
    let mut known = BTreeMap::new();
    let numbers = community.iter().map(|one| {
        let next = known.len();
        *known.entry(*one).or_insert(next)
    });
    let numbers: Vec<usize> = numbers.collect();
    (numbers, known.len())
}

fn by_size(community: &[usize]) -> Vec<usize> {
    let (numbers, count) = numbered(community);
    let mut sizes: Vec<(usize, usize)> = (0..count)
        .map(|one| (numbers.iter().filter(|other| **other == one).count(), one))
        .collect();
    sizes.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut place = vec![0; count];
    for (at, (_, one)) in sizes.into_iter().enumerate() {
        place[one] = at;
    }
    numbers.into_iter().map(|one| place[one]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_with_one_tie_between_them_are_two_communities() {
        let edges = [
            (0, 1, 1.0),
            (1, 2, 1.0),
            (0, 2, 1.0),
            (3, 4, 1.0),
            (4, 5, 1.0),
            (3, 5, 1.0),
            (5, 6, 1.0),
            (6, 3, 1.0),
            (2, 3, 0.2),
        ];
        assert_eq!(communities(7, &edges), [1, 1, 1, 0, 0, 0, 0]);
        assert_eq!(communities(0, &[]), Vec::<usize>::new());
    }

    /// A ring of ten groups of three: Louvain finds the groups (networkx's louvain_communities does, too).
    #[test]
    fn a_ring_of_groups_is_as_many_communities() {
        let inside = (0..10).flat_map(|g| {
            [
                (3 * g, 3 * g + 1, 1.0),
                (3 * g + 1, 3 * g + 2, 1.0),
                (3 * g, 3 * g + 2, 1.0),
            ]
        });
        let between = (0..10).map(|g| (3 * g, (3 * g + 4) % 30, 0.3));
        let edges: Vec<_> = inside.chain(between).collect();
        let found = communities(30, &edges);
        for group in found.chunks(3) {
            assert!(group.iter().all(|one| *one == group[0]), "{found:?}");
        }
        assert_eq!(found.iter().max(), Some(&9));
    }

    #[test]
    fn a_pair_is_one_link_in_the_surer_direction() {
        let rule = |a: u32, c: u32, confidence: f64| Rule {
            antecedent: vec![a],
            consequent: vec![c],
            count: 10,
            support: 0.1,
            confidence,
            lift: 3.0,
            leverage: 0.05,
            conviction: None,
            lift_interval: (2.0, 4.0),
        };
        let counts = [(1, 20), (2, 40), (3, 10)].into();
        let found = network(
            &[rule(2, 1, 0.25), rule(1, 2, 0.5), rule(3, 1, 1.0)],
            &counts,
            1,
        );
        assert_eq!(found.links.len(), 1);
        let link = &found.links[0];
        assert_eq!(
            (link.source, link.target, link.confidence, link.strength),
            (1, 2, 0.5, 0.375)
        );
        assert_eq!(found.nodes, [(1, 0), (2, 0)]);
    }
}
