//! Edits and deletions in the file: what is exported and imported of them, and that nothing is left of a
//! text that was deleted or replaced.

use std::fs;

use hubbub_test_client::faulty_disk::database_in;
use hubbub_test_client::shape::assert_accepted;
use serde_json::{Value, json};

use crate::HUBBUB;
use crate::kept::{End, Kept, Person};

async fn run(kept: &Kept, arguments: &[&str]) -> Vec<Value> {
    let finished = HUBBUB
        .run_to_end(&[("DATA_DIR", kept.path())], arguments)
        .await;
    assert_eq!(finished.code, Some(0), "{arguments:?}: {}", finished.stderr);
    let lines = finished.stdout.lines();
    let parsed = lines.filter_map(|line| serde_json::from_str(line).ok());
    parsed.collect()
}

async fn change(person: &mut Person, event: &str, payload: Value) -> u64 {
    let answer = person.client.ask(event, &payload).await;
    assert_accepted(&answer);
    answer["id"].as_u64().unwrap()
}

/// The ids of three messages: one is edited twice, one is deleted, one stays.
async fn three(ada: &mut Person) -> (u64, u64, u64) {
    let sent = ["the first wording", "the deleted words", "unchanged"];
    let mut ids = Vec::new();
    for text in sent {
        ids.push(change(ada, "send_message", json!({ "text": text })).await);
    }
    for text in ["the second wording", "the newest wording"] {
        change(ada, "edit_message", json!({ "id": ids[0], "text": text })).await;
    }
    change(ada, "delete_message", json!({ "id": ids[1] })).await;
    (ids[0], ids[1], ids[2])
}

#[tokio::test]
async fn an_export_has_the_newest_state_and_with_log_the_changes() {
    let kept = Kept::new();
    let server = kept.server(&[]).await;
    let mut ada = Person::joining(&server, "Ada").await;
    let (edited, deleted, unchanged) = three(&mut ada).await;
    let messages = run(&kept, &["export", "--room", "tech"]).await;
    let texts: Vec<_> = messages.iter().map(|message| &message["text"]).collect();
    assert_eq!(texts, ["the newest wording", "unchanged"]);
    assert!(messages[0]["edited_at"].is_string(), "{messages:?}");
    let log = run(&kept, &["export", "--room", "tech", "--log"]).await;
    let shown = |line: &Value| (line["id"].clone(), line["of"].clone(), line["kind"].clone());
    let changes: Vec<_> = log[3..].iter().map(shown).collect();
    assert_eq!(log.len(), 5, "{log:?}");
    assert_eq!(
        (&log[1]["id"], &log[1]["deleted"]),
        (&json!(deleted), &json!(true))
    );
    assert_eq!(changes[0].1, edited);
    assert_eq!(log[3]["text"], "the newest wording");
    assert_eq!(
        (&changes[1].1, &changes[1].2),
        (&json!(deleted), &json!("deleted"))
    );
    // Into an empty folder, twice: the same log.
    let file = format!("{}/log.jsonl", kept.path());
    let lines: Vec<_> = log.iter().map(Value::to_string).collect();
    fs::write(&file, lines.join("\n")).unwrap();
    let other = Kept::new();
    for _ in 0..2 {
        run(&other, &["import", &file]).await;
        assert_eq!(
            run(&other, &["export", "--room", "tech", "--log"]).await,
            log
        );
    }
    let server = other.server(&[]).await;
    let mut ben = Person::joining(&server, "Ben").await;
    let history = ben.history().await;
    assert_eq!(history[0]["text"], "the newest wording");
    assert_eq!(history[1]["deleted"], true);
    assert_eq!(history[2]["id"], unchanged);
}

#[tokio::test]
async fn nothing_of_an_erased_user_is_left_and_no_text_that_was_deleted_or_replaced() {
    let kept = Kept::new();
    let server = kept.server(&[]).await;
    let mut ada = Person::joining(&server, "Ada").await;
    three(&mut ada).await;
    let user_id = ada.history().await[0]["user_id"]
        .as_str()
        .unwrap()
        .to_owned();
    End::Orderly.of(server).await;
    let file = fs::read(database_in(kept.path().as_ref())).unwrap();
    let has =
        |file: &[u8], text: &str| file.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(has(&file, "the newest wording") && has(&file, "unchanged"));
    for text in [
        "the first wording",
        "the second wording",
        "the deleted words",
    ] {
        assert!(!has(&file, text), "{text}");
    }
    run(&kept, &["erase", "--user", &user_id]).await;
    assert!(
        run(&kept, &["export", "--room", "tech", "--log"])
            .await
            .is_empty()
    );
    let file = fs::read(database_in(kept.path().as_ref())).unwrap();
    assert!(!has(&file, &user_id) && !has(&file, "the newest wording"));
}

