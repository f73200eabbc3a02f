//! Which column holds which field.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::date::DateOrder;
use super::field::{Field, Kind};
use super::headers::{names, names_of, plain};
use super::number::Decimal;
use crate::text::InvalidField;

/// Programs whose exports need more than columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Program {
    /// Any.
    Any,
    /// Shopify's order export: only the first line of an order has what all its lines share.
    Shopify,
    /// The order report of WooCommerce's analytics: a row is an order, with its products in one cell.
    WooCommerceReport,
}

/// How a file is to be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// What its rows are.
    pub kind: Kind,
    /// Which program wrote it.
    pub program: Program,
    /// The headers, in their order.
    pub headers: Vec<String>,
    /// Which column holds which field.
    pub columns: BTreeMap<Field, usize>,
    /// The decimal sign.
    pub decimal: Decimal,
    /// The order of dates.
    pub dates: DateOrder,
    /// Whether the sample showed that order; else it is the shop's habit.
    pub dates_shown: bool,
}

/// What the sender says of a file. Everything may be left to recognition.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Asked {
    /// What the rows are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Headers by field; it goes before what is recognized.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub mapping: BTreeMap<Field, String>,
    /// The order of dates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dates: Option<DateOrder>,
    /// The decimal sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<Decimal>,
}

fn fields_of(kind: Kind) -> &'static [Field] {
    use Field as F;
    match kind {
        Kind::Transactions => &[
            F::Order,
            F::Customer,
            F::Email,
            F::Product,
            F::Name,
            F::Category,
            F::Quantity,
            F::UnitPrice,
            F::Total,
            F::Currency,
            F::At,
            F::Discount,
            F::Status,
            F::Location,
            F::Age,
            F::Gender,
            F::Payment,
            F::Shipping,
            F::Rating,
            F::PreviousPurchases,
            F::PurchaseFrequency,
        ],
        Kind::Reviews => &[
            F::Customer,
            F::Email,
            F::Product,
            F::Name,
            F::Category,
            F::Rating,
            F::Title,
            F::Text,
            F::At,
            F::Age,
        ],
        Kind::PageEvents => &[
            F::Customer,
            F::Session,
            F::Page,
            F::Device,
            F::Source,
            F::At,
        ],
        Kind::Products => &[F::Product, F::Name, F::Category, F::Brand, F::UnitPrice],
        Kind::Customers => &[
            F::Customer,
            F::Email,
            F::Gender,
            F::Location,
            F::Device,
            F::Age,
            F::At,
        ],
    }
}

/// What a kind needs: one field of each group.
fn needed(kind: Kind) -> &'static [&'static [Field]] {
    use Field as F;
    match kind {
        Kind::Transactions => &[
            &[F::Product, F::Name],
            &[F::Order, F::Customer, F::Email, F::At],
            &[F::UnitPrice, F::Total],
        ],
        Kind::Reviews => &[&[F::Rating, F::Text]],
        Kind::PageEvents => &[&[F::Page], &[F::Customer, F::Session]],
        Kind::Products => &[
            &[F::Product, F::Name],
            &[F::Category, F::Name, F::Brand, F::UnitPrice],
        ],
        Kind::Customers => &[
            &[F::Customer, F::Email],
            &[F::Gender, F::Location, F::Age, F::Email, F::Device],
        ],
    }
}

impl Layout {
    /// Recognizes a file from its headers and a sample of its rows. `habit` is how the shop writes dates.
    ///
    /// # Errors
    /// [`InvalidField`] names what of the mapping does not fit, or says which fields are missing.
    pub fn recognize(
        headers: &[String],
        sample: &[Vec<String>],
        asked: &Asked,
        habit: DateOrder,
    ) -> Result<Self, InvalidField> {
        let plain: Vec<String> = headers.iter().map(|header| plain(header)).collect();
        let given = given_columns(headers, asked)?;
        let program = program_of(&plain);
        let kinds: Vec<Kind> = match (asked.kind, program) {
            (Some(kind), _) => vec![kind],
            (None, Program::Shopify | Program::WooCommerceReport) => vec![Kind::Transactions],
            (None, Program::Any) => Kind::ALL.to_vec(),
        };
        let found = kinds.iter().find_map(|kind| {
            let columns = columns_of(*kind, program, &plain, sample, &given);
            let fits = missing(*kind, &columns).is_none();
            // A file of another kind may have what products and customers need, too.
            let own = asked.kind.is_some() || !is_of_others(*kind, &plain);
            (fits && own).then_some((*kind, columns))
        });
        let Some((kind, columns)) = found else {
            return Err(refusal(asked, program, &plain, sample, &given));
        };
        let cells = |fields: &'static [Field]| {
            let columns: Vec<usize> = fields
                .iter()
                .filter_map(|field| columns.get(field).copied())
                .collect();
            sample.iter().flat_map(move |row| {
                let cells: Vec<&str> = columns
                    .iter()
                    .filter_map(|at| row.get(*at).map(String::as_str))
                    .collect();
                cells
            })
        };
        let decimal = Decimal::of_sample(cells(&[
            Field::UnitPrice,
            Field::Total,
            Field::Quantity,
            Field::Rating,
        ]));
        let (dates, dates_shown) = DateOrder::of_sample(cells(&[Field::At]), habit);
        Ok(Self {
            kind,
            program,
            headers: headers.to_vec(),
            decimal: asked.decimal.unwrap_or(decimal),
            dates: asked.dates.unwrap_or(dates),
            dates_shown: dates_shown || asked.dates.is_some(),
            columns,
        })
    }
}

