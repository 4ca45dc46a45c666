//! A Redis that is slow, or full, and a flood while it is away.

use std::time::Duration;

use hubbub_test_client::packet::event_frame;
use hubbub_test_client::redis::{Keeps, Redis};
use hubbub_test_client::shape::default_rooms_json;
use hubbub_test_client::{Client, EVENT_TIMEOUT, Transport};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::checks::{JOIN, ada_and_bob, check_well, is_refused, message};
use super::nodes::{
    HEALED, LEASE_IS_OVER, SLACK, nodes, only_busy_test, until, until_listed, until_ready,
};
use super::relay::{Relay, Way};

#[tokio::test]
async fn a_redis_that_answers_late_makes_the_chat_slow_and_nothing_else() {
    const LATE: Duration = Duration::from_millis(200);
    const MESSAGES: u64 = 30;
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let relay = Relay::start(redis.address()).await;
    let [one, two] = nodes(&relay.url(), &[("MESSAGE_RATE", "0")]).await;
    let late = [
        Way {
            down: LATE,
            ..Way::CLEAR
        },
        Way {
            up: LATE,
            down: LATE,
            open: true,
        },
    ];
    let (mut ada, mut bob) = ada_and_bob(&one, &two).await;
    for way in late {
        relay.set(way);
        for n in 0..MESSAGES {
            ada.say(&format!("{n}"));
            bob.say(&format!("{n}"));
        }
        let mut orders = Vec::new();
        for client in [&mut ada, &mut bob] {
            let mut order = Vec::new();
            for _ in 0..2 * MESSAGES {
                order.push(client.expect_but_counts("receive_message").await.raw);
            }
            orders.push(order);
        }
        assert_eq!(orders[0], orders[1]);
        for n in 0..MESSAGES {
            let text = format!("\"text\":\"{n}\"");
            let said = orders[0].iter().filter(|raw| raw.contains(&text)).count();
            assert_eq!(said, 2, "{n}");
        }
        until_listed(&mut bob, HEALED, &["Ada", "Bob"]).await;
    }
    // Time itself is tested: leases are renewed, however late the answers are.
    sleep(LEASE_IS_OVER).await;
    until_listed(&mut bob, HEALED, &["Ada", "Bob"]).await;
    relay.set(Way::CLEAR);
    check_well(&[&one, &two], [&mut ada, &mut bob], Instant::now(), &[]).await;
}

#[tokio::test]
async fn a_full_redis_refuses_messages_and_costs_nobody_their_place() {
    let Some(redis) = Redis::with(Keeps::Nothing, &["--maxmemory-policy", "noeviction"]).await
    else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[]).await;
    let (mut ada, mut bob) = ada_and_bob(&one, &two).await;
    let limit = |bytes| ["CONFIG", "SET", "maxmemory", bytes];
    redis.ask(&limit("1")).await;
    for client in [&mut ada, &mut bob] {
        is_refused(client, "send_message", &message("refused")).await;
    }
    // Time itself is tested: no member leaves because nothing could be written.
    sleep(LEASE_IS_OVER).await;
    for client in [&mut ada, &mut bob] {
        until_listed(client, Duration::ZERO, &["Ada", "Bob"]).await;
    }
    is_refused(&mut bob, "send_message", &message("refused")).await;
    redis.ask(&limit("0")).await;
    check_well(
        &[&one, &two],
        [&mut ada, &mut bob],
        Instant::now(),
        &["refused"],
    )
    .await;
}

#[tokio::test]
async fn nothing_grows_without_bound_while_redis_is_away() {
    const CLIENTS: usize = 20;
    const ROUNDS: usize = 10;
    const EACH: usize = 500;
    /// For 100,000 requests with texts of a kilobyte, 100 MB in all.
    const GROWTH_MAX_KIB: u64 = 60 * 1024;
    let _busy = only_busy_test().await;
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let settings = [("MESSAGE_RATE", "0"), ("RUST_LOG", "warn")];
    let [one, two] = nodes(&redis.url(), &settings).await;
    let (mut ada, mut bob) = ada_and_bob(&one, &two).await;
    let mut flood = Vec::new();
    for _ in 0..CLIENTS {
        flood.push(Client::joined(&one, "sports", "Flood").await);
    }
    let text = "x".repeat(1000);
    let say = json!({ "text": text }).to_string();
    let before = one.resident_kib();
    redis.pause().await;
    let mut highest = before;
    for round in 0..ROUNDS {
        for client in &mut flood {
            let frames = (0..EACH).map(|n| match n % 10 {
                0 => event_frame("join_room", Some(JOIN), None),
                _ => event_frame("send_message", Some(&say), None),
            });
            client.send_all(frames.collect());
        }
        // No event says that the server has read it all: what is measured is the growth over time.
        sleep(Duration::from_millis(500)).await;
        highest = highest.max(one.resident_kib());
        let growth = highest - before;
        assert!(growth < GROWTH_MAX_KIB, "{growth} KiB in round {round}");
    }
    is_refused(&mut bob, "send_message", &message("refused")).await;
    drop(flood);
    redis.resume().await;
    until_ready(&one, HEALED + SLACK).await;
    // What the flood still had in its mailboxes is worked off or gone with it.
    until(EVENT_TIMEOUT, "the flood has gone", async || {
        let mut fresh = Client::connect(&one, Transport::WebSocket).await;
        fresh.expect("room_list").await.raw == default_rooms_json(&[("tech", 2)])
    })
    .await;
    let growth = one.resident_kib().saturating_sub(before);
    assert!(growth < GROWTH_MAX_KIB, "{growth} KiB are left behind");
    check_well(
        &[&one, &two],
        [&mut ada, &mut bob],
        Instant::now(),
        &["refused"],
    )
    .await;
}
