//! `hubbub ctl`: what people in charge do to rooms and users, and what it says if that cannot be done.

use hubbub_test_client::chat::with_token;
use hubbub_test_client::{Client, TestServer, Transport};
use serde_json::{Value, json};

use super::proxies::{Fault, Proxy};
use super::{ADMIN, HUBBUB, done, fails, run, url};

async fn user(server: &TestServer, room: &str, name: &str) -> (Client, String) {
    let mut client = with_token(server, Transport::WebSocket, &Value::Null).await;
    let session = client.greeted().await;
    client.join(room, name).await;
    (client, session["user_id"].as_str().unwrap().to_owned())
}

/// The objects of `--json`, one a line.
async fn objects(server: &TestServer, arguments: &[&str]) -> Vec<Value> {
    let text = done(server, &[arguments, &["--json"]].concat()).await;
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn rooms_users_and_messages_are_listed_for_people_and_for_programs() {
    let server = HUBBUB.start_with(&[ADMIN, ("MESSAGE_RATE", "0")]).await;
    let (mut ada, id) = user(&server, "tech", "Ada").await;
    let table = done(&server, &["ctl", "rooms"]).await;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 6, "{table}");
    assert!(lines[0].starts_with("ROOM     MEMBERS  LAST-ID"), "{table}");
    assert!(lines[2].starts_with("tech     1        1"), "{table}");
    let rooms = objects(&server, &["ctl", "rooms"]).await;
    assert_eq!(
        (&rooms[1]["name"], &rooms[1]["members"]),
        (&json!("tech"), &json!(1))
    );
    let users = objects(&server, &["ctl", "users", "tech"]).await;
    assert_eq!(users, [json!({ "user_id": id, "username": "Ada" })]);

    // More than one page, and what would steer a terminal or look like a line of its own.
    for n in 0..230 {
        ada.say(&n.to_string());
    }
    ada.events_until_message("229").await;
    ada.events_until_echo("two\nlines\u{202e}").await;
    let last = objects(&server, &["ctl", "messages", "tech", "--limit", "225"]).await;
    assert_eq!(last.len(), 225);
    assert_eq!(
        (&last[0]["text"], &last[223]["text"]),
        (&json!("6"), &json!("229"))
    );
    let text = done(&server, &["ctl", "messages", "tech", "--limit", "1"]).await;
    assert!(text.ends_with("Ada   two lines\u{fffd}\n"), "{text:?}");
    let before = last[0]["id"].to_string();
    let older = [
        "ctl", "messages", "tech", "--before", &before, "--limit", "2",
    ];
    assert_eq!(objects(&server, &older).await[1]["text"], "5");

    let said = objects(
        &server,
        &["ctl", "say", "tech", "from the shell", "--as", "CI"],
    )
    .await;
    let message = ada.next_message().await;
    assert_eq!(
        (&message["id"], &message["sender"]),
        (&said[0]["id"], &json!("CI"))
    );
    assert_eq!(message["bot"], true);
    let proxy = Proxy::start(&[server.address()], Fault::LosesFirstAnswer).await;
    let url = ("HUBBUB_URL", &*proxy.url());
    let again = HUBBUB
        .run_to_end(&[ADMIN, url], &["ctl", "say", "tech", "once"])
        .await;
    assert_eq!(again.code, Some(0), "{again:?}");
    let all = objects(&server, &["ctl", "messages", "tech"]).await;
    assert_eq!(
        all.iter()
            .filter(|message| message["text"] == "once")
            .count(),
        1
    );
    let stats = objects(&server, &["ctl", "stats"]).await;
    assert_eq!(stats[0]["members"], 1);
    let whoami = done(&server, &["ctl", "whoami"]).await;
    assert!(
        whoami.contains("role     admin") && whoami.contains("127.0.0.1"),
        "{whoami}"
    );
}

#[tokio::test]
async fn what_is_done_to_rooms_and_users_holds_and_is_in_the_audit_log() {
    let server = HUBBUB.start_with(&[ADMIN]).await;
    let (mut ada, ada_id) = user(&server, "tech", "Ada").await;
    let (mut bob, bob_id) = user(&server, "tech", "Bob").await;
    bob.events_until_echo("first").await;
    let second = bob.events_until_echo("second").await;
    let id = second.last().unwrap()["id"].to_string();
    for (arguments, sentence) in [
        (
            &["slow", "tech", "30s"][..],
            "in tech each user may write every 30 s",
        ),
        (&["slow", "tech", "0"], "tech has no slow mode"),
        (&["lock", "tech"], "tech is locked"),
        (&["lock", "tech", "--off"], "tech is open"),
        (&["topic", "tech", "Rust"], "tech has its topic"),
        (&["pin", "tech", &id], "is pinned in tech"),
        (&["delete", "tech", &id], "is deleted"),
        (
            &["mute", "Ada", "--for", "10m", "--reason", "noise"],
            "is muted for 10m",
        ),
        (&["unmute", "Ada"], "may write again"),
        (&["clear", "tech", "Bob"], "are deleted"),
    ] {
        let text = done(&server, &[&["ctl"], arguments].concat()).await;
        assert!(text.contains(sentence), "{arguments:?}: {text}");
    }
    let room = &objects(&server, &["ctl", "rooms"]).await[1];
    assert_eq!(
        (&room["topic"], &room["locked"]),
        (&json!("Rust"), &json!(false))
    );
    let left = objects(&server, &["ctl", "messages", "tech"]).await;
    assert!(
        left.iter().all(|message| message["deleted"] == true),
        "{left:?}"
    );

    done(&server, &["ctl", "kick", "tech", &ada_id]).await;
    assert_eq!(ada.wait_for_kind("removed").await["user_id"], ada_id);
    done(
        &server,
        &["ctl", "ban", "Bob", "--for", "7d", "--reason", "spam"],
    )
    .await;
    bob.wait_for("error").await;
    let bans = done(&server, &["ctl", "bans"]).await;
    assert!(bans.contains(&bob_id) && bans.contains("spam"), "{bans}");
    // By the name in the list of bans, because he is in no room.
    done(&server, &["ctl", "unban", "Bob"]).await;
    assert_eq!(objects(&server, &["ctl", "bans"]).await, [] as [Value; 0]);

    let audit = objects(&server, &["ctl", "audit", "--limit", "3"]).await;
    let actions: Vec<_> = audit.iter().map(|line| line["action"].clone()).collect();
    assert_eq!(actions, ["unban", "ban", "kick"]);
    let table = done(&server, &["ctl", "audit"]).await;
    assert_eq!(table.lines().count(), 14, "{table}");
}

