//! A machine that is suspended: afterwards its wall clock has jumped, and its monotonic clock has not.
//! A process alone can be stopped, too; then both go on without it.

use std::time::Duration;

use futures_util::future::join_all;
use hubbub_test_client::fake_clock::is_of_now;
use hubbub_test_client::shape::assert_accepted;
use hubbub_test_client::stepwise;
use hubbub_test_client::{Client, EVENT_TIMEOUT, FakeClock, TestServer, Transport, chat};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::HUBBUB;

const HOURS: i64 = 8 * 3600;
const JUMPS: [i64; 2] = [HOURS, -HOURS];

async fn server(clock: &FakeClock, settings: &[(&str, &str)]) -> TestServer {
    let of_clock = clock.settings();
    let of_clock = of_clock.iter().map(|(name, value)| (*name, value.as_str()));
    // They talk until the clock is believed, which takes more than a new user's burst.
    let own = [("NEWCOMER_RATE", "0")];
    let settings = settings.iter().copied();
    let settings: Vec<_> = of_clock.chain(own).chain(settings).collect();
    HUBBUB.start_with(&settings).await
}

/// Does the same after a jump ahead and after one back, side by side.
async fn after_jumps<F: Future<Output = ()>>(check: impl Fn(FakeClock, i64) -> F) {
    let clocks = JUMPS.map(|jump| FakeClock::off_by(0).map(|clock| (clock, jump)));
    join_all(clocks.into_iter().flatten().map(|(c, jump)| check(c, jump))).await;
}

async fn say(client: &mut Client, text: &str) -> Value {
    client.ask("send_message", &json!({ "text": text })).await
}

/// Talks until the service shows the time after the jump.
async fn until_believed(client: &mut Client) {
    let believed = async {
        loop {
            let answer = say(client, "what time is it?").await;
            assert_accepted(&answer);
            if !is_of_now(answer["timestamp"].as_str().unwrap()) {
                return;
            }
            sleep(Duration::from_millis(200)).await;
        }
    };
    timeout(2 * EVENT_TIMEOUT, believed)
        .await
        .expect("the jump is believed");
}

#[tokio::test]
async fn a_jump_of_the_clock_disconnects_no_client_and_no_token_is_lost() {
    after_jumps(|clock, jump| async move {
        let settings = [
            ("PING_INTERVAL", "1s"),
            ("PING_TIMEOUT", "10s"),
            ("MESSAGE_RATE", "0"),
        ];
        let server = server(&clock, &settings).await;
        let mut ada = Client::joined(&server, "tech", "Ada").await;
        let mut bob = Client::connect(&server, Transport::Polling).await;
        bob.join("tech", "Bob").await;
        let (away, token) = chat::resumable(&server, Transport::WebSocket, "Cleo").await;
        drop(away);
        clock.set(jump);
        check_token(&server, &token).await;
        for _ in 0..4 {
            ada.ping().await;
            bob.ping().await;
        }
        assert_accepted(&say(&mut bob, "still here").await);
        // A room's timestamps never go back, so a jump back shows in a room that is new.
        let mut fresh = Client::joined(&server, "music", "Eve").await;
        until_believed(&mut fresh).await;
        check_token(&server, &token).await;
        for _ in 0..2 {
            ada.ping().await;
            bob.ping().await;
        }
        for client in [&mut ada, &mut bob] {
            assert_accepted(&say(client, "still here").await);
        }
        let log = server.log();
        assert!(!log.contains("rejected"), "{log}");
    })
    .await;
}

/// A new connection with the token is the same user.
async fn check_token(server: &TestServer, token: &Value) {
    let user_id = token.as_str().unwrap().split('.').nth(1).unwrap();
    let mut again = chat::with_token(server, Transport::WebSocket, token).await;
    let session = again.greeted().await;
    assert_eq!(session["user_id"], user_id, "{session:?}");
    assert!(session.payload["code"].is_null(), "{session:?}");
}

#[tokio::test]
async fn a_jump_of_the_clock_ends_no_held_membership_early() {
    after_jumps(|clock, jump| async move {
        let server = server(&clock, &[("RESUME_GRACE", "10m")]).await;
        let mut ada = Client::joined(&server, "tech", "Ada").await;
        let (bob, token) = chat::resumable(&server, Transport::WebSocket, "Bob").await;
        drop(bob);
        clock.set(jump);
        until_believed(&mut Client::joined(&server, "music", "Eve").await).await;
        let mut bob = chat::with_token(&server, Transport::WebSocket, &token).await;
        bob.greeted().await;
        chat::come_back(&mut bob, "tech", "Bob").await;
        let seen = ada.events_until_echo("fence").await;
        let left = seen.iter().any(|event| event["kind"] == "left");
        assert!(!left, "{jump}: {seen:?}");
    })
    .await;
}

