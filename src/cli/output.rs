//! What commands write: columns for people, or JSON for programs. What users have written cannot steer
//! a terminal, or look like another line.

use std::io::{self, Write};

use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

use super::error::CliError;
use crate::domain::is_direction_control;

/// What stands for a character that could steer a terminal.
const REPLACEMENT: char = '\u{fffd}';

/// Standard output.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    is_json: bool,
}

impl Output {
    /// Standard output, as JSON or for people.
    #[must_use]
    pub const fn new(is_json: bool) -> Self {
        Self { is_json }
    }

    /// Whether programs read it.
    #[must_use]
    pub const fn is_json(self) -> bool {
        self.is_json
    }

    /// Writes a line.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn line(self, text: &str) -> Result<(), CliError> {
        let mut out = io::stdout().lock();
        let written = writeln!(out, "{}", text.trim_end());
        written.and_then(|()| out.flush()).map_err(CliError::Output)
    }

    /// Writes what was done: the answer for programs, a sentence for people.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn done(self, answer: &Value, sentence: &str) -> Result<(), CliError> {
        if self.is_json {
            self.line(&answer.to_string())
        } else {
            self.line(sentence)
        }
    }

    /// Writes a list: a JSON object a line, or a table.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn list(self, items: &[Value], columns: &[Column]) -> Result<(), CliError> {
        if self.is_json {
            return items
                .iter()
                .try_for_each(|item| self.line(&item.to_string()));
        }
        let row = |item: &Value| columns.iter().map(|column| column.of(item)).collect();
        let heads = columns
            .iter()
            .map(|column| column.head.to_owned())
            .collect();
        let rows: Vec<Vec<String>> = std::iter::once(heads)
            .chain(items.iter().map(row))
            .collect();
        let width = |at: usize| rows.iter().map(|row| width(&row[at])).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns.len()).map(width).collect();
        rows.iter().try_for_each(|row| {
            let cells = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| pad(cell, *width));
            self.line(&cells.collect::<Vec<_>>().join("  "))
        })
    }
}

/// A column of a table: a field of each item.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    head: &'static str,
    fields: &'static [&'static str],
}

impl Column {
    /// A column with this heading; it shows the first of these fields that an item has.
    #[must_use]
    pub const fn new(head: &'static str, fields: &'static [&'static str]) -> Self {
        Self { head, fields }
    }

    fn of(&self, item: &Value) -> String {
        let found = self.fields.iter().map(|field| &item[*field]);
        let found = found.filter(|value| !value.is_null()).map(cell);
        let cell = found.into_iter().find(|cell| !cell.is_empty());
        cell.unwrap_or_else(|| "-".to_owned())
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => plain(text, " "),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => String::new(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(cell).collect();
            items.join(",")
        }
        other => other.to_string(),
    }
}

/// A text without what steers terminals or turns the direction of writing. `line_break` stands for each
/// line break, so that no user can forge a line.
#[must_use]
pub fn plain(text: &str, line_break: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push_str(line_break),
            '\t' => shown.push(' '),
            c if c.is_control() || is_direction_control(c) => shown.push(REPLACEMENT),
            '\u{2028}' | '\u{2029}' => shown.push(REPLACEMENT),
            c => shown.push(c),
        }
    }
    shown
}

fn width(text: &str) -> usize {
    text.graphemes(true).count()
}

fn pad(text: &str, to: usize) -> String {
    let missing = to.saturating_sub(width(text));
    format!("{text}{:missing$}", "")
}
