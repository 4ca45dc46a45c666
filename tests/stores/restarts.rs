//! What a server has that starts later, after another one has ended or was killed: everything that
//! was acknowledged, under the same ids.

use std::collections::BTreeSet;

use hubbub_test_client::chat::{refused, with_token};
use hubbub_test_client::packet::{Event, event_frame};
use hubbub_test_client::shape::{assert_accepted, assert_refused};
use hubbub_test_client::{Backing, Client, EventSource, ServerSent, TestServer, Transport};
use serde_json::{Value, json};

use super::HUBBUB;

const ADMIN: (&str, &str) = ("ADMIN_TOKEN", "the-token-of-the-admin-of-a-test-server");
/// How a server is ended.
const SIGNALS: [&str; 2] = ["TERM", "KILL"];

/// A store and the server that uses it.
struct Service {
    backing: Backing,
    server: TestServer,
}

impl Service {
    /// Starts a server; none if its store needs what this machine does not have.
    async fn start() -> Option<Self> {
        let backing = Backing::of(HUBBUB.store()).await?;
        let server = start(&backing).await;
        Some(Self { backing, server })
    }

    /// Ends the server, and starts another one.
    async fn restart(&mut self, signal: &str) {
        self.server.signal(signal).await;
        self.server.exit().await;
        self.server = start(&self.backing).await;
    }

    async fn member(&self, name: &str) -> Client {
        Client::joined(&self.server, "tech", name).await
    }
}

async fn start(backing: &Backing) -> TestServer {
    let settings = [
        ADMIN,
        ("MESSAGE_RATE", "0"),
        ("MAILBOX", "8192"),
        // Most messages are kept because they are younger than that, and after a restart too.
        ("HISTORY_MESSAGES", "10"),
        ("SLOW_TIMEOUT", "10m"),
    ];
    HUBBUB
        .start_with(&[&backing.settings()[..], &settings].concat())
        .await
}

/// The message `n` under a key of its own.
fn message(n: usize) -> Value {
    json!({ "text": n.to_string(), "client_id": format!("key {n}") })
}

/// All messages of the room.
async fn history(client: &mut Client) -> Vec<Value> {
    let mut messages = Vec::new();
    let mut request = json!({ "limit": 200, "after": 0 });
    loop {
        let answer = client.ask("get_history", &request).await;
        assert_accepted(&answer);
        messages.extend(answer["messages"].as_array().unwrap().iter().cloned());
        request["after"] = json!(messages.last().map(|message| &message["id"]));
        if answer["more"] == false {
            return messages;
        }
    }
}

#[tokio::test]
async fn the_log_continues_where_it_was() {
    for signal in SIGNALS {
        let Some(mut service) = Service::start().await else {
            return;
        };
        let mut ada = Client::connect(&service.server, Transport::WebSocket).await;
        let epoch = ada.join("tech", "Ada").await["epoch"].clone();
        let mut delivered = Vec::new();
        for n in 0..300 {
            ada.emit("send_message", &message(n));
            delivered.push(ada.next_message().await.payload);
        }
        drop(ada);
        service.restart(signal).await;
        let mut bob = Client::connect(&service.server, Transport::WebSocket).await;
        assert_eq!(bob.join("tech", "Bob").await["epoch"], epoch, "{signal}");
        assert_eq!(history(&mut bob).await, delivered, "{signal}");
        bob.say("and on");
        let next = bob.next_message().await.payload;
        let last = &delivered[delivered.len() - 1];
        assert!(
            next["id"].as_u64() > last["id"].as_u64(),
            "{signal}: {next}"
        );
        let [next, last] = [&next, last].map(|message| message["timestamp"].as_str());
        assert!(next >= last, "{signal}");
    }
}

