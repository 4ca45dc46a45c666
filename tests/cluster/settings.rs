//! Settings that all nodes must have in common, and a Redis that has no room: both are reported to
//! operators.

use std::cmp::Ordering;

use hubbub_test_client::redis::{Keeps, Redis};
use hubbub_test_client::{EVENT_TIMEOUT, Metrics, TestServer};

use super::nodes::{
    HEALED, KEY, LEASE, SLACK, launched, node, until, until_not_ready, until_ready,
};

/// How many other nodes have another value of a setting, as a node's metrics say.
async fn mismatches(node: &TestServer, setting: &str) -> Option<u64> {
    let name = format!("hubbub_cluster_mismatch{{setting=\"{setting}\"}} ");
    let text = Metrics::of(node).text().await;
    text.lines()
        .find_map(|line| line.strip_prefix(&name)?.parse().ok())
}

#[tokio::test]
async fn nodes_whose_settings_differ_say_so_at_start_and_in_a_metric() {
    const OTHER_KEY: &str = "another key, which nobody may see anywhere";
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let one = node(&redis.url(), &[]).await;
    let alike = node(&redis.url(), &[("MESSAGE_MAX_CHARS", "10")]).await;
    assert_eq!(mismatches(&alike, "SECRET_KEY").await, Some(0));
    let different = [
        ("SECRET_KEY", OTHER_KEY),
        ("ROOMS", "general,tech"),
        ("HISTORY_MESSAGES", "7"),
        ("HISTORY_BYTES", "70000"),
        ("NOTICE_LIMIT", "3"),
        ("UNIQUE_NAMES", "true"),
    ];
    let mut others = Vec::new();
    for (index, (setting, value)) in different.into_iter().enumerate() {
        let other = node(&redis.url(), &[(setting, value)]).await;
        // At start: this setting is another one on all nodes before it, and so far each of the
        // earlier settings is another one on the node that has it.
        let log = other.log();
        assert!(
            log.contains("WARN") && log.contains(setting),
            "{setting}: {log}"
        );
        for (number, (named, _)) in different.into_iter().enumerate() {
            let wanted = match number.cmp(&index) {
                Ordering::Less => 1,
                Ordering::Equal => 2 + index as u64,
                Ordering::Greater => 0,
            };
            assert_eq!(
                mismatches(&other, named).await,
                Some(wanted),
                "{setting}: {named}"
            );
        }
        others.push(other);
    }
    // The others at the next time that they look.
    for (setting, _) in different {
        until(2 * LEASE, setting, async || {
            mismatches(&one, setting).await == Some(1)
        })
        .await;
        assert!(one.log().contains(setting), "{}", one.log());
    }
    for log in others.iter().chain([&one]).map(TestServer::log) {
        assert!(!log.contains(OTHER_KEY) && !log.contains(KEY), "{log}");
    }
    for other in &mut others {
        other.signal("TERM").await;
        other.exit().await;
    }
    for (setting, _) in different {
        until(2 * LEASE, "agreed", async || {
            mismatches(&one, setting).await == Some(0)
        })
        .await;
    }
    // Nothing of the key itself is in Redis.
    let told = redis.ask(&["HVALS", "hubbub:settings"]).await.list();
    let told: Vec<_> = told
        .into_iter()
        .map(hubbub_test_client::resp::Reply::text)
        .collect();
    assert!(!told.concat().contains(KEY), "{told:?}");
}

/// A node of an earlier version publishes no settings.
#[tokio::test]
async fn a_node_of_another_format_is_noticed() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    redis.ask(&["SADD", "hubbub:nodes", "abc"]).await;
    redis
        .ask(&["SET", "hubbub:lease:abc", "1", "PX", "60000"])
        .await;
    let one = node(&redis.url(), &[]).await;
    assert_eq!(mismatches(&one, "format").await, Some(1));
    assert_eq!(mismatches(&one, "SECRET_KEY").await, Some(0));
}

#[tokio::test]
async fn readiness_is_red_while_redis_is_out_of_memory() {
    let Some(redis) = Redis::with(Keeps::Nothing, &["--maxmemory-policy", "noeviction"]).await
    else {
        return;
    };
    let one = node(&redis.url(), &[]).await;
    let limit = |bytes| ["CONFIG", "SET", "maxmemory", bytes];
    for _ in 0..2 {
        redis.ask(&limit("1")).await;
        // Nobody says or joins anything.
        until_not_ready(&one, HEALED + SLACK).await;
        assert!(one.log().contains("out of memory"), "{}", one.log());
        redis.ask(&limit("0")).await;
        until_ready(&one, HEALED + SLACK).await;
    }
    // One that starts then is not ready until there is room.
    redis.ask(&limit("1")).await;
    let two = launched(&redis.url(), &[]).await;
    until(EVENT_TIMEOUT, "the second node finds no room", async || {
        two.log().contains("out of memory")
    })
    .await;
    until_not_ready(&two, SLACK).await;
    redis.ask(&limit("0")).await;
    until_ready(&two, HEALED + SLACK).await;
}
