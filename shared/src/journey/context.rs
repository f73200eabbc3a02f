//! What a session brings along: the kind of device and where its visitor came from.

use serde::{Deserialize, Serialize};

/// The kind of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum DeviceType {
    /// A phone.
    Mobile,
    /// A computer.
    Desktop,
    /// A tablet.
    Tablet,
    /// Anything else, or not told.
    #[default]
    Other,
}

impl DeviceType {
    /// The contract's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Desktop => "desktop",
            Self::Tablet => "tablet",
            Self::Other => "other",
        }
    }

    /// Reads a name, whatever its case; what is not known is [`DeviceType::Other`].
    #[must_use]
    pub fn of(text: &str) -> Self {
        let text = text.trim();
        [Self::Mobile, Self::Desktop, Self::Tablet]
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(text))
            .unwrap_or_default()
    }
}

/// The groups of traffic sources that a model can learn of: single sources are too many and too rare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceGroup {
    /// Typed in or bookmarked.
    Direct,
    /// A search engine.
    Search,
    /// A social network.
    Social,
    /// A mail.
    Email,
    /// Paid for.
    Paid,
    /// Another site.
    Referral,
    /// Not told or not known.
    #[default]
    Other,
}

/// Names of sources, as `utm_source` and contracts have them, with their group.
const SOURCES: [(&str, SourceGroup); 29] = [
    ("direct", SourceGroup::Direct),
    ("google", SourceGroup::Search),
    ("bing", SourceGroup::Search),
    ("duckduckgo", SourceGroup::Search),
    ("ecosia", SourceGroup::Search),
    ("yahoo", SourceGroup::Search),
    ("baidu", SourceGroup::Search),
    ("organic", SourceGroup::Search),
    ("search", SourceGroup::Search),
    ("tiktok", SourceGroup::Social),
    ("instagram", SourceGroup::Social),
    ("facebook", SourceGroup::Social),
    ("pinterest", SourceGroup::Social),
    ("youtube", SourceGroup::Social),
    ("snapchat", SourceGroup::Social),
    ("twitter", SourceGroup::Social),
    ("x", SourceGroup::Social),
    ("linkedin", SourceGroup::Social),
    ("reddit", SourceGroup::Social),
    ("social", SourceGroup::Social),
    ("email", SourceGroup::Email),
    ("newsletter", SourceGroup::Email),
    ("klaviyo", SourceGroup::Email),
    ("mailchimp", SourceGroup::Email),
    ("paid", SourceGroup::Paid),
    ("cpc", SourceGroup::Paid),
    ("adwords", SourceGroup::Paid),
    ("ads", SourceGroup::Paid),
    ("referral", SourceGroup::Referral),
];

impl SourceGroup {
    /// The group's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Search => "search",
            Self::Social => "social",
            Self::Email => "email",
            Self::Paid => "paid",
            Self::Referral => "referral",
            Self::Other => "other",
        }
    }

    /// The group of a source, by its name or by the first part of it (`google_ads` is `google`), whatever
    /// its case.
    #[must_use]
    pub fn of(source: &str) -> Self {
        let source = source.trim();
        let named = |name: &str| {
            let known = SOURCES.iter();
            let found = known
                .clone()
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, group)| *group)
        };
        let first = source.split(['_', '-', '.', '/', ' ']).next();
        named(source)
            .or_else(|| first.and_then(named))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_belongs_to_the_group_of_its_name_or_of_the_names_first_part() {
        for (source, group) in [
            ("tiktok", SourceGroup::Social),
            (" Google ", SourceGroup::Search),
            ("instagram_stories", SourceGroup::Social),
            ("bing.com", SourceGroup::Search),
            ("direct", SourceGroup::Direct),
            ("", SourceGroup::Other),
            ("xing", SourceGroup::Other),
        ] {
            assert_eq!(SourceGroup::of(source), group, "{source}");
        }
    }

    #[test]
    fn a_device_of_a_kind_nobody_knows_is_another_one() {
        assert_eq!(DeviceType::of("Mobile"), DeviceType::Mobile);
        assert_eq!(DeviceType::of("fridge"), DeviceType::Other);
    }
}
