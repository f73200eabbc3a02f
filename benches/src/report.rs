//! Figures, their targets, and the table that shows both.

use std::fmt::Write as _;

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

/// One measured figure.
#[derive(Debug, Clone)]
pub struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    target: Option<Target>,
}

impl Figure {
    /// A figure with a target.
    pub fn against(
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        target: Target,
    ) -> Self {
        Self {
            name: name.into(),
            value,
            unit,
            target: Some(target),
        }
    }

    /// A figure that explains another one.
    pub fn plain(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            name: name.into(),
            value,
            unit,
            target: None,
        }
    }

    fn cells(&self) -> [String; 4] {
        let shown = |value: f64| format!("{} {}", number(value), self.unit);
        let (target, verdict) = match self.target {
            None => (String::new(), String::new()),
            Some(Target::AtMost(bound)) => (
                format!("≤ {}", shown(bound)),
                verdict(self.value <= bound, self.value, bound),
            ),
            Some(Target::AtLeast(bound)) => (
                format!("≥ {}", shown(bound)),
                verdict(self.value >= bound, self.value, bound),
            ),
        };
        [self.name.clone(), shown(self.value), target, verdict]
    }
}

fn verdict(reached: bool, value: f64, bound: f64) -> String {
    if reached {
        return "reached".to_owned();
    }
    let times = value / bound;
    if times > 10.0 {
        return format!("missed {times:.0} times over");
    }
    format!("missed by {:.0} %", ((times - 1.0) * 100.0).abs().max(1.0))
}

/// Three significant digits for small numbers, whole ones with separators for large.
fn number(value: f64) -> String {
    if value.abs() < 10.0 && value.fract() != 0.0 {
        return format!("{value:.2}");
    }
    if value.abs() < 100.0 && value.fract() != 0.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The figures as a table for people.
#[must_use]
pub fn table(figures: &[Figure]) -> String {
    let heading = ["measured", "figure", "target", "verdict"].map(str::to_owned);
    let rows: Vec<[String; 4]> = std::iter::once(heading)
        .chain(figures.iter().map(Figure::cells))
        .collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: [usize; 4] = std::array::from_fn(width);
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let [name, value, target, verdict] = row;
        let [a, b, c, _] = widths;
        let line = format!("{name:<a$}  {value:>b$}  {target:<c$}  {verdict}");
        // Writing into a string does not fail.
        let _ = writeln!(text, "{}", line.trim_end());
        if index == 0 {
            let _ = writeln!(text, "{}", "─".repeat(widths.iter().sum::<usize>() + 6));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_says_by_how_much_it_missed() {
        let check = |value, target, expected: &str| {
            let [.., verdict] = Figure::against("x", value, "ms", target).cells();
            assert_eq!(verdict, expected);
        };
        check(2.0, Target::AtMost(2.0), "reached");
        check(3.0, Target::AtMost(2.0), "missed by 50 %");
        check(15_000.0, Target::AtLeast(20_000.0), "missed by 25 %");
        check(2.001, Target::AtMost(2.0), "missed by 1 %");
        check(5000.0, Target::AtMost(2.0), "missed 2500 times over");
    }

    #[test]
    fn numbers_are_short_to_read() {
        for (value, text) in [
            (0.123, "0.12"),
            (12.34, "12.3"),
            (5.0, "5"),
            (1_234_567.0, "1,234,567"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
