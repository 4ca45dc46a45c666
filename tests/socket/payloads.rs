//! Payloads no sane client sends: each is answered with a typed refusal, none is dropped in
//! silence, and none costs the connection where an answer would do.

use hubbub_test_client::shape::{assert_accepted, assert_error, assert_refused};
use hubbub_test_client::{Client, Dial, Packet, TestServer, Transport};
use serde_json::json;

use super::HUBBUB;

/// What no event with fields takes.
const NOT_AN_OBJECT: [Option<&str>; 10] = [
    None,
    Some("null"),
    Some("true"),
    Some("7"),
    Some("-1.5e300"),
    Some(r#""text""#),
    Some("[]"),
    Some(r#"["tech","Ada"]"#),
    Some(r#"[{"text":"hi","room_name":"tech","typing":true}]"#),
    Some("{}"),
];

/// Objects in which a field of the event has another type than it must, or stands twice.
const WRONG_FIELDS: [(&str, &[&str]); 3] = [
    (
        "send_message",
        &[
            r#"{"text":null}"#,
            r#"{"text":7}"#,
            r#"{"text":true}"#,
            r#"{"text":["hi"]}"#,
            r#"{"text":{"text":"hi"}}"#,
            r#"{"Text":"hi"}"#,
            r#"{"text":"a","text":"b"}"#,
            r#"{"text":"hi","client_id":7}"#,
            r#"{"text":"hi","client_id":["k"]}"#,
        ],
    ),
    (
        "join_room",
        &[
            r#"{"username":"Ada"}"#,
            r#"{"room_name":null}"#,
            r#"{"room_name":7}"#,
            r#"{"room_name":["tech"]}"#,
            r#"{"room_name":{"name":"tech"}}"#,
            r#"{"room_name":"tech","username":7}"#,
            r#"{"room_name":"tech","username":{"name":"Ada"}}"#,
            r#"{"room_name":"tech","room_name":"music"}"#,
            r#"{"room_name":"tech","username":"Ada","username":"Eve"}"#,
            r#"{"room_name":"tech","history":"all"}"#,
            r#"{"room_name":"tech","history":-1}"#,
            r#"{"room_name":"tech","users":"yes"}"#,
        ],
    ),
    (
        "typing",
        &[
            r#"{"typing":null}"#,
            r#"{"typing":1}"#,
            r#"{"typing":"true"}"#,
        ],
    ),
];

/// A member that has received everything so far, on a server without rate limits.
async fn member(server: &TestServer, transport: Transport) -> Client {
    let mut client = Client::connect(server, transport).await;
    client.join("tech", "Ada").await;
    client.events_until_echo("settled").await;
    client
}

async fn check_invalid(client: &mut Client, event: &str, payload: Option<&str>) {
    assert_refused(&client.ask_raw(event, payload).await, "invalid_payload");
    client.emit_raw(event, payload);
    assert_error(&client.expect("error").await, event, "invalid_payload");
}

/// Checks that nothing has happened but refusals.
async fn check_untouched(client: &mut Client) {
    let events = client.events_until_echo("still here").await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(
        (&events[0]["sender"], &events[0]["room"]),
        (&json!("Ada"), &json!("tech"))
    );
}

#[tokio::test]
async fn a_payload_that_is_no_object_is_refused() {
    for transport in Transport::ALL {
        let server = HUBBUB.start_with(&[("MESSAGE_RATE", "0")]).await;
        let mut ada = member(&server, transport).await;
        for event in ["send_message", "join_room", "typing"] {
            for payload in NOT_AN_OBJECT {
                check_invalid(&mut ada, event, payload).await;
            }
        }
        check_untouched(&mut ada).await;
    }
}

#[tokio::test]
async fn a_field_that_is_missing_doubled_or_of_another_type_is_refused() {
    let server = HUBBUB.start_with(&[("MESSAGE_RATE", "0")]).await;
    let mut ada = member(&server, Transport::WebSocket).await;
    for (event, payloads) in WRONG_FIELDS {
        for payload in payloads {
            check_invalid(&mut ada, event, Some(payload)).await;
        }
    }
    check_untouched(&mut ada).await;
}

/// Far deeper than recursion would bear, on either transport.
fn nested(open: &str, close: &str) -> String {
    format!("{}1{}", open.repeat(5000), close.repeat(5000))
}

#[tokio::test]
async fn a_payload_that_is_nested_too_deep_is_refused() {
    for transport in [Transport::WebSocket, Transport::Polling] {
        let server = HUBBUB.start_with(&[("MESSAGE_RATE", "0")]).await;
        let mut ada = member(&server, transport).await;
        for deep in [nested("[", "]"), nested("{\"a\":", "}")] {
            check_invalid(&mut ada, "send_message", Some(&deep)).await;
            check_invalid(
                &mut ada,
                "send_message",
                Some(&format!("{{\"text\":{deep}}}")),
            )
            .await;
            let join = format!("{{\"room_name\":\"music\",\"after\":{deep}}}");
            check_invalid(&mut ada, "join_room", Some(&join)).await;
        }
        check_untouched(&mut ada).await;
    }
}

/// What is not read cannot be wrong: an unknown field may be nested as deeply as it likes.
#[tokio::test]
async fn a_field_that_is_ignored_is_ignored_at_any_depth() {
    let server = HUBBUB.start().await;
    let mut ada = member(&server, Transport::WebSocket).await;
    for deep in [nested("[", "]"), nested("{\"a\":", "}")] {
        let payload = format!("{{\"ignored\":{deep},\"text\":\"hi\"}}");
        assert_accepted(&ada.ask_raw("send_message", Some(&payload)).await);
        assert_eq!(ada.expect("receive_message").await["text"], "hi");
    }
}

#[tokio::test]
async fn events_without_fields_refuse_what_is_no_object() {
    let server = HUBBUB.start_with(&[("MESSAGE_RATE", "0")]).await;
    let mut ada = member(&server, Transport::WebSocket).await;
    for event in ["leave_room", "list_users"] {
        for payload in ["true", "7", r#""tech""#, "[]", "[1]"] {
            check_invalid(&mut ada, event, Some(payload)).await;
        }
    }
    check_untouched(&mut ada).await;
}

#[tokio::test]
async fn a_refusal_never_quotes_what_was_sent() {
    let server = HUBBUB.start_with(&[("MESSAGE_RATE", "0")]).await;
    let mut ada = member(&server, Transport::WebSocket).await;
    let payloads = [
        r#""MARK""#,
        r#"{"MARK":1}"#,
        r#"{"text":{"MARK":1}}"#,
        r#"{"text":["MARK"]}"#,
        r#"{"text":"MARK","text":"MARK"}"#,
        r#"{"text":"MARK\u0000"}"#,
        r#"{"text":"MARK","client_id":"MARK\u0000"}"#,
    ];
    for payload in payloads {
        let ack = ada.ask_raw("send_message", Some(payload)).await;
        assert_eq!(ack["ok"], false, "{payload}");
        assert!(!ack.to_string().contains("MARK"), "{payload}: {ack}");
    }
    for payload in [
        r#"{"room_name":"MARK"}"#,
        r#"{"room_name":"tech","username":"MARK\u0000"}"#,
    ] {
        let ack = ada.ask_raw("join_room", Some(payload)).await;
        assert_eq!(ack["ok"], false, "{payload}");
        assert!(!ack.to_string().contains("MARK"), "{payload}: {ack}");
    }
}

#[tokio::test]
async fn unknown_events_are_ignored() {
    let server = HUBBUB.start().await;
    for transport in [Transport::WebSocket, Transport::Polling] {
        let mut ada = Client::connect(&server, transport).await;
        ada.greeted().await;
        for event in [
            "nope",
            "",
            "connect",
            "disconnect",
            "error",
            "__proto__",
            "receive_message",
        ] {
            ada.emit(event, &json!({ "text": "hi" }));
            ada.emit_raw(event, None);
        }
        assert_refused(&ada.ask("list_users", &json!({})).await, "not_in_room");
        ada.emit("list_users", &json!({}));
        assert_eq!(ada.event().await["event"], "list_users");
    }
}

#[tokio::test]
async fn further_arguments_are_ignored() {
    let server = HUBBUB.start().await;
    let mut ada = member(&server, Transport::WebSocket).await;
    ada.send_raw(r#"42["send_message",{"text":"first"},{"text":"second"},7]"#);
    assert_eq!(ada.event().await["text"], "first");
    check_untouched(&mut ada).await;
}

/// Payloads in this chat are text; a connection that announces binary ones has no business here.
#[tokio::test]
async fn binary_attachments_close_the_connection() {
    let server = HUBBUB.start().await;
    for transport in [Transport::WebSocket, Transport::Polling] {
        let mut bob = Client::joined(&server, "tech", "Bob").await;
        let mut ada = member(&server, transport).await;
        ada.send_raw(r#"451-["send_message",{"_placeholder":true,"num":0}]"#);
        ada.send_binary(vec![0; 3]);
        let rest = ada.until_closed().await;
        assert!(
            !rest.iter().any(|packet| matches!(packet, Packet::Event(_))),
            "{rest:?}"
        );
        let until_left = bob
            .events_until(|event| event["kind"] == "left" && event["username"] == "Ada")
            .await;
        let heard = until_left
            .iter()
            .filter(|event| event.name == "receive_message")
            .count();
        assert_eq!(heard, 1, "the one before the attachment: {until_left:?}");
    }
}

#[tokio::test]
async fn packets_that_are_none_close_only_their_own_connection() {
    let server = HUBBUB.start().await;
    let mut bob = Client::joined(&server, "tech", "Bob").await;
    for packet in [
        "",
        "9",
        "zzz",
        "48[\"x\"]",
        "42",
        "42{}",
        "42[\"send_message\"",
    ] {
        let mut ada = Dial::new(&server, Transport::WebSocket).connect().await;
        ada.greeted().await;
        ada.send_raw(packet);
        ada.until_closed().await;
    }
    bob.say("still here");
    assert_eq!(bob.next_message().await["text"], "still here");
}
