//! Where a client is, from a local MMDB file; nobody else is asked and the address goes nowhere.
//!
//! Country and city reach the component in a header that never comes from outside, since the dispatcher
//! removes every header of its prefix first.

use crate::error::HostError;
use footfall_shared::identity::client_address;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use maxminddb::Reader;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// The header that the component's variable `geo_header` names.
pub(crate) const GEO_HEADER: HeaderName = HeaderName::from_static("spin-client-geo");

/// Where to look clients up.
pub struct GeoOptions {
    /// A database in the MMDB format: GeoIP2 or GeoLite2 (country or city), or one of flat
    /// `country_code` records.
    pub mmdb: PathBuf,
    /// As the component's variable of that name: 0 looks up the socket's address.
    pub trusted_proxy_hops: usize,
}

/// An open database.
pub(crate) struct GeoLookup {
    reader: Reader<Vec<u8>>,
    hops: usize,
}

/// The parts of a record that are read, in both layouts.
#[derive(Deserialize)]
struct Record {
    country: Option<Country>,
    country_code: Option<String>,
    city: Option<City>,
}

#[derive(Deserialize)]
struct Country {
    iso_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum City {
    Named { names: BTreeMap<String, String> },
    Plain(String),
}

impl GeoLookup {
    pub(crate) fn open(options: &GeoOptions) -> Result<Self, HostError> {
        let reader = Reader::open_readfile(&options.mmdb).map_err(|source| HostError::Geo {
            path: options.mmdb.clone(),
            source,
        })?;
        Ok(Self {
            reader,
            hops: options.trusted_proxy_hops,
        })
    }

    /// The header for the client of a request; `None` where the file does not know it.
    pub(crate) fn header(&self, headers: &HeaderMap, peer: &HeaderValue) -> Option<HeaderValue> {
        let peer = peer.to_str().ok()?.parse::<SocketAddr>().ok()?.ip();
        let forwarded = headers.get_all(header::HeaderName::from_static("x-forwarded-for"));
        let forwarded = forwarded.iter().filter_map(|value| value.to_str().ok());
        let (country, city) = self.find(client_address(Some(peer), forwarded, self.hops)?)?;
        let city = utf8_percent_encode(city.as_deref().unwrap_or_default(), NON_ALPHANUMERIC);
        HeaderValue::try_from(format!("{country};{city}")).ok()
    }

    fn find(&self, address: IpAddr) -> Option<(String, Option<String>)> {
        let record: Record = self.reader.lookup(address).ok()?.decode().ok()??;
        let country = record
            .country
            .and_then(|country| country.iso_code)
            .or(record.country_code)?;
        let city = match record.city {
            Some(City::Named { mut names }) => names.remove("en"),
            Some(City::Plain(name)) => Some(name),
            None => None,
        };
        Some((country, city))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An MMDB file that knows one network, 81.0.0.0/8, by this record (MaxMind DB format 2.0: a binary
    /// tree of 24-bit records, a separator, the data, and the metadata behind its marker).
    fn database(record: &[u8]) -> Vec<u8> {
        const NODES: u32 = 8;
        let mut file = Vec::new();
        for depth in 0..NODES {
            let bit = (81 >> (7 - depth)) & 1;
            let next = if depth == NODES - 1 {
                NODES + 16
            } else {
                depth + 1
            };
            for side in [0, 1] {
                let target = if side == bit { next } else { NODES };
                file.extend(&target.to_be_bytes()[1..]);
            }
        }
        file.extend([0; 16]);
        file.extend(record);
        file.extend(b"\xab\xcd\xefMaxMind.com");
        let (map, u16_, u32_, text) = (0xe0, 0xa1, 0xc4, 0x40);
        file.push(map | 9);
        for (key, value) in [
            ("node_count", &[u32_, 0, 0, 0, 8][..]),
            ("record_size", &[u16_, 24]),
            ("ip_version", &[u16_, 4]),
            ("binary_format_major_version", &[u16_, 2]),
            ("binary_format_minor_version", &[u16_, 0]),
            ("languages", &[0x00, 0x04]),
            ("description", &[map]),
            ("database_type", b"\x44Test"),
            ("build_epoch", &[0x01, 0x02, 1]),
        ] {
            file.push(text | u8::try_from(key.len()).unwrap());
            file.extend(key.as_bytes());
            file.extend(value);
        }
        file
    }

    fn header_of(record: &[u8], hops: usize, peer: &str) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let mmdb = folder.path().join("geo.mmdb");
        std::fs::write(&mmdb, database(record)).unwrap();
        let geo = GeoLookup::open(&GeoOptions {
            mmdb,
            trusted_proxy_hops: hops,
        })
        .unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "6.6.6.6, 81.2.3.4".parse().unwrap());
        let header = geo.header(&headers, &peer.parse().unwrap())?;
        Some(header.to_str().unwrap().to_owned())
    }

    const GEOIP2: &[u8] =
        b"\xe2\x47country\xe1\x48iso_code\x42NL\x44city\xe1\x45names\xe1\x42en\x49Den Haag!";
    const FLAT: &[u8] = b"\xe1\x4ccountry_code\x42NL";

    #[test]
    fn both_layouts_are_read() {
        assert_eq!(
            header_of(GEOIP2, 0, "81.9.9.9:1").as_deref(),
            Some("NL;Den%20Haag%21")
        );
        assert_eq!(header_of(FLAT, 0, "81.9.9.9:1").as_deref(), Some("NL;"));
    }

    #[test]
    fn the_forwarded_address_counts_behind_a_trusted_proxy_only() {
        assert_eq!(header_of(FLAT, 1, "10.0.0.1:1").as_deref(), Some("NL;"));
        assert_eq!(header_of(FLAT, 0, "10.0.0.1:1"), None);
    }

    #[test]
    fn a_file_that_is_no_database_stops_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let mmdb = folder.path().join("geo.mmdb");
        std::fs::write(&mmdb, "nothing").unwrap();
        assert!(
            GeoLookup::open(&GeoOptions {
                mmdb,
                trusted_proxy_hops: 0
            })
            .is_err()
        );
    }
}
