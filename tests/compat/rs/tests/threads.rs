//! rust_socketio with threads, in each of its modes.

use std::sync::mpsc;

use hubbub_compat::{DEADLINE, Heard, MODES, Server, eager, eager_texts, first, told};
use rust_socketio::client::Client;
use rust_socketio::{ClientBuilder, Payload, TransportType};
use serde_json::{Value, json};

fn connect(server: &Server, mode: TransportType) -> (Client, Heard) {
    let (sender, heard) = Heard::new();
    let client = ClientBuilder::new(server.url.clone())
        .transport_type(mode)
        .on_any(move |event, payload, _| {
            // Nobody listens any more once the test is over.
            let _over = sender.send(told(event, payload));
        })
        .connect()
        .expect("it connects");
    (client, heard)
}

fn request(client: &Client, event: &str, payload: Value) -> Value {
    let (sender, answer) = mpsc::channel();
    let answered = move |payload: Payload, _| {
        let _over = sender.send(payload);
    };
    client
        .emit_with_ack(event, payload, DEADLINE, answered)
        .expect("it is sent");
    let answer = answer.recv_timeout(DEADLINE).expect("it is answered");
    // An acknowledgement's arguments come as an array here.
    match first(answer) {
        Value::Array(mut values) => values.remove(0),
        value => value,
    }
}

fn the_main_flow(mode: &str) {
    let server = Server::start();
    let (_, transport) = MODES
        .into_iter()
        .find(|(name, _)| *name == mode)
        .expect("a mode");
    let (bob, bob_heard) = connect(&server, TransportType::Websocket);
    bob_heard.next("room_list");
    bob_heard.next("session");
    let joined = request(
        &bob,
        "join_room",
        json!({ "room_name": "tech", "username": "Bob" }),
    );
    assert_eq!(joined["ok"], true, "{joined}");
    // Ada waits for nothing, as an application that calls `connect` and then `emit` does.
    let (ada, ada_heard) = connect(&server, transport);
    for (event, payload) in eager("Ada") {
        ada.emit(event, payload).expect("it is sent");
    }
    assert_eq!(ada_heard.next("join_confirm")["room"], "tech");
    assert_eq!(ada_heard.texts(20), eager_texts("Ada"));
    assert_eq!(bob_heard.texts(20), eager_texts("Ada"));
    let sent = request(&bob, "send_message", json!({ "text": "Grüße 🦀" }));
    let message = ada_heard.next("receive_message");
    assert_eq!(
        (&message["text"], &message["id"]),
        (&json!("Grüße 🦀"), &sent["id"])
    );
    let refused = request(&ada, "join_room", json!({ "room_name": "nowhere" }));
    assert_eq!(refused["error"]["code"], "unknown_room", "{refused}");
    ada.disconnect().expect("it disconnects");
    loop {
        if bob_heard.next("system_message")["text"] == "Ada has left the room" {
            break;
        }
    }
    bob.disconnect().expect("it disconnects");
}

#[test]
fn any_of_its_modes() {
    the_main_flow("any");
}

#[test]
fn websocket() {
    the_main_flow("websocket");
}

#[test]
fn upgrade() {
    the_main_flow("upgrade");
}

#[test]
fn polling() {
    the_main_flow("polling");
}
