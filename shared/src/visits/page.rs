//! Which of the contract's pages a page is: by what the shop set, else by the words of its name, else by its path.

use serde::{Deserialize, Serialize};

use crate::text::InvalidField;

/// A page of the funnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum PageType {
    /// The shop's first page.
    Home,
    /// Results of a search.
    Search,
    /// Where the order is paid, the checkout before it included.
    Payment,
    /// The order is placed.
    Confirmation,
}

impl PageType {
    /// All of them, in the funnel's order.
    pub const ALL: [Self; 4] = [Self::Home, Self::Search, Self::Payment, Self::Confirmation];

    /// The contract's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Search => "search",
            Self::Payment => "payment",
            Self::Confirmation => "confirmation",
        }
    }

    /// Reads the contract's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|page| page.as_str() == text)
    }

    /// Its place in the funnel, from 0.
    #[must_use]
    pub const fn place(self) -> usize {
        self as usize
    }
}

/// Most patterns of a page.
const PATTERNS_MAX: usize = 50;
/// Longest pattern, in characters.
const PATTERN_CHARS_MAX: usize = 200;

/// Paths that the shop says are a page: whole (`/start`), or a beginning with a star behind it (`/zoeken*`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PagePaths {
    /// Of the first page.
    pub home: Vec<String>,
    /// Of search results.
    pub search: Vec<String>,
    /// Of checkout and payment.
    pub payment: Vec<String>,
    /// Of the placed order.
    pub confirmation: Vec<String>,
}

impl PagePaths {
    fn of(&self, page: PageType) -> &[String] {
        match page {
            PageType::Home => &self.home,
            PageType::Search => &self.search,
            PageType::Payment => &self.payment,
            PageType::Confirmation => &self.confirmation,
        }
    }

    /// Checks the patterns.
    ///
    /// # Errors
    /// [`InvalidField`] names the first that is none.
    pub fn check(&self, field: &str) -> Result<(), InvalidField> {
        for page in PageType::ALL {
            let patterns = self.of(page);
            let field = format!("{field}.{}", page.as_str());
            if patterns.len() > PATTERNS_MAX {
                return Err(InvalidField::new(field, "must be at most 50 paths"));
            }
            let good = |one: &String| {
                one.starts_with('/')
                    && one.chars().count() <= PATTERN_CHARS_MAX
                    && !one.contains('\0')
            };
            if let Some(index) = patterns.iter().position(|one| !good(one)) {
                let rule = "must be a path of at most 200 characters that begins with a slash";
                return Err(InvalidField::new(format!("{field}[{index}]"), rule));
            }
        }
        Ok(())
    }

    fn find(&self, path: &str) -> Option<PageType> {
        let fits = |pattern: &String| match pattern.strip_suffix('*') {
            Some(beginning) => path.starts_with(beginning),
            None => path == pattern,
        };
        // The end of the funnel first: `/checkout*` may be payment and `/checkout/thanks` the confirmation.
        let mut pages = PageType::ALL.into_iter().rev();
        pages.find(|page| self.of(*page).iter().any(fits))
    }
}

/// Words of names and paths, the end of the funnel first: "payment_confirmation_page" is the confirmation.
const WORDS: [(PageType, &[&str]); 4] = [
    (
        PageType::Confirmation,
        &[
            "confirmation",
            "confirmed",
            "thank",
            "thanks",
            "thankyou",
            "received",
            "success",
            "receipt",
            "purchase",
            "bedankt",
            "danke",
        ],
    ),
    (
        PageType::Payment,
        &[
            "payment",
            "checkout",
            "pay",
            "billing",
            "kassa",
            "kasse",
            "afrekenen",
            "betaling",
        ],
    ),
    (PageType::Search, &["search", "zoeken", "suche"]),
    (PageType::Home, &["home", "homepage"]),
];

/// The page that a name tells, as `Home`, `search_page` or `Order confirmation`.
#[must_use]
pub fn of_name(name: &str) -> Option<PageType> {
    let known = |word: &str, words: &[&str]| words.iter().any(|one| one.eq_ignore_ascii_case(word));
    let words = || name.split(|c: char| !c.is_alphanumeric());
    let found = WORDS
        .iter()
        .find(|(_, of_page)| words().any(|word| known(word, of_page)));
    found.map(|(page, _)| *page)
}

/// The page at a path, without its query; `searched` tells that the query asks for something.
#[must_use]
pub fn of_path(path: &str, searched: bool, set: &PagePaths) -> Option<PageType> {
    if let Some(page) = set.find(path) {
        return Some(page);
    }
    if matches!(path, "" | "/") {
        return Some(if searched {
            PageType::Search
        } else {
            PageType::Home
        });
    }
    // A product may be called "home office" or "pay phone": only whole parts of a path name the other pages.
    let parts = || path.split('/').filter(|part| !part.is_empty());
    let short = |part: &&str| part.split(|c: char| !c.is_alphanumeric()).count() <= 2;
    let found = parts().filter(short).filter_map(of_name).max();
    found
        .filter(|page| *page != PageType::Home || parts().count() == 1)
        .or(searched.then_some(PageType::Search))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_page() {
        for (name, page) in [
            ("home_page", Some(PageType::Home)),
            ("Home", Some(PageType::Home)),
            ("search_page", Some(PageType::Search)),
            ("payment_page", Some(PageType::Payment)),
            ("payment_confirmation_page", Some(PageType::Confirmation)),
            ("payment_details", Some(PageType::Payment)),
            ("purchase", Some(PageType::Confirmation)),
            ("add_to_cart", None),
            ("Homeware", None),
            ("", None),
        ] {
            assert_eq!(of_name(name), page, "{name}");
        }
    }

    #[test]
    fn a_path_tells_its_page_and_the_shop_knows_better() {
        let set = PagePaths {
            home: vec!["/start".into()],
            confirmation: vec!["/kassa/klaar*".into()],
            ..PagePaths::default()
        };
        for (path, searched, page) in [
            ("/", false, Some(PageType::Home)),
            ("/", true, Some(PageType::Search)),
            ("/start", false, Some(PageType::Home)),
            ("/starter", false, None),
            ("/search", true, Some(PageType::Search)),
            ("/shop/", true, Some(PageType::Search)),
            ("/checkout", false, Some(PageType::Payment)),
            (
                "/checkout/order-received/45/",
                false,
                Some(PageType::Confirmation),
            ),
            ("/kassa/klaar/9", false, Some(PageType::Confirmation)),
            ("/product/blue-home-office-chair", false, None),
            ("/product/home", false, None),
            ("/blog", false, None),
        ] {
            assert_eq!(of_path(path, searched, &set), page, "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_named() {
        let set = PagePaths {
            search: vec!["/a".into(), "zoeken".into()],
            ..PagePaths::default()
        };
        assert_eq!(
            set.check("funnel_pages").unwrap_err().field,
            "funnel_pages.search[1]"
        );
    }
}