#[tokio::test]
async fn an_event_stream_continues_where_it_was() {
    for signal in SIGNALS {
        let Some(mut service) = Service::start().await else {
            return;
        };
        let mut ada = service.member("Ada").await;
        for n in 0..50 {
            assert_accepted(&ada.ask("send_message", &message(n)).await);
        }
        let mut events = stream(&service.server, "0").await;
        let mut last = String::new();
        for n in 0..20 {
            let event = next_message(&mut events).await;
            assert_eq!(event.data["text"], n.to_string(), "{signal}");
            last = event.id;
        }
        service.restart(signal).await;
        let mut events = stream(&service.server, &last).await;
        for n in 20..50 {
            let event = next_message(&mut events).await;
            assert_eq!(event.data["text"], n.to_string(), "{signal}");
        }
        let bob = service.member("Bob").await;
        bob.say("and on");
        assert_eq!(next_message(&mut events).await.data["text"], "and on");
    }
}

/// A stream of what comes after a position.
async fn stream(server: &TestServer, after: &str) -> EventSource {
    let headers = [
        ("authorization", &*format!("Bearer {}", ADMIN.1)),
        ("last-event-id", after),
    ];
    let path = "/api/v1/rooms/tech/events";
    EventSource::open(server.address(), path, &headers).await
}

/// The next message of a stream. Notices may come before it, and nothing else.
async fn next_message(events: &mut EventSource) -> ServerSent {
    loop {
        let event = events.event().await.unwrap();
        match &*event.event {
            "receive_message" => return event,
            other => assert_eq!(other, "system_message"),
        }
    }
}

#[tokio::test]
async fn a_client_resumes_as_the_same_user() {
    for signal in SIGNALS {
        let Some(mut service) = Service::start().await else {
            return;
        };
        let server = &service.server;
        let mut ada = with_token(server, Transport::WebSocket, &Value::Null).await;
        let session = ada.greeted().await;
        let confirm = ada.join("tech", "Ada").await;
        let mut bob = service.member("Bob").await;
        let notice = ada.wait_for_kind("joined").await;
        drop(ada);
        for n in 0..50 {
            assert_accepted(&bob.ask("send_message", &message(n)).await);
        }
        service.restart(signal).await;
        let server = &service.server;
        let mut ada = with_token(server, Transport::WebSocket, &session["token"]).await;
        assert_eq!(ada.greeted().await["user_id"], session["user_id"]);
        let after = json!({ "epoch": confirm["epoch"], "id": notice["id"] });
        let join = json!({ "room_name": "tech", "username": "Ada", "after": after });
        ada.emit("join_room", &join);
        let confirm = ada.wait_for("join_confirm").await;
        assert_eq!(confirm["recovered"], true, "{signal}: {confirm:?}");
        let events = ada.events_until_message("49").await;
        let is_message = |event: &&Event| event.name == "receive_message";
        let texts: Vec<_> = events.iter().filter(is_message).collect();
        assert_eq!(texts.len(), 50, "{signal}: {events:?}");
        for (n, event) in texts.iter().enumerate() {
            assert_eq!(event["text"], n.to_string(), "{signal}");
        }
        assert!(events.iter().all(|event| event.name != "gap"), "{events:?}");
    }
}

/// Connects with the token of an earlier session and joins.
async fn returned(service: &Service, token: &Value) -> Client {
    let mut client = with_token(&service.server, Transport::WebSocket, token).await;
    let join = json!({ "room_name": "tech", "username": "Ada" });
    assert_accepted(&client.ask("join_room", &join).await);
    client
}

/// However many messages the room has, the first of them included.
#[tokio::test]
async fn a_message_sent_again_is_the_same_message() {
    for signal in SIGNALS {
        for count in [1, 2, 3, 20] {
            let Some(mut service) = Service::start().await else {
                return;
            };
            let mut ada = with_token(&service.server, Transport::WebSocket, &Value::Null).await;
            let token = ada.greeted().await["token"].clone();
            ada.join("tech", "Ada").await;
            let mut first = Vec::new();
            for n in 0..count {
                first.push(ada.ask("send_message", &message(n)).await);
            }
            drop(ada);
            service.restart(signal).await;
            let mut ada = returned(&service, &token).await;
            for (n, first) in first.iter().enumerate() {
                let again = ada.ask("send_message", &message(n)).await;
                assert_accepted(&again);
                assert_eq!(
                    (&again["id"], &again["duplicate"]),
                    (&first["id"], &json!(true)),
                    "message {n} of {count} after {signal}"
                );
            }
        }
    }
}

