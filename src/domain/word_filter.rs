//! Words that messages must not have, and what becomes of a message that has one.
//!
//! Rules are a line each: `refuse`, `mask` or `hold`, and a word, a phrase or a `/pattern/`. A word is
//! found whatever its case, accents, full-width forms and invisible characters; as a whole word, unless
//! `*` stands at its beginning or end. A pattern is a regular expression that is searched for in the text
//! as it was written, ignoring case.

use std::fmt;

use regex::{Regex, RegexBuilder};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_script::{Script, UnicodeScript};
use unicode_segmentation::UnicodeSegmentation;

use super::characters::is_invisible;

/// Rules that are read at most.
const RULES_MAX: usize = 20_000;
/// Patterns among them at most: each is searched for by itself.
const PATTERNS_MAX: usize = 200;
/// Bytes of memory that one compiled pattern may have, and all words together.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;
const WORDS_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What a masked character becomes. It formats nothing on the page, and is no longer than any other.
const MASK: &str = "#";
/// Stands around each character of a script that has no spaces between words, so that each is a word.
const BOUNDARY: char = '\0';

/// What the filter says of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filtered {
    /// Nothing was found.
    Passed,
    /// The text without what was found.
    Masked(String),
    /// A moderator is to look at it first. The rule says why.
    Held(Box<str>),
    /// It is not accepted.
    Refused,
}

/// The rules of a filter.
#[derive(Debug, Default)]
pub struct WordFilter {
    refuse: Rules,
    hold: Rules,
    mask: Rules,
    count: usize,
}

/// The rules of one action.
#[derive(Debug, Default)]
struct Rules {
    /// All words, to be searched for in a [`Folded`] text.
    words: Option<Regex>,
    patterns: Vec<Regex>,
}

/// A line of a filter is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct WordFilterError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what to write.
    pub problem: String,
}

impl WordFilter {
    /// Reads rules. Empty lines and lines that begin with `#` are none.
    ///
    /// # Errors
    /// [`WordFilterError`] with the first line that is no rule.
    pub fn parse(text: &str) -> Result<Self, WordFilterError> {
        let mut filter = Self::default();
        let [mut refuse, mut hold, mut mask] = [const { Vec::new() }; 3];
        let mut patterns = 0;
        let text = text.trim_start_matches('\u{feff}');
        for (n, line) in text.lines().enumerate() {
            let failed = |problem: String| WordFilterError {
                line: n + 1,
                problem,
            };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (action, rule) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let (rules, words) = match action.trim_end_matches(':') {
                "refuse" => (&mut filter.refuse, &mut refuse),
                "hold" => (&mut filter.hold, &mut hold),
                "mask" => (&mut filter.mask, &mut mask),
                _ => return Err(failed("begin it with refuse, hold or mask".to_owned())),
            };
            filter.count += 1;
            if filter.count > RULES_MAX {
                return Err(failed(format!("there are more than {RULES_MAX} rules")));
            }
            let rule = rule.trim();
            match pattern_in(rule) {
                Some(pattern) => {
                    patterns += 1;
                    if patterns > PATTERNS_MAX {
                        let problem = format!("there are more than {PATTERNS_MAX} patterns");
                        return Err(failed(problem));
                    }
                    rules.patterns.push(compiled(pattern).map_err(failed)?);
                }
                None => words.push(word_pattern(rule).ok_or_else(|| {
                    failed("write a word, a phrase or a /pattern/ after it".to_owned())
                })?),
            }
        }
        for (rules, words) in [
            (&mut filter.refuse, &refuse),
            (&mut filter.hold, &hold),
            (&mut filter.mask, &mask),
        ] {
            rules.words = any_of(words).map_err(|problem| WordFilterError {
                line: text.lines().count(),
                problem,
            })?;
        }
        Ok(filter)
    }

    /// How many rules there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// What becomes of a text. To refuse comes before to hold, and that before to mask.
    #[must_use]
    pub fn check(&self, text: &str) -> Filtered {
        if self.count == 0 {
            return Filtered::Passed;
        }
        let folded = Folded::new(text);
        if self.refuse.first(text, &folded).is_some() {
            return Filtered::Refused;
        }
        if let Some((from, to)) = self.hold.first(text, &folded) {
            return Filtered::Held(text[from..to].into());
        }
        let found = self.mask.all(text, &folded);
        if found.is_empty() {
            Filtered::Passed
        } else {
            Filtered::Masked(masked(text, found))
        }
    }

    /// Whether a name has anything that messages must not have.
    #[must_use]
    pub fn finds_in_name(&self, name: &str) -> bool {
        self.check(name) != Filtered::Passed
    }
}

impl Rules {
    /// The first bytes of `text` that a rule finds.
    fn first(&self, text: &str, folded: &Folded) -> Option<(usize, usize)> {
        let word = self.words.as_ref().and_then(|words| {
            let found = words.find(&folded.text)?;
            Some(folded.origin(found.start(), found.end()))
        });
        word.or_else(|| {
            let mut found = self
                .patterns
                .iter()
                .filter_map(|pattern| pattern.find(text));
            found.next().map(|found| (found.start(), found.end()))
        })
    }

    /// All the bytes of `text` that rules find.
    fn all(&self, text: &str, folded: &Folded) -> Vec<(usize, usize)> {
        let words = self
            .words
            .iter()
            .flat_map(|words| words.find_iter(&folded.text));
        let words = words.map(|found| folded.origin(found.start(), found.end()));
        let patterns = self
            .patterns
            .iter()
            .flat_map(|pattern| pattern.find_iter(text));
        let patterns = patterns.map(|found| (found.start(), found.end()));
        words
            .chain(patterns)
            .filter(|(from, to)| from < to)
            .collect()
    }
}

