//! A row's cells: what each says, or what is wrong with it.

use std::borrow::Cow;

use super::{Cells, Parser, RowFault};
use crate::money::MinorUnits;
use crate::time::UtcMillis;
use crate::upload::field::Field;
use crate::upload::number::ONE;

/// Longest id, name or other short cell, in characters; ends are cut off from longer ones but not from ids.
pub(super) const SHORT_CHARS_MAX: usize = 200;

/// A row's cells, by field.
pub(super) struct Reader<'a, C: ?Sized> {
    pub(super) parser: &'a Parser,
    pub(super) cells: &'a C,
}

impl<'a, C: Cells + ?Sized> Reader<'a, C> {
    pub(super) fn fault(&self, field: Field, reason: &'static str) -> RowFault {
        let layout = &self.parser.layout;
        let header = layout
            .columns
            .get(&field)
            .and_then(|at| layout.headers.get(*at));
        RowFault {
            column: header.cloned().unwrap_or_else(|| field.as_str().to_owned()),
            reason,
        }
    }

    /// A cell that says something.
    pub(super) fn text(&self, field: Field) -> Option<Cow<'a, str>> {
        let at = *self.parser.layout.columns.get(&field)?;
        let cell = trimmed(self.cells.cell(at));
        if !cell.is_empty() {
            return Some(cell);
        }
        let shared = self.parser.shared.as_ref()?;
        let (_, shared) = shared.cells.iter().find(|(one, _)| *one == field)?;
        Some(Cow::Borrowed(shared.as_str())).filter(|shared| !shared.is_empty())
    }

    pub(super) fn id(&self, field: Field) -> Result<Option<Cow<'a, str>>, RowFault> {
        let Some(id) = self.text(field) else {
            return Ok(None);
        };
        if id.len() > SHORT_CHARS_MAX {
            return Err(self.fault(field, "is too long for an id"));
        }
        if id.chars().any(char::is_control) {
            return Err(self.fault(field, "has control characters"));
        }
        // What spreadsheets make of a number.
        Ok(Some(match id.strip_suffix(".0") {
            Some(whole) if !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit()) => {
                Cow::Owned(whole.to_owned())
            }
            _ => id,
        }))
    }

    /// A name: cut to what is shown, without control characters.
    pub(super) fn name(&self, field: Field) -> Option<Cow<'a, str>> {
        let name = self.text(field)?;
        let long = name.len() > SHORT_CHARS_MAX;
        if !long && !name.chars().any(char::is_control) {
            return Some(name);
        }
        let kept = name.chars().map(|c| if c.is_control() { ' ' } else { c });
        Some(Cow::Owned(kept.take(SHORT_CHARS_MAX).collect()))
    }

    pub(super) fn email(&self) -> Option<Cow<'a, str>> {
        let email = self.text(Field::Email)?;
        let is_one = email.contains('@')
            && email.len() <= SHORT_CHARS_MAX
            && !email.contains(char::is_whitespace);
        is_one.then(
            || match email.bytes().any(|byte| byte.is_ascii_uppercase()) {
                true => Cow::Owned(email.to_lowercase()),
                false => email,
            },
        )
    }

    /// A number in millionths.
    pub(super) fn number(&self, field: Field) -> Result<Option<i64>, RowFault> {
        let Some(text) = self.text(field) else {
            return Ok(None);
        };
        let number = self.parser.layout.decimal.parse(&text);
        number
            .map(Some)
            .ok_or_else(|| self.fault(field, "is no number"))
    }

    pub(super) fn at(&self) -> Result<Option<UtcMillis>, RowFault> {
        let Some(text) = self.text(Field::At) else {
            return Ok(None);
        };
        let at = self.parser.layout.dates.parse(&text, &self.parser.zone);
        at.map(Some)
            .ok_or_else(|| self.fault(Field::At, "is no date in the file's order"))
    }

    pub(super) fn age(&self) -> Option<i64> {
        self.text(Field::Age).and_then(|text| age_of(&text))
    }

    pub(super) fn rating(&self) -> Result<Option<i64>, RowFault> {
        let Some(rating) = self.number(Field::Rating)? else {
            return Ok(None);
        };
        let hundredths = rating / (ONE / 100);
        match (100..=500).contains(&hundredths) {
            true => Ok(Some(hundredths)),
            // No star at all is how many exports write "not rated".
            false if hundredths == 0 => Ok(None),
            false => Err(self.fault(Field::Rating, "is not between 1 and 5")),
        }
    }

    /// Millionths of the currency's main unit, in minor units, rounded half away from zero.
    pub(super) fn minor(&self, millionths: i128) -> Option<MinorUnits> {
        let unit = i128::from(ONE) / 10i128.pow(self.parser.currency.digits().min(6));
        let half = if millionths < 0 { -unit / 2 } else { unit / 2 };
        i64::try_from((millionths + half) / unit)
            .ok()
            .map(MinorUnits::new)
    }
}

/// Years, or the middle of a range of them; an open range ends where it begins.
fn age_of(text: &str) -> Option<i64> {
    let numbers: Vec<i64> = text
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|part| part.parse().ok())
        .take(2)
        .collect();
    let age = match numbers[..] {
        [age] => age,
        [from, to] if from <= to => (from + to) / 2,
        _ => return None,
    };
    (1..=120).contains(&age).then_some(age)
}

fn trimmed(cell: Cow<'_, str>) -> Cow<'_, str> {
    match cell {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

pub(super) fn cut(text: Cow<'_, str>, bytes_max: usize) -> Cow<'_, str> {
    if text.len() <= bytes_max {
        return text;
    }
    let end = (0..=bytes_max).rev().find(|at| text.is_char_boundary(*at));
    Cow::Owned(text[..end.unwrap_or(0)].to_owned())
}

/// PostgreSQL's texts cannot hold it.
pub(super) fn without_nul(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.contains('\0') {
        true => Cow::Owned(text.replace('\0', " ")),
        false => text,
    }
}
