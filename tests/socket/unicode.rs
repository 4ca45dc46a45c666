//! Text in all the world's scripts: what arrives is what was sent, and people's characters are
//! counted as people count them.

use hubbub_test_client::shape::{assert_accepted, assert_refused};
use hubbub_test_client::{Client, Transport};
use serde_json::json;

use super::HUBBUB;

const TEXTS: [&str; 14] = [
    "Grüße aus Köln, naïve café",
    "Привет, мир",
    "你好，世界。こんにちは世界。안녕하세요",
    "مرحبا بالعالم",
    "שלום עולם",
    "नमस्ते दुनिया, สวัสดีชาวโลก",
    "e\u{301} is not \u{e9}",
    "👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 👍🏽 1️⃣",
    "𝕳𝖊𝖑𝖑𝖔 𐐷 \u{10ffff}",
    "line\u{2028}paragraph\u{2029}end",
    "right \u{202e}to left\u{202c} and back",
    "zero\u{200b}width\u{feff}",
    "a\u{300}\u{301}\u{302}\u{303}\u{304}",
    "\u{fffd}\u{e000}",
];

#[tokio::test]
async fn every_script_arrives_as_it_was_sent() {
    for transport in Transport::ALL {
        let server = HUBBUB.start().await;
        let mut bob = Client::joined(&server, "tech", "Bob").await;
        let mut ada = Client::connect(&server, transport).await;
        ada.join("tech", "Ada").await;
        for text in TEXTS {
            ada.say(text);
            assert_eq!(ada.next_message().await["text"], text, "{transport}");
            assert_eq!(bob.next_message().await["text"], text, "{transport}");
        }
    }
}

/// The same text may be written in JSON in many ways.
#[tokio::test]
async fn escapes_are_the_characters_they_stand_for() {
    let server = HUBBUB.start().await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let written = [
        (r#""\u0041\u00e9\u4f60""#, "Aé你"),
        (r#""\ud83e\udd80 crab""#, "🦀 crab"),
        (r#""\"\\\/\n\t""#, "\"\\/\n\t"),
        (r#""\u003cb\u003e""#, "<b>"),
    ];
    for (json, text) in written {
        ada.emit_raw("send_message", Some(&format!("{{\"text\":{json}}}")));
        assert_eq!(ada.next_message().await["text"], text, "{json}");
    }
    ada.emit_raw("send_message", Some(r#"{"\u0074ext":"the key too"}"#));
    assert_eq!(ada.next_message().await["text"], "the key too");
}

#[tokio::test]
async fn names_are_trimmed_and_composed() {
    let server = HUBBUB.start().await;
    let mut ada = Client::connect(&server, Transport::WebSocket).await;
    let names = [
        ("  Ada  ", "Ada"),
        ("Ada Lovelace", "Ada Lovelace"),
        ("Zoe\u{308}", "Zoë"),
        ("\u{1112}\u{1161}\u{11ab}", "한"),
        ("Ольга", "Ольга"),
        ("小明", "小明"),
        ("علی", "علی"),
        ("🦀", "🦀"),
        ("<b>bold</b>", "<b>bold</b>"),
    ];
    for (given, shown) in names {
        let payload = json!({ "room_name": "tech", "username": given });
        let ack = ada.ask("join_room", &payload).await;
        assert_accepted(&ack);
        assert_eq!(ack["username"], shown, "{given:?}");
        ada.say("hi");
        assert_eq!(ada.next_message().await["sender"], shown, "{given:?}");
    }
}

#[tokio::test]
async fn a_name_has_at_most_thirty_two_characters_as_people_count() {
    let server = HUBBUB.start().await;
    let mut ada = Client::connect(&server, Transport::WebSocket).await;
    for character in ["a", "é", "e\u{301}", "語", "🦀"] {
        let name =
            |length: usize| json!({ "room_name": "tech", "username": character.repeat(length) });
        assert_accepted(&ada.ask("join_room", &name(32)).await);
        assert_refused(&ada.ask("join_room", &name(33)).await, "invalid_username");
    }
    // Few characters of many bytes each: 16 flags are 128 bytes.
    for character in ["🇩🇪", "👩‍👩‍👧‍👦", "\u{10a00}\u{10a01}\u{10a02}\u{10a03}"]
    {
        let name =
            |length: usize| json!({ "room_name": "tech", "username": character.repeat(length) });
        let most = 128 / character.len();
        assert_accepted(&ada.ask("join_room", &name(most)).await);
        let refused = ada.ask("join_room", &name(most + 1)).await;
        assert_refused(&refused, "invalid_username");
    }
}

#[tokio::test]
async fn a_text_is_counted_in_characters_as_people_count() {
    let server = HUBBUB.start_with(&[("MESSAGE_MAX_CHARS", "100")]).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    for character in ["a", "é", "e\u{301}", "語", "🦀"] {
        let text = |length: usize| json!({ "text": character.repeat(length) });
        assert_accepted(&ada.ask("send_message", &text(100)).await);
        assert_refused(&ada.ask("send_message", &text(101)).await, "text_too_long");
    }
    // Few characters of many bytes each, as long as there are not too many bytes in all.
    let families = json!({ "text": "👩‍👩‍👧‍👦".repeat(10) });
    assert_accepted(&ada.ask("send_message", &families).await);
}
