//! What a push is about.

use footfall_shared::identity::{DeviceKey, EmailHash};

/// The thing whose entry at the edges is out of date.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A customer's entry.
    Customer(EmailHash),
    /// What a customer may want next; `None` is everybody who is not known.
    Recommendations(Option<EmailHash>),
    /// The link of a device's key.
    Device(DeviceKey),
    /// The shop's kit.
    Kit,
    /// What is known of a key, by its hash, or of a keyless shop, by its slug.
    Key(String),
    /// The key itself that edges have of an erased person, as [`Change::Forget`] names it.
    ///
    /// [`Change::Forget`]: footfall_shared::wire::internal::Change::Forget
    Forget(String),
}

impl Subject {
    /// As it stands in the queue.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Customer(hash) => format!("customer:{}", hash.as_str()),
            Self::Recommendations(hash) => {
                format!("wants:{}", hash.as_ref().map_or("", EmailHash::as_str))
            }
            Self::Device(device) => {
                let (kind, hash) = device.parts();
                format!("{kind}:{hash}")
            }
            Self::Kit => "kit:".to_owned(),
            Self::Key(key) => format!("key:{key}"),
            Self::Forget(key) => format!("forget:{key}"),
        }
    }

    /// Reads what [`Subject::to_text`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "customer" => EmailHash::parse(rest).map(Self::Customer),
            "wants" if rest.is_empty() => Some(Self::Recommendations(None)),
            "wants" => EmailHash::parse(rest).map(|hash| Self::Recommendations(Some(hash))),
            "kit" => Some(Self::Kit),
            "key" => Some(Self::Key(rest.to_owned())),
            "forget" => Some(Self::Forget(rest.to_owned())),
            kind => DeviceKey::parse(kind, rest).map(Self::Device),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queued_subject_reads_back() {
        let digest = "ab".repeat(32);
        for text in [
            format!("customer:{digest}"),
            format!("wants:{digest}"),
            "wants:".to_owned(),
            format!("browser:{digest}"),
            format!("fingerprint:{digest}"),
            format!("ip:{digest}"),
            "key:demo".to_owned(),
            "kit:".to_owned(),
            format!("forget:customer/{digest}"),
            "forget:session/a:b/c".to_owned(),
        ] {
            let read = Subject::parse(&text);
            assert_eq!(read.map(|subject| subject.to_text()), Some(text));
        }
        assert_eq!(Subject::parse("customer:short"), None);
        assert_eq!(Subject::parse("nothing"), None);
    }
}
