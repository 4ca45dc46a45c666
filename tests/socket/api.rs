//! The HTTP API, reading: rooms, users, messages, figures; who may, and the one form of errors.

use hubbub_test_client::http::{Answer, Line};
use hubbub_test_client::shape::assert_accepted;
use hubbub_test_client::{Client, TestServer};
use hyper::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::HUBBUB;

const ADMIN: (&str, &str) = ("ADMIN_TOKEN", "the-token-of-the-admin-of-a-test-server");
const UNLIMITED: (&str, &str) = ("MESSAGE_RATE", "0");

/// Sends a request with these headers.
async fn request(
    server: &TestServer,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let mut line = Line::new(server.address());
    let path = format!("/api/v1{path}");
    let answer = line.request(method, &path, &headers, String::new()).await;
    let answer = answer.unwrap();
    assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
    answer
}

/// `GET` by the admin.
async fn answer(server: &TestServer, path: &str) -> Answer {
    let bearer = format!("Bearer {}", ADMIN.1);
    request(server, Method::GET, path, &[("authorization", &bearer)]).await
}

/// `GET` by the admin, which must succeed.
async fn read(server: &TestServer, path: &str) -> Value {
    let answer = answer(server, path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/json");
    serde_json::from_str(&answer.body).unwrap()
}

/// The code of an error, whose form is checked.
fn code(answer: &Answer) -> String {
    assert_eq!(answer.headers["content-type"], "application/json");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    let error = body["error"].as_object().unwrap();
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    assert!(!error["message"].as_str().unwrap().is_empty(), "{body}");
    error["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn without_a_valid_token_every_path_answers_401() {
    let paths = [
        "",
        "/",
        "/rooms",
        "/rooms/tech",
        "/nothing",
        "/openapi.json",
    ];
    for settings in [&[][..], &[ADMIN]] {
        let server = HUBBUB.start_with(settings).await;
        let tokens = ["another", &ADMIN.1[1..], "", &"x".repeat(5000)];
        for path in paths {
            for token in tokens {
                let bearer = format!("Bearer {token}");
                for headers in [&[][..], &[("authorization", &*bearer)]] {
                    for method in [Method::GET, Method::POST] {
                        let refused = request(&server, method, path, headers).await;
                        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{path} {bearer}");
                        assert_eq!(code(&refused), "unauthorized");
                        let scheme = refused.headers["www-authenticate"].to_str().unwrap();
                        assert!(scheme.starts_with("Bearer"), "{scheme}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_token_of_a_user_is_none_of_a_moderator() {
    let server = HUBBUB.start_with(&[ADMIN]).await;
    let mut client = Client::connect(&server, hubbub_test_client::Transport::WebSocket).await;
    let session = client.greeted().await;
    let bearer = format!("Bearer {}", session["token"].as_str().unwrap());
    let headers = [("authorization", &*bearer)];
    let refused = request(&server, Method::GET, "/rooms", &headers).await;
    let expected = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
    assert!(expected.contains(&refused.status), "{}", refused.status);
}

#[tokio::test]
async fn rooms_are_listed_in_their_order_and_in_pages() {
    let server = HUBBUB.start_with(&[ADMIN]).await;
    let _member = Client::joined(&server, "tech", "Alice").await;
    let all = read(&server, "/rooms").await;
    let names = |page: &Value| -> Vec<String> {
        let rooms = page["rooms"].as_array().unwrap().iter();
        let name = |room: &Value| room["name"].as_str().unwrap().to_owned();
        rooms.map(name).collect()
    };
    assert_eq!(
        names(&all),
        ["general", "tech", "sports", "music", "gaming"]
    );
    assert_eq!(all["more"], false);
    assert_eq!(all["rooms"][1]["members"], 1);
    assert_eq!(all["rooms"][1]["last_id"], 1);
    let page = read(&server, "/rooms?limit=2").await;
    assert_eq!(
        (names(&page), &page["more"]),
        (vec!["general".into(), "tech".into()], &json!(true))
    );
    let page = read(&server, "/rooms?limit=3&after=tech").await;
    assert_eq!(names(&page), ["sports", "music", "gaming"]);
    assert_eq!(page["more"], false);
    let room = read(&server, "/rooms/tech").await;
    assert_eq!(room, all["rooms"][1]);
}

#[tokio::test]
async fn users_and_messages_are_those_that_clients_see() {
    let server = HUBBUB.start_with(&[ADMIN, UNLIMITED]).await;
    let mut client = Client::joined(&server, "tech", "Alice").await;
    let _other = Client::joined(&server, "tech", "Bob").await;
    let mut sent = Vec::new();
    for n in 0..7 {
        let message = json!({ "text": format!("{n} \"é\" 👩‍👩‍👧"), "client_id": n.to_string() });
        assert_accepted(&client.ask("send_message", &message).await);
        sent.push(client.next_message().await.payload);
    }
    let users = read(&server, "/rooms/tech/users").await;
    let asked = client.ask("list_users", &json!({})).await;
    assert_eq!(
        (&users["users"], &users["total"]),
        (&asked["users"], &json!(2))
    );
    let first = users["users"][0]["user_id"].as_str().unwrap();
    let page = read(&server, &format!("/rooms/tech/users?after={first}&limit=1")).await;
    assert_eq!(page["users"], json!([users["users"][1]]));

    let all = read(&server, "/rooms/tech/messages").await;
    assert_eq!(all["messages"], json!(sent));
    assert_eq!(all["more"], false);
    let id = |n: usize| sent[n]["id"].as_u64().unwrap();
    let newest = read(&server, "/rooms/tech/messages?limit=3").await;
    assert_eq!(
        (&newest["messages"], &newest["more"]),
        (&json!(sent[4..]), &json!(true))
    );
    let path = format!("/rooms/tech/messages?limit=3&before={}", id(4));
    let older = read(&server, &path).await;
    assert_eq!(older["messages"], json!(sent[1..4]));
    let path = format!("/rooms/tech/messages?limit=2&after={}", id(1));
    let newer = read(&server, &path).await;
    assert_eq!(
        (&newer["messages"], &newer["more"]),
        (&json!(sent[2..4]), &json!(true))
    );
    let path = format!("/rooms/tech/messages?after={}&before={}", id(1), id(4));
    let between = read(&server, &path).await;
    assert_eq!(
        (&between["messages"], &between["more"]),
        (&json!(sent[2..4]), &json!(false))
    );
    let path = format!("/rooms/tech/messages?after={}", id(6));
    assert_eq!(read(&server, &path).await["messages"], json!([]));
}

#[tokio::test]
async fn figures_count_what_happened() {
    let server = HUBBUB.start_with(&[ADMIN]).await;
    let mut client = Client::joined(&server, "tech", "Alice").await;
    client.say("hello");
    client.next_message().await;
    assert_eq!(
        answer(&server, "/nothing").await.status,
        StatusCode::NOT_FOUND
    );
    let stats = read(&server, "/stats").await;
    for (name, value) in [
        ("connections", 1),
        ("members", 1),
        ("messages", 1),
        ("panics", 0),
    ] {
        assert_eq!(stats[name], value, "{name} in {stats}");
    }
    assert_eq!(stats["ready"], true);
    assert_eq!(stats["rejected"]["api_not_found"], 1);
    assert!(!stats.to_string().contains("hello"));
}

#[tokio::test]
async fn what_is_not_valid_is_refused_in_one_form() {
    let server = HUBBUB.start_with(&[ADMIN, UNLIMITED]).await;
    for (path, expected) in [
        ("/nothing", "not_found"),
        ("", "not_found"),
        ("/", "not_found"),
        ("/rooms/", "not_found"),
        ("/rooms/none", "unknown_room"),
        ("/rooms/%00", "unknown_room"),
        ("/rooms/%ff", "unknown_room"),
        ("/rooms/TECH/users", "unknown_room"),
        ("/rooms?limit=0", "invalid_request"),
        ("/rooms?limit=201", "invalid_request"),
        ("/rooms?limit=-1", "invalid_request"),
        ("/rooms?limit=1&limit=2", "invalid_request"),
        ("/rooms?after=none", "unknown_room"),
        ("/rooms?unknown=1", "invalid_request"),
        ("/rooms/tech/users?limit=1001", "invalid_request"),
        ("/rooms/tech/users?after=none", "not_found"),
        ("/rooms/tech/messages?limit=201", "invalid_request"),
        (
            "/rooms/tech/messages?limit=18446744073709551616",
            "invalid_request",
        ),
        (
            "/rooms/tech/messages?before=9007199254740992",
            "invalid_request",
        ),
        ("/rooms/tech/messages?before=", "invalid_request"),
        ("/rooms/tech/events?after=-1", "invalid_request"),
        ("/rooms/tech/events?after=a%20b:1", "invalid_request"),
        ("/rooms/none/events", "unknown_room"),
    ] {
        let refused = answer(&server, path).await;
        assert_eq!(code(&refused), expected, "{path}: {}", refused.body);
        let status = if expected == "invalid_request" {
            400
        } else {
            404
        };
        assert_eq!(refused.status, status, "{path}");
    }
    let long = format!("/rooms/tech/users?after={}", "x".repeat(8000));
    assert_eq!(code(&answer(&server, &long).await), "not_found");
    let bearer = format!("Bearer {}", ADMIN.1);
    let once = ("authorization", &*bearer);
    for method in [Method::POST, Method::DELETE, Method::PUT, Method::OPTIONS] {
        let refused = request(&server, method, "/rooms", &[once]).await;
        assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(code(&refused), "method_not_allowed");
        assert_eq!(refused.headers["allow"], "GET,HEAD");
    }
    let twice = request(&server, Method::GET, "/rooms", &[once, once]).await;
    assert_eq!(
        (twice.status, &*code(&twice)),
        (StatusCode::BAD_REQUEST, "invalid_request")
    );
}

#[tokio::test]
async fn calls_are_limited_for_each_token() {
    let settings = [ADMIN, ("MESSAGE_RATE", "1"), ("MESSAGE_BURST", "1")];
    let server = HUBBUB.start_with(&settings).await;
    let mut refused = None;
    for _ in 0..20 {
        let answer = answer(&server, "/rooms").await;
        if answer.status != StatusCode::OK {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a call beyond the rate is refused");
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(code(&refused), "rate_limited");
    let wait: u64 = refused.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=10).contains(&wait), "{wait}");
}

#[tokio::test]
async fn the_token_is_never_printed() {
    let server = HUBBUB.start_with(&[ADMIN, ("RUST_LOG", "trace")]).await;
    read(&server, "/rooms").await;
    answer(&server, "/nothing").await;
    let printed = [server.banner().join("\n"), server.log()].concat();
    assert!(printed.contains("api_not_found"), "{printed}");
    assert!(!printed.contains(&ADMIN.1[..16]), "{printed}");
}

/// The descriptions name what there is.
#[tokio::test]
async fn the_descriptions_name_all_calls_and_events() {
    let server = HUBBUB.start_with(&[ADMIN]).await;
    let calls = read(&server, "/openapi.json").await;
    assert_eq!(calls["openapi"], "3.1.0");
    let paths: Vec<_> = calls["paths"].as_object().unwrap().keys().collect();
    assert!(
        paths.contains(&&"/rooms/{room}/events".to_owned()),
        "{paths:?}"
    );
    let events = read(&server, "/asyncapi.json").await;
    assert_eq!(events["asyncapi"], "3.0.0");
    // The types of the page's client are generated from the same types, and checked to be all.
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let types = std::fs::read_to_string(root.join("web/client/src/protocol.ts")).unwrap();
    for (interface, action) in [("ServerEvents", "send"), ("ClientEvents", "receive")] {
        let (_, body) = types
            .split_once(&format!("interface {interface} {{"))
            .unwrap();
        let (body, _) = body.split_once("\n}").unwrap();
        let fields = body
            .lines()
            .filter_map(|line| line.strip_suffix(';')?.trim().split_once(':'));
        for (name, _) in fields {
            let key = format!("{action}_{name}");
            assert!(
                events["operations"][&key].is_object(),
                "{key} is not described"
            );
        }
    }
}
