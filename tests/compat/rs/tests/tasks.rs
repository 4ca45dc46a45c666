//! rust_socketio on tokio, in each of its modes.

use std::sync::mpsc;

use futures_util::FutureExt;
use hubbub_compat::{DEADLINE, Heard, MODES, Server, eager, eager_texts, first, told};
use rust_socketio::asynchronous::{Client, ClientBuilder};
use rust_socketio::{Payload, TransportType};
use serde_json::{Value, json};

async fn connect(server: &Server, mode: TransportType) -> (Client, Heard) {
    let (sender, heard) = Heard::new();
    let client = ClientBuilder::new(server.url.clone())
        .transport_type(mode)
        .on_any(move |event, payload, _| {
            // Nobody listens any more once the test is over.
            let _over = sender.send(told(event, payload));
            async {}.boxed()
        })
        .connect()
        .await
        .expect("it connects");
    (client, heard)
}

async fn request(client: &Client, event: &str, payload: Value) -> Value {
    let (sender, answer) = mpsc::channel();
    let answered = move |payload: Payload, _: Client| {
        let _over = sender.send(payload);
        async {}.boxed()
    };
    client
        .emit_with_ack(event, payload, DEADLINE, answered)
        .await
        .expect("it is sent");
    let answer = blocking(move || answer.recv_timeout(DEADLINE))
        .await
        .expect("it is answered");
    // An acknowledgement's arguments come as an array here.
    match first(answer) {
        Value::Array(mut values) => values.remove(0),
        value => value,
    }
}

async fn blocking<T: Send + 'static>(wait: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(wait)
        .await
        .expect("it does not panic")
}

async fn the_main_flow(mode: &str) {
    let server = Server::start();
    let (_, transport) = MODES
        .into_iter()
        .find(|(name, _)| *name == mode)
        .expect("a mode");
    let (bob, bob_heard) = connect(&server, TransportType::Websocket).await;
    let bob_heard = blocking(move || {
        bob_heard.next("room_list");
        bob_heard.next("session");
        bob_heard
    })
    .await;
    let joined = request(
        &bob,
        "join_room",
        json!({ "room_name": "tech", "username": "Bob" }),
    )
    .await;
    assert_eq!(joined["ok"], true, "{joined}");
    // Ada waits for nothing, as an application that calls `connect` and then `emit` does.
    let (ada, ada_heard) = connect(&server, transport).await;
    for (event, payload) in eager("Ada") {
        ada.emit(event, payload).await.expect("it is sent");
    }
    let (ada_heard, bob_heard) = blocking(move || {
        assert_eq!(ada_heard.next("join_confirm")["room"], "tech");
        assert_eq!(ada_heard.texts(20), eager_texts("Ada"));
        assert_eq!(bob_heard.texts(20), eager_texts("Ada"));
        (ada_heard, bob_heard)
    })
    .await;
    let sent = request(&bob, "send_message", json!({ "text": "Grüße 🦀" })).await;
    blocking(move || {
        let message = ada_heard.next("receive_message");
        assert_eq!(
            (&message["text"], &message["id"]),
            (&json!("Grüße 🦀"), &sent["id"])
        );
    })
    .await;
    let refused = request(&ada, "join_room", json!({ "room_name": "nowhere" })).await;
    assert_eq!(refused["error"]["code"], "unknown_room", "{refused}");
    ada.disconnect().await.expect("it disconnects");
    blocking(move || while bob_heard.next("system_message")["text"] != "Ada has left the room" {})
        .await;
    bob.disconnect().await.expect("it disconnects");
}

#[tokio::test(flavor = "multi_thread")]
async fn any_of_its_modes() {
    the_main_flow("any").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn websocket() {
    the_main_flow("websocket").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn upgrade() {
    the_main_flow("upgrade").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn polling() {
    the_main_flow("polling").await;
}
