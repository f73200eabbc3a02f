//! Frequent itemsets by FP-growth (Han, Pei and Yin, 2000).
//!
//! The tree stands in flat lists. It is built from sorted baskets, so that a basket shares its beginning with the one before
//! it and no child is ever looked for. Where there are few products, a table of all pairs is counted beside the tree: it
//! tells which products a conditional tree has before a path is walked.

use super::baskets::Baskets;

/// A set of products that occurs often enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Itemset {
    /// Its products, ascending.
    pub items: Vec<u32>,
    /// Baskets that have all of them.
    pub count: u32,
}

/// There are more itemsets than anybody can use: the minimum is too low for these baskets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are too many itemsets")]
pub struct TooMany;

/// No node.
const NONE: u32 = u32::MAX;
/// Products for which the table of pairs is worth its memory (32 MiB).
const PAIRED_MAX: usize = 4_096;

/// Finds all sets of up to `length_max` products that at least `count_min` baskets have: by their length, then their
/// products.
///
/// # Errors
/// [`TooMany`] beyond `most` sets.
pub fn mine(
    baskets: &Baskets,
    count_min: u32,
    length_max: usize,
    most: usize,
) -> Result<Vec<Itemset>, TooMany> {
    let count_min = count_min.max(1);
    let counts = baskets.counts();
    // The most frequent first: paths that many baskets share lie near the root.
    let mut products: Vec<u32> = (0..counts.len() as u32)
        .filter(|item| counts[*item as usize] >= count_min)
        .collect();
    products.sort_by_key(|item| (std::cmp::Reverse(counts[*item as usize]), *item));
    let mut rank_of = vec![NONE; counts.len()];
    for (rank, item) in (0u32..).zip(&products) {
        rank_of[*item as usize] = rank;
    }
    let mut paths = Paths::default();
    for basket in baskets.iter() {
        paths.push(
            basket
                .iter()
                .map(|item| rank_of[*item as usize])
                .filter(|rank| *rank != NONE),
            1,
        );
    }
    let pairs = (products.len() <= PAIRED_MAX).then(|| Pairs::count(&paths, products.len()));
    let tree = Tree::build(&mut paths, products.len());
    let mut mining = Mining {
        count_min,
        length_max,
        most,
        products,
        suffix: Vec::new(),
        found: Vec::new(),
    };
    mining.grow(&tree, None, pairs.as_ref())?;
    let mut found = mining.found;
    found.sort_unstable_by(|a, b| {
        a.items
            .len()
            .cmp(&b.items.len())
            .then_with(|| a.items.cmp(&b.items))
    });
    Ok(found)
}

/// Paths of ranks, ascending, each with a weight.
#[derive(Debug, Default)]
struct Paths {
    ranks: Vec<u32>,
    /// Begin, end and weight.
    spans: Vec<(u32, u32, u32)>,
}

impl Paths {
    fn push(&mut self, ranks: impl Iterator<Item = u32>, weight: u32) {
        let from = self.ranks.len();
        self.ranks.extend(ranks);
        if self.ranks.len() > from {
            self.ranks[from..].sort_unstable();
            self.spans
                .push((from as u32, self.ranks.len() as u32, weight));
        }
    }

    fn path(&self, (from, to, _): (u32, u32, u32)) -> &[u32] {
        &self.ranks[from as usize..to as usize]
    }
}

/// In how many baskets each pair of ranks is.
struct Pairs(Vec<u32>);

impl Pairs {
    fn count(paths: &Paths, products: usize) -> Self {
        let mut table = vec![0; products * products.saturating_sub(1) / 2];
        for span in &paths.spans {
            let path = paths.path(*span);
            for (at, rank) in path.iter().enumerate() {
                let row = Self::row(*rank);
                for before in &path[..at] {
                    table[row + *before as usize] += 1;
                }
            }
        }
        Self(table)
    }

    const fn row(rank: u32) -> usize {
        let rank = rank as usize;
        rank * rank.saturating_sub(1) / 2
    }

