//! Redis stopped, paused and cut off: joined people stay, are refused in time what
//! cannot be done, and everything is well again soon after.

use std::time::Duration;

use hubbub_test_client::http::get;
use hubbub_test_client::packet::event_frame;
use hubbub_test_client::redis::{Keeps, Redis};
use hubbub_test_client::{Client, EVENT_TIMEOUT, Metrics};
use hyper::http::StatusCode;
use tokio::time::{Instant, sleep_until};

use super::checks::{ada_and_bob, check_away, check_well, is_refused, message};
use super::nodes::{
    HEALED, REFUSED, SLACK, launched, node, nodes, said, until, until_accepted,
    until_leases_are_over, until_listed, until_not_ready, until_ready,
};
use super::relay::{Relay, Way};

#[tokio::test]
async fn a_redis_that_restarts_with_its_data_is_only_a_pause() {
    let Some(mut redis) = Redis::start(Keeps::Everything).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[]).await;
    let (mut ada, mut bob) = ada_and_bob(&one, &two).await;
    for is_killed in [false, true] {
        if is_killed {
            redis.kill().await;
        } else {
            redis.stop().await;
        }
        // Said while it is away for a moment: it waits, or is refused and said again.
        let text = format!("said while away, killed: {is_killed}");
        ada.send_raw(&event_frame(
            "send_message",
            Some(&message(&text).to_string()),
            None,
        ));
        redis.start_again().await;
        let back = Instant::now();
        let again = until_accepted(&mut ada, HEALED, "send_message", &message(&text)).await;
        for client in [&mut ada, &mut bob] {
            let heard = client.events_until_message(&text).await;
            assert_eq!(heard.last().unwrap()["id"], again["id"]);
            assert!(heard.iter().all(|event| event.name != "gap"), "{heard:?}");
        }
        let fence = format!("the end, killed: {is_killed}");
        until_accepted(&mut bob, HEALED, "send_message", &message(&fence)).await;
        for client in [&mut ada, &mut bob] {
            let rest = client.events_until_message(&fence).await;
            assert!(rest.iter().all(|event| event["text"] != text), "said once");
        }
        let took = back.elapsed();
        assert!(took < HEALED + SLACK, "{took:?}");
    }
    check_well(&[&one, &two], [&mut ada, &mut bob], Instant::now(), &[]).await;
}

/// Longer than a lease: no node may be taken for dead because no lease could be renewed.
#[tokio::test]
async fn a_redis_that_is_paused_for_thirty_seconds_costs_nobody_their_place() {
    const PAUSE: Duration = Duration::from_secs(30);
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[]).await;
    let (mut ada, mut bob) = ada_and_bob(&one, &two).await;
    let end = Instant::now() + PAUSE;
    redis.pause().await;
    check_away(&one, &mut ada, "refused early").await;
    check_away(&two, &mut bob, "refused as well").await;
    sleep_until(end - REFUSED).await;
    is_refused(&mut ada, "send_message", &message("refused late")).await;
    sleep_until(end).await;
    redis.resume().await;
    let refused = ["refused early", "refused as well", "refused late"];
    check_well(
        &[&one, &two],
        [&mut ada, &mut bob],
        Instant::now(),
        &refused,
    )
    .await;
}

#[tokio::test]
async fn a_redis_that_cannot_be_reached_is_waited_for() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let relay = Relay::start(redis.address()).await;
    let [one, two] = nodes(&relay.url(), &[]).await;
    let (mut ada, mut bob) = ada_and_bob(&one, &two).await;
    relay.set(Way::BARRED);
    relay.cut();
    check_away(&one, &mut ada, "refused").await;
    until_leases_are_over(&redis).await;
    check_away(&two, &mut bob, "refused as well").await;
    relay.set(Way::CLEAR);
    let refused = ["refused", "refused as well"];
    check_well(
        &[&one, &two],
        [&mut ada, &mut bob],
        Instant::now(),
        &refused,
    )
    .await;
}

