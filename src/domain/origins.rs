//! Whose pages may connect: origins as browsers send them (RFC 6454, section 6.1).

use std::fmt;

use url::{Host, Url};

/// The origins whose pages may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// Any, also that of a page from a file (`null`).
    Any,
    /// These.
    These(Vec<String>),
}

/// What is wrong with a list of origins; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedOriginsError(Vec<OriginError>);

impl AllowedOriginsError {
    /// What is wrong with each of them.
    pub fn iter(&self) -> impl Iterator<Item = &OriginError> {
        self.0.iter()
    }
}

impl fmt::Display for AllowedOriginsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("; ")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for AllowedOriginsError {}

/// What is wrong with one origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// The list has none.
    #[error("it is empty; give * or an origin like https://chat.example")]
    Empty,
    /// Browsers send no such origin.
    #[error("{0:?} is no origin; give one like https://chat.example")]
    NotAnOrigin(String),
}

impl AllowedOrigins {
    /// Reads `*`, or origins separated by commas.
    ///
    /// # Errors
    /// [`AllowedOriginsError`], with everything in the list that is no origin.
    pub fn parse(text: &str) -> Result<Self, AllowedOriginsError> {
        let given: Vec<&str> = text
            .split(',')
            .map(str::trim)
            .filter(|origin| !origin.is_empty())
            .collect();
        if given == ["*"] {
            return Ok(Self::Any);
        }
        let mut errors = Vec::new();
        let mut origins = Vec::new();
        for origin in &given {
            match normalized(origin) {
                Some(origin) => origins.push(origin),
                None => errors.push(OriginError::NotAnOrigin((*origin).to_owned())),
            }
        }
        if given.is_empty() {
            errors.push(OriginError::Empty);
        }
        if errors.is_empty() {
            Ok(Self::These(origins))
        } else {
            Err(AllowedOriginsError(errors))
        }
    }

    /// Whether a page of this origin may connect.
    #[must_use]
    pub fn allows(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            // Browsers send the normalized form; other clients may send another.
            Self::These(allowed) => {
                let is_listed = |origin: &str| allowed.iter().any(|listed| listed == origin);
                is_listed(origin) || normalized(origin).is_some_and(|origin| is_listed(&origin))
            }
        }
    }
}

impl fmt::Display for AllowedOrigins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::These(allowed) => f.write_str(&allowed.join(" ")),
        }
    }
}

/// The one form of an origin that browsers send: lower case, a host of another script in ASCII
/// (Punycode), and no port where it is the scheme's default. `null` is the origin of a page from a
/// file. `None` where this is no origin: with a path, or only a trailing slash, it would match nothing.
fn normalized(text: &str) -> Option<String> {
    if text == "null" {
        return Some(text.to_owned());
    }
    // `Url` leaves these out everywhere.
    if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return None;
    }
    let (_, authority) = text.split_once("://")?;
    if authority.is_empty() || authority.contains(['/', '\\', '?', '#', '@']) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let host = match url.host()? {
        Host::Domain(name) if name.chars().all(is_plain) => name.to_ascii_lowercase(),
        Host::Domain(_) => return None,
        address => address.to_string(),
    };
    // `Url` leaves out a default port, and writes the scheme in lower case.
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    Some(format!("{}://{host}{port}", url.scheme()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_a_url_leaves_out_make_no_origin() {
        let allowed = AllowedOrigins::parse("https://chat.example");
        let allowed = allowed.unwrap_or_else(|e| panic!("{e}"));
        for origin in [
            "\u{18}https://chat.example",
            "https://chat.example ",
            "https://ch\tat.example",
            "ht\ntps://chat.example",
        ] {
            assert!(!allowed.allows(origin), "{origin:?}");
        }
    }

    #[test]
    fn a_star_is_any() {
        assert_eq!(AllowedOrigins::parse(" * "), Ok(AllowedOrigins::Any));
        assert!(AllowedOrigins::Any.allows("null"));
    }

    #[test]
    fn a_list_allows_what_it_names_and_nothing_like_it() {
        let origins = AllowedOrigins::parse("https://Chat.example, http://localhost:3000,null");
        let Ok(origins) = origins else {
            panic!("{origins:?}")
        };
        for allowed in [
            "https://chat.example",
            "HTTPS://CHAT.EXAMPLE",
            "http://localhost:3000",
            "null",
        ] {
            assert!(origins.allows(allowed), "{allowed}");
        }
        for foreign in [
            "http://chat.example",
            "https://chat.example:8443",
            "https://chat.example.evil.test",
            "https://evil.test/https://chat.example",
            "https://xchat.example",
            "",
        ] {
            assert!(!origins.allows(foreign), "{foreign}");
        }
    }

    #[test]
    fn one_origin_has_one_form_however_it_is_written() {
        for (written, sent) in [
            ("https://chat.example:443", "https://chat.example"),
            ("http://x:80", "http://x"),
            ("HTTPS://CHAT.Example:443", "https://chat.example"),
            ("https://chat.example", "https://chat.example:443"),
            ("http://chat.example:443", "http://chat.example:443"),
            ("https://chat.example:80", "https://chat.example:80"),
            ("https://chat.example:0443", "https://chat.example"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            (
                "https://xn--bcher-kva.example",
                "https://xn--bcher-kva.example",
            ),
            (
                "https://BÜCHER.example:443",
                "https://xn--bcher-kva.example",
            ),
            ("http://[::1]:80", "http://[::1]"),
            ("http://[0:0::1]:8080", "http://[::1]:8080"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("capacitor://localhost", "capacitor://localhost"),
            ("Tauri://localhost:80", "tauri://localhost:80"),
            ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ] {
            let origins = AllowedOrigins::parse(written);
            assert!(
                origins.as_ref().is_ok_and(|origins| origins.allows(sent)),
                "{written} allows {sent}: {origins:?}"
            );
        }
        for (written, foreign) in [
            ("https://chat.example:443", "http://chat.example"),
            ("https://chat.example:443", "https://chat.example:4430"),
            ("http://x:80", "https://x"),
            ("http://x:443", "http://x"),
            ("https://bücher.example", "https://bucher.example"),
            ("https://chat.example", "https://chat.example:443/"),
            ("https://chat.example", "https://user@chat.example"),
            (
                "https://chat.example",
                "https://chat.example, https://chat.example",
            ),
        ] {
            let origins = AllowedOrigins::parse(written);
            assert!(
                origins
                    .as_ref()
                    .is_ok_and(|origins| !origins.allows(foreign)),
                "{written} does not allow {foreign}: {origins:?}"
            );
        }
    }

    #[test]
    fn what_is_no_origin_is_a_mistake() {
        for text in [
            "",
            ",",
            "chat.example",
            "https://",
            "https://chat.example/",
            "*,https://a.b",
            "https://*.a.b",
            "https://a.b:99999",
            "https://a.b:https",
            "https://user@a.b",
            "https://a.b?c",
            "https://a.b#c",
            "https:\\\\a.b",
            "https://a b",
            "https://[::1",
            "NULL",
        ] {
            assert!(AllowedOrigins::parse(text).is_err(), "{text:?}");
        }
    }
}
