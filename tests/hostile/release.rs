//! Memory after traffic: what a burst took is given back.

use std::time::Duration;

use hubbub_test_client::Client;
use hubbub_test_client::packet::event_frame;
use hubbub_test_client::server::raise_file_limit;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::HUBBUB;

const MEMBERS: usize = 1_000;
const MESSAGES: usize = 200;
/// What one member may hold, 30 s after.
const KIB_PER_MEMBER: u64 = 32;
const RELEASE_TIMEOUT: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn row_67_a_burst_of_long_messages_is_given_back_within_half_a_minute() {
    raise_file_limit().await;
    let settings = [
        ("MESSAGE_RATE", "0"),
        // What the log keeps is not the members'.
        ("HISTORY_MESSAGES", "10"),
        // A test that is starved is not a slow reader.
        ("SLOW_TIMEOUT", "0"),
    ];
    let server = HUBBUB.start_with(&settings).await;
    let idle = server.resident_kib();
    let mut members = Vec::new();
    for number in 0..MEMBERS {
        members.push(Client::joined(&server, "tech", &format!("Member {number}")).await);
    }
    let long = json!({ "text": "x".repeat(2000) }).to_string();
    let frames = (0..MESSAGES).map(|_| event_frame("send_message", Some(&long), None));
    members[0].send_all(frames.collect());
    members[0].say("the last of them");
    for member in &mut members {
        member.events_until_message("the last of them").await;
    }
    let until = Instant::now() + RELEASE_TIMEOUT;
    loop {
        let held = server.resident_kib().saturating_sub(idle) / MEMBERS as u64;
        if held <= KIB_PER_MEMBER {
            return;
        }
        assert!(Instant::now() < until, "{held} KiB a member");
        sleep(Duration::from_millis(200)).await;
    }
}
