//! Which addresses are public: where the origin may be sent by what a stranger has written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is one of the public internet. Everything that a registry keeps for other purposes is not
/// (IANA's special-purpose registries, RFC 6890): this machine, private and shared networks, link-local ones with the
/// metadata services of clouds, documentation, benchmarks, multicast; nor are IPv6 addresses that carry an IPv4 one.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 31, 196)
            | (192, 52, 193)
            | (192, 175, 48)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    // Azure's metadata and agent service, for every machine there: no registry knows it as special.
    !special && address != Ipv4Addr::new(168, 63, 129, 16)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Global unicast only; of it, not what carries or names IPv4 addresses, documentation, benchmarks and the like.
    let global = (0x2000..=0x3fff).contains(&a);
    let special = matches!((a, b), (0x2001, 0..=0x1ff | 0xdb8) | (0x2002 | 0x3fff, _));
    global && !special
}

/// What is wrong with a host that is an address and not a public one, whichever way it is written; names are looked up
/// when they are called.
///
/// # Errors
/// A predicate.
pub fn check_host(host: &str) -> Result<(), &'static str> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return if is_public(address) {
            Ok(())
        } else {
            Err("must not be a private or special address")
        };
    }
    let name = bare.trim_end_matches('.').to_ascii_lowercase();
    let last = name.rsplit('.').next().unwrap_or_default();
    // As numbers, some resolvers read addresses in them: 127.1, 0x7f000001, 2130706433.
    let is_number = last.strip_prefix("0x").unwrap_or(last);
    let is_number = !is_number.is_empty() && is_number.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_number && last.bytes().any(|byte| byte.is_ascii_digit()) {
        return Err("must not be a number");
    }
    match last {
        "localhost" | "local" | "internal" | "home" | "lan" | "intranet" => {
            Err("must be a public name")
        }
        _ if !name.contains('.') => Err("must be a public name"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        for address in [
            "127.0.0.1",
            "127.255.255.254",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "168.63.129.16",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2001::1",
            "100::1",
            "3fff::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "8.8.8.8",
            "1.1.1.1",
            "193.0.6.139",
            "172.32.0.1",
            "100.128.0.1",
            "169.253.1.1",
            "2606:4700:4700::1111",
            "2a00:1450:4001:80b::200e",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn odd_forms_of_addresses_are_refused_before_anybody_is_called() {
        for host in [
            "127.0.0.1",
            "[::1]",
            "[::ffff:10.0.0.1]",
            "2130706433",
            "0x7f000001",
            "127.1",
            "0177.0.0.1",
            "1.2.3.0x7",
            "localhost",
            "LOCALHOST.",
            "metadata.google.internal",
            "printer.local",
            "intranet",
            "a",
        ] {
            assert!(check_host(host).is_err(), "{host}");
        }
        for host in [
            "hooks.shop.example",
            "8.8.8.8",
            "[2606:4700:4700::1111]",
            "xn--bcher-kva.example",
            "a1.de",
        ] {
            assert_eq!(check_host(host), Ok(()), "{host}");
        }
    }
}
