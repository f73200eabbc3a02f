//! Scores reviews and counts them.

use std::collections::{BTreeMap, HashMap};

use footfall_shared::behavior::sentiment::blend::{Basis, Class, blend};
use footfall_shared::behavior::sentiment::keywords::Keywords;
use footfall_shared::behavior::sentiment::trend::Months;
use footfall_shared::upload::row::{Line, LineKind, Review};

/// Sums over reviews.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tally {
    /// Reviews.
    pub(super) count: i64,
    /// Sum of their scores, each −1 to 1.
    pub(super) scores: f64,
    /// Sum of the scores' squares.
    pub(super) squares: f64,
    /// Reviews with stars, and the sum of these.
    pub(super) rated: i64,
    pub(super) stars: f64,
    /// By how they are meant.
    pub(super) positive: i64,
    pub(super) neutral: i64,
    pub(super) negative: i64,
}

impl Tally {
    fn add(&mut self, score: f64, class: Class, stars: Option<f64>) {
        self.count += 1;
        self.scores += score;
        self.squares += score * score;
        if let Some(stars) = stars {
            self.rated += 1;
            self.stars += stars;
        }
        match class {
            Class::Positive => self.positive += 1,
            Class::Neutral => self.neutral += 1,
            Class::Negative => self.negative += 1,
        }
    }
}

/// What is counted of a product.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct OfProduct {
    /// Its name.
    pub(super) name: Option<String>,
    /// Its category.
    pub(super) category: Option<String>,
    /// Its reviews.
    pub(super) tally: Tally,
    /// Lines of orders that have it.
    pub(super) purchases: i64,
    /// What they brought, in minor units.
    pub(super) revenue: i64,
}

/// A review that waits until it is known what its product is.
#[derive(Debug, Clone, Copy)]
struct Timed {
    product: Option<usize>,
    category: Option<usize>,
    at: Option<i64>,
    score: f64,
    class: Class,
    stars: Option<f64>,
}

/// Counts reviews.
#[derive(Debug, Default)]
pub(super) struct Reviews {
    /// All of them.
    pub(super) all: Tally,
    /// How many stand on what.
    pub(super) bases: BTreeMap<Basis, i64>,
    /// Reviews that could not be read: no stars, and a text in another language.
    pub(super) unread: i64,
    /// Their words.
    pub(super) keywords: Keywords,
    /// By product.
    pub(super) products: Vec<OfProduct>,
    /// The products' ids, by their places.
    pub(super) ids: Vec<String>,
    places: HashMap<String, usize>,
    categories: Vec<String>,
    category_places: HashMap<String, usize>,
    timed: Vec<Timed>,
}

impl Reviews {
    /// Adds a review.
    pub(super) fn add(&mut self, review: &Review<'_>) {
        let product = review.product.as_deref().map(|id| self.place(id));
        if let Some(product) = product.and_then(|at| self.products.get_mut(at)) {
            keep(&mut product.name, review.name.as_deref());
            keep(&mut product.category, review.category.as_deref());
        }
        let category = review.category.as_deref().map(|name| self.category(name));
        let at = review.at.map(footfall_shared::time::UtcMillis::get);
        self.score(product, category, at, review.text.as_deref(), review.rating);
    }

    /// Adds a line of an order: a purchase of its product, and a review where it comes with stars.
    pub(super) fn add_line(&mut self, line: &Line<'_>) {
        if line.kind != LineKind::Sale {
            return;
        }
        let at = self.place(&line.product);
        if let Some(product) = self.products.get_mut(at) {
            product.purchases += 1;
            product.revenue += line
                .amount
                .map_or(0, footfall_shared::money::MinorUnits::get);
            keep(&mut product.name, line.name.as_deref());
            keep(&mut product.category, line.category.as_deref());
        }
        if line.rating.is_some() {
            let category = line.category.as_deref().map(|name| self.category(name));
            let time = line.at.map(footfall_shared::time::UtcMillis::get);
            self.score(Some(at), category, time, None, line.rating);
        }
    }

    fn score(
        &mut self,
        product: Option<usize>,
        category: Option<usize>,
        at: Option<i64>,
        text: Option<&str>,
        rating: Option<i64>,
    ) {
        let stars = rating.map(|hundredths| hundredths as f64 / 100.0);
        let Some(blended) = blend(text, stars) else {
            self.unread += 1;
            return;
        };
        let class = blended.class();
        self.all.add(blended.score, class, stars);
        *self.bases.entry(blended.basis).or_default() += 1;
        if let Some(text) =
            text.filter(|_| matches!(blended.basis, Basis::Text | Basis::TextAndRating))
        {
            self.keywords.add(text, class, blended.score);
        }
        if let Some(product) = product.and_then(|at| self.products.get_mut(at)) {
            product.tally.add(blended.score, class, stars);
        }
        self.timed.push(Timed {
            product,
            category,
            at,
            score: blended.score,
            class,
            stars,
        });
    }

    fn place(&mut self, id: &str) -> usize {
        if let Some(at) = self.places.get(id) {
            return *at;
        }
        let at = self.products.len();
        self.products.push(OfProduct::default());
        self.ids.push(id.to_owned());
        self.places.insert(id.to_owned(), at);
        at
    }

    fn category(&mut self, name: &str) -> usize {
        if let Some(at) = self.category_places.get(name) {
            return *at;
        }
        let at = self.categories.len();
        self.categories.push(name.to_owned());
        self.category_places.insert(name.to_owned(), at);
        at
    }

    /// Reviews by category, each with the course of its scores: the review's own category, else its product's.
    pub(super) fn by_category(&mut self) -> Vec<(String, Tally, Months)> {
        let timed = std::mem::take(&mut self.timed);
        let of_products: Vec<Option<usize>> = self
            .products
            .iter()
            .map(|product| product.category.clone())
            .collect::<Vec<_>>()
            .into_iter()
            .map(|category| category.map(|name| self.category(&name)))
            .collect();
        let mut found: Vec<(String, Tally, Months)> = self
            .categories
            .iter()
            .map(|name| (name.clone(), Tally::default(), Months::default()))
            .collect();
        for one in timed {
            let of_product = one
                .product
                .and_then(|at| of_products.get(at).copied().flatten());
            let Some((_, tally, months)) =
                one.category.or(of_product).and_then(|at| found.get_mut(at))
            else {
                continue;
            };
            tally.add(one.score, one.class, one.stars);
            if let Some(at) = one.at {
                months.add(at, one.score);
            }
        }
        found.retain(|(_, tally, _)| tally.count > 0);
        found.sort_by(|a, b| b.1.count.cmp(&a.1.count).then_with(|| a.0.cmp(&b.0)));
        found
    }
}

fn keep(place: &mut Option<String>, text: Option<&str>) {
    if let (None, Some(text)) = (&place, text) {
        *place = Some(text.to_owned());
    }
}
