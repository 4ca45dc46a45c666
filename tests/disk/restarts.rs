//! A restart is a reconnect that other people do not notice: after an orderly end and after a kill.

use hubbub_test_client::Client;
use serde_json::json;

use crate::kept::{End, Kept, Person, ids, texts};

/// Long enough for a test, also on a busy machine.
const LONG_GRACE: (&str, &str) = ("RESUME_GRACE", "10m");

#[tokio::test]
async fn what_was_acknowledged_is_there_once_and_in_order_and_ids_go_on() {
    for end in End::ALL {
        let kept = Kept::new();
        let mut sent = Vec::new();
        let mut epoch = None;
        for run in 0..4 {
            let server = kept.server(&[]).await;
            let mut ada = Person::joining(&server, "Ada").await;
            let known = epoch.get_or_insert_with(|| ada.position["epoch"].clone());
            assert_eq!(*known, ada.position["epoch"], "after {end:?}");
            for n in 0..10 {
                let text = format!("{run}-{n}");
                sent.push((ada.say(&text).await, text));
            }
            end.of(server).await;
        }
        let server = kept.server(&[]).await;
        let history = Person::joining(&server, "Reader").await.history().await;
        let found: Vec<_> = ids(&history).into_iter().zip(texts(&history)).collect();
        let wanted: Vec<_> = sent.iter().map(|(id, text)| (*id, &**text)).collect();
        assert_eq!(found, wanted, "after {end:?}");
        assert!(found.is_sorted_by(|a, b| a.0 < b.0));
    }
}

#[tokio::test]
async fn who_was_away_meanwhile_recovers_everything() {
    for end in End::ALL {
        let kept = Kept::new();
        let server = kept.server(&[LONG_GRACE]).await;
        let mut eve = Person::joining(&server, "Eve").await;
        let mut ada = Person::joining(&server, "Ada").await;
        let first = ada.say("first").await;
        assert_eq!(texts(&eve.next(1).await), ["first"]);
        eve.has_received(first);
        ada.say("second").await;
        end.of(server).await;
        let server = kept.server(&[LONG_GRACE]).await;
        let (mut ada, joined) = ada.back_on(&server).await;
        assert_eq!(joined["recovered"], true, "after {end:?}: {joined}");
        ada.say("third").await;
        let (mut eve, joined) = eve.back_on(&server).await;
        assert_eq!(joined["recovered"], true, "after {end:?}: {joined}");
        assert_eq!(texts(&eve.next(2).await), ["second", "third"]);
    }
}

#[tokio::test]
async fn who_returns_in_time_was_never_away() {
    for end in End::ALL {
        let kept = Kept::new();
        let server = kept.server(&[LONG_GRACE]).await;
        let eve = Person::joining(&server, "Eve").await;
        let ada = Person::joining(&server, "Ada").await;
        end.of(server).await;
        let server = kept.server(&[LONG_GRACE]).await;
        let (mut ada, joined) = ada.back_on(&server).await;
        assert_eq!(joined["users_count"], 2, "after {end:?}");
        let (mut eve, joined) = eve.back_on(&server).await;
        assert_eq!(joined["users_count"], 2, "after {end:?}");
        // With the name of before, so there is no notice; the message is the fence behind it.
        let seen = ada.client.events_until_echo("fence").await;
        assert!(
            seen.iter().all(|event| event.name != "system_message"),
            "{seen:?}"
        );
        let users = eve.client.ask("list_users", &json!({})).await;
        let names: Vec<_> = users["users"].as_array().unwrap().iter().collect();
        assert_eq!(names.len(), 2, "{users}");
        assert_eq!(
            (&names[0]["username"], &names[1]["username"]),
            (&json!("Eve"), &json!("Ada"))
        );
    }
}

#[tokio::test]
async fn who_returns_with_another_name_is_announced_as_renamed() {
    let kept = Kept::new();
    let server = kept.server(&[LONG_GRACE]).await;
    let mut eve = Person::joining(&server, "Eve").await;
    let ada = Person::joining(&server, "Ada").await;
    End::Killed.of(server).await;
    let server = kept.server(&[LONG_GRACE]).await;
    let (mut ada, _) = ada.back_on(&server).await;
    eve.name = "Evelyn";
    let _eve = eve.back_on(&server).await;
    let notice = ada.client.wait_for_kind("renamed").await;
    assert_eq!(notice["text"], "Eve is now known as Evelyn");
}

#[tokio::test]
async fn who_returns_into_another_room_has_left_the_first() {
    let kept = Kept::new();
    let server = kept.server(&[LONG_GRACE]).await;
    let mut ada = Person::joining(&server, "Ada").await;
    let eve = Person::joining(&server, "Eve").await;
    ada.client.wait_for_kind("joined").await;
    End::Killed.of(server).await;
    let server = kept.server(&[LONG_GRACE]).await;
    let (mut ada, _) = ada.back_on(&server).await;
    let mut eve = eve.elsewhere(&server).await;
    let join = json!({ "room_name": "music", "username": "Eve" });
    assert_eq!(eve.ask("join_room", &join).await["ok"], true);
    assert_eq!(ada.client.wait_for_kind("left").await["username"], "Eve");
    let users = ada.client.ask("list_users", &json!({})).await;
    assert_eq!(users["total"], 1, "{users}");
}

