//! History without an end, and what RETENTION and RETENTION_BYTES take away from it.

use hubbub_test_client::TestServer;
use serde_json::json;

use crate::kept::{End, Kept, Person, ids, texts};

/// In memory there are only a few.
const SMALL_MEMORY: [(&str, &str); 2] = [("HISTORY_MESSAGES", "10"), ("SLOW_TIMEOUT", "0")];
/// More than in memory and than on one page.
const MANY: usize = 350;

/// A room with many messages, and somebody who has received the first of them.
async fn written(server: &TestServer) -> (Person, Vec<String>) {
    let mut ada = Person::joining(server, "Ada").await;
    let mut reader = Person::joining(server, "Reader").await;
    let sent: Vec<_> = (0..MANY).map(|n| format!("number {n}")).collect();
    for text in &sent {
        let id = ada.say(text).await;
        if *text == sent[0] {
            reader.has_received(id);
        }
    }
    (reader, sent)
}

#[tokio::test]
async fn history_goes_back_to_the_first_message() {
    let kept = Kept::new();
    let server = kept.server(&SMALL_MEMORY).await;
    let (mut reader, sent) = written(&server).await;
    assert_eq!(texts(&reader.history().await), sent);
    End::Killed.of(server).await;
    let server = kept.server(&SMALL_MEMORY).await;
    let mut reader = Person::joining(&server, "Later").await;
    let history = reader.history().await;
    assert_eq!(texts(&history), sent);
    // And forward, from anywhere.
    let after = json!({ "after": ids(&history)[4], "limit": 3 });
    let page = reader.client.ask("get_history", &after).await;
    assert_eq!(texts(page["messages"].as_array().unwrap()), sent[5..8]);
    assert_eq!(page["more"], true);
}

#[tokio::test]
async fn a_client_resumes_from_any_distance() {
    let kept = Kept::new();
    let server = kept.server(&SMALL_MEMORY).await;
    let (reader, sent) = written(&server).await;
    let (mut reader, joined) = reader.back_on(&server).await;
    assert_eq!(joined["recovered"], true, "{joined}");
    assert_eq!(texts(&reader.next(MANY - 1).await), sent[1..]);
}

#[tokio::test]
async fn a_client_that_resumes_over_a_restart_receives_what_memory_never_had() {
    let kept = Kept::new();
    let server = kept.server(&SMALL_MEMORY).await;
    let (reader, sent) = written(&server).await;
    End::Killed.of(server).await;
    let server = kept.server(&SMALL_MEMORY).await;
    let (mut reader, joined) = reader.back_on(&server).await;
    assert_eq!(joined["recovered"], true, "{joined}");
    assert_eq!(texts(&reader.next(MANY - 1).await), sent[1..]);
}

/// Waits until a client that has received the first message cannot resume any more.
async fn until_discarded(server: &TestServer, mut reader: Person) -> Person {
    loop {
        let (back, joined) = reader.back_on(server).await;
        if joined["recovered"] == false {
            return back;
        }
        reader = back;
    }
}

#[tokio::test]
async fn so_many_bytes_are_kept_and_what_is_gone_is_a_gap() {
    let kept = Kept::new();
    let server = kept.server(&SMALL_MEMORY).await;
    let (reader, sent) = written(&server).await;
    let position = reader.position.clone();
    End::Orderly.of(server).await;
    let limits = [SMALL_MEMORY[0], SMALL_MEMORY[1], ("RETENTION_BYTES", "500")];
    let server = kept.server(&limits).await;
    let mut reader = until_discarded(&server, reader).await;
    let gap = reader.client.wait_for("gap").await;
    assert_eq!(
        gap["from"].as_u64().unwrap(),
        position["id"].as_u64().unwrap() + 1
    );
    // Each text has 8 to 10 bytes; the last step may still be under way.
    let mut history = reader.history().await;
    while history.len() > 60 {
        history = reader.history().await;
    }
    assert!(history.len() >= 48, "{} are left", history.len());
    assert_eq!(texts(&history), sent[MANY - history.len()..]);
    // What is left can be resumed from.
    reader.has_received(ids(&history)[0]);
    let (mut reader, joined) = reader.back_on(&server).await;
    assert_eq!(joined["recovered"], true, "{joined}");
    assert_eq!(
        texts(&reader.next(history.len() - 1).await),
        texts(&history[1..])
    );
}

#[tokio::test]
async fn what_is_too_old_is_gone_also_from_memory_and_ids_go_on() {
    let kept = Kept::new();
    let server = kept.server(&[]).await;
    let mut ada = Person::joining(&server, "Ada").await;
    let last = ada.say("old").await;
    End::Orderly.of(server).await;
    let server = kept.server(&[("RETENTION", "1ms")]).await;
    let (mut ada, _) = ada.back_on(&server).await;
    while !ada.history().await.is_empty() {}
    assert!(ada.say("new").await > last);
}
