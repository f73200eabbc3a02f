//! The kinds of files, and the fields that their columns can hold.

use serde::{Deserialize, Serialize};

/// What the rows of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Lines of orders.
    Transactions,
    /// Reviews of products.
    Reviews,
    /// Pages and events of visitors.
    PageEvents,
    /// Products.
    Products,
    /// Customers.
    Customers,
}

impl Kind {
    /// All of them, the most telling first.
    pub const ALL: [Self; 5] = [
        Self::Transactions,
        Self::Reviews,
        Self::PageEvents,
        Self::Products,
        Self::Customers,
    ];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transactions => "transactions",
            Self::Reviews => "reviews",
            Self::PageEvents => "page_events",
            Self::Products => "products",
            Self::Customers => "customers",
        }
    }

    /// Reads what [`Kind::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        /// What a column can hold.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum Field {
            $($(#[$doc])* $name,)+
        }

        impl Field {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// As it is written, in a mapping too.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// Reads what [`Field::as_str`] wrote.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|field| field.as_str() == text)
            }
        }
    };
}

fields! {
    /// The order's id or number.
    Order = "order",
    /// The customer's or visitor's id.
    Customer = "customer",
    /// The customer's email.
    Email = "email",
    /// The product's id.
    Product = "product",
    /// The product's name.
    Name = "name",
    /// The product's category.
    Category = "category",
    /// The product's brand.
    Brand = "brand",
    /// Pieces of a line.
    Quantity = "quantity",
    /// The price of one piece.
    UnitPrice = "unit_price",
    /// The price of all pieces of a line.
    Total = "total",
    /// The currency's code.
    Currency = "currency",
    /// When it happened: a date, with a time or without.
    At = "at",
    /// Whether, by how much or by which code it was cheaper.
    Discount = "discount",
    /// The order's status.
    Status = "status",
    /// Where the customer lives.
    Location = "location",
    /// The customer's age: years, or a range of them.
    Age = "age",
    /// The customer's gender, as the shop writes it.
    Gender = "gender",
    /// How it was paid.
    Payment = "payment",
    /// How it was shipped.
    Shipping = "shipping",
    /// Stars, 1 to 5.
    Rating = "rating",
    /// A review's headline.
    Title = "title",
    /// A review's text.
    Text = "text",
    /// Purchases before the first one in the file.
    PreviousPurchases = "previous_purchases",
    /// How often the customer buys, in words.
    PurchaseFrequency = "purchase_frequency",
    /// The visit's id.
    Session = "session",
    /// The page that was seen, or what was done.
    Page = "page",
    /// The visitor's device.
    Device = "device",
    /// Where the visitor came from.
    Source = "source",
}
