//! What pushes messages out of a room's history: other messages, and nothing else.

use hubbub_test_client::Client;
use hubbub_test_client::shape::assert_accepted;
use hubbub_test_client::visits::{self, Room};
use serde_json::json;

use crate::HUBBUB;

#[tokio::test]
async fn visitors_push_no_message_out_of_history() {
    for settings in [
        &[][..],
        &[("HISTORY_MESSAGES", "40"), ("SLOW_TIMEOUT", "0")],
    ] {
        let settings = [&[("MESSAGE_RATE", "0")], settings].concat();
        let server = HUBBUB.start_with(&settings).await;
        let mut room = Room::with_messages(&server).await;
        room.is_whole(&server).await;
        visits::visit(&server).await;
        room.is_whole(&server).await;
    }
}

#[tokio::test]
async fn renames_with_long_names_push_no_message_out_of_history() {
    for history in [("HISTORY_BYTES", "20000"), ("HISTORY_MESSAGES", "40")] {
        let server = HUBBUB.start_with(&[("MESSAGE_RATE", "0"), history]).await;
        let mut room = Room::with_messages(&server).await;
        visits::rename(&server, 3_000).await;
        room.is_whole(&server).await;
    }
}

#[tokio::test]
async fn history_is_bounded_by_its_messages_as_before() {
    let bounds = [
        ("HISTORY_MESSAGES", "10"),
        ("SLOW_TIMEOUT", "0"),
        ("MESSAGE_RATE", "0"),
    ];
    let server = HUBBUB.start_with(&bounds).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    for n in 0..30 {
        let answer = ada
            .ask("send_message", &json!({ "text": format!("{n}") }))
            .await;
        assert_accepted(&answer);
    }
    let answer = ada.ask("get_history", &json!({ "limit": 200 })).await;
    let messages = answer["messages"].as_array().unwrap();
    let texts: Vec<_> = messages
        .iter()
        .map(|m| m["text"].as_str().unwrap())
        .collect();
    let newest: Vec<_> = (20..30).map(|n| n.to_string()).collect();
    assert_eq!(texts, newest);
}
