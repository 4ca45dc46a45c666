//! Messages in the form in which programs post to Slack: JSON with `text`, or a form with such JSON
//! in `payload`.

use std::borrow::Cow;

use serde::Deserialize;

/// A message as it was posted. Fields that are for Slack's own page are ignored.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub struct SlackMessage {
    #[serde(default)]
    text: Option<String>,
    /// The name that it is to have.
    #[serde(default)]
    pub username: Option<String>,
    #[serde(default)]
    attachments: Option<Vec<Attachment>>,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
struct Attachment {
    #[serde(default)]
    pretext: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    fallback: Option<String>,
}

/// A body is no such message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlackError {
    /// It is not UTF-8.
    #[error("the body is not UTF-8")]
    Encoding,
    /// It is no JSON object, or has a field of another type.
    #[error("send JSON like {{\"text\": \"Hello\"}}, or a form with that in payload: {0}")]
    NoJson(String),
    /// It is a form without `payload`.
    #[error("the form has no payload; send payload=<json>, or JSON like {{\"text\": \"Hello\"}}")]
    NoPayload,
}

impl SlackMessage {
    /// Reads a body. Programs often send JSON as if it were a form, so its type is what it looks
    /// like.
    ///
    /// # Errors
    /// [`SlackError`].
    pub fn parse(body: &[u8]) -> Result<Self, SlackError> {
        let body = std::str::from_utf8(body).map_err(|_| SlackError::Encoding)?;
        let json = match body.trim_start() {
            json if json.starts_with('{') => Cow::Borrowed(json),
            form => url::form_urlencoded::parse(form.as_bytes())
                .find_map(|(name, value)| (name == "payload").then_some(value))
                .ok_or(SlackError::NoPayload)?,
        };
        serde_json::from_str(&json).map_err(|error| SlackError::NoJson(error.to_string()))
    }

    /// Its whole text: its own and that of its attachments, a line each.
    #[must_use]
    pub fn text(&self) -> String {
        let attachments = self.attachments.iter().flatten();
        let own = self.text.as_deref().into_iter();
        let parts = own.chain(attachments.flat_map(Attachment::lines));
        let lines: Vec<_> = parts.map(plain).collect();
        lines.join("\n")
    }
}

impl Attachment {
    fn lines(&self) -> Vec<&str> {
        let shown = [&self.pretext, &self.title, &self.text];
        let filled = |part: &'_ Option<String>| part.as_ref().is_some_and(|text| !text.is_empty());
        let lines = if shown.into_iter().any(filled) {
            shown.into_iter().filter(|part| filled(part)).collect()
        } else {
            vec![&self.fallback]
        };
        lines.into_iter().filter_map(Option::as_deref).collect()
    }
}

/// Writes Slack's links as text (`<https://example.com|this>` is `this (https://example.com)`), and
/// its three entities as the characters that they stand for.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        plain += &entities(before);
        let inside = after.split_once('>').filter(|(inside, _)| is_link(inside));
        let Some((inside, after)) = inside else {
            plain.push('<');
            rest = after;
            continue;
        };
        match inside.split_once('|') {
            Some((_, label)) if inside.starts_with('!') => plain += &entities(label),
            None if inside.starts_with('!') => {
                plain.push('@');
                plain += &inside[1..];
            }
            Some((link, label)) if link != label => {
                plain += &format!("{} ({})", entities(label), entities(link));
            }
            Some((link, _)) => plain += &entities(link),
            None => plain += &entities(inside),
        }
        rest = after;
    }
    plain + &entities(rest)
}

fn is_link(inside: &str) -> bool {
    let begins = ["https://", "http://", "mailto:", "!"];
    begins.iter().any(|begin| inside.starts_with(begin)) && !inside.contains(['\n', '<'])
}

fn entities(text: &str) -> String {
    // The ampersand last, so that `&amp;lt;` is `&lt;`.
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text_of(body: &str) -> String {
        let message = SlackMessage::parse(body.as_bytes());
        message.unwrap_or_else(|e| panic!("{body}: {e}")).text()
    }

    #[test]
    fn a_message_is_json_or_a_form() {
        assert_eq!(
            text_of(r#"{"text": "hi", "channel": "x", "blocks": []}"#),
            "hi"
        );
        assert_eq!(
            text_of("payload=%7B%22text%22%3A+%22h%C3%A4%22%7D"),
            "h\u{e4}"
        );
        assert_eq!(text_of(r#"a=b&payload={"text":"hi"}"#), "hi");
        assert_eq!(text_of(r#" {"text": null}"#), "");
        for body in ["", "[]", "{", "\"x\"", "payload=x", r#"{"text": 1}"#] {
            let parsed = SlackMessage::parse(body.as_bytes());
            assert!(parsed.is_err(), "{body}: {parsed:?}");
        }
        assert_eq!(SlackMessage::parse(b"a=b"), Err(SlackError::NoPayload));
        assert_eq!(SlackMessage::parse(b"\xff"), Err(SlackError::Encoding));
    }

    #[test]
    fn attachments_are_lines_and_their_fallback_is_for_those_without() {
        let body = r#"{"text": "one", "attachments": [
            {"pretext": "two", "title": "three", "text": "four", "fallback": "no"},
            {"fallback": "five", "text": ""}, {}]}"#;
        assert_eq!(text_of(body), "one\ntwo\nthree\nfour\nfive");
    }

    #[test]
    fn links_become_text_and_other_brackets_stay() {
        for (slack, expected) in [
            (
                "see <https://e.com/?a&amp;b|this>!",
                "see this (https://e.com/?a&b)!",
            ),
            ("<http://e.com>", "http://e.com"),
            ("<http://e.com|http://e.com>", "http://e.com"),
            ("<!here> <!date^1^x|today>", "@here today"),
            ("if a<b and c>d", "if a<b and c>d"),
            ("<b>bold</b>", "<b>bold</b>"),
            ("&lt;b&gt; &amp;lt;", "<b> &lt;"),
            ("<https://e.com", "<https://e.com"),
            ("<", "<"),
        ] {
            assert_eq!(plain(slack), expected);
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_posted_panics(body: Vec<u8>, text in "[<>|!&;a:/-]{0,40}") {
            if let Ok(message) = SlackMessage::parse(&body) {
                prop_assert!(message.text().len() <= 4 * body.len());
            }
            prop_assert!(plain(&text).len() <= text.len() + 3 * text.matches('|').count());
        }
    }
}
