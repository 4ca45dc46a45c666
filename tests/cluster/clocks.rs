//! A Redis whose clock is set while it runs.

use std::time::Duration;

use futures_util::future::join_all;
use hubbub_test_client::fake_clock::is_of_now;
use hubbub_test_client::redis::{Keeps, Redis};
use hubbub_test_client::{Client, FakeClock, Metrics};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::nodes::{
    HEALED, LEASE, LEASE_IS_OVER, SLACK, nodes, notices, until_accepted, until_listed,
};

const DAY: i64 = 24 * 3600;

/// As after a suspension: the nodes' clock jumps, and Redis's does not.
#[tokio::test]
async fn nodes_whose_clock_jumps_refuse_nothing_and_end_no_membership() {
    const HOURS: i64 = 8 * 3600;
    join_all([HOURS, -HOURS].map(check_jump)).await;
}

async fn check_jump(jump: i64) {
    let Some(clock) = FakeClock::off_by(0) else {
        return;
    };
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let of_clock = clock.settings();
    let mut settings = vec![("MESSAGE_RATE", "0")];
    settings.extend(of_clock.iter().map(|(name, value)| (*name, value.as_str())));
    let [one, two] = nodes(&redis.url(), &settings).await;
    let mut ada = Client::joined(&one, "tech", "Ada").await;
    let mut bob = Client::joined(&two, "tech", "Bob").await;
    clock.set(jump);
    // A jump ahead is believed after 15 s, one back after 2 s.
    let end = Instant::now() + Duration::from_secs(18);
    while Instant::now() < end {
        for client in [&mut ada, &mut bob] {
            let message = json!({ "text": "what time is it?" });
            let answer = client.ask("send_message", &message).await;
            assert_eq!(answer["ok"], true, "{jump}: {answer}");
        }
        sleep(Duration::from_millis(20)).await;
    }
    for client in [&mut ada, &mut bob] {
        until_listed(client, HEALED, &["Ada", "Bob"]).await;
        let events = client.events_until_echo("a fence").await;
        let notices = notices(&events);
        assert!(
            !notices.iter().any(|text| text.contains("left")),
            "{jump}: {notices:?}"
        );
    }
}

/// Talks for so long, over whatever is refused for a moment. Returns the timestamps.
async fn talk(client: &mut Client, time: Duration) -> Vec<String> {
    let end = Instant::now() + time;
    let mut told = Vec::new();
    while Instant::now() < end {
        let message = json!({ "text": "what time is it?" });
        let answer = until_accepted(client, HEALED + SLACK, "send_message", &message).await;
        told.push(answer["timestamp"].as_str().unwrap().to_owned());
        // The pace of a conversation: time itself is tested.
        sleep(Duration::from_millis(250)).await;
    }
    told
}

#[tokio::test]
async fn a_redis_whose_clock_is_wrong_for_a_moment_freezes_no_room_and_costs_nobody_their_place() {
    // Side by side, because most of the time is waiting.
    join_all([&[DAY, -DAY][..], &[8000 * 366 * DAY]].map(check_clock)).await;
}

async fn check_clock(leaps: &[i64]) {
    let Some(clock) = FakeClock::off_by(0) else {
        return;
    };
    let Some(redis) = Redis::with_clock(&clock).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[("MESSAGE_RATE", "0")]).await;
    let mut ada = Client::joined(&one, "tech", "Ada").await;
    let mut bob = Client::joined(&two, "tech", "Bob").await;
    let mut told = talk(&mut ada, Duration::from_secs(2)).await;
    for &off in leaps {
        clock.set(off);
        told.extend(talk(&mut ada, Duration::from_secs(6)).await);
        assert!(is_of_now(told.last().unwrap()), "{off}: {told:?}");
        clock.set(0);
        told.extend(talk(&mut bob, Duration::from_secs(3)).await);
        assert!(is_of_now(told.last().unwrap()), "{off}: {told:?}");
    }
    // Longer than a lease after the last leap.
    told.extend(talk(&mut bob, LEASE_IS_OVER).await);
    assert!(told.is_sorted(), "{told:?}");
    assert!(
        told[told.len() - 10..].is_sorted_by(|a, b| a < b),
        "{told:?}"
    );
    for client in [&mut ada, &mut bob] {
        until_listed(client, HEALED + LEASE, &["Ada", "Bob"]).await;
        let events = client.events_until_echo("a fence").await;
        assert!(
            !notices(&events).iter().any(|text| text.contains("left")),
            "{events:?}"
        );
    }
    for node in [&one, &two] {
        assert_eq!(
            Metrics::of(node).value("hubbub_panics_total").await,
            0,
            "{}",
            node.log()
        );
    }
}
