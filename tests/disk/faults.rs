//! Disks that are full, slow or broken while the service runs.

use hubbub_test_client::{Client, DiskFault, FaultyDisk, Metrics, TestServer, Transport};
use serde_json::{Value, json};

use crate::HUBBUB;
use crate::kept::{End, Person, texts};

const METRICS: (&str, &str) = ("METRICS_ADDR", "127.0.0.1:0");

async fn server_on(disk: &FaultyDisk, settings: &[(&str, &str)]) -> TestServer {
    let on_disk = disk.settings();
    let mut all: Vec<_> = on_disk
        .iter()
        .map(|(name, value)| (*name, &**value))
        .collect();
    all.extend([METRICS, ("MESSAGE_RATE", "0"), ("RESUME_GRACE", "10m")]);
    all.extend(settings);
    HUBBUB.start_with(&all).await
}

fn is_unavailable(answer: &Value) -> bool {
    answer["error"]["code"] == "unavailable"
}

#[tokio::test]
async fn on_a_full_disk_messages_are_refused_rooms_stay_readable_and_all_is_well_again_with_space()
{
    for fault in [DiskFault::Full, DiskFault::ReadOnly] {
        let Some(disk) = FaultyDisk::new() else {
            return;
        };
        let server = server_on(&disk, &[("HISTORY_MESSAGES", "5"), ("SLOW_TIMEOUT", "0")]).await;
        let mut ada = Person::joining(&server, "Ada").await;
        let before: Vec<_> = (0..40).map(|n| n.to_string()).collect();
        for text in &before {
            ada.say(text).await;
        }
        disk.set(fault);
        for n in 0..5 {
            let refused = ada
                .send(&json!({ "text": "lost", "client_id": n.to_string() }))
                .await;
            assert!(is_unavailable(&refused), "{refused}");
        }
        let mut eve = Client::connect(&server, Transport::WebSocket).await;
        let join = json!({ "room_name": "tech", "username": "Eve" });
        let refused = eve.ask("join_room", &join).await;
        assert!(is_unavailable(&refused), "{refused}");
        assert_eq!(texts(&ada.history().await), before);
        disk.set(DiskFault::None);
        assert_eq!(eve.ask("join_room", &join).await["ok"], true);
        // What was refused did not happen, so its key is free.
        let sent = ada
            .send(&json!({ "text": "again", "client_id": "0" }))
            .await;
        assert_eq!(
            (&sent["ok"], &sent["duplicate"]),
            (&json!(true), &Value::Null),
            "{sent}"
        );
        End::Killed.of(server).await;
        let server = server_on(&disk, &[]).await;
        let (mut ada, joined) = ada.back_on(&server).await;
        assert_eq!(joined["recovered"], true);
        let history = ada.history().await;
        assert_eq!(texts(&history)[..40], before);
        assert_eq!(texts(&history)[40..], ["again"]);
    }
}

#[tokio::test]
async fn who_leaves_while_the_disk_is_full_has_left() {
    let Some(disk) = FaultyDisk::new() else {
        return;
    };
    let server = server_on(&disk, &[("UNIQUE_NAMES", "true")]).await;
    let mut ada = Person::joining(&server, "Ada").await;
    let mut eve = Client::joined(&server, "tech", "Eve").await;
    disk.set(DiskFault::Full);
    assert_eq!(eve.ask("leave_room", &json!({})).await["ok"], true);
    ada.client.until_counts(&[("tech", 1)]).await;
    disk.set(DiskFault::None);
    ada.say("space").await;
    let mut other = Client::joined(&server, "tech", "Eve").await;
    let users = other.ask("list_users", &json!({})).await;
    assert_eq!(users["total"], 2, "{users}");
    End::Killed.of(server).await;
    let server = server_on(&disk, &[]).await;
    let (mut ada, _) = ada.back_on(&server).await;
    let users = ada.client.ask("list_users", &json!({})).await;
    // Ada, and the second Eve, who may come back.
    assert_eq!(users["total"], 2, "{users}");
}

#[tokio::test]
async fn after_a_failed_sync_nothing_more_is_acknowledged_and_the_service_ends_with_an_error() {
    let Some(disk) = FaultyDisk::new() else {
        return;
    };
    let mut server = server_on(&disk, &[]).await;
    let mut ada = Person::joining(&server, "Ada").await;
    ada.say("kept").await;
    disk.set(DiskFault::Unsyncable);
    let refused = ada.send(&json!({ "text": "not promised" })).await;
    assert!(is_unavailable(&refused), "{refused}");
    assert_eq!(server.exit().await.code(), Some(1));
    let log = server.log();
    assert!(log.contains("hubbub.db") && log.contains("synced"), "{log}");
    disk.set(DiskFault::None);
    let server = server_on(&disk, &[]).await;
    let (mut ada, joined) = ada.back_on(&server).await;
    assert_eq!(joined["recovered"], true, "{joined}");
    assert_eq!(texts(&ada.history().await)[0], "kept");
}

/// 200 ms a sync: what waits meanwhile shares the next one, and a room where much is said does not make
/// the others wait for more than that.
#[tokio::test]
async fn on_a_slow_disk_all_that_waits_shares_one_sync() {
    const BURST: usize = 300;
    let Some(disk) = FaultyDisk::new() else {
        return;
    };
    let settings = [("MESSAGE_MAX_CHARS", "500"), ("ROOM_RATE", "0")];
    let server = server_on(&disk, &settings).await;
    let metrics = Metrics::of(&server);
    let mut ada = Person::joining(&server, "Ada").await;
    let mut bob = Client::joined(&server, "music", "Bob").await;
    disk.set_sync_ms(200);
    let commits = || async { metrics.value("hubbub_disk_commits_total").await };
    let before = commits().await;
    let packet = |n: usize| format!("42{}[\"send_message\",{{\"text\":\"{n}\"}}]", 1000 + n);
    ada.client.send_all((0..BURST).map(packet).collect());
    let in_between = bob.ask("send_message", &json!({ "text": "me too" })).await;
    assert_eq!(in_between["ok"], true, "{in_between}");
    // One that was under way, and the one that has it.
    let waited = commits().await - before;
    assert!(waited <= 3, "the other room waited for {waited} commits");
    for n in 0..BURST {
        let answer = ada.client.answer(1000 + n as u64).await;
        assert_eq!(answer["ok"], true, "{answer}");
    }
    let all = commits().await - before;
    assert!(all <= 10, "{BURST} messages took {all} commits");
    assert_eq!(ada.history().await.len(), BURST);
}

/// Each waits for its commit, and so holds what its answer needs.
#[tokio::test]
async fn on_a_slow_disk_many_who_join_at_once_with_history_all_come_in() {
    const JOINERS: usize = 60;
    let Some(disk) = FaultyDisk::new() else {
        return;
    };
    // What the largest pages need, all together, is more than this.
    let server = server_on(&disk, &[("MEMORY_BUDGET", "16777216")]).await;
    let mut ada = Person::joining(&server, "Ada").await;
    for n in 0..100 {
        ada.say(&n.to_string()).await;
    }
    disk.set_sync_ms(200);
    let mut joiners = Vec::new();
    for _ in 0..JOINERS {
        joiners.push(Client::connect(&server, Transport::WebSocket).await);
    }
    let join = r#"421["join_room",{"room_name":"tech","username":"Eve","history":100}]"#;
    for joiner in &joiners {
        joiner.send_raw(join);
    }
    for joiner in &mut joiners {
        let answer = joiner.answer(1).await;
        assert_eq!(
            answer["history"].as_array().map(Vec::len),
            Some(100),
            "{answer}"
        );
    }
}