/// A text as words are searched for in it.
struct Folded {
    text: String,
    /// For each byte, where the character begins that it comes from; and the end.
    origins: Vec<usize>,
}

impl Folded {
    fn new(text: &str) -> Self {
        let mut folded = Self {
            text: String::with_capacity(text.len()),
            origins: Vec::with_capacity(text.len() + 1),
        };
        for (at, c) in text.char_indices() {
            fold(c, &mut folded.text);
            folded.origins.resize(folded.text.len(), at);
        }
        folded.origins.push(text.len());
        folded
    }

    /// The bytes of the original that these bytes come from.
    fn origin(&self, from: usize, to: usize) -> (usize, usize) {
        let last = self.origins[to.saturating_sub(1).max(from)];
        // Characters that fold to nothing belong to the one before them.
        let mut after = self.origins[to..].iter();
        let end = after.find(|at| **at > last).or_else(|| self.origins.last());
        (self.origins[from], end.copied().unwrap_or(last))
    }
}

/// Writes a character as it is compared: compatible forms as one, without accents, in lower case.
fn fold(c: char, to: &mut String) {
    if is_invisible(c) {
        return;
    }
    let is_word = has_no_spaces(c.script()) && c.is_alphanumeric();
    if is_word {
        to.push(BOUNDARY);
    }
    let plain = std::iter::once(c).nfkd().filter(|c| !is_accent(*c));
    to.extend(plain.flat_map(char::to_lowercase).map(|c| match c {
        // A sigma at the end of a word has a form of its own.
        'ς' => 'σ',
        c if c.is_whitespace() => ' ',
        c => c,
    }));
    if is_word {
        to.push(BOUNDARY);
    }
}

/// Accents, which people leave out. The marks of other scripts are vowels and the like.
fn is_accent(c: char) -> bool {
    is_combining_mark(c) && matches!(c.script(), Script::Inherited | Script::Latin)
}

/// Scripts that have no spaces between words.
const fn has_no_spaces(script: Script) -> bool {
    use Script::{Han, Hiragana, Katakana, Khmer, Lao, Myanmar, Thai};
    matches!(
        script,
        Han | Hiragana | Katakana | Thai | Lao | Khmer | Myanmar
    )
}

/// What is between the slashes of `/pattern/`.
fn pattern_in(rule: &str) -> Option<&str> {
    rule.strip_prefix('/')?
        .strip_suffix('/')
        .filter(|pattern| !pattern.is_empty())
}

fn compiled(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(pattern)
        .case_insensitive(true)
        .size_limit(PATTERN_BYTES_MAX)
        .dfa_size_limit(PATTERN_BYTES_MAX)
        .build();
    let pattern = built.map_err(|error| {
        // The last line says what is wrong; those before draw where.
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default();
        format!(
            "the pattern cannot be used: {}",
            reason.trim_start_matches("error: ")
        )
    })?;
    if pattern.is_match("") {
        return Err("the pattern finds nothing in every text: make it need a character".to_owned());
    }
    Ok(pattern)
}

/// A word or a phrase as a regular expression for a folded text; `None` if there is nothing to find.
fn word_pattern(rule: &str) -> Option<String> {
    let (open_start, open_end) = (rule.starts_with('*'), rule.ends_with('*'));
    let mut folded = String::new();
    rule.trim_matches('*')
        .chars()
        .for_each(|c| fold(c, &mut folded));
    let words: Vec<_> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    let (first, last) = (
        words.first()?.chars().next()?,
        words.last()?.chars().last()?,
    );
    let edge = |is_open: bool, c: char| if is_open || !is_in_word(c) { "" } else { r"\b" };
    let spaced = words
        .iter()
        .map(|word| regex::escape(word))
        .collect::<Vec<_>>()
        .join(" +");
    Some(format!(
        "{}{spaced}{}",
        edge(open_start, first),
        edge(open_end, last)
    ))
}

/// Whether `\b` can stand beside a character.
fn is_in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || is_combining_mark(c)
}

fn any_of(words: &[String]) -> Result<Option<Regex>, String> {
    if words.is_empty() {
        return Ok(None);
    }
    RegexBuilder::new(&words.join("|"))
        .size_limit(WORDS_BYTES_MAX)
        .build()
        .map(Some)
        .map_err(|_| "all words together are too long: use fewer".to_owned())
}

/// A text with what was found made unreadable, character by character.
fn masked(text: &str, mut found: Vec<(usize, usize)>) -> String {
    found.sort_unstable();
    let mut found = found.into_iter().peekable();
    let mut masked = String::with_capacity(text.len());
    for (at, grapheme) in text.grapheme_indices(true) {
        while found.next_if(|(_, end)| *end <= at).is_some() {}
        let is_found = found
            .peek()
            .is_some_and(|(begin, _)| *begin < at + grapheme.len());
        if !is_found || grapheme.chars().all(char::is_whitespace) {
            masked.push_str(grapheme);
        } else if !grapheme.chars().all(is_invisible) {
            masked.push_str(MASK);
        }
    }
    masked
}

impl fmt::Display for WordFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rules", self.count)
    }
}

#[cfg(test)]
#[path = "word_filter_tests.rs"]
mod tests;
