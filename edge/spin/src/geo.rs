//! Where the client is, from a header that the runtime in front writes.
//!
//! Only the header named by the variable `geo_header` is believed, and by default none is: whoever names one
//! must see to it that it cannot come from outside. The embedded host does.

use footfall_shared::identity::Geo;
use http::HeaderMap;
use percent_encoding::percent_decode_str;

/// Longest part taken, in bytes as sent.
const PART_BYTES_MAX: usize = 200;

/// Reads `NL` or `NL;Amsterdam`, percent-encoded; empty parts are not known.
pub(crate) fn read(headers: &HeaderMap, name: &str) -> Option<Geo> {
    let value = headers
        .get(name)
        .filter(|_| !name.is_empty())?
        .to_str()
        .ok()?;
    let mut parts = value.split(';').map(|part| {
        let text = percent_decode_str(part.trim()).decode_utf8().ok()?;
        (!text.is_empty() && text.len() <= PART_BYTES_MAX).then(|| text.into_owned())
    });
    let country = parts.next().flatten().filter(|code| code.len() == 2)?;
    Some(Geo {
        country: Some(country.to_ascii_uppercase()),
        city: parts.next().flatten(),
    })
}
