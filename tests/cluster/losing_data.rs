//! A Redis that comes back without what it had: a new epoch begins, and every member is sent a gap.

use hubbub_test_client::chat::{come_back, resumable, with_token};
use hubbub_test_client::redis::{Keeps, Redis};
use hubbub_test_client::{Client, Event, TestServer, Transport};
use serde_json::{Value, json};

use super::nodes::{
    HEALED, SLACK, ids, nodes, resuming, said, until_accepted, until_listed, until_ready,
};

/// How far above all earlier ids those of a new epoch begin, at least.
const JUMP: u64 = 100_000;

/// Somebody in a room, with what a client keeps in order to resume.
struct Member {
    client: Client,
    epoch: Value,
    last: u64,
}

impl Member {
    async fn joined(server: &TestServer, name: &str) -> Self {
        let mut client = Client::connect(server, Transport::WebSocket).await;
        let confirm = client.join("tech", name).await;
        Self {
            client,
            epoch: confirm["epoch"].clone(),
            // Its own notice has been read.
            last: confirm["last_id"].as_u64().unwrap() + 1,
        }
    }

    /// Reads to that message; ids never go down on the way.
    async fn reads_to(&mut self, text: &str) -> Vec<Event> {
        let events = self.client.events_until_message(text).await;
        for id in ids(&events) {
            assert!(id > self.last, "{id} after {}: {events:?}", self.last);
            self.last = id;
        }
        events
    }

    /// Receives what is missing, and in which epoch it goes on.
    async fn is_told_of_the_loss(&mut self) -> Event {
        let events = self.client.events_until(|e| e.name == "gap").await;
        for id in ids(&events) {
            assert!(id > self.last, "{id} after {}: {events:?}", self.last);
            self.last = id;
        }
        let gap = events.into_iter().last().unwrap();
        let number = |key: &str| gap[key].as_u64().unwrap();
        assert_eq!(gap["room"], "tech", "{gap:?}");
        assert_eq!(number("from"), self.last + 1, "{gap:?}");
        assert!(number("to") > self.last + JUMP, "{gap:?}");
        assert!(
            gap["epoch"].is_string() && gap["epoch"] != self.epoch,
            "{gap:?}"
        );
        self.last = number("to");
        self.epoch = gap["epoch"].clone();
        gap
    }
}

/// What becomes of the members of two nodes when the data has gone.
async fn check_loss(redis: &mut Redis, lose: impl AsyncFn(&mut Redis)) {
    let [one, two] = nodes(&redis.url(), &[("RESUME_GRACE", "0")]).await;
    let mut ada = Member::joined(&one, "Ada").await;
    let mut bob = Member::joined(&two, "Bob").await;
    for n in 0..10 {
        said(&mut ada.client, &format!("before {n}")).await;
    }
    for member in [&mut ada, &mut bob] {
        member.reads_to("before 9").await;
    }
    let old = (bob.epoch.clone(), bob.last);

    lose(redis).await;
    for node in [&one, &two] {
        until_ready(node, HEALED + SLACK).await;
    }
    let after = json!({ "text": "after" });
    let answer = until_accepted(&mut ada.client, HEALED + SLACK, "send_message", &after).await;
    let gaps = [
        ada.is_told_of_the_loss().await,
        bob.is_told_of_the_loss().await,
    ];
    assert_eq!(gaps[0]["epoch"], gaps[1]["epoch"]);
    for member in [&mut ada, &mut bob] {
        member.reads_to("after").await;
        assert_eq!(answer["id"], member.last);
        until_listed(&mut member.client, HEALED, &["Ada", "Bob"]).await;
    }
    check_resuming(&two, &old, &bob).await;
    said(&mut bob.client, "ids go on").await;
    for member in [&mut ada, &mut bob] {
        member.reads_to("ids go on").await;
    }
}

