//! More than there is room for: those outside are told to come again, those inside notice nothing,
//! and everything goes on by itself afterwards.

use hyper::http::{Method, StatusCode};
use serde_json::json;

use crate::support::dial::Dial;
use crate::support::http::get;
use crate::support::packet::event_frame;
use crate::support::{Client, Transport};
use crate::ward::{Ward, leave};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

#[tokio::test]
async fn row_68_a_full_server_sheds_newcomers_and_takes_them_again_when_there_is_room() {
    // One connection is the bystander's, one the metrics' own listener does not count.
    let ward = Ward::with(&[("MAX_CONNECTIONS", "21")]).await;
    let mut inside = Vec::new();
    for number in 0..20 {
        inside.push(Client::joined(ward.server(), "tech", &format!("Guest {number}")).await);
    }
    for _ in 0..50 {
        let refused = get(ward.server().address(), POLLING).await.unwrap();
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
    }
    inside[0].events_until_echo("all well in here").await;
    for client in inside.drain(..10) {
        leave(client).await;
    }
    ward.until_metric("hubbub_connections", 11).await;
    let newcomer = Client::joined(ward.server(), "tech", "Newcomer").await;
    leave(newcomer).await;
    for client in inside {
        leave(client).await;
    }
    ward.finish(&["connections_full"]).await;
}

#[tokio::test]
async fn row_68_a_client_that_asks_for_more_than_it_can_take_is_refused_alone() {
    let ward = Ward::with(&[("MESSAGE_RATE", "0"), ("MAILBOX", "16")]).await;
    let mut eve = Client::joined(ward.server(), "tech", "Eve").await;
    let list = |id| event_frame("list_users", None, Some(id));
    eve.send_all((1000..6000).map(list).collect());
    let (mut accepted, mut busy) = (0, 0);
    for id in 1000..6000 {
        let answer = eve.answer(id).await;
        match answer["error"]["code"].as_str() {
            None => accepted += 1,
            Some("busy") => busy += 1,
            Some(other) => panic!("{other}"),
        }
    }
    assert!(
        accepted >= 16 && busy > 0,
        "{accepted} accepted, {busy} busy"
    );
    eve.events_until_echo("well again").await;
    leave(eve).await;
    ward.finish(&["busy"]).await;
}

#[tokio::test]
async fn row_68_behind_a_trusted_proxy_each_client_counts_for_itself() {
    let settings = [
        ("TRUSTED_PROXIES", "127.0.0.0/8"),
        ("MAX_CONNECTIONS_PER_IP", "2"),
    ];
    let ward = Ward::with(&settings).await;
    let dial = |address: &str| {
        Dial::new(ward.server(), Transport::WebSocket).header("x-forwarded-for", address)
    };
    let mut clients = Vec::new();
    for address in [
        "198.51.100.1",
        "198.51.100.2",
        "6.6.6.6, 198.51.100.3",
        "2001:db8::1",
    ] {
        for _ in 0..2 {
            clients.push(dial(address).connect().await);
        }
    }
    let headers = [("x-forwarded-for".to_owned(), "2001:db8::ffff".to_owned())];
    let mut line = crate::support::http::Line::new(ward.server().address());
    let refused = line
        .request(Method::GET, POLLING, &headers, String::new())
        .await;
    assert_eq!(refused.unwrap().status, StatusCode::TOO_MANY_REQUESTS);
    for client in &mut clients {
        client
            .ask(
                "join_room",
                &json!({ "room_name": "tech", "username": "Somebody" }),
            )
            .await;
    }
    for client in clients {
        leave(client).await;
    }
    ward.finish(&["address_full"]).await;
}