/// Only one of the nodes loses its Redis: its members are gone for the others, and come back.
#[tokio::test]
async fn a_node_that_cannot_reach_redis_is_gone_for_the_others_until_it_can() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let relay = Relay::start(redis.address()).await;
    let (one, two) = (node(&relay.url(), &[]).await, node(&redis.url(), &[]).await);
    let (mut ada, mut bob) = ada_and_bob(&one, &two).await;
    relay.set(Way::BARRED);
    relay.cut();
    bob.until_notice_and_counts("Ada has left the room", &[("tech", 1)])
        .await;
    said(&mut bob, "said while Ada is cut off").await;
    relay.set(Way::CLEAR);
    until_ready(&one, HEALED + SLACK).await;
    ada.events_until_message("said while Ada is cut off").await;
    for client in [&mut ada, &mut bob] {
        until_listed(client, HEALED, &["Ada", "Bob"]).await;
    }
    said(&mut ada, "back").await;
    bob.events_until_message("back").await;
}

/// Connections are cut again and again, from both sides, amid messages: each is said once.
#[tokio::test]
async fn connections_to_redis_that_are_killed_lose_and_double_nothing() {
    const MESSAGES: u64 = 200;
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let relay = Relay::start(redis.address()).await;
    let [one, two] = nodes(&relay.url(), &[("MESSAGE_RATE", "0")]).await;
    let (mut ada, mut bob) = ada_and_bob(&one, &two).await;
    let mut accepted = Vec::new();
    for n in 0..MESSAGES {
        match n % 40 {
            10 => relay.cut(),
            30 => drop(redis.ask(&["CLIENT", "KILL", "TYPE", "normal"]).await),
            _ => {}
        }
        let message = message(&format!("number {n}"));
        let answer = until_accepted(&mut ada, EVENT_TIMEOUT, "send_message", &message).await;
        accepted.push(answer["id"].as_u64().unwrap());
    }
    assert!(accepted.is_sorted_by(|a, b| a < b), "{accepted:?}");
    for client in [&mut ada, &mut bob] {
        let mut heard = Vec::new();
        for n in 0..MESSAGES {
            let message = client.expect_but_counts("receive_message").await;
            assert_eq!(message["text"], format!("number {n}"));
            heard.push(message["id"].as_u64().unwrap());
        }
        assert_eq!(heard, accepted);
    }
    check_well(&[&one, &two], [&mut ada, &mut bob], Instant::now(), &[]).await;
}

#[tokio::test]
async fn the_metrics_say_whether_redis_is_there_and_how_often_it_was_lost() {
    let Some(mut redis) = Redis::start(Keeps::Everything).await else {
        return;
    };
    let node = node(&redis.url(), &[]).await;
    let metrics = Metrics::of(&node);
    metrics.until("hubbub_cluster_up", 1).await;
    let reconnects = metrics.value("hubbub_cluster_reconnects_total").await;
    redis.stop().await;
    metrics.until("hubbub_cluster_up", 0).await;
    redis.start_again().await;
    metrics.until("hubbub_cluster_up", 1).await;
    until(HEALED, "a reconnect is counted", async || {
        metrics.value("hubbub_cluster_reconnects_total").await > reconnects
    })
    .await;
}

#[tokio::test]
async fn a_node_that_starts_without_its_redis_listens_and_waits_for_it() {
    let Some(mut redis) = Redis::prepared(Keeps::Nothing, &[]) else {
        return;
    };
    let node = launched(&redis.url(), &[]).await;
    until_not_ready(&node, Duration::ZERO).await;
    let newcomer = get(node.address(), "/socket.io/?EIO=4&transport=polling");
    assert_eq!(
        newcomer.await.unwrap().status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    redis.start_again().await;
    until_ready(&node, HEALED + SLACK).await;
    let mut ada = Client::joined(&node, "tech", "Ada").await;
    said(&mut ada, "it is there").await;
}
