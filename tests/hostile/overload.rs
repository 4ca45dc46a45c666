//! More than there is room for: new connections are refused until later, open ones notice nothing,
//! and everything goes on by itself afterwards.

use hubbub_test_client::dial::Dial;
use hubbub_test_client::http::get;
use hubbub_test_client::packet::event_frame;
use hubbub_test_client::{Client, Transport};
use hyper::http::{Method, StatusCode};
use serde_json::json;

use crate::watched_server::{WatchedServer, leave};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

#[tokio::test]
async fn row_68_a_full_server_sheds_newcomers_and_takes_them_again_when_there_is_room() {
    // One connection is the bystander's, one the metrics' own listener does not count.
    let watched = WatchedServer::with(&[("MAX_CONNECTIONS", "21")]).await;
    let mut inside = Vec::new();
    for number in 0..20 {
        inside.push(Client::joined(watched.server(), "tech", &format!("Guest {number}")).await);
    }
    for _ in 0..50 {
        let refused = get(watched.server().address(), POLLING).await.unwrap();
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
    }
    inside[0].events_until_echo("all well in here").await;
    for client in inside.drain(..10) {
        leave(client).await;
    }
    watched.until_metric("hubbub_connections", 11).await;
    let newcomer = Client::joined(watched.server(), "tech", "Newcomer").await;
    leave(newcomer).await;
    for client in inside {
        leave(client).await;
    }
    watched.finish(&["connections_full"]).await;
}

#[tokio::test]
async fn row_68_a_client_that_asks_for_more_than_it_can_take_is_refused_alone() {
    let watched = WatchedServer::with(&[("MESSAGE_RATE", "0"), ("MAILBOX", "16")]).await;
    let mut eve = Client::joined(watched.server(), "tech", "Eve").await;
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
    watched.finish(&["busy"]).await;
}

#[tokio::test]
async fn row_68_behind_a_trusted_proxy_each_client_counts_for_itself() {
    let settings = [
        ("TRUSTED_PROXIES", "127.0.0.0/8"),
        ("MAX_CONNECTIONS_PER_IP", "2"),
    ];
    let watched = WatchedServer::with(&settings).await;
    let dial = |address: &str| {
        Dial::new(watched.server(), Transport::WebSocket).header("x-forwarded-for", address)
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
    let mut line = hubbub_test_client::http::Line::new(watched.server().address());
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
    watched.finish(&["address_full"]).await;
}
