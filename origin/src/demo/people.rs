//! Who buys in the demo shop.

/// An order: how many days ago, its status, and `(product, pieces)` lines.
pub(super) type Bought = (i64, &'static str, &'static [(u64, u64)]);

/// Somebody with a history.
pub(super) struct Person {
    pub(super) first_name: &'static str,
    pub(super) last_name: &'static str,
    pub(super) email: &'static str,
    /// The first is the earliest.
    pub(super) orders: &'static [Bought],
}

const fn person(
    first_name: &'static str,
    last_name: &'static str,
    email: &'static str,
    orders: &'static [Bought],
) -> Person {
    Person {
        first_name,
        last_name,
        email,
        orders,
    }
}

const DONE: &str = "completed";
const PAID: &str = "processing";
const GONE: &str = "cancelled";
const BACK: &str = "refunded";

/// `(id, name, slug, price)` of everything that the shop sells. 1893 and 334999 are excluded from offers.
pub(super) const PRODUCTS: [(u64, &str, &str, &str); 6] = [
    (44, "Full Moon", "full-moon", "14.95"),
    (38, "Blossom Drip", "blossom-drip", "14.95"),
    (51, "Tidal Wave", "tidal-wave", "12.50"),
    (62, "First Light", "first-light", "16.95"),
    (1893, "Gift card", "gift-card", "25.00"),
    (334_999, "Sample box", "sample-box", "4.95"),
];

/// Everybody but the contract's own customer, grouped by what the rule says of them on the first day.
pub(super) const PEOPLE: [Person; 21] = [
    // The curl examples' customer, and others to whom an offer is due: in the window, or idle.
    person(
        "Test",
        "Example",
        "test@example.com",
        &[
            (62, DONE, &[(44, 2), (51, 1)]),
            (41, DONE, &[(44, 3), (51, 2)]),
            (20, DONE, &[(44, 2), (62, 1)]),
        ],
    ),
    person(
        "Bram",
        "de Wit",
        "bram.dewit@example.com",
        &[
            (60, DONE, &[(38, 4), (44, 2)]),
            (30, DONE, &[(38, 4), (44, 2)]),
        ],
    ),
    person(
        "Chloë",
        "Martin",
        "chloe.martin@example.com",
        &[
            (33, DONE, &[(62, 3)]),
            (22, DONE, &[(62, 4), (38, 1)]),
            (11, PAID, &[(62, 3), (38, 1)]),
        ],
    ),
    person(
        "Daan",
        "Bakker",
        "daan.bakker@example.com",
        &[(45, DONE, &[(51, 6)])],
    ),
    person(
        "Emma",
        "Jansen",
        "emma.jansen@example.com",
        &[
            (120, DONE, &[(44, 1), (38, 1), (51, 1), (62, 1)]),
            (90, DONE, &[(44, 2), (51, 2)]),
            (60, DONE, &[(44, 3), (38, 3)]),
        ],
    ),
    person(
        "Finn",
        "O'Brien",
        "finn.obrien@example.com",
        &[
            (26, DONE, &[(44, 9)]),
            (17, DONE, &[(44, 8), (62, 4)]),
            (8, PAID, &[(44, 8), (62, 2)]),
        ],
    ),
    person(
        "Gül",
        "Yılmaz",
        "gul.yilmaz@example.com",
        &[(400, DONE, &[(51, 3)]), (200, DONE, &[(51, 3)])],
    ),
    // Not due yet.
    person(
        "Hugo",
        "Peeters",
        "hugo.peeters@example.com",
        &[
            (62, DONE, &[(44, 3)]),
            (32, DONE, &[(44, 3)]),
            (2, PAID, &[(44, 4)]),
        ],
    ),
    person(
        "Iris",
        "Visser",
        "iris.visser@example.com",
        &[(3, DONE, &[(38, 5)])],
    ),
    person(
        "Joris",
        "Smit",
        "joris.smit@example.com",
        &[
            (95, DONE, &[(62, 2), (51, 2)]),
            (5, DONE, &[(62, 2), (51, 2)]),
        ],
    ),
    person(
        "Kaat",
        "Claes",
        "kaat.claes@example.com",
        &[
            (49, DONE, &[(44, 3), (38, 2)]),
            (25, DONE, &[(44, 3), (38, 2)]),
            (1, PAID, &[(44, 3), (38, 2)]),
        ],
    ),
    // Only excluded products.
    person(
        "Lars",
        "Nilsson",
        "lars.nilsson@example.com",
        &[(40, DONE, &[(1893, 4)])],
    ),
    person(
        "Maud",
        "Vermeer",
        "maud.vermeer@example.com",
        &[
            (80, DONE, &[(334_999, 3)]),
            (50, DONE, &[(1893, 1), (334_999, 3)]),
        ],
    ),
    // No favourite: orders without any product.
    person("Noor", "Kaya", "noor.kaya@example.com", &[(30, DONE, &[])]),
    person(
        "Otto",
        "Fischer",
        "otto.fischer@example.com",
        &[(70, DONE, &[]), (35, DONE, &[])],
    ),
    // Never bought enough at once.
    person(
        "Pien",
        "Mulder",
        "pien.mulder@example.com",
        &[
            (60, DONE, &[(44, 1)]),
            (40, DONE, &[(44, 2)]),
            (20, DONE, &[(44, 1), (38, 1)]),
        ],
    ),
    person(
        "Quinten",
        "Vos",
        "quinten.vos@example.com",
        &[(28, DONE, &[(62, 2)])],
    ),
    person(
        "Roos",
        "Dekker",
        "roos.dekker@example.com",
        &[(48, DONE, &[(51, 1)]), (24, DONE, &[(51, 1)])],
    ),
    // No order that counts: no profile.
    person(
        "Sem",
        "Willems",
        "sem.willems@example.com",
        &[(21, GONE, &[(44, 5)])],
    ),
    person(
        "Tess",
        "Maes",
        "tess.maes@example.com",
        &[(60, BACK, &[(38, 3)]), (15, GONE, &[(38, 3)])],
    ),
    // A history with an order that did not count.
    person(
        "Umut",
        "Demir",
        "umut.demir@example.com",
        &[
            (58, DONE, &[(38, 2), (62, 1)]),
            (38, GONE, &[(38, 20)]),
            (18, DONE, &[(38, 2), (62, 2)]),
        ],
    ),
];