    /// The counts of a rank with each lower one.
    fn of(&self, rank: u32) -> &[u32] {
        let row = Self::row(rank);
        &self.0[row..row + rank as usize]
    }
}

#[derive(Debug)]
struct Node {
    rank: u32,
    count: u32,
    parent: u32,
    /// The next node of the same rank.
    next: u32,
}

/// A tree of paths. Node 0 is the root.
#[derive(Debug)]
struct Tree {
    nodes: Vec<Node>,
    /// The first node of each rank.
    heads: Vec<u32>,
    /// The weight of all paths with a rank.
    counts: Vec<u32>,
}

impl Tree {
    fn build(paths: &mut Paths, ranks: usize) -> Self {
        let mut spans = std::mem::take(&mut paths.spans);
        spans.sort_unstable_by(|a, b| paths.path(*a).cmp(paths.path(*b)));
        let mut tree = Self {
            nodes: vec![Node {
                rank: NONE,
                count: 0,
                parent: NONE,
                next: NONE,
            }],
            heads: vec![NONE; ranks],
            counts: vec![0; ranks],
        };
        let mut open: Vec<u32> = Vec::new();
        for span in spans {
            let path = paths.path(span);
            let weight = span.2;
            let known = open
                .iter()
                .zip(path)
                .take_while(|(node, rank)| tree.nodes[**node as usize].rank == **rank);
            let known = known.count();
            open.truncate(known);
            for node in &open {
                tree.nodes[*node as usize].count += weight;
            }
            for rank in &path[known..] {
                let node = tree.nodes.len() as u32;
                let head = &mut tree.heads[*rank as usize];
                tree.nodes.push(Node {
                    rank: *rank,
                    count: weight,
                    parent: open.last().copied().unwrap_or(0),
                    next: *head,
                });
                *head = node;
                open.push(node);
            }
            for rank in path {
                tree.counts[*rank as usize] += weight;
            }
        }
        tree
    }

    fn nodes_of(&self, rank: u32) -> impl Iterator<Item = &Node> {
        let node = |at: u32| self.nodes.get(at as usize);
        std::iter::successors(node(self.heads[rank as usize]), move |one| node(one.next))
    }
}

struct Mining {
    count_min: u32,
    length_max: usize,
    most: usize,
    /// Products by rank of the whole tree.
    products: Vec<u32>,
    suffix: Vec<u32>,
    found: Vec<Itemset>,
}

impl Mining {
    /// Finds the sets of a tree, each with the suffix. `names` are the products of a conditional tree's ranks; `pairs` is
    /// there for the whole tree.
    fn grow(
        &mut self,
        tree: &Tree,
        names: Option<&[u32]>,
        pairs: Option<&Pairs>,
    ) -> Result<(), TooMany> {
        for rank in (0..tree.heads.len() as u32).rev() {
            let product = match names {
                Some(names) => names[rank as usize],
                None => self.products[rank as usize],
            };
            self.suffix.push(product);
            self.take(tree.counts[rank as usize])?;
            if self.suffix.len() < self.length_max {
                let counts = match pairs {
                    Some(pairs) => pairs.of(rank).to_vec(),
                    None => count_above(tree, rank),
                };
                self.condition(tree, rank, names, &counts)?;
            }
            self.suffix.pop();
        }
        Ok(())
    }

    /// Goes on with the tree of what is above a rank.
    fn condition(
        &mut self,
        tree: &Tree,
        rank: u32,
        names: Option<&[u32]>,
        counts: &[u32],
    ) -> Result<(), TooMany> {
        let frequent: Vec<u32> = (0..rank)
            .filter(|other| counts[*other as usize] >= self.count_min)
            .collect();
        let own = |other: &u32| match names {
            Some(names) => names[*other as usize],
            None => self.products[*other as usize],
        };
        let own: Vec<u32> = frequent.iter().map(own).collect();
        if let [product] = own[..] {
            self.suffix.push(product);
            self.take(counts[frequent[0] as usize])?;
            self.suffix.pop();
            return Ok(());
        }
        if own.is_empty() {
            return Ok(());
        }
        let mut local = vec![NONE; rank as usize];
        for (at, other) in (0u32..).zip(&frequent) {
            local[*other as usize] = at;
        }
        let mut paths = Paths::default();
        for node in tree.nodes_of(rank) {
            let above = std::iter::successors(tree.nodes.get(node.parent as usize), |one| {
                tree.nodes.get(one.parent as usize)
            });
            let ranks = above
                .filter_map(|one| local.get(one.rank as usize).copied())
                .filter(|rank| *rank != NONE);
            paths.push(ranks, node.count);
        }
        let conditional = Tree::build(&mut paths, own.len());
        self.grow(&conditional, Some(&own), None)
    }