fn given_columns(
    headers: &[String],
    asked: &Asked,
) -> Result<BTreeMap<Field, usize>, InvalidField> {
    let mut given = BTreeMap::new();
    for (field, header) in &asked.mapping {
        let at = headers.iter().position(|one| one.trim() == header.trim());
        let at = at.or_else(|| headers.iter().position(|one| plain(one) == plain(header)));
        let at = at.ok_or_else(|| {
            InvalidField::new(
                format!("mapping.{}", field.as_str()),
                "names a column that the file does not have",
            )
        })?;
        given.insert(*field, at);
    }
    Ok(given)
}

fn program_of(plain: &[String]) -> Program {
    let has = |name: &str| plain.iter().any(|one| one == name);
    if has("lineitemname") && has("financialstatus") {
        Program::Shopify
    } else if has("products") && (has("itemssold") || has("nrevenue") || has("netsales")) {
        Program::WooCommerceReport
    } else {
        Program::Any
    }
}

fn has_any(plain: &[String], fields: &[Field]) -> bool {
    names_of(fields).any(|name| plain.iter().any(|one| one == name))
}

/// Whether the headers speak of something that files of a kind do not have.
fn is_of_others(kind: Kind, plain: &[String]) -> bool {
    use Field as F;
    let foreign: &[Field] = match kind {
        Kind::Transactions | Kind::PageEvents => &[],
        Kind::Reviews => &[F::Total, F::Quantity],
        Kind::Products => &[F::Order, F::Customer, F::Session, F::Rating],
        Kind::Customers => &[F::Order, F::Session, F::Rating, F::Quantity],
    };
    has_any(plain, foreign)
}

fn columns_of(
    kind: Kind,
    program: Program,
    plain: &[String],
    sample: &[Vec<String>],
    given: &BTreeMap<Field, usize>,
) -> BTreeMap<Field, usize> {
    let mut columns = given.clone();
    let position = |name: &str| plain.iter().position(|one| one == name);
    match program {
        Program::Shopify => {
            let own = [(Field::Order, "name"), (Field::At, "createdat")];
            for (field, name) in own {
                if let Some(at) = position(name) {
                    columns.entry(field).or_insert(at);
                }
            }
        }
        Program::WooCommerceReport => {
            if let Some(at) = position("products") {
                columns.entry(Field::Name).or_insert(at);
            }
            columns.remove(&Field::Quantity);
        }
        Program::Any => {}
    }
    for field in fields_of(kind) {
        if columns.contains_key(field)
            || (program == Program::WooCommerceReport && *field == Field::Quantity)
        {
            continue;
        }
        let at = names(kind, *field).find_map(position);
        // A column is one thing.
        if let Some(at) = at.filter(|at| !columns.values().any(|taken| taken == at)) {
            columns.insert(*field, at);
        }
    }
    guess_from_cells(kind, plain, sample, &mut columns);
    columns
}

/// What no header tells: a column of dates, of email addresses, of pages that is called after the page.
fn guess_from_cells(
    kind: Kind,
    plain: &[String],
    sample: &[Vec<String>],
    columns: &mut BTreeMap<Field, usize>,
) {
    let all = |at: usize, is: &dyn Fn(&str) -> bool| {
        let mut cells = sample
            .iter()
            .filter_map(|row| row.get(at))
            .filter(|cell| !cell.is_empty())
            .peekable();
        cells.peek().is_some() && cells.all(|cell| is(cell))
    };
    for (at, name) in plain.iter().enumerate() {
        if columns.values().any(|taken| *taken == at) {
            continue;
        }
        let utc = jiff::tz::TimeZone::UTC;
        let is_date = |cell: &str| {
            cell.contains(['-', '/', '.', ':'])
                && [DateOrder::DayFirst, DateOrder::MonthFirst]
                    .iter()
                    .any(|order| order.parse(cell, &utc).is_some())
        };
        let is_email = |cell: &str| cell.contains('@') && cell.contains('.') && !cell.contains(' ');
        let field = if kind == Kind::PageEvents && name.ends_with("page") {
            Field::Page
        } else if all(at, &is_date) {
            Field::At
        } else if all(at, &is_email) {
            Field::Email
        } else {
            continue;
        };
        if fields_of(kind).contains(&field) {
            columns.entry(field).or_insert(at);
        }
    }
}

fn missing(kind: Kind, columns: &BTreeMap<Field, usize>) -> Option<&'static [Field]> {
    let lacks = |group: &&&[Field]| !group.iter().any(|field| columns.contains_key(field));
    needed(kind).iter().find(lacks).copied()
}

fn refusal(
    asked: &Asked,
    program: Program,
    plain: &[String],
    sample: &[Vec<String>],
    given: &BTreeMap<Field, usize>,
) -> InvalidField {
    let Some(kind) = asked.kind else {
        return InvalidField::new(
            "kind",
            "cannot be told from the columns: give it, and a mapping",
        );
    };
    let columns = columns_of(kind, program, plain, sample, given);
    let lacking = missing(kind, &columns).unwrap_or_default();
    let names: Vec<&str> = lacking.iter().map(|field| field.as_str()).collect();
    InvalidField::new(
        "mapping",
        format!("must name the column of {}", names.join(" or ")),
    )
}

#[cfg(test)]
mod tests;
