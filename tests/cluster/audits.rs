//! Audits of who is where: they repair records, and end no session that lives, at any latency.

use std::time::Duration;

use futures_util::future::join_all;
use hubbub_test_client::chat::{come_back, resumable, with_token};
use hubbub_test_client::redis::{Keeps, Redis};
use hubbub_test_client::shape::{ROOMS, default_rooms_json};
use hubbub_test_client::{Client, Metrics, Packet, TestServer, Transport};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout_at};

use super::nodes::{
    HEALED, LEASE, SLACK, node, nodes, only_busy_test, said, until, until_listed, until_nodes_are,
};
use super::relay::{Relay, Way};

/// Long enough for several audits, one every eight seconds. Time itself is tested: an audit that
/// finds nothing is announced nowhere.
const AUDITS: Duration = Duration::from_secs(27);
/// What everybody does about as often.
const PACE: Duration = Duration::from_secs(1);
/// Nobody is refused for being fast.
const UNLIMITED: (&str, &str) = ("MESSAGE_RATE", "0");

/// A way that takes so long in each direction.
fn late(up_ms: u64, down_ms: u64) -> Way {
    Way {
        up: Duration::from_millis(up_ms),
        down: Duration::from_millis(down_ms),
        open: true,
    }
}

/// Changes the room again and again, until the time is over. False if the server ended the session.
async fn wander(client: &mut Client, number: usize, end: Instant) -> bool {
    // Not all at the same moment.
    let mut next = Instant::now() + PACE * u32::try_from(number).unwrap() / 100;
    for room in number.. {
        // What was on its way at the end still comes, or does not.
        let is_over = next >= end;
        let until = if is_over { end + HEALED } else { next };
        while let Ok(packet) = timeout_at(until, client.packet()).await {
            if matches!(packet, Packet::Disconnected) {
                return false;
            }
        }
        if is_over {
            break;
        }
        next += PACE;
        let name = format!("Wanderer {number}");
        client.emit(
            "join_room",
            &json!({ "room_name": ROOMS[room % ROOMS.len()], "username": name }),
        );
    }
    true
}

/// Waits until these counts are in the `room_list` of a node.
async fn until_told_to_newcomers(node: &TestServer, counts: &[(&str, u64)]) {
    let wanted = default_rooms_json(counts);
    until(LEASE + HEALED + SLACK, "the counts", async || {
        let mut fresh = Client::connect(node, Transport::WebSocket).await;
        fresh.expect("room_list").await.raw == wanted
    })
    .await;
}

#[tokio::test]
async fn nobody_who_changes_rooms_is_disconnected_by_an_audit_at_any_latency() {
    const PEOPLE: usize = 100;
    let _busy = only_busy_test().await;
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let relay = Relay::start(redis.address()).await;
    let settings = [UNLIMITED, ("NOTICE_LIMIT", "0")];
    let [one, two] = nodes(&relay.url(), &settings).await;
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let node = if number % 2 == 0 { &one } else { &two };
        let mut client = with_token(node, Transport::WebSocket, &json!(null)).await;
        client.greeted().await;
        people.push(client);
    }
    let end = Instant::now() + AUDITS;
    let weather = async {
        for way in [late(500, 500), late(700, 300), late(200, 600)]
            .iter()
            .cycle()
        {
            if Instant::now() + AUDITS / 3 > end {
                break;
            }
            relay.set(*way);
            sleep(AUDITS / 3).await;
        }
    };
    let wandering = people.iter_mut().enumerate();
    let wandering = join_all(wandering.map(|(number, client)| wander(client, number, end)));
    let (stayed, ()) = tokio::join!(wandering, weather);
    relay.set(Way::CLEAR);
    let ended = stayed.iter().filter(|stayed| !**stayed).count();
    assert_eq!(ended, 0, "of {PEOPLE}");
    // All are received, and listed once.
    let counts = ROOMS.map(|room| (room, (PEOPLE / ROOMS.len()) as u64));
    for (number, client) in people.iter_mut().enumerate() {
        let join =
            json!({ "room_name": ROOMS[number % ROOMS.len()], "username": format!("{number}") });
        assert_eq!(client.ask("join_room", &join).await["ok"], true);
        said(client, &format!("{number} is here")).await;
    }
    for node in [&one, &two] {
        until_told_to_newcomers(node, &counts).await;
    }
}

