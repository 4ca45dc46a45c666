//! What a moderator decides at one node holds at all of them.

use hubbub_test_client::chat::{refused, with_token};
use hubbub_test_client::packet::Event;
use hubbub_test_client::redis::{Keeps, Redis};
use hubbub_test_client::shape::{assert_accepted, assert_error, assert_refused};
use hubbub_test_client::{Client, TestServer, Transport};
use serde_json::{Value, json};

use super::nodes::{node, nodes};

const ADMIN_TOKEN: &str = "an admin's token of this test, long enough";

async fn admin(node: &TestServer) -> Client {
    let mut admin = with_token(node, Transport::WebSocket, &json!(ADMIN_TOKEN)).await;
    admin.greeted().await;
    admin.join("tech", "Root").await;
    admin
}

async fn user(node: &TestServer, name: &str) -> (Client, Value, Value) {
    let mut client = with_token(node, Transport::WebSocket, &Value::Null).await;
    let session = client.greeted().await;
    client.join("tech", name).await;
    (client, session["token"].clone(), session["user_id"].clone())
}

async fn until_removed(client: &mut Client, user_id: &Value) {
    let is_removal = |event: &Event| {
        event.name == "system_message" && event["kind"] == "removed" && event["user_id"] == *user_id
    };
    client.events_until(is_removal).await;
}

#[tokio::test]
async fn bans_kicks_mutes_and_locks_reach_every_node_and_those_that_start_later() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let settings = [("ADMIN_TOKEN", ADMIN_TOKEN)];
    let [one, two] = nodes(&redis.url(), &settings).await;
    let mut admin = admin(&one).await;
    let (mut bob, token, id) = user(&two, "Bob").await;
    let (mut eve, _, eve_id) = user(&two, "Eve").await;
    admin
        .until_notice_and_counts("Eve has joined the room", &[("tech", 3)])
        .await;

    let kick = json!({ "action": "kick", "user_id": eve_id });
    assert_accepted(&admin.ask("moderate", &kick).await);
    until_removed(&mut eve, &eve_id).await;
    until_removed(&mut admin, &eve_id).await;
    eve.join("tech", "Eve").await;

    let mute = json!({ "action": "mute", "user_id": eve_id });
    assert_accepted(&admin.ask("moderate", &mute).await);
    let lock = json!({ "action": "lock", "locked": true });
    assert_accepted(&admin.ask("moderate", &lock).await);
    // The lock was decided after the mute.
    let is_locked = |event: &Event| event.name == "room_changed" && event["locked"] == true;
    eve.events_until(is_locked).await;
    let ack = eve.ask("send_message", &json!({ "text": "hey" })).await;
    assert_refused(&ack, "muted");

    let ban = json!({ "action": "ban", "user_id": id });
    assert_accepted(&admin.ask("moderate", &ban).await);
    assert_error(&bob.wait_for("error").await, "moderate", "banned");
    until_removed(&mut admin, &id).await;
    let three = node(&redis.url(), &settings).await;
    for node in [&one, &two, &three] {
        let error = refused(node, Transport::WebSocket, &token).await;
        assert_eq!(error["data"]["code"], "banned", "{error}");
    }
}
