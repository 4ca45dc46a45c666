//! Where a webhook points: a URL that has been checked.

use std::net::IpAddr;

use url::{Host, Url};

use super::address::AllowedTargets;

/// Bytes of the longest URL.
pub const URL_BYTES_MAX: usize = 2048;

/// Why a webhook may not point there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It is no URL.
    #[error("url is no URL ({0}); give one like https://example.com/chat")]
    NoUrl(url::ParseError),
    /// It is too long.
    #[error("url has over {URL_BYTES_MAX} bytes")]
    TooLong,
    /// It is of another kind.
    #[error("url must begin with https:// or http://")]
    Scheme,
    /// It has a user or a password in it.
    #[error("url must not have a user or a password in it; the signature proves who calls")]
    Credentials,
    /// The address is not public.
    #[error(
        "url leads to {0}, which is no public address; the operator may allow it with WEBHOOK_ALLOW"
    )]
    Forbidden(String),
    /// The name has no address.
    #[error("the host of url cannot be resolved: {0}")]
    Unresolved(String),
}

/// Reads and checks a URL. An address in it must be allowed; a name is checked when it is resolved.
///
/// # Errors
/// [`TargetError`].
pub fn parse(text: &str, allowed: &AllowedTargets) -> Result<Url, TargetError> {
    if text.len() > URL_BYTES_MAX {
        return Err(TargetError::TooLong);
    }
    let url = Url::parse(text).map_err(TargetError::NoUrl)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(TargetError::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(TargetError::Credentials);
    }
    // Decimal, octal and shortened addresses are addresses by now (URL Standard, section 3.5).
    let address = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::from(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::from(address)),
        _ => None,
    };
    if let Some(address) = address.filter(|address| !allowed.allows(*address)) {
        return Err(TargetError::Forbidden(address.to_string()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    fn check(text: &str) -> Result<Url, TargetError> {
        parse(text, &AllowedTargets::default())
    }

    #[test]
    fn what_is_no_address_of_a_receiver_is_refused() {
        for text in [
            "",
            "example.com/x",
            "http://",
            "https://exa mple.com",
            "http://[::1",
        ] {
            assert!(matches!(check(text), Err(TargetError::NoUrl(_))), "{text}");
        }
        for text in [
            "ftp://example.com",
            "file:///etc/passwd",
            "unix:/x",
            "data:,x",
        ] {
            assert_eq!(check(text), Err(TargetError::Scheme), "{text}");
        }
        for text in ["https://me@example.com", "https://:pw@example.com/"] {
            assert_eq!(check(text), Err(TargetError::Credentials), "{text}");
        }
        let long = format!("https://example.com/{}", "x".repeat(URL_BYTES_MAX));
        assert_eq!(check(&long), Err(TargetError::TooLong));
        for text in [
            "https://example.com",
            "http://8.8.8.8:1/x?y=z",
            "https://b\u{fc}cher.example",
        ] {
            assert!(check(text).is_ok(), "{text}");
        }
    }

    proptest! {
        /// However an address is written, it is the same one.
        #[test]
        fn no_spelling_hides_an_address(
            a in prop::sample::select(vec![0_u8, 10, 127]), b: u8, c: u8, d: u8,
        ) {
            let bits = Ipv4Addr::new(a, b, c, d).to_bits();
            let tail = bits & 0x00ff_ffff;
            for host in [
                format!("{a}.{b}.{c}.{d}"),
                format!("{bits}"),
                format!("0x{bits:x}"),
                format!("0{bits:o}"),
                format!("0{a:o}.0x{b:X}.{c}.{d}."),
                format!("{a}.{tail}"),
                format!("[::ffff:{a}.{b}.{c}.{d}]"),
                format!("[64:ff9b::{a}.{b}.{c}.{d}]"),
            ] {
                let checked = check(&format!("http://{host}/"));
                let is_refused = matches!(checked, Err(TargetError::Forbidden(_)));
                prop_assert!(is_refused, "{}: {:?}", host, checked);
            }
        }
    }
}