/// Somebody who comes back, to the node they were at or to the other one, again and again.
#[tokio::test]
async fn nobody_who_comes_back_is_disconnected_by_an_audit_at_any_latency() {
    const PEOPLE: usize = 20;
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let relay = Relay::start(redis.address()).await;
    let settings = [UNLIMITED, ("NOTICE_LIMIT", "5")];
    let [one, two] = [
        node(&relay.url(), &settings).await,
        node(&redis.url(), &settings).await,
    ];
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let name = format!("Returner {number}");
        people.push(resumable(&one, Transport::WebSocket, &name).await);
    }
    relay.set(late(300, 700));
    let end = Instant::now() + AUDITS;
    let nodes = [&one, &two];
    let returning =
        people
            .into_iter()
            .enumerate()
            .map(|(number, (mut client, token))| async move {
                for round in number.. {
                    if Instant::now() >= end {
                        break;
                    }
                    // Twice at one node, twice at the other; the connection before is lost, or still there.
                    let next = with_token(nodes[round / 2 % 2], Transport::WebSocket, &token).await;
                    let before = std::mem::replace(&mut client, next);
                    let kept = (round % 3 == 0).then_some(before);
                    client.greeted().await;
                    let name = format!("Returner {number}");
                    let join = json!({ "room_name": ROOMS[round % 2], "username": name });
                    // Where that takes too long it is refused, and asked again in the next round.
                    client.ask("join_room", &join).await;
                    drop(kept);
                    // Time itself is tested: the pace of a user who comes back again and again.
                    sleep(PACE).await;
                }
                (client, token)
            });
    let mut people = join_all(returning).await;
    relay.set(Way::CLEAR);
    for (number, (client, _)) in people.iter_mut().enumerate() {
        let join = json!({ "room_name": "tech", "username": format!("{number}") });
        let answer = client.ask("join_room", &join).await;
        assert_eq!(answer["ok"], true, "{number}: {answer}");
        said(client, &format!("{number} is here")).await;
    }
    for node in nodes {
        until_told_to_newcomers(node, &[("tech", PEOPLE as u64)]).await;
    }
}

/// A takeover that a node could not read of, because it was away, or because its members had been
/// reaped meanwhile, happens when it is back; users who came back since keep their sessions.
#[tokio::test]
async fn a_takeover_while_a_node_was_away_happens_when_it_is_back() {
    tokio::join!(
        check_takeover_while_away(false),
        check_takeover_while_away(true)
    );
}

async fn check_takeover_while_away(is_reaped: bool) {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let relay = Relay::start(redis.address()).await;
    let settings = [("CONNECT_TIMEOUT", "1s"), ("RESUME_GRACE", "1s")];
    let [cut_off, other] = [
        node(&relay.url(), &settings).await,
        node(&redis.url(), &settings).await,
    ];
    let (mut older, token) = resumable(&cut_off, Transport::WebSocket, "Ada").await;
    let (mut bystander, _) = resumable(&cut_off, Transport::WebSocket, "Bob").await;
    relay.set(Way::BARRED);
    relay.cut();
    Metrics::of(&cut_off).until("hubbub_cluster_up", 0).await;
    if is_reaped {
        until_nodes_are(&redis, 1).await;
    }
    let mut ada = with_token(&other, Transport::WebSocket, &token).await;
    ada.greeted().await;
    come_back(&mut ada, "tech", "Ada").await;
    relay.set(Way::CLEAR);
    let told = older.until_closed().await;
    assert!(
        told.iter().any(|p| matches!(p, Packet::Disconnected)),
        "{is_reaped}: {told:?}"
    );
    until_listed(&mut ada, HEALED + LEASE, &["Ada", "Bob"]).await;
    said(&mut bystander, "still here").await;
    ada.events_until_message("still here").await;
}
