//! What is searched for, and which texts have it.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use super::request_error::RequestError;

/// Bytes of the longest query.
const BYTES_MAX: usize = 512;
/// Words that a query may have.
const WORDS_MAX: usize = 16;

/// Words that a message must have, all of them, anywhere in its text and also within other words: scripts without
/// spaces between words have no other boundaries. Upper and lower case, accents, and the full-width and compatible
/// forms of a character make no difference.
#[derive(Clone, PartialEq, Eq)]
pub struct SearchQuery(Box<[Box<str>]>);

/// Why a text cannot be searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchQueryError {
    /// It has no letter, digit or sign.
    #[error("there is nothing to search for: write a word")]
    Blank,
    /// It is too long.
    #[error("the text to search for is longer than {BYTES_MAX} bytes: shorten it")]
    TooLong,
    /// It has too many words.
    #[error("the text to search for has more than {WORDS_MAX} words: leave some out")]
    TooManyWords,
}

impl SearchQuery {
    /// Reads the words of a query.
    ///
    /// # Errors
    /// [`SearchQueryError`].
    pub fn parse(text: &str) -> Result<Self, SearchQueryError> {
        if text.len() > BYTES_MAX {
            return Err(SearchQueryError::TooLong);
        }
        let folded = fold(text);
        let mut words: Vec<Box<str>> = Vec::new();
        for word in folded.split_whitespace() {
            if !words.iter().any(|known| **known == *word) {
                words.push(word.into());
            }
        }
        match words.len() {
            0 => Err(SearchQueryError::Blank),
            1..=WORDS_MAX => Ok(Self(words.into())),
            _ => Err(SearchQueryError::TooManyWords),
        }
    }

    /// The words, folded as by [`fold`].
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// Whether a text has all the words.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let folded = fold(text);
        self.words().all(|word| folded.contains(word))
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.words().map(str::len).sum()
    }
}

/// Prints how many words there are, so that no query reaches a log.
impl fmt::Debug for SearchQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SearchQuery")
            .field("words", &self.0.len())
            .finish()
    }
}

impl From<SearchQueryError> for RequestError {
    fn from(error: SearchQueryError) -> Self {
        Self::invalid_text(error.to_string())
    }
}

/// A text as it is compared: compatible characters as one (NFKD), no accents, lower case, composed again.
#[must_use]
pub fn fold(text: &str) -> String {
    let is_accent = |c: &char| ('\u{300}'..='\u{36f}').contains(c);
    let plain = text.nfkd().filter(|c| !is_accent(c));
    // A sigma at the end of a word has a form of its own.
    let lower = plain
        .flat_map(char::to_lowercase)
        .map(|c| if c == 'ς' { 'σ' } else { c });
    lower.nfc().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn query(text: &str) -> SearchQuery {
        SearchQuery::parse(text).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn words_are_found_in_any_script_and_form() {
        for (text, wanted) in [
            ("Hello, World!", "world HELLO"),
            ("Hello, World!", "ell"),
            ("Crème brûlée", "creme brulee"),
            ("creme brulee", "CRÈME"),
            ("今日は世界です", "世界"),
            ("你好世界", "界"),
            ("안녕하세요 여러분", "하세"),
            ("Привет, мир", "ПРИВЕТ"),
            ("Ὀδυσσεύς", "οδυσσευς"),
            ("ΟΔΥΣΣΕΥΣ", "δυσσευσ"),
            ("สวัสดีชาวโลก", "ชาว"),
            ("नमस्ते दुनिया", "दुनिया"),
            ("مرحبا بالعالم", "عالم"),
            ("ｆｕｌｌｗｉｄｔｈ", "fullwidth"),
            ("ﬁne", "fine"),
            ("İstanbul", "istanbul"),
            ("party 🎉 tonight", "🎉"),
            ("50% of C++", "c++ 50%"),
        ] {
            assert!(query(wanted).matches(text), "{wanted} in {text}");
        }
        for (text, wanted) in [
            ("Hello", "hello world"),
            ("世 界", "世界"),
            ("heello", "hello"),
        ] {
            assert!(!query(wanted).matches(text), "{wanted} in {text}");
        }
    }

    #[test]
    fn what_cannot_be_searched_for_is_refused() {
        for blank in ["", "  ", "\u{301}", "\t\n"] {
            assert_eq!(
                SearchQuery::parse(blank),
                Err(SearchQueryError::Blank),
                "{blank:?}"
            );
        }
        let long = "x".repeat(BYTES_MAX + 1);
        assert_eq!(SearchQuery::parse(&long), Err(SearchQueryError::TooLong));
        let many: Vec<_> = (0..=WORDS_MAX).map(|n| n.to_string()).collect();
        let many = SearchQuery::parse(&many.join(" "));
        assert_eq!(many, Err(SearchQueryError::TooManyWords));
    }

    proptest! {
        #[test]
        fn every_part_of_a_text_is_found_in_it(text in "\\PC{1,60}", from in 0_usize..60, len in 1_usize..20) {
            let chars: Vec<char> = text.chars().collect();
            let part: String = chars.iter().skip(from).take(len).collect();
            // A part that begins with an accent of what is before it composes with nothing.
            let begins_apart = part.chars().next().is_some_and(|c| c.is_ascii() || c.is_alphabetic());
            let is_apart = fold(&text).contains(&fold(&part));
            if let Ok(query) = SearchQuery::parse(&part) && begins_apart && is_apart {
                prop_assert!(query.matches(&text));
            }
        }

        #[test]
        fn folding_twice_is_folding_once(text in "\\PC{0,40}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }
    }
}
