//! What must hold while Redis is away, and once it is back: for Ada on one node and Bob on another.

use hubbub_test_client::http::get;
use hubbub_test_client::shape::{assert_refused, default_rooms_json};
use hubbub_test_client::{Client, TestServer, Transport};
use hyper::http::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::nodes::{
    HEALED, REFUSED, SLACK, ids, notices, said, until, until_accepted, until_listed,
    until_not_ready, until_ready,
};

/// A join that goes elsewhere.
pub const JOIN: &str = r#"{"room_name":"music","username":"Ada"}"#;

/// Something said, which said again is said once.
pub fn message(text: &str) -> Value {
    json!({ "text": text, "client_id": text })
}

/// A request is refused as `unavailable`, in time.
pub async fn is_refused(client: &mut Client, event: &str, payload: &Value) {
    let since = Instant::now();
    let answer = client.ask(event, payload).await;
    let took = since.elapsed();
    assert_refused(&answer, "unavailable");
    assert!(took < REFUSED, "{event} was refused after {took:?}");
}

/// What a node does while its Redis is away: joined people stay and are refused what cannot be
/// done; new connections are refused.
pub async fn check_away(node: &TestServer, member: &mut Client, text: &str) {
    is_refused(member, "send_message", &message(text)).await;
    is_refused(member, "join_room", &serde_json::from_str(JOIN).unwrap()).await;
    until_not_ready(node, REFUSED).await;
    let handshake = "/socket.io/?EIO=4&transport=polling";
    let newcomer = get(node.address(), handshake).await.unwrap();
    assert_eq!(newcomer.status, StatusCode::SERVICE_UNAVAILABLE);
    let lives = get(node.address(), "/livez").await.unwrap();
    assert_eq!(lives.status, StatusCode::OK);
}

/// What must be so soon after Redis is back, since `back`: everything goes on, as if nothing had
/// been. What was refused is nowhere, no member has left, and the ids have no holes.
pub async fn check_well(
    nodes: &[&TestServer],
    members: [&mut Client; 2],
    back: Instant,
    refused: &[&str],
) {
    for node in nodes {
        until_ready(node, HEALED + SLACK).await;
    }
    let [ada, bob] = members;
    until_accepted(ada, HEALED + SLACK, "send_message", &message("well again")).await;
    let took = back.elapsed();
    assert!(took < HEALED + SLACK, "{took:?}");
    for client in [ada, bob] {
        let mut events = client.events_until_message("well again").await;
        events.extend(client.events_until_echo("a fence").await);
        assert_eq!(notices(&events), [""; 0], "{events:?}");
        for event in &events {
            let is_refused = refused.iter().any(|text| event["text"] == *text);
            assert!(!is_refused && event.name != "gap", "{event:?}");
        }
        let ids = ids(&events);
        assert!(ids.is_sorted_by(|a, b| a + 1 == *b), "{ids:?}");
        until_listed(client, HEALED, &["Ada", "Bob"]).await;
    }
    for node in nodes {
        // Members of other rooms whose connections have ended may still be leaving.
        until(HEALED + SLACK, "no other members", async || {
            let mut fresh = Client::connect(node, Transport::WebSocket).await;
            let list = fresh.expect("room_list").await;
            list.raw == default_rooms_json(&[("tech", 2)])
        })
        .await;
    }
}

/// Ada on one node, Bob on another.
pub async fn ada_and_bob(one: &TestServer, two: &TestServer) -> (Client, Client) {
    let mut ada = Client::joined(one, "tech", "Ada").await;
    let mut bob = Client::joined(two, "tech", "Bob").await;
    until_listed(&mut bob, SLACK, &["Ada", "Bob"]).await;
    // Both have received everything so far.
    said(&mut bob, "before").await;
    ada.events_until_message("before").await;
    bob.events_until_message("before").await;
    (ada, bob)
}
