//! Every refusal of a well-formed request: its code, in the acknowledgement where one was asked
//! for and as an `error` event otherwise, and that nothing else comes of it.

use hubbub_test_client::shape::{
    assert_accepted, assert_error, assert_refused, default_rooms_json,
};
use hubbub_test_client::{Client, TestServer, Transport};
use serde_json::{Value, json};

use super::HUBBUB;

/// Settings under which only the request itself can be the reason.
const UNHURRIED: [(&str, &str); 1] = [("MESSAGE_RATE", "0")];

/// Sends a request both ways and checks that it is refused both ways. Returns the message.
async fn check_refused(client: &mut Client, event: &str, payload: &Value, code: &str) -> String {
    let ack = client.ask(event, payload).await;
    assert_refused(&ack, code);
    client.emit(event, payload);
    let error = client.expect("error").await;
    assert_error(&error, event, code);
    assert_eq!(ack["error"]["message"], error["message"]);
    error["message"].as_str().unwrap().to_owned()
}

/// Checks that the member is where and who it was, and has received nothing else.
async fn check_untouched(client: &mut Client, username: &str) {
    let events = client.events_until_echo("still here").await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["sender"], username);
}

/// A member of a room that has received everything so far.
async fn member(server: &TestServer, transport: Transport) -> Client {
    let mut client = Client::connect(server, transport).await;
    client.join("tech", "Ada").await;
    client.events_until_echo("settled").await;
    client
}

#[tokio::test]
async fn a_room_that_does_not_exist_is_unknown() {
    let too_long = "a".repeat(65);
    let names = [
        "lobby",
        "",
        " ",
        "General",
        "general ",
        "general\u{200b}",
        "gen eral",
        "../general",
        "général",
        "\u{0}",
        "a\nb",
        "__proto__",
        "*",
        &too_long,
    ];
    for transport in Transport::ALL {
        let server = HUBBUB.start_with(&UNHURRIED).await;
        let mut ada = member(&server, transport).await;
        for name in names {
            let payload = json!({ "room_name": name, "username": "Ada" });
            let message = check_refused(&mut ada, "join_room", &payload, "unknown_room").await;
            assert_eq!(message, "Invalid room name", "{name:?}");
        }
        check_untouched(&mut ada, "Ada").await;
        let list = Client::connect(&server, transport)
            .await
            .expect("room_list")
            .await;
        assert_eq!(list.raw, default_rooms_json(&[("tech", 1)]));
    }
}

#[tokio::test]
async fn a_name_that_nobody_can_read_is_invalid() {
    let server = HUBBUB.start_with(&UNHURRIED).await;
    let mut ada = member(&server, Transport::WebSocket).await;
    let too_long = "a".repeat(33);
    let names = [
        "",
        "   ",
        "\n",
        "\u{0}",
        "a\u{0}b",
        "a\nb",
        "a\tb",
        "\u{7}notifier",
        "\u{202e}ecila",
        "a\u{2066}b",
        "\u{200b}",
        "a\u{200b}b",
        "\u{feff}",
        "\u{2028}",
        "\u{85}",
        &too_long,
    ];
    for name in names {
        for room in ["tech", "music"] {
            let payload = json!({ "room_name": room, "username": name });
            check_refused(&mut ada, "join_room", &payload, "invalid_username").await;
        }
    }
    check_untouched(&mut ada, "Ada").await;
}

#[tokio::test]
async fn a_text_that_says_nothing_or_controls_the_reader_is_invalid() {
    let server = HUBBUB.start_with(&UNHURRIED).await;
    let mut ada = member(&server, Transport::WebSocket).await;
    for text in [
        "",
        " ",
        " \n\t ",
        "\u{a0}\u{3000}",
        "\u{0}",
        "a\u{0}b",
        "\u{7}",
        "\u{1b}[2J",
        "\u{7f}",
    ] {
        check_refused(
            &mut ada,
            "send_message",
            &json!({ "text": text }),
            "invalid_text",
        )
        .await;
    }
    check_untouched(&mut ada, "Ada").await;
}

#[tokio::test]
async fn half_a_surrogate_pair_is_no_text() {
    let server = HUBBUB.start_with(&UNHURRIED).await;
    let mut ada = member(&server, Transport::WebSocket).await;
    for text in [
        r#""\ud800""#,
        r#""a\udc00b""#,
        r#""\ud83d and more""#,
        r#""\ude00\ud83d""#,
    ] {
        let payload = format!("{{\"text\":{text}}}");
        assert_refused(
            &ada.ask_raw("send_message", Some(&payload)).await,
            "invalid_text",
        );
        ada.emit_raw("send_message", Some(&payload));
        assert_error(&ada.expect("error").await, "send_message", "invalid_text");
    }
    check_untouched(&mut ada, "Ada").await;
}

