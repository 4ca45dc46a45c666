//! `hubbub backup`, `export`, `import`, `erase` and `check`, while a server runs and without one.

use std::fs;
use std::path::Path;

use hubbub_test_client::Transport;
use hubbub_test_client::chat::with_token;
use hubbub_test_client::faulty_disk::database_in;
use serde_json::{Value, json};

use crate::HUBBUB;
use crate::kept::{End, Kept, Person, ids, texts};

/// Runs a tool that must succeed, and returns what it printed.
async fn run(kept: &Kept, arguments: &[&str]) -> String {
    let finished = HUBBUB
        .run_to_end(&[("DATA_DIR", kept.path())], arguments)
        .await;
    assert_eq!(finished.code, Some(0), "{arguments:?}: {}", finished.stderr);
    finished.stdout
}

/// Runs a tool that must fail, and returns what it said.
async fn fails(kept: &Kept, arguments: &[&str]) -> String {
    let finished = HUBBUB
        .run_to_end(&[("DATA_DIR", kept.path())], arguments)
        .await;
    assert_eq!(finished.code, Some(1), "{arguments:?}: {}", finished.stderr);
    finished.stderr
}

fn lines(export: &str) -> Vec<Value> {
    export
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn in_folder(kept: &Kept, name: &str) -> String {
    format!("{}/{name}", kept.path())
}

const ADMIN_TOKEN: &str = "an admin's token of this test, long enough";

#[tokio::test]
async fn a_backup_of_a_running_server_is_whole_and_starts_a_new_epoch() {
    let kept = Kept::new();
    let server = kept.server(&[]).await;
    let mut ada = Person::joining(&server, "Ada").await;
    for n in 0..50 {
        ada.say(&n.to_string()).await;
    }
    let copy = Kept::new();
    let file = in_folder(&copy, "hubbub.db");
    run(&kept, &["backup", &file]).await;
    ada.say("after the backup").await;
    assert!(
        fails(&kept, &["backup", &file])
            .await
            .contains("exists already")
    );
    let restored = copy.server(&[]).await;
    let (mut ada, joined) = ada.back_on(&restored).await;
    // The signing key is in the copy, so she is who she was.
    assert_eq!(joined["recovered"], false, "{joined}");
    assert_eq!(ada.history().await.len(), 50);
    assert_eq!(ada.client.wait_for("gap").await["from"], 1);
}

#[tokio::test]
async fn a_backup_that_cannot_be_written_leaves_nothing_behind() {
    let kept = Kept::new();
    let server = kept.server(&[]).await;
    let target = in_folder(&kept, "no/such/folder/copy.db");
    assert!(
        fails(&kept, &["backup", &target])
            .await
            .contains("no/such/folder")
    );
    let names: Vec<_> = fs::read_dir(kept.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        names
            .iter()
            .all(|name| !name.to_string_lossy().contains("partial")),
        "{names:?}"
    );
    drop(server);
}

#[tokio::test]
async fn what_is_exported_is_imported_as_it_was_and_only_once() {
    let kept = Kept::new();
    let server = kept.server(&[]).await;
    let mut ada = Person::joining(&server, "Ada").await;
    for n in 0..900 {
        ada.client
            .emit("send_message", &json!({ "text": format!("number {n}") }));
    }
    ada.send(&json!({ "text": "with a key", "client_id": "k1" }))
        .await;
    let exported = run(&kept, &["export", "--room", "tech"]).await;
    let messages = lines(&exported);
    assert_eq!(messages.len(), 901);
    assert_eq!(messages[900]["client_id"], "k1");
    let history = ada.history().await;
    assert_eq!(texts(&messages), texts(&history));
    assert_eq!(ids(&messages), ids(&history));
    assert_eq!(messages[7], history[7]);
    // Into an empty folder, twice.
    let other = Kept::new();
    let file = in_folder(&kept, "export.jsonl");
    fs::write(&file, &exported).unwrap();
    for _ in 0..2 {
        run(&other, &["import", &file]).await;
    }
    assert_eq!(run(&other, &["export", "--room", "tech"]).await, exported);
    let elsewhere = other.server(&[]).await;
    let mut reader = Person::joining(&elsewhere, "Reader").await;
    assert_eq!(reader.history().await, history);
    assert!(reader.say("new").await > ids(&history)[900]);
    let found = reader
        .client
        .ask("search", &json!({ "text": "number 779", "limit": 1 }))
        .await;
    assert_eq!(found["messages"][0]["text"], "number 779", "{found}");
}

#[tokio::test]
async fn a_running_server_delivers_what_is_imported() {
    let kept = Kept::new();
    let server = kept.server(&[]).await;
    let mut ada = Person::joining(&server, "Ada").await;
    let last = ada.say("before").await;
    assert_eq!(texts(&ada.next(1).await), ["before"]);
    let file = in_folder(&kept, "lines");
    let line = json!({
        "room": "tech", "sender": "Old friend", "text": "from elsewhere",
        "timestamp": "2020-02-02T20:20:20.020Z",
    });
    fs::write(&file, format!("{line}\n\n")).unwrap();
    for _ in 0..2 {
        run(&kept, &["import", &file]).await;
    }
    let imported = ada.next(1).await;
    assert_eq!(texts(&imported), ["from elsewhere"]);
    assert_eq!(imported[0]["sender"], "Old friend");
    assert_eq!(imported[0]["timestamp"], "2020-02-02T20:20:20.020Z");
    assert!(ids(&imported)[0] > last);
    // Ids go on behind it, and it is there once.
    assert!(ada.say("after").await > ids(&imported)[0]);
    assert_eq!(
        texts(&ada.history().await),
        ["before", "from elsewhere", "after"]
    );
}

#[tokio::test]
async fn a_line_that_cannot_be_imported_is_named_and_those_before_it_are_there() {
    let kept = Kept::new();
    let good = json!({ "room": "tech", "sender": "Ada", "text": "good", "timestamp": "2026-01-16T09:30:00Z", "id": 5 });
    let mut other = good.clone();
    other["text"] = json!("another one");
    for (bad, why) in [
        ("{".to_owned(), "EOF"),
        (good.to_string().replace("tech", "No room"), "room"),
        (good.to_string().replace("good", ""), "empty"),
        (
            good.to_string()
                .replace("2026-01-16T09:30:00Z", "yesterday"),
            "yesterday",
        ),
        (good.to_string().replace(":5", ":0"), "id"),
        (other.to_string(), "another message 5"),
    ] {
        let file = in_folder(&kept, "lines");
        fs::write(&file, format!("{good}\n{bad}\n")).unwrap();
        let said = fails(&kept, &["import", &file]).await;
        assert!(said.contains("line 2") && said.contains(why), "{said}");
        assert_eq!(
            lines(&run(&kept, &["export", "--room", "tech"]).await).len(),
            1
        );
    }
}

/// Whether any file in the folder has these bytes.
fn is_in_a_file(kept: &Kept, text: &str) -> bool {
    let files = fs::read_dir(kept.path())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut found = false;
    for file in files.filter(|file| file.is_file()) {
        let bytes = fs::read(&file).unwrap();
        found |= bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes());
    }
    found
}