#[tokio::test]
async fn a_name_must_be_that_of_one_user() {
    let server = HUBBUB.start_with(&[ADMIN]).await;
    let (_first, first) = user(&server, "tech", "Ada").await;
    let (_second, second) = user(&server, "tech", "Ada").await;
    let (_other, _) = user(&server, "music", "Ada").await;
    fails(
        &server,
        &["ctl", "kick", "tech", "Ada"],
        1,
        &[&first, &second, "id:"],
    )
    .await;
    fails(
        &server,
        &["ctl", "ban", "Ada", "--room", "sports"],
        1,
        &["room sports", "ctl users"],
    )
    .await;
    done(&server, &["ctl", "ban", "Ada", "--room", "music"]).await;
    done(&server, &["ctl", "kick", "tech", &format!("id:{first}")]).await;
    done(&server, &["ctl", "kick", "tech", "Ada"]).await;
    // The ban has taken the third one's membership.
    fails(
        &server,
        &["ctl", "mute", "Ada"],
        1,
        &["no user of any room"],
    )
    .await;
}

#[tokio::test]
async fn what_does_not_work_is_one_line_with_its_remedy() {
    let server = HUBBUB.start_with(&[ADMIN]).await;
    fails(&server, &["ctl", "users", "none"], 1, &["unknown_room"]).await;
    fails(
        &server,
        &["ctl", "kick", "tech", "id:none"],
        1,
        &["not_found"],
    )
    .await;
    fails(&server, &["ctl", "slow", "tech", "99999"], 1, &["21600"]).await;
    for wrong in [
        &["ctl"][..],
        &["ctl", "sing"],
        &["ctl", "users", "NO"],
        &["ctl", "mute", "Ada", "--for", "soon"],
        &["ctl", "rooms", "--url", "ftp://host"],
        &["ctl", "rooms", "--url", "http://host/?a=b"],
        &["ctl", "rooms", "--token-file", "/no/such/file"],
    ] {
        let refused = run(&server, wrong).await;
        assert_eq!(refused.code, Some(64), "{wrong:?}: {refused:?}");
    }
    let url = url(&server);
    let rooms = ["ctl", "rooms"];
    let short = ("HUBBUB_TOKEN", "wrong");
    for (settings, code, words) in [
        (&[("HUBBUB_URL", &*url)][..], 64, "HUBBUB_TOKEN"),
        (
            &[ADMIN, short, ("HUBBUB_URL", &url)],
            1,
            "is it this server's token",
        ),
        (
            &[ADMIN, ("HUBBUB_URL", "http://127.0.0.1:1")],
            69,
            "nothing listens there",
        ),
        (
            &[ADMIN, ("HUBBUB_URL", "http://no.such.name.invalid")],
            69,
            "name is unknown",
        ),
        (
            &[ADMIN, ("HUBBUB_URL", &format!("{url}/below"))],
            69,
            "as hubbub does not",
        ),
        (
            &[ADMIN, ("HUBBUB_URL", &url.replace("http:", "https:"))],
            69,
            "http://",
        ),
    ] {
        let refused = HUBBUB.run_to_end(settings, &rooms).await;
        assert_eq!(refused.code, Some(code), "{settings:?}: {refused:?}");
        assert!(refused.stderr.contains(words), "{settings:?}: {refused:?}");
        assert_eq!(refused.stderr.lines().count(), 1, "{refused:?}");
        assert!(!refused.stderr.contains(ADMIN.1), "{refused:?}");
    }
    // Settings of a server do not disturb its client.
    let port = server.address().port().to_string();
    let others = [
        ADMIN,
        ("PORT", &*port),
        ("ROOMS", ""),
        ("REDIS_URL", "redis://nowhere"),
    ];
    let found = HUBBUB.run_to_end(&others, &rooms).await;
    assert_eq!(found.code, Some(0), "{found:?}");
}