/// What a client does after a crash: it sends everything again that it has no answer to.
#[tokio::test]
async fn messages_in_flight_when_the_server_is_killed_are_there_once() {
    const MESSAGES: usize = 500;
    const ANSWERED: usize = 100;
    let Some(mut service) = Service::start().await else {
        return;
    };
    let mut ada = with_token(&service.server, Transport::WebSocket, &Value::Null).await;
    let token = ada.greeted().await["token"].clone();
    ada.join("tech", "Ada").await;
    let frame = |n: usize| {
        let payload = message(n).to_string();
        event_frame("send_message", Some(&payload), Some(n as u64 + 1000))
    };
    ada.send_all((0..MESSAGES).map(frame).collect());
    let mut answers = Vec::new();
    for n in 0..ANSWERED {
        answers.push(ada.answer(n as u64 + 1000).await);
    }
    service.restart("KILL").await;
    drop(ada);
    let mut ada = returned(&service, &token).await;
    for n in 0..MESSAGES {
        let again = ada.ask("send_message", &message(n)).await;
        assert_accepted(&again);
        if let Some(first) = answers.get(n) {
            assert_eq!(again["id"], first["id"], "message {n}");
        }
    }
    let messages = history(&mut ada).await;
    let texts: Vec<_> = messages.iter().map(|m| m["text"].clone()).collect();
    let expected: Vec<_> = (0..MESSAGES).map(|n| json!(n.to_string())).collect();
    assert_eq!(texts, expected);
    let ids: BTreeSet<_> = messages.iter().map(|m| m["id"].as_u64()).collect();
    assert_eq!(ids.len(), MESSAGES);
}

#[tokio::test]
async fn what_moderators_decided_still_holds() {
    const ADMIN_TOKEN: &str = "an admin's token of this test, long enough";
    for signal in SIGNALS {
        let Some(backing) = Backing::of(HUBBUB.store()).await else {
            return;
        };
        let settings = [&backing.settings()[..], &[("ADMIN_TOKEN", ADMIN_TOKEN)]].concat();
        let mut server = HUBBUB.start_with(&settings).await;
        let mut admin = with_token(&server, Transport::WebSocket, &json!(ADMIN_TOKEN)).await;
        admin.greeted().await;
        admin.join("tech", "Root").await;
        let mut users = Vec::new();
        for name in ["Bob", "Eve"] {
            let mut client = with_token(&server, Transport::WebSocket, &Value::Null).await;
            let session = client.greeted().await;
            client.join("tech", name).await;
            users.push((client, session["token"].clone(), session["user_id"].clone()));
        }
        for action in [
            json!({ "action": "ban", "user_id": users[0].2, "reason": "spam" }),
            json!({ "action": "mute", "user_id": users[1].2 }),
            json!({ "action": "topic", "text": "still the topic" }),
            json!({ "action": "lock", "locked": true }),
            json!({ "action": "lock", "locked": false }),
        ] {
            assert_accepted(&admin.ask("moderate", &action).await);
        }
        server.signal(signal).await;
        server.exit().await;
        server = HUBBUB.start_with(&settings).await;
        let error = refused(&server, Transport::WebSocket, &users[0].1).await;
        assert_eq!(error["data"]["code"], "banned", "{error}");
        let mut eve = with_token(&server, Transport::WebSocket, &users[1].1).await;
        eve.greeted().await;
        eve.emit(
            "join_room",
            &json!({ "room_name": "tech", "username": "Eve" }),
        );
        let run = eve.wait_for("room_changed").await;
        assert_eq!(run["topic"], "still the topic");
        assert_eq!(run["locked"], false);
        let ack = eve.ask("send_message", &json!({ "text": "hey" })).await;
        assert_refused(&ack, "muted");
    }
}

