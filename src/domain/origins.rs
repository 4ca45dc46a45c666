//! Whose pages may connect: origins as browsers send them (RFC 6454, section 6.1).

use std::fmt;

/// The origins whose pages may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// Any, also that of a page from a file (`null`).
    Any,
    /// These.
    These(Vec<String>),
}

impl AllowedOrigins {
    /// Reads `*`, or origins separated by commas.
    ///
    /// # Errors
    /// What is wrong with each that is no origin.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let given: Vec<&str> = text
            .split(',')
            .map(str::trim)
            .filter(|origin| !origin.is_empty())
            .collect();
        if given == ["*"] {
            return Ok(Self::Any);
        }
        let mut mistakes: Vec<String> = given
            .iter()
            .filter(|origin| !is_origin(origin))
            .map(|origin| format!("{origin:?} is no origin; give one like https://chat.example"))
            .collect();
        if given.is_empty() {
            mistakes.push("it is empty; give * or an origin like https://chat.example".to_owned());
        }
        if mistakes.is_empty() {
            Ok(Self::These(
                given.iter().map(|o| o.to_ascii_lowercase()).collect(),
            ))
        } else {
            Err(mistakes)
        }
    }

    /// Whether a page of this origin may connect.
    #[must_use]
    pub fn allows(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(allowed) => allowed.iter().any(|a| a.eq_ignore_ascii_case(origin)),
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

/// `scheme://host` or `scheme://host:port`, as browsers write it, or `null`.
fn is_origin(text: &str) -> bool {
    if text == "null" {
        return true;
    }
    let Some((scheme, authority)) = text.split_once("://") else {
        return false;
    };
    let in_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    // Of a URL only the origin counts: with a path or a trailing slash it would match nothing.
    let in_authority =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':' | '[' | ']');
    !scheme.is_empty()
        && scheme.chars().all(in_scheme)
        && !authority.is_empty()
        && authority.chars().all(in_authority)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn what_is_no_origin_is_a_mistake() {
        for text in [
            "",
            ",",
            "chat.example",
            "https://",
            "https://chat.example/",
            "*,https://a.b",
            "https://*.a.b",
        ] {
            assert!(AllowedOrigins::parse(text).is_err(), "{text:?}");
        }
    }
}
