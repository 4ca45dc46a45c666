//! Replies: a message that names the one it answers.

use hubbub_test_client::Client;
use hubbub_test_client::http::Line;
use hubbub_test_client::shape::{assert_accepted, assert_refused};
use hyper::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::HUBBUB;

const ADMIN: (&str, &str) = ("ADMIN_TOKEN", "the-token-of-the-admin-of-a-test-server");

async fn ask(client: &mut Client, event: &str, payload: Value) -> Value {
    let answer = client.ask(event, &payload).await;
    assert_accepted(&answer);
    answer
}

#[tokio::test]
async fn a_reply_names_its_message_wherever_it_is_shown() {
    let server = HUBBUB.start_with(&[ADMIN]).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let mut ben = Client::joined(&server, "tech", "Ben").await;
    let asked = ask(&mut ada, "send_message", json!({ "text": "a question" })).await;
    let asked = asked["id"].as_u64().unwrap();
    assert!(ben.next_message().await.payload.get("reply_to").is_none());
    let reply = json!({ "text": "an answer", "reply_to": asked, "client_id": "k" });
    let answered = ask(&mut ben, "send_message", reply.clone()).await;
    ada.next_message().await;
    for client in [&mut ada, &mut ben] {
        let event = client.next_message().await;
        assert_eq!(
            (&event["text"], &event["reply_to"]),
            (&json!("an answer"), &json!(asked))
        );
    }
    let edit = json!({ "id": answered["id"], "text": "a better answer" });
    ask(&mut ben, "edit_message", edit).await;
    ben.wait_for("message_changed").await;
    let history = ask(&mut ben, "get_history", json!({ "limit": 10 })).await;
    let found = ask(&mut ben, "search", json!({ "text": "better", "limit": 10 })).await;
    for message in [&history["messages"][1], &found["messages"][0]] {
        assert_eq!(message["text"], "a better answer");
        assert_eq!(message["reply_to"], asked, "{message}");
    }

    let mut line = Line::new(server.address());
    let headers = [
        ("authorization".to_owned(), format!("Bearer {}", ADMIN.1)),
        ("content-type".to_owned(), "application/json".to_owned()),
    ];
    let mut post = async |reply_to: u64| {
        let body = json!({ "sender": "Robot", "text": "beep", "reply_to": reply_to });
        let path = "/api/v1/rooms/tech/messages";
        let answer = line.request(Method::POST, path, &headers, body.to_string());
        answer.await.unwrap()
    };
    assert_eq!(post(asked).await.status, StatusCode::OK);
    assert_eq!(ben.next_message().await["reply_to"], asked);
    assert_eq!(post(asked + 1000).await.status, StatusCode::NOT_FOUND);

    // A notice, an id that comes later, ids that cannot be, and a message that is deleted.
    ask(&mut ada, "delete_message", json!({ "id": asked })).await;
    for id in [0, 1, asked + 1000, u64::MAX, asked] {
        let late = json!({ "text": "to nobody", "reply_to": id });
        let refused = ben.ask("send_message", &late).await;
        assert_refused(&refused, "not_found");
    }
    let wrong = json!({ "text": "to nobody", "reply_to": "1" });
    assert_refused(&ben.ask("send_message", &wrong).await, "invalid_payload");
    // What was accepted before is known, and keeps what it names.
    let again = ask(&mut ben, "send_message", reply).await;
    assert_eq!(
        (&again["id"], &again["duplicate"]),
        (&answered["id"], &json!(true))
    );
    let history = ask(&mut ben, "get_history", json!({ "limit": 10 })).await;
    assert_eq!(history["messages"][1]["reply_to"], asked);
    ask(&mut ben, "delete_message", json!({ "id": answered["id"] })).await;
    ben.wait_for("message_changed").await;
    let history = ask(&mut ben, "get_history", json!({ "limit": 10 })).await;
    let deleted = &history["messages"][1];
    assert_eq!(
        (&deleted["deleted"], deleted.get("reply_to")),
        (&json!(true), None)
    );
}
