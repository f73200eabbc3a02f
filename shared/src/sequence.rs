//! Puts short lists in a sequence.

/// Sorts by a key, entries of the same key staying as they stand. For lists that are short or nearly sorted: it goes from
/// neighbour to neighbour. The library's own stable sort is made anew for each type of entry, 4 KiB each, and the edge
/// component has a mebibyte.
pub fn sort_short<T, K: Ord>(list: &mut [T], key: impl Fn(&T) -> K) {
    for end in 1..list.len() {
        let mut at = end;
        while at > 0 && key(&list[at - 1]) > key(&list[at]) {
            list.swap(at - 1, at);
            at -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_librarys_stable_sort(keys in proptest::collection::vec(0_u8..8, 0..40)) {
            let mut list: Vec<(u8, usize)> = keys.into_iter().zip(0..).collect();
            let mut expected = list.clone();
            expected.sort_by_key(|(key, _)| *key);
            sort_short(&mut list, |(key, _)| *key);
            prop_assert_eq!(list, expected);
        }
    }
}