#[tokio::test]
async fn who_does_not_return_has_left() {
    for end in End::ALL {
        let kept = Kept::new();
        let server = kept.server(&[LONG_GRACE]).await;
        let ada = Person::joining(&server, "Ada").await;
        let _eve = Person::joining(&server, "Eve").await;
        end.of(server).await;
        let server = kept.server(&[("RESUME_GRACE", "3s")]).await;
        let (mut ada, _) = ada.back_on(&server).await;
        assert_eq!(
            ada.client.wait_for_kind("left").await["username"],
            "Eve",
            "{end:?}"
        );
        let users = ada.client.ask("list_users", &json!({})).await;
        assert_eq!(users["total"], 1, "{users}");
        // Also for those who come later.
        End::Killed.of(server).await;
        let server = kept.server(&[LONG_GRACE]).await;
        let (_ada, joined) = ada.back_on(&server).await;
        assert_eq!(joined["users_count"], 1, "{end:?}");
    }
}

#[tokio::test]
async fn a_message_sent_again_after_the_restart_is_one_message() {
    for end in End::ALL {
        let kept = Kept::new();
        let server = kept.server(&[LONG_GRACE]).await;
        let mut ada = Person::joining(&server, "Ada").await;
        let message = json!({ "text": "once", "client_id": "k1" });
        let first = ada.send(&message).await;
        end.of(server).await;
        let server = kept.server(&[LONG_GRACE]).await;
        let (mut ada, _) = ada.back_on(&server).await;
        let again = ada.send(&message).await;
        assert_eq!(
            (&again["id"], &again["duplicate"]),
            (&first["id"], &json!(true))
        );
        assert_eq!(again["timestamp"], first["timestamp"]);
        let other = ada
            .send(&json!({ "text": "other", "client_id": "k1" }))
            .await;
        assert_eq!(other["error"]["code"], "conflict", "{other}");
        assert_eq!(texts(&ada.history().await), ["once"]);
    }
}

#[tokio::test]
async fn a_message_sent_again_after_many_others_is_one_message() {
    let small = [("HISTORY_MESSAGES", "5"), ("SLOW_TIMEOUT", "0"), LONG_GRACE];
    let kept = Kept::new();
    let server = kept.server(&small).await;
    let mut ada = Person::joining(&server, "Ada").await;
    let message = json!({ "text": "once", "client_id": "k1" });
    let first = ada.send(&message).await;
    for n in 0..20 {
        ada.say(&n.to_string()).await;
    }
    let again = ada.send(&message).await;
    assert_eq!(
        (&again["id"], &again["duplicate"]),
        (&first["id"], &json!(true))
    );
    let other = ada
        .send(&json!({ "text": "other", "client_id": "k1" }))
        .await;
    assert_eq!(other["error"]["code"], "conflict", "{other}");
    // Another user's key is another one.
    let mut eve = Person::joining(&server, "Eve").await;
    assert_eq!(eve.send(&message).await["duplicate"], json!(null));
    assert_eq!(ada.history().await.len(), 22);
}

#[tokio::test]
async fn of_two_copies_sent_at_once_one_is_a_message() {
    let kept = Kept::new();
    let server = kept.server(&[]).await;
    let mut ada = Person::joining(&server, "Ada").await;
    let message = |text: &str, ack: u64| {
        format!("42{ack}[\"send_message\",{{\"text\":\"{text}\",\"client_id\":\"k\"}}]")
    };
    let all = vec![message("a", 901), message("a", 902), message("b", 903)];
    ada.client.send_all(all);
    let first = ada.client.answer(901).await;
    let second = ada.client.answer(902).await;
    let third = ada.client.answer(903).await;
    assert_eq!(
        (&second["id"], &second["duplicate"]),
        (&first["id"], &json!(true))
    );
    assert_eq!(third["error"]["code"], "conflict", "{third}");
    assert_eq!(texts(&ada.history().await), ["a"]);
}

#[tokio::test]
async fn names_that_must_be_unique_stay_taken_until_their_users_are_gone() {
    let settings = [LONG_GRACE, ("UNIQUE_NAMES", "true")];
    let kept = Kept::new();
    let server = kept.server(&settings).await;
    let ada = Person::joining(&server, "Ada").await;
    End::Killed.of(server).await;
    let server = kept.server(&settings).await;
    let mut eve = Client::joined(&server, "music", "Eve").await;
    let join = json!({ "room_name": "tech", "username": "ADA" });
    let refused = eve.ask("join_room", &join).await;
    assert_eq!(refused["error"]["code"], "username_taken", "{refused}");
    let (mut ada, _) = ada.back_on(&server).await;
    assert_eq!(ada.client.ask("leave_room", &json!({})).await["ok"], true);
    assert_eq!(eve.ask("join_room", &join).await["ok"], true);
}

#[tokio::test]
async fn a_room_that_is_configured_again_has_its_messages_again() {
    let kept = Kept::new();
    let server = kept.server(&[]).await;
    let mut ada = Person::joining(&server, "Ada").await;
    let id = ada.say("here").await;
    End::Orderly.of(server).await;
    End::Orderly
        .of(kept.server(&[("ROOMS", "general,music")]).await)
        .await;
    let server = kept.server(&[("ROOMS", "music,tech")]).await;
    let history = Person::joining(&server, "Reader").await.history().await;
    assert_eq!((texts(&history), ids(&history)), (vec!["here"], vec![id]));
}