    fn take(&mut self, count: u32) -> Result<(), TooMany> {
        if self.found.len() >= self.most {
            return Err(TooMany);
        }
        let mut items = self.suffix.clone();
        items.sort_unstable();
        self.found.push(Itemset { items, count });
        Ok(())
    }
}

/// How often each lower rank stands above a rank.
fn count_above(tree: &Tree, rank: u32) -> Vec<u32> {
    let mut counts = vec![0; rank as usize];
    for node in tree.nodes_of(rank) {
        let mut above = node.parent;
        while let Some(one) = tree
            .nodes
            .get(above as usize)
            .filter(|one| one.rank != NONE)
        {
            counts[one.rank as usize] += node.count;
            above = one.parent;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn baskets(all: &[Vec<u32>]) -> Baskets {
        let mut baskets = Baskets::default();
        all.iter()
            .for_each(|items| baskets.push(items.iter().copied()));
        baskets
    }

    /// All sets, by trying each one.
    fn tried(all: &[Vec<u32>], count_min: u32, length_max: usize) -> BTreeMap<Vec<u32>, u32> {
        let mut counts = BTreeMap::new();
        for set in 1u32..1 << 7 {
            let items: Vec<u32> = (0..7).filter(|item| set >> item & 1 == 1).collect();
            let has = |basket: &&Vec<u32>| items.iter().all(|item| basket.contains(item));
            let count = all.iter().filter(has).count() as u32;
            if count >= count_min && items.len() <= length_max {
                counts.insert(items, count);
            }
        }
        counts
    }

    #[test]
    fn the_sets_of_the_papers_example_are_found() {
        // Han, Pei and Yin's table 1: f a c d g i m p, …, as 0 to 15.
        let letters = |text: &str| {
            text.bytes()
                .map(|byte| u32::from(byte - b'a'))
                .collect::<Vec<u32>>()
        };
        let all = ["facdgimp", "abcflmo", "bfhjo", "bcksp", "afcelpmn"].map(letters);
        let found = mine(&baskets(&all), 3, usize::MAX, 1_000).unwrap();
        let longest = found.last().unwrap();
        let text: String = longest
            .items
            .iter()
            .map(|item| char::from(b'a' + *item as u8))
            .collect();
        assert_eq!((text.as_str(), longest.count, found.len()), ("acfm", 3, 18));
    }

    #[test]
    fn more_sets_than_anybody_can_use_are_refused() {
        let all = vec![(0..20).collect::<Vec<u32>>(); 5];
        assert_eq!(mine(&baskets(&all), 2, usize::MAX, 1_000), Err(TooMany));
        assert_eq!(mine(&baskets(&all), 2, 2, 1_000).unwrap().len(), 210);
        assert_eq!(mine(&baskets(&[]), 1, 3, 10), Ok(vec![]));
    }

    proptest::proptest! {
        #[test]
        fn the_same_sets_are_found_as_by_trying_each(
            all in proptest::collection::vec(proptest::collection::vec(0u32..7, 0..6), 0..30),
            count_min in 1u32..5, length_max in 1usize..7,
        ) {
            let found = mine(&baskets(&all), count_min, length_max, 10_000).unwrap();
            let by_items: BTreeMap<_, _> = found.iter().map(|one| (one.items.clone(), one.count)).collect();
            proptest::prop_assert_eq!(found.len(), by_items.len());
            proptest::prop_assert_eq!(by_items, tried(&all, count_min, length_max));
        }
    }
}
