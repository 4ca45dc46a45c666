//! What is kept in Redis: messages by HISTORY_*, and the newest notices beside them.

use hubbub_test_client::redis::{Keeps, Redis};
use hubbub_test_client::visits::{self, Room};
use hubbub_test_client::{Client, Metrics};
use serde_json::json;

use super::nodes::{node, nodes, only_busy_test, said, until};

/// Nobody is refused for being fast.
const UNLIMITED: (&str, &str) = ("MESSAGE_RATE", "0");
const LOG: &str = "hubbub:room:tech:log";

#[tokio::test]
async fn visitors_push_no_message_out_of_history_on_any_node() {
    let _busy = only_busy_test().await;
    for settings in [
        &[][..],
        &[("HISTORY_MESSAGES", "40"), ("SLOW_TIMEOUT", "0")],
    ] {
        let Some(redis) = Redis::start(Keeps::Nothing).await else {
            return;
        };
        let settings = [&[UNLIMITED], settings].concat();
        let [one, two] = nodes(&redis.url(), &settings).await;
        let mut room = Room::with_messages(&one).await;
        visits::visit(&two).await;
        visits::rename(&one, 300).await;
        room.is_whole(&one).await;
        room.is_whole(&two).await;
        // Also to a node that reads it from the start, and the log does not grow without bound.
        let third = node(&redis.url(), &settings).await;
        room.is_whole(&third).await;
        until(super::nodes::LEASE, "trimmed", async || {
            let entries = redis.ask(&["XLEN", LOG]).await.number();
            (40..=1100).contains(&entries)
        })
        .await;
        assert_eq!(Metrics::of(&two).value("hubbub_panics_total").await, 0);
    }
}

/// As left behind by a node of an earlier version, which counted notices with messages.
#[tokio::test]
async fn a_log_whose_books_are_wrong_is_counted_anew() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let settings = [
        UNLIMITED,
        ("HISTORY_BYTES", "60000"),
        ("HISTORY_MESSAGES", "0"),
    ];
    let [one, two] = nodes(&redis.url(), &settings).await;
    let mut room = Room::with_messages(&one).await;
    visits::rename(&one, 50).await;
    let meta = "hubbub:room:tech:meta";
    redis.ask(&["HSET", meta, "messages", "7"]).await;
    redis
        .ask(&["HDEL", meta, "last", "notices", "foreign"])
        .await;
    redis.ask(&["DEL", "hubbub:room:tech:notices"]).await;
    visits::visit(&two).await;
    room.is_whole(&one).await;
    let third = node(&redis.url(), &settings).await;
    room.is_whole(&third).await;
}

#[tokio::test]
async fn a_smaller_history_of_one_node_does_not_trim_the_others() {
    const MESSAGES: usize = 60;
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    for (setting, small) in [("HISTORY_MESSAGES", "5"), ("HISTORY_BYTES", "5000")] {
        redis.ask(&["FLUSHALL"]).await;
        let large = node(&redis.url(), &[UNLIMITED, ("SLOW_TIMEOUT", "0")]).await;
        let settings = [UNLIMITED, ("SLOW_TIMEOUT", "0"), (setting, small)];
        let smaller = node(&redis.url(), &settings).await;
        let mut eve = Client::joined(&smaller, "tech", "Eve").await;
        for n in 0..MESSAGES {
            said(&mut eve, &format!("{n}")).await;
        }
        let third = node(&redis.url(), &[UNLIMITED]).await;
        for node in [&large, &third] {
            let mut ada = Client::joined(node, "tech", "Ada").await;
            let answer = ada.ask("get_history", &json!({ "limit": 200 })).await;
            let kept = answer["messages"].as_array().unwrap().len();
            assert_eq!(kept, MESSAGES, "{setting}");
        }
        // Each says so, and of the others in as much time as they need to look.
        for node in [&smaller, &large] {
            let metric = format!("hubbub_cluster_mismatch{{setting=\"{setting}\"}}");
            until(super::nodes::LEASE, "told", async || {
                Metrics::of(node)
                    .text()
                    .await
                    .lines()
                    .any(|line| line.strip_prefix(&metric).is_some_and(|n| n.trim() != "0"))
            })
            .await;
            assert!(node.log().contains(setting), "{}", node.log());
        }
    }
}