#[tokio::test]
async fn retention_takes_changes_with_their_messages() {
    let kept = Kept::new();
    let server = kept.server(&[]).await;
    let mut ada = Person::joining(&server, "Ada").await;
    three(&mut ada).await;
    End::Orderly.of(server).await;
    let server = kept.server(&[("RETENTION_BYTES", "1")]).await;
    let mut ben = Person::joining(&server, "Ben").await;
    change(
        &mut ben,
        "send_message",
        json!({ "text": "a message that is younger" }),
    )
    .await;
    End::Orderly.of(server).await;
    let log = run(&kept, &["export", "--room", "tech", "--log"]).await;
    assert!(log.iter().all(|line| line["of"].is_null()), "{log:?}");
}

#[tokio::test]
async fn reactions_are_exported_imported_erased_and_kept_over_a_restart() {
    let kept = Kept::new();
    let server = kept
        .server(&[("HISTORY_MESSAGES", "1"), ("SLOW_TIMEOUT", "0")])
        .await;
    let mut ada = Person::joining(&server, "Ada").await;
    let mut ben = Person::joining(&server, "Ben").await;
    let (_, _, id) = three(&mut ada).await;
    let reply = json!({ "text": "a reply", "reply_to": id });
    change(&mut ada, "send_message", reply).await;
    // The message is not in memory any more.
    change(&mut ada, "send_message", json!({ "text": "the newest" })).await;
    for person in [&mut ada, &mut ben] {
        for emoji in ["👍", "🎉"] {
            let payload = json!({ "id": id, "emoji": emoji, "on": true });
            change(person, "react", payload).await;
        }
    }
    change(
        &mut ben,
        "react",
        json!({ "id": id, "emoji": "🎉", "on": false }),
    )
    .await;
    let shown = |message: &Value| {
        let reactions = message["reactions"].as_array().unwrap().iter();
        let counts = reactions.map(|r| (r["emoji"].clone(), r["count"].clone()));
        counts.collect::<Vec<_>>()
    };
    let expected = vec![(json!("🎉"), json!(1)), (json!("👍"), json!(2))];
    let history = ben.history().await;
    assert_eq!(shown(&history[2]), expected);
    assert_eq!(history[2]["reactions"][0]["mine"], false);
    assert_eq!(history[3]["reply_to"], id);
    let ben_id = ben.client.ask("list_users", &json!({})).await["users"][1]["user_id"].clone();
    let log = run(&kept, &["export", "--room", "tech", "--log"]).await;
    assert_eq!(shown(&log[2]), expected);
    assert_eq!(log[2]["reactions"][1]["users"].as_array().unwrap().len(), 2);
    let changes = log.iter().filter(|line| line["emoji"].is_string());
    let counts: Vec<_> = changes.map(|line| line["count"].clone()).collect();
    assert_eq!(counts, [2, 1], "the newest of each emoji: {log:?}");
    End::Orderly.of(server).await;

    let file = format!("{}/log.jsonl", kept.path());
    let lines: Vec<_> = log.iter().map(Value::to_string).collect();
    fs::write(&file, lines.join("\n")).unwrap();
    let other = Kept::new();
    for _ in 0..2 {
        run(&other, &["import", &file]).await;
        assert_eq!(
            run(&other, &["export", "--room", "tech", "--log"]).await,
            log
        );
    }
    for kept in [kept, other] {
        let server = kept.server(&[]).await;
        let mut carl = Person::joining(&server, "Carl").await;
        assert_eq!(shown(&carl.history().await[2]), expected);
        // With a server, which notices it, and goes on from there.
        run(&kept, &["erase", "--user", ben_id.as_str().unwrap()]).await;
        let payload = json!({ "id": id, "emoji": "👍", "on": true });
        change(&mut carl, "react", payload).await;
        let reactions = vec![(json!("🎉"), json!(1)), (json!("👍"), json!(2))];
        assert_eq!(shown(&carl.history().await[2]), reactions);
        End::Orderly.of(server).await;
        let log = run(&kept, &["export", "--room", "tech", "--log"]).await;
        let log = format!("{log:?}");
        assert!(!log.contains(ben_id.as_str().unwrap()), "{log}");
    }
}
