//! What does not come from a node, in the streams that nodes read: it is skipped and counted, and
//! everything goes on.

use hubbub_test_client::redis::{Keeps, Redis};
use hubbub_test_client::resp::Reply;
use hubbub_test_client::shape::assert_refused;
use hubbub_test_client::{Client, Metrics, TestServer};
use serde_json::json;

use super::nodes::{HEALED, SLACK, ids, node, nodes, said, until_accepted, until_listed};

const LOG: &str = "hubbub:room:tech:log";
const STATE: &str = "hubbub:state";

/// How many entries a node has skipped, whyever.
async fn skipped(node: &TestServer) -> u64 {
    let text = Metrics::of(node).text().await;
    let counts = text
        .lines()
        .filter(|line| line.starts_with("hubbub_cluster_skipped_total{"))
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok());
    counts.sum()
}

/// The fields of the newest entry of a stream, by name.
async fn newest(redis: &Redis, stream: &str) -> Vec<(String, String)> {
    let newest = ["XREVRANGE", stream, "+", "-", "COUNT", "1"];
    let mut entry = redis.ask(&newest).await.list().remove(0).list();
    let fields: Vec<_> = entry
        .remove(1)
        .list()
        .into_iter()
        .map(Reply::text)
        .collect();
    let pairs = fields
        .chunks(2)
        .map(|pair| (pair[0].clone(), pair[1].clone()));
    pairs.collect()
}

/// Entries that are like a real one but for one field.
fn forged(real: &[(String, String)]) -> Vec<Vec<String>> {
    let mut forged = Vec::new();
    for field in 0..real.len() {
        for value in ["", "-1", "nonsense", "18446744073709551616", "{", "a\u{0}b"] {
            let mut fake = real.to_vec();
            value.clone_into(&mut fake[field].1);
            // What is free text may be anything.
            if !matches!(fake[field].0.as_str(), "t" | "n" | "u" | "c" | "m") {
                forged.push(fake);
            }
        }
        let mut without = real.to_vec();
        without.remove(field);
        forged.push(without);
    }
    let flat = |pairs: Vec<(String, String)>| pairs.into_iter().flat_map(<[String; 2]>::from);
    forged
        .into_iter()
        .map(|pairs| flat(pairs).collect())
        .collect()
}

#[tokio::test]
async fn foreign_and_malformed_entries_of_a_log_are_skipped_and_counted() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[]).await;
    let mut ada = Client::joined(&one, "tech", "Ada").await;
    let mut bob = Client::joined(&two, "tech", "Bob").await;
    said(&mut ada, "before").await;
    ada.events_until_message("before").await;
    bob.events_until_message("before").await;

    let real = newest(&redis, LOG).await;
    let mut entries = forged(&real);
    entries.push(vec!["hello".to_owned(), "world".to_owned()]);
    // A real one once more, and one that is big.
    entries.push(real.into_iter().flat_map(<[String; 2]>::from).collect());
    entries.push(vec!["t".to_owned(), "x".repeat(4_000_000)]);
    for entry in &entries {
        let entry: Vec<&str> = entry.iter().map(String::as_str).collect();
        redis.ask(&[&["XADD", LOG, "*"], &entry[..]].concat()).await;
    }
    said(&mut bob, "after").await;
    for client in [&mut ada, &mut bob] {
        let events = client.events_until_message("after").await;
        assert!(events.iter().all(|event| event.name != "gap"), "{events:?}");
        let ids = ids(&events);
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        let texts = events.iter().filter(|e| e.name == "receive_message");
        assert!(texts.count() <= 1, "nothing foreign is told: {events:?}");
        until_listed(client, SLACK, &["Ada", "Bob"]).await;
    }
    for node in [&one, &two] {
        assert!(skipped(node).await > 0);
    }
    // A node that starts now reads them too.
    let third = node(&redis.url(), &[]).await;
    let mut carl = Client::joined(&third, "tech", "Carl").await;
    assert!(skipped(&third).await > 0);
    said(&mut carl, "I am here").await;
    ada.events_until_message("I am here").await;
}

#[tokio::test]
async fn foreign_entries_of_the_state_are_skipped_and_counted() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let [one, two] = nodes(&redis.url(), &[]).await;
    let mut ada = Client::joined(&one, "tech", "Ada").await;
    let mut bob = Client::joined(&two, "tech", "Bob").await;
    let mut foreign = vec![
        vec!["hello".to_owned(), "world".to_owned()],
        vec!["k".to_owned(), "joined".to_owned()],
        vec!["e".to_owned(), "x".repeat(100_000)],
    ];
    foreign.extend(forged(&newest(&redis, STATE).await));
    for entry in &foreign {
        let entry: Vec<&str> = entry.iter().map(String::as_str).collect();
        redis
            .ask(&[&["XADD", STATE, "*"], &entry[..]].concat())
            .await;
    }
    let _carl = Client::joined(&one, "tech", "Carl").await;
    for client in [&mut ada, &mut bob] {
        until_listed(client, SLACK, &["Ada", "Bob", "Carl"]).await;
    }
    for node in [&one, &two] {
        assert!(skipped(node).await > 0);
    }
}

/// Somebody else's value under our key: nothing can be said there until it is gone.
#[tokio::test]
async fn a_log_that_is_no_stream_is_unavailable_and_heals_when_it_has_gone() {
    let Some(redis) = Redis::start(Keeps::Nothing).await else {
        return;
    };
    let node = node(&redis.url(), &[]).await;
    let mut ada = Client::joined(&node, "tech", "Ada").await;
    redis.ask(&["SET", LOG, "no stream"]).await;
    let message = json!({ "text": "hello" });
    let answer = ada.ask("send_message", &message).await;
    assert_refused(&answer, "unavailable");
    redis.ask(&["DEL", LOG]).await;
    until_accepted(&mut ada, HEALED + SLACK, "send_message", &message).await;
    ada.events_until_message("hello").await;
}
