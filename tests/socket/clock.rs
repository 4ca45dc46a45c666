//! A clock that is set while the server runs: timestamps never go back, are right again soon after
//! the clock is, and no clock ends the process.

use std::time::Duration;

use futures_util::future::join_all;
use hubbub_test_client::fake_clock::is_of_now;
use hubbub_test_client::http::get;
use hubbub_test_client::shape::assert_accepted;
use hubbub_test_client::{Client, FakeClock, Metrics, TestServer};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::HUBBUB;

const DAY: i64 = 24 * 3600;
/// Years 10000 and before 1970, however long this test lives.
const YEARS_8000: i64 = 8000 * 366 * DAY;
const YEARS_100: i64 = 100 * 366 * DAY;
/// How long timestamps may be wrong after the clock is right.
const SOON: Duration = Duration::from_secs(5);

async fn server(clock: &FakeClock) -> TestServer {
    let mut settings: Vec<(&str, String)> = clock.settings();
    settings.push(("METRICS_ADDR", "127.0.0.1:0".to_owned()));
    // They talk for longer than a new user's burst.
    settings.push(("NEWCOMER_RATE", "0".to_owned()));
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    HUBBUB.start_with(&settings).await
}

/// A clock of the server's that is off by so many seconds, if timestamps follow that clock.
fn clock_off_by(seconds: i64) -> Option<FakeClock> {
    let has_clock = HUBBUB.store().has_the_servers_clock();
    has_clock.then(|| FakeClock::off_by(seconds)).flatten()
}

/// Says something, and returns its timestamp.
async fn said_at(client: &mut Client) -> String {
    let answer = client
        .ask("send_message", &json!({ "text": "what time is it?" }))
        .await;
    assert_accepted(&answer);
    answer["timestamp"].as_str().unwrap().to_owned()
}

/// Says something every quarter of a second. Returns all timestamps, in order.
async fn talk(client: &mut Client, time: Duration) -> Vec<String> {
    let end = Instant::now() + time;
    let mut told = Vec::new();
    while Instant::now() < end {
        told.push(said_at(client).await);
        sleep(Duration::from_millis(250)).await;
    }
    told
}

/// Sends a message every quarter of a second, until the timestamp of one is wanted. Returns all
/// timestamps, in order.
async fn talk_until(
    client: &mut Client,
    deadline: Duration,
    is_wanted: impl Fn(&str) -> bool,
) -> Vec<String> {
    let since = Instant::now();
    let mut timestamps = vec![said_at(client).await];
    while !is_wanted(&timestamps[timestamps.len() - 1]) {
        assert!(since.elapsed() < deadline, "{timestamps:?}");
        sleep(Duration::from_millis(250)).await;
        timestamps.push(said_at(client).await);
    }
    timestamps
}

/// The servers run side by side, because each of them is waited for.
#[tokio::test]
async fn a_clock_that_is_wrong_for_a_moment_is_never_shown() {
    let leaps: [&[i64]; 4] = [&[DAY, -DAY], &[3600, -YEARS_100], &[YEARS_8000], &[5 * DAY]];
    join_all(leaps.map(check_never_shown)).await;
}

async fn check_never_shown(leaps: &[i64]) {
    let Some(clock) = clock_off_by(0) else {
        return;
    };
    let server = server(&clock).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let mut told = talk(&mut ada, Duration::from_secs(1)).await;
    for &off in leaps {
        clock.set(off);
        let is_ahead = off > 0;
        told.extend(talk(&mut ada, Duration::from_secs(if is_ahead { 5 } else { 1 })).await);
        clock.set(0);
        told.extend(talk(&mut ada, Duration::from_secs(1)).await);
        assert!(is_of_now(told.last().unwrap()), "{off}: {told:?}");
    }
    assert!(told.is_sorted(), "{told:?}");
    assert!(told.iter().all(|at| at[..4] == told[0][..4]), "{told:?}");
}

#[tokio::test]
async fn a_clock_that_was_wrong_is_believed_soon_after_it_is_right() {
    // Behind from the start, and before and after any time that can be.
    join_all([-DAY, -YEARS_100, YEARS_8000].map(check_believed_soon)).await;
}

async fn check_believed_soon(off: i64) {
    let Some(clock) = clock_off_by(off) else {
        return;
    };
    let server = server(&clock).await;
    clock.set(0);
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let timestamps = talk_until(&mut ada, 4 * SOON, is_of_now).await;
    assert!(timestamps.is_sorted(), "{off}: {timestamps:?}");
}

/// Long enough to be believed: what was said then stays the latest time that its room has seen, and
/// no earlier one is shown there. In other rooms the time is right immediately.
#[tokio::test]
async fn a_clock_that_was_believed_and_comes_back_makes_no_timestamp_go_back() {
    let Some(clock) = clock_off_by(0) else {
        return;
    };
    let server = server(&clock).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let mut told = talk(&mut ada, Duration::from_secs(1)).await;
    clock.set(DAY);
    // A leap ahead is believed once it has lasted for 15 s.
    told.extend(talk_until(&mut ada, 8 * SOON, |at| !is_of_now(at)).await);
    clock.set(0);
    told.extend(talk(&mut ada, SOON / 2).await);
    assert!(told.is_sorted(), "{told:?}");
    let mut eve = Client::joined(&server, "music", "Eve").await;
    assert!(is_of_now(&said_at(&mut eve).await));
}

/// HTTP has no dates for such clocks: its requests wait until there is one. Those who are in talk
/// on.
#[tokio::test]
async fn no_clock_ends_the_process_or_a_conversation() {
    join_all([YEARS_8000, -YEARS_100, 0].map(check_goes_on)).await;
}

async fn check_goes_on(start: i64) {
    let impossible = [YEARS_8000, -YEARS_100, 100 * YEARS_8000];
    let Some(clock) = clock_off_by(start) else {
        return;
    };
    let server = server(&clock).await;
    clock.set(0);
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let mut last = String::new();
    for off in impossible.into_iter().chain([DAY, -DAY, 0]) {
        clock.set(off);
        let address = server.address();
        let waiting = tokio::spawn(async move { get(address, "/livez").await });
        let mut told = talk(&mut ada, Duration::from_secs(2)).await;
        // A rename, an own notice, history and leaving have a time, too.
        for name in ["Countess", "Ada"] {
            let join = json!({ "room_name": "tech", "username": name, "history": 5 });
            assert_accepted(&ada.ask("join_room", &join).await);
        }
        told.push(said_at(&mut ada).await);
        assert!(
            told[0] >= last && told.is_sorted(),
            "{start} {off}: {told:?} after {last}"
        );
        assert!(
            told.iter().all(|at| at.len() == 24),
            "{start} {off}: {told:?}"
        );
        last.clone_from(&told[told.len() - 1]);
        clock.set(0);
        assert_eq!(waiting.await.unwrap().unwrap().status, 200, "{start} {off}");
        for path in ["/livez", "/readyz", "/", "/nowhere"] {
            let answer = get(server.address(), path).await.unwrap();
            assert!(
                answer.status.as_u16() < 500,
                "{start} {off} {path}: {answer:?}"
            );
        }
        let mut guest = Client::joined(&server, "tech", "Guest").await;
        assert!(is_of_now(&said_at(&mut guest).await), "{start} {off}");
    }
    assert_eq!(
        Metrics::of(&server).value("hubbub_panics_total").await,
        0,
        "{}",
        server.log()
    );
}
