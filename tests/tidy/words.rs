//! Retired words: plain ones replace them in the documentation, in the comments of the service and
//! in what it logs.

use std::fs;

use super::docs::check;
use super::{files, relative};

/// Words that plain ones replace, each with its forms.
const RETIRED: [(&[&str], &str); 10] = [
    (
        &["told", "tell", "tells", "telling"],
        "send, report, say or name",
    ),
    (&["nobody"], "no user, no client, nothing"),
    (&["somebody", "whoever"], "a user, a client, the one who"),
    (&["befall", "befalls", "befell"], "happen"),
    (&["ring", "rings", "rang", "rung", "ringing"], "notify"),
    (
        &["bring", "brings", "brought", "bringing"],
        "deliver, cause, restore",
    ),
    (
        &["hear", "hears", "heard", "hearing"],
        "receive, learn, read",
    ),
    (&["anew"], "again, from the start"),
    (&["wherever"], "if, everywhere that"),
    (&["at once"], "immediately or simultaneously"),
];
/// Clauses in which "where" stands for "if".
const WHERE_FOR_IF: [&str; 6] = [
    "where there is",
    "where there are",
    "where none",
    "where that is",
    "where one",
    "where you",
];

const LOG_MACROS: [&str; 5] = ["trace!(", "debug!(", "info!(", "warn!(", "error!("];

/// The retired words in these numbered lines, apart from what stands in backticks.
pub fn retired<'a>(file: &str, lines: impl Iterator<Item = (usize, &'a str)>) -> Vec<String> {
    let mut words = Vec::new();
    for (number, line) in lines {
        for plain in line.split('`').step_by(2) {
            let parts = plain.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            let found = parts.filter(|part| !part.is_empty());
            words.extend(found.map(|word| (number, word.to_lowercase())));
        }
    }
    let has = |at: usize, phrase: &str| {
        let mut parts = phrase.split(' ').enumerate();
        parts.all(|(n, part)| words.get(at + n).is_some_and(|(_, word)| word == part))
    };
    let mut wrong = Vec::new();
    for (at, (number, _)) in words.iter().enumerate() {
        for (forms, instead) in RETIRED {
            for form in forms.iter().filter(|form| has(at, form)) {
                wrong.push(format!("{file}:{number} says {form:?}; better: {instead}"));
            }
        }
        for phrase in WHERE_FOR_IF.iter().filter(|phrase| has(at, phrase)) {
            wrong.push(format!("{file}:{number} says {phrase:?}; better: if"));
        }
    }
    wrong
}

/// The comments of a source file, with the numbers of their lines.
fn comments<'a>(text: &'a str, marker: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    text.lines().zip(1..).filter_map(move |(line, number)| {
        let is_comment = line.trim_start().starts_with(marker);
        let after_code = || {
            line.split_once(&format!(" {marker} "))
                .map(|(_, rest)| rest)
        };
        let comment = if is_comment { Some(line) } else { after_code() };
        comment.map(|comment| (number, comment))
    })
}

/// The string literals of calls that log, with the numbers of their lines.
fn logged(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut is_log = false;
    for (line, number) in text.lines().zip(1..) {
        is_log |= LOG_MACROS.iter().any(|call| line.contains(call));
        if is_log {
            let literals = line.split('"').skip(1).step_by(2);
            found.extend(literals.map(|literal| (number, literal)));
        }
        is_log &= !line.trim_end().ends_with(';');
    }
    found
}

#[test]
fn comments_and_log_lines_use_plain_words() {
    let mut wrong = Vec::new();
    for path in files("src", "rs") {
        let (file, text) = (relative(&path), fs::read_to_string(&path).unwrap());
        wrong.extend(retired(&file, comments(&text, "//")));
        wrong.extend(retired(&file, logged(&text).into_iter()));
    }
    for path in files("src", "lua") {
        let (file, text) = (relative(&path), fs::read_to_string(&path).unwrap());
        wrong.extend(retired(&file, comments(&text, "--")));
    }
    check(&wrong, "say it in plain words");
}