#[tokio::test]
async fn what_is_erased_is_in_no_message_no_search_and_no_file() {
    let kept = Kept::new();
    let server = kept.server(&[("ADMIN_TOKEN", ADMIN_TOKEN)]).await;
    let mut ada = Person::joining(&server, "Ada").await;
    let mut eve = Person::joining(&server, "Evelyn").await;
    ada.say("of Ada").await;
    for n in 0..700 {
        eve.client.emit(
            "send_message",
            &json!({ "text": format!("embarrassing {n}") }),
        );
    }
    eve.say("embarrassing last").await;
    ada.say("of Ada again").await;
    let user = ada.history().await[1]["user_id"]
        .as_str()
        .unwrap()
        .to_owned();
    // The audit log and the mute have her name too.
    let mut root = with_token(&server, Transport::WebSocket, &json!(ADMIN_TOKEN)).await;
    let mute = json!({ "action": "mute", "user_id": user });
    assert_eq!(root.ask("moderate", &mute).await["ok"], true);
    assert_eq!(eve.client.ask("leave_room", &json!({})).await["ok"], true);
    run(&kept, &["erase", "--user", &user]).await;
    // The server has noticed once its history has: it looks every second.
    while ada.history().await.len() > 2 {}
    assert_eq!(texts(&ada.history().await), ["of Ada", "of Ada again"]);
    let wanted = json!({ "text": "embarrassing", "limit": 10 });
    assert_eq!(
        ada.client.ask("search", &wanted).await["messages"],
        json!([])
    );
    assert!(
        fails(&kept, &["erase", "--user", &user])
            .await
            .contains(&user)
    );
    End::Orderly.of(server).await;
    for text in ["embarrassing", "Evelyn"] {
        assert!(!is_in_a_file(&kept, text), "{text} is still there");
    }
    let server = kept.server(&[]).await;
    let (mut ada, _) = ada.back_on(&server).await;
    assert_eq!(texts(&ada.history().await), ["of Ada", "of Ada again"]);
}

#[tokio::test]
async fn a_check_shows_the_rooms_and_finds_damage() {
    let kept = Kept::new();
    let server = kept.server(&[]).await;
    let mut ada = Person::joining(&server, "Ada").await;
    for n in 0..200 {
        ada.say(&format!("number {n} {}", "x".repeat(200))).await;
    }
    let shown = run(&kept, &["check"]).await;
    assert!(shown.contains("no fault found"), "{shown}");
    let row = shown.lines().find(|line| line.starts_with("tech")).unwrap();
    assert!(row.contains(" 200 "), "{row}");
    End::Orderly.of(server).await;
    let file = database_in(Path::new(kept.path()));
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xa5);
    fs::write(&file, bytes).unwrap();
    let said = fails(&kept, &["check"]).await;
    assert!(
        said.contains("damaged") && said.contains("backup"),
        "{said}"
    );
}

#[tokio::test]
async fn a_tool_without_a_folder_or_a_database_says_so() {
    let finished = HUBBUB.run_to_end(&[], &["check"]).await;
    assert_eq!(finished.code, Some(64));
    assert!(finished.stderr.contains("DATA_DIR"), "{}", finished.stderr);
    let kept = Kept::new();
    for tool in [
        &["check"][..],
        &["export", "--room", "tech"],
        &["erase", "--user", "x"],
    ] {
        let said = fails(&kept, tool).await;
        assert!(
            said.contains("hubbub.db") && said.contains(kept.path()),
            "{said}"
        );
    }
    let server = kept.server(&[]).await;
    assert!(
        fails(&kept, &["export", "--room", "nowhere"])
            .await
            .contains("nowhere")
    );
    drop(server);
}