#[tokio::test]
async fn a_jump_of_the_clock_makes_no_held_membership_last_for_ever() {
    after_jumps(|clock, jump| async move {
        let server = server(&clock, &[("RESUME_GRACE", "2s")]).await;
        let mut ada = Client::joined(&server, "tech", "Ada").await;
        let (bob, _) = chat::resumable(&server, Transport::WebSocket, "Bob").await;
        drop(bob);
        clock.set(jump);
        assert_eq!(ada.wait_for_kind("left").await["username"], "Bob");
    })
    .await;
}

#[tokio::test]
async fn a_jump_of_the_clock_changes_no_rate() {
    after_jumps(|clock, jump| async move {
        let rates = [("MESSAGE_RATE", "1"), ("MESSAGE_BURST", "40")];
        let server = server(&clock, &rates).await;
        let mut ada = Client::joined(&server, "tech", "Ada").await;
        let since = Instant::now();
        let mut accepted = 0;
        for n in 0..100 {
            if n == 50 {
                clock.set(jump);
            }
            accepted += u64::from(say(&mut ada, "fast").await["ok"] == true);
        }
        let most = 40 + since.elapsed().as_secs() + 1;
        assert!((40..=most).contains(&accepted), "{jump}: {accepted}");
        // And none is refused for ever.
        let again = async {
            while say(&mut ada, "slow").await["ok"] != true {
                sleep(Duration::from_millis(200)).await;
            }
        };
        timeout(EVENT_TIMEOUT, again).await.expect("it is refilled");
    })
    .await;
}

/// The time to answer a ping is longer than a busy machine takes, and shorter than [`STOPPED`].
const HEARTBEAT: [(&str, &str); 2] = [("PING_INTERVAL", "4s"), ("PING_TIMEOUT", "4s")];
const STOPPED: Duration = Duration::from_secs(6);

/// Stops the process for longer than it waits for the answer to a ping.
async fn stop_for_a_while(server: &TestServer) {
    server.signal("STOP").await;
    sleep(STOPPED).await;
    server.signal("CONT").await;
}

#[tokio::test]
async fn clients_stay_connected_to_a_process_that_was_stopped() {
    let server = HUBBUB.start_with(&HEARTBEAT).await;
    let mut clients = Vec::new();
    for transport in Transport::ALL {
        let mut client = Client::connect(&server, transport).await;
        client.join("tech", "Ada").await;
        clients.push(client);
    }
    for client in &mut clients {
        client.ping().await;
        // A fence behind the answer to that ping.
        assert_accepted(&say(client, "before").await);
    }
    stop_for_a_while(&server).await;
    join_all(clients.iter_mut().map(|client| async {
        for _ in 0..3 {
            client.ping().await;
        }
        assert_accepted(&say(client, "after").await);
    }))
    .await;
    assert!(!server.log().contains("rejected"), "{}", server.log());
}

/// The library's timer fires before the answer is read, so it closes the connection. What the user had
/// remains.
#[tokio::test]
async fn a_client_whose_answer_was_on_its_way_to_a_stopped_process_misses_nothing() {
    let settings = [HEARTBEAT[0], HEARTBEAT[1], ("RESUME_GRACE", "10m")];
    let server = HUBBUB.start_with(&settings).await;
    let (mut socket, _) = stepwise::websocket(&server).await;
    stepwise::text_for(&mut socket, "2").await;
    stepwise::send(&mut socket, "3").await;
    stepwise::send(&mut socket, r#"40{"token":null}"#).await;
    let session = stepwise::text_for(&mut socket, r#"42["session""#).await;
    let session: Value = serde_json::from_str(&session[2..]).unwrap();
    let token = &session[1]["token"];
    let join = r#"420["join_room",{"room_name":"tech","username":"Bob"}]"#;
    stepwise::send(&mut socket, join).await;
    let joined = stepwise::text_for(&mut socket, "430").await;
    let joined: Value = serde_json::from_str(&joined[3..]).unwrap();
    stepwise::text_for(&mut socket, "2").await;
    server.signal("STOP").await;
    stepwise::send(&mut socket, "3").await;
    sleep(STOPPED).await;
    server.signal("CONT").await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    assert_accepted(&say(&mut ada, "meanwhile").await);
    let mut bob = chat::with_token(&server, Transport::WebSocket, token).await;
    bob.greeted().await;
    let after = json!({ "epoch": joined[0]["epoch"], "id": joined[0]["last_id"] });
    let join = json!({ "room_name": "tech", "username": "Bob", "after": after });
    let back = bob.ask("join_room", &join).await;
    assert_eq!(back["recovered"], true, "{back}");
    assert_eq!(bob.next_message().await["text"], "meanwhile");
    let seen = ada.events_until_echo("fence").await;
    assert!(seen.iter().all(|event| event["kind"] != "left"), "{seen:?}");
}