#[tokio::test]
async fn a_text_beyond_the_limit_is_too_long() {
    let server = HUBBUB
        .start_with(&[("MESSAGE_MAX_CHARS", "10"), UNHURRIED[0]])
        .await;
    let mut ada = member(&server, Transport::WebSocket).await;
    for text in ["12345678901", &"x".repeat(1000), &"👨‍👩‍👧".repeat(11)] {
        check_refused(
            &mut ada,
            "send_message",
            &json!({ "text": text }),
            "text_too_long",
        )
        .await;
    }
    check_untouched(&mut ada, "Ada").await;
    assert_accepted(
        &ada.ask("send_message", &json!({ "text": "1234567890" }))
            .await,
    );
}

#[tokio::test]
async fn a_text_of_two_thousand_characters_is_fine_and_of_one_more_is_not() {
    for transport in Transport::ALL {
        let server = HUBBUB.start().await;
        let mut ada = member(&server, transport).await;
        let longest = "x".repeat(2000);
        ada.say(&longest);
        assert_eq!(ada.next_message().await["text"], longest);
        let payload = json!({ "text": "x".repeat(2001) });
        check_refused(&mut ada, "send_message", &payload, "text_too_long").await;
    }
}

/// A user who pastes a whole log file has made a mistake, and is sent an error.
#[tokio::test]
async fn a_large_paste_is_refused_and_not_cut_off() {
    for transport in Transport::ALL {
        let server = HUBBUB.start().await;
        let mut ada = member(&server, transport).await;
        let payload = json!({ "text": "a line of a log file\n".repeat(10_000) });
        check_refused(&mut ada, "send_message", &payload, "text_too_long").await;
        check_untouched(&mut ada, "Ada").await;
    }
}

/// One character may have any number of combining marks, so characters alone bound nothing.
#[tokio::test]
async fn a_short_text_of_too_many_bytes_is_too_long() {
    let server = HUBBUB.start().await;
    let mut ada = Client::connect(&server, Transport::WebSocket).await;
    let bytes_max = ada.greeted().await["limits"]["message_max_bytes"]
        .as_u64()
        .unwrap();
    ada.join("tech", "Ada").await;
    let marks = usize::try_from(bytes_max / 2 + 1).unwrap();
    let payload = json!({ "text": format!("a{}", "\u{301}".repeat(marks)) });
    check_refused(&mut ada, "send_message", &payload, "text_too_long").await;
    check_untouched(&mut ada, "Ada").await;
}

#[tokio::test]
async fn a_key_that_is_too_long_is_an_invalid_payload() {
    let server = HUBBUB.start_with(&UNHURRIED).await;
    let mut ada = member(&server, Transport::WebSocket).await;
    let key = |length: usize| json!({ "text": "hi", "client_id": "k".repeat(length) });
    check_refused(&mut ada, "send_message", &key(65), "invalid_payload").await;
    check_untouched(&mut ada, "Ada").await;
    assert_accepted(&ada.ask("send_message", &key(64)).await);
}

#[tokio::test]
async fn outside_a_room_every_request_about_it_is_refused() {
    for transport in Transport::ALL {
        let server = HUBBUB.start_with(&UNHURRIED).await;
        let mut ada = Client::connect(&server, transport).await;
        ada.greeted().await;
        let requests = [
            ("send_message", json!({ "text": "hi" })),
            ("leave_room", json!({})),
            ("list_users", json!({})),
            ("typing", json!({ "typing": true })),
        ];
        for (event, payload) in requests {
            check_refused(&mut ada, event, &payload, "not_in_room").await;
        }
        ada.join("tech", "Ada").await;
        check_untouched(&mut ada, "Ada").await;
    }
}

#[tokio::test]
async fn nobody_else_learns_of_a_refusal() {
    let server = HUBBUB.start().await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    let mut ada = member(&server, Transport::WebSocket).await;
    bob.events_until_message("settled").await;
    for (event, payload) in [
        ("send_message", json!({ "text": "" })),
        ("join_room", json!({ "room_name": "lobby" })),
        (
            "join_room",
            json!({ "room_name": "tech", "username": "\n" }),
        ),
    ] {
        ada.emit(event, &payload);
        assert_eq!(ada.expect("error").await["event"], event);
    }
    ada.say("a fence");
    let at_bob = bob.expect_but_counts("receive_message").await;
    assert_eq!(at_bob["text"], "a fence");
}