/// What a room has after another server has started: edits, deletions and keys included.
#[tokio::test]
async fn changes_to_messages_outlast_the_server_and_reach_who_was_away() {
    for signal in SIGNALS {
        let Some(mut service) = Service::start().await else {
            return;
        };
        let mut reader = with_token(&service.server, Transport::WebSocket, &Value::Null).await;
        let token = reader.greeted().await["token"].clone();
        let confirm = reader.join("tech", "Reader").await;
        let mut ada = with_token(&service.server, Transport::WebSocket, &Value::Null).await;
        let adas_token = ada.greeted().await["token"].clone();
        ada.join("tech", "Ada").await;
        let mut ids = Vec::new();
        for n in 0..30 {
            let answer = ada.ask("send_message", &message(n)).await;
            ids.push(answer["id"].as_u64().unwrap());
        }
        reader.events_until_message("29").await;
        let after = json!({ "epoch": confirm["epoch"], "id": ids[29] });
        reader.hang_up();
        for text in ["zero", "nought"] {
            let edit = json!({ "id": ids[0], "text": text, "client_id": text });
            assert_accepted(&ada.ask("edit_message", &edit).await);
        }
        assert_accepted(&ada.ask("delete_message", &json!({ "id": ids[1] })).await);
        let edit = json!({ "id": ids[28], "text": "twenty-eight" });
        assert_accepted(&ada.ask("edit_message", &edit).await);
        let last = ada.ask("delete_message", &json!({ "id": ids[29] })).await;
        assert_accepted(&last);

        service.restart(signal).await;
        let mut reader = with_token(&service.server, Transport::WebSocket, &token).await;
        reader.greeted().await;
        let join = json!({ "room_name": "tech", "username": "Reader", "after": after });
        reader.emit("join_room", &join);
        assert_eq!(reader.wait_for("join_confirm").await["recovered"], true);
        let missed = reader.events_until(|event| event["id"] == last["id"]).await;
        let changes: Vec<_> = missed
            .iter()
            .filter(|event| event.name == "message_changed")
            .map(|event| (event["of"].as_u64().unwrap(), event["kind"].clone()))
            .collect();
        let expected = [
            (ids[0], json!("edited")),
            (ids[1], json!("deleted")),
            (ids[28], json!("edited")),
            (ids[29], json!("deleted")),
        ];
        assert_eq!(changes, expected, "{signal}");
        let answer = reader.ask("get_history", &json!({ "limit": 200 })).await;
        let messages = answer["messages"].as_array().unwrap();
        assert_eq!(messages.len(), 30, "{signal}");
        assert_eq!(messages[0]["text"], "nought");
        assert_eq!(
            (&messages[1]["id"], &messages[1]["deleted"]),
            (&json!(ids[1]), &json!(true))
        );
        assert_eq!(messages[28]["text"], "twenty-eight");
        assert_eq!(messages[29]["deleted"], true);

        // A retry of anything undoes nothing.
        let mut ada = with_token(&service.server, Transport::WebSocket, &adas_token).await;
        ada.greeted().await;
        let join = json!({ "room_name": "tech", "username": "Ada" });
        ada.emit("join_room", &join);
        ada.wait_for("join_confirm").await;
        for n in [0, 1] {
            let again = ada.ask("send_message", &message(n)).await;
            assert_eq!(
                (again["id"].as_u64(), &again["duplicate"]),
                (Some(ids[n]), &json!(true))
            );
        }
        let edit = json!({ "id": ids[0], "text": "zero", "client_id": "zero" });
        assert_eq!(ada.ask("edit_message", &edit).await["duplicate"], true);
        assert_accepted(&ada.ask("delete_message", &json!({ "id": ids[2] })).await);
    }
}
