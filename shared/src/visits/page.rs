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

/// Most paths of a shop.
const PATHS_MAX: usize = 200;
/// Longest path, in characters.
const PATH_CHARS_MAX: usize = 200;

/// Paths that the shop says are a page: whole (`/start`), or a beginning with a star behind it (`/zoeken*`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PagePaths(Vec<(PageType, String)>);

impl PagePaths {
    /// Reads a setting's texts, each a page and a path, as `confirmation=/kassa/klaar*`.
    ///
    /// # Errors
    /// [`InvalidField`] names the first that is none.
    pub fn parse(field: &str, texts: &[String]) -> Result<Self, InvalidField> {
        if texts.len() > PATHS_MAX {
            return Err(InvalidField::new(field, "must be at most 200 paths"));
        }
        let read = texts.iter().enumerate().map(|(index, text)| {
            let rule = "must be home, search, payment or confirmation, an equals sign, and a path of at most 200 characters \
                that begins with a slash";
            Self::one(text).ok_or_else(|| InvalidField::new(format!("{field}[{index}]"), rule))
        });
        read.collect::<Result<_, _>>().map(Self)
    }

    fn one(text: &str) -> Option<(PageType, String)> {
        let (page, path) = text.split_once('=')?;
        let good =
            path.starts_with('/') && path.chars().count() <= PATH_CHARS_MAX && !path.contains('\0');
        good.then_some((PageType::parse(page)?, path.to_owned()))
    }

    fn find(&self, path: &str) -> Option<PageType> {
        let fits = |pattern: &str| match pattern.strip_suffix('*') {
            Some(beginning) => path.starts_with(beginning),
            None => path == pattern,
        };
        // The end of the funnel first: `/checkout*` may be payment and `/checkout/thanks` the confirmation.
        let fitting = self.0.iter().filter(|(_, pattern)| fits(pattern));
        fitting.map(|(page, _)| *page).max()
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
        let set = ["home=/start", "confirmation=/kassa/klaar*"].map(str::to_owned);
        let set = PagePaths::parse("funnel_pages", &set).unwrap();
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
        for wrong in ["/a", "search=a", "basket=/a", "search"] {
            let set = ["home=/".to_owned(), wrong.to_owned()];
            let fault = PagePaths::parse("funnel_pages", &set).unwrap_err();
            assert_eq!(fault.field, "funnel_pages[1]", "{wrong}");
        }
    }
}
