//! Who bought what at least once: a sparse matrix of ones.

use super::history::Purchases;

/// The matrix by rows and by columns.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    /// The items of each row, sorted.
    pub(super) items: Vec<Vec<u32>>,
    /// The rows of each item, sorted.
    pub(super) rows: Vec<Vec<u32>>,
}

impl Rows {
    /// The customers that bought most recently, `most` of them at the most, in their sequence.
    pub(super) fn of(purchases: &Purchases, most: usize) -> Self {
        let customers = purchases.customers.iter();
        let mut buyers: Vec<_> = customers
            .enumerate()
            .filter_map(|(at, customer)| Some((customer.bought.last()?.at, at)))
            .collect();
        buyers.sort_by_key(|(last, at)| (std::cmp::Reverse(*last), *at));
        buyers.truncate(most);
        buyers.sort_by_key(|(_, at)| *at);
        let mut rows = vec![Vec::new(); purchases.items.len()];
        let mut items = Vec::with_capacity(buyers.len());
        for (row, (_, at)) in buyers.into_iter().enumerate() {
            let bought = purchases.customers[at].bought.iter();
            let mut own: Vec<u32> = bought.map(|bought| bought.item).collect();
            own.sort_unstable();
            own.dedup();
            for item in &own {
                rows[*item as usize].push(row as u32);
            }
            items.push(own);
        }
        Self { items, rows }
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::tests::purchases;
    use super::*;

    #[test]
    fn the_most_recent_buyers_are_kept_with_distinct_items() {
        let all = purchases(
            3,
            &[
                vec![(0, 1)],
                vec![(2, 5), (0, 6), (2, 7)],
                vec![],
                vec![(1, 6)],
            ],
        );
        let rows = Rows::of(&all, 2);
        assert_eq!(rows.items, [vec![0, 2], vec![1]]);
        assert_eq!(rows.rows, [vec![0], vec![1], vec![0]]);
    }
}