/// Nobody resumes in the lost log; in the new one, from where the gap said it goes on.
async fn check_resuming(node: &TestServer, (epoch, last): &(Value, u64), bob: &Member) {
    let mut eve = Client::connect(node, Transport::WebSocket).await;
    eve.greeted().await;
    let answer = eve
        .ask("join_room", &resuming("tech", "Eve", epoch, *last))
        .await;
    assert_eq!(answer["recovered"], false, "{answer}");
    assert_eq!(answer["epoch"], bob.epoch, "{answer}");
    let gap = eve.wait_for("gap").await;
    assert_eq!(gap["to"], answer["last_id"], "{gap:?}");
    let again = resuming("tech", "Eve", &bob.epoch, bob.last - 1);
    let answer = eve.ask("join_room", &again).await;
    assert_eq!(answer["recovered"], true, "{answer}");
    assert_eq!(eve.next_message().await["text"], "after");
}

#[tokio::test]
async fn a_redis_that_comes_back_empty_begins_a_new_epoch_and_everybody_is_told() {
    let Some(mut redis) = Redis::start(Keeps::Everything).await else {
        return;
    };
    check_loss(&mut redis, async |redis| {
        redis.kill().await;
        redis.lose_data();
        redis.start_again().await;
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_is_flushed_while_it_runs_begins_a_new_epoch_and_everybody_is_told() {
    let Some(mut redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    check_loss(&mut redis, async |redis| {
        redis.ask(&["FLUSHALL"]).await;
    })
    .await;
}

/// As a failover to a replica that lagged behind, or a snapshot of the day before: what nodes have
/// delivered since is not in it.
#[tokio::test]
async fn a_redis_that_comes_back_with_older_data_begins_a_new_epoch() {
    let options = ["--dbfilename", "old.rdb"];
    let Some(mut redis) = Redis::with(Keeps::Nothing, &options).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[]).await;
    let mut ada = Member::joined(&one, "Ada").await;
    said(&mut ada.client, "in the snapshot").await;
    redis.ask(&["SAVE"]).await;
    said(&mut ada.client, "not in the snapshot").await;
    let mut bob = Member::joined(&two, "Bob").await;
    said(&mut ada.client, "the last").await;
    for member in [&mut ada, &mut bob] {
        member.reads_to("the last").await;
    }
    redis.kill().await;
    redis.start_again().await;
    let after = json!({ "text": "after" });
    until_accepted(&mut ada.client, HEALED + SLACK, "send_message", &after).await;
    for member in [&mut ada, &mut bob] {
        member.is_told_of_the_loss().await;
        member.reads_to("after").await;
        until_listed(&mut member.client, HEALED, &["Ada", "Bob"]).await;
    }
}

/// The snapshot has a user at the node where they were then.
#[tokio::test]
async fn whoever_has_moved_since_the_snapshot_stays_where_they_are() {
    let options = ["--dbfilename", "old.rdb"];
    let Some(mut redis) = Redis::with(Keeps::Nothing, &options).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[]).await;
    let (mut before, token) = resumable(&one, Transport::WebSocket, "Ada").await;
    said(&mut before, "in the snapshot").await;
    redis.ask(&["SAVE"]).await;
    let mut ada = with_token(&two, Transport::WebSocket, &token).await;
    come_back(&mut ada, "tech", "Ada").await;
    redis.kill().await;
    redis.start_again().await;
    let after = json!({ "text": "after" });
    until_accepted(&mut ada, HEALED + SLACK, "send_message", &after).await;
    until_ready(&one, HEALED + SLACK).await;
    let mut bob = Client::joined(&one, "tech", "Bob").await;
    until_listed(&mut bob, HEALED, &["Ada", "Bob"]).await;
    until_accepted(
        &mut ada,
        SLACK,
        "send_message",
        &json!({ "text": "still here" }),
    )
    .await;
    bob.events_until_message("still here").await;
}

#[tokio::test]
async fn a_second_loss_begins_a_third_epoch() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[]).await;
    let mut ada = Member::joined(&one, "Ada").await;
    let mut bob = Member::joined(&two, "Bob").await;
    let mut epochs = vec![ada.epoch.clone()];
    for round in 0..2 {
        redis.ask(&["FLUSHALL"]).await;
        let text = format!("round {round}");
        let message = json!({ "text": text });
        until_accepted(&mut bob.client, HEALED + SLACK, "send_message", &message).await;
        for member in [&mut ada, &mut bob] {
            member.is_told_of_the_loss().await;
            member.reads_to(&text).await;
        }
        assert!(!epochs.contains(&ada.epoch), "{epochs:?} {:?}", ada.epoch);
        epochs.push(ada.epoch.clone());
    }
}
