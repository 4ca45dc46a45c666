//! `search`: messages of the joined room by what they say, newest first.

use std::time::Instant;

use hubbub_test_client::{Client, EVENT_TIMEOUT};
use serde_json::{Value, json};

use super::HUBBUB;

/// Searches, again where a busy disk does not answer in time.
async fn search(client: &mut Client, wanted: &Value) -> Value {
    let deadline = Instant::now() + EVENT_TIMEOUT;
    loop {
        let answer = client.ask("search", wanted).await;
        if answer["error"]["code"] != "unavailable" || Instant::now() > deadline {
            assert_eq!(answer["ok"], true, "{wanted}: {answer}");
            return answer;
        }
    }
}

/// The texts of all that is found, over as many requests as it takes.
async fn found(client: &mut Client, text: &str) -> Vec<String> {
    let mut wanted = json!({ "text": text, "limit": 200 });
    let mut texts = Vec::new();
    loop {
        let answer = search(client, &wanted).await;
        for message in answer["messages"].as_array().unwrap() {
            texts.push(message["text"].as_str().unwrap().to_owned());
        }
        assert_eq!(
            answer["more"] == true,
            answer["before"].is_u64(),
            "{answer}"
        );
        if answer["more"] == false {
            return texts;
        }
        wanted["before"] = answer["before"].clone();
    }
}

async fn send(client: &mut Client, text: &str) -> u64 {
    let answer = client.ask("send_message", &json!({ "text": text })).await;
    answer["id"].as_u64().unwrap_or_else(|| panic!("{answer}"))
}

#[tokio::test]
async fn words_are_found_in_every_script_and_in_any_case() {
    let server = HUBBUB.start_with(&[("MESSAGE_RATE", "0")]).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let texts = [
        "Crème brûlée, please",
        "你好世界",
        "今日は世界です",
        "안녕하세요 여러분",
        "Привет, мир",
        "สวัสดีชาวโลก",
        "مرحبا بالعالم",
        "party 🎉 tonight",
        "it's \"quoted\" * and (bracketed) AND more: -c++",
    ];
    for text in texts {
        send(&mut ada, text).await;
    }
    for (wanted, which) in [
        ("creme", vec![0]),
        ("BRÛLÉE please", vec![0]),
        ("please creme", vec![0]),
        ("世界", vec![2, 1]),
        ("界", vec![2, 1]),
        ("好世", vec![1]),
        ("여러분", vec![3]),
        ("МИР", vec![4]),
        ("ชาว", vec![5]),
        ("عالم", vec![6]),
        ("🎉", vec![7]),
        ("\"quoted\" *", vec![8]),
        ("and", vec![8]),
        ("c++ (bracketed)", vec![8]),
        ("creme world", vec![]),
        ("crème brulée x", vec![]),
    ] {
        let wanted_texts: Vec<_> = which.iter().map(|n| texts[*n]).collect();
        assert_eq!(found(&mut ada, wanted).await, wanted_texts, "{wanted}");
    }
}

#[tokio::test]
async fn pages_go_back_to_the_oldest_and_are_as_received() {
    let server = HUBBUB.start_with(&[("MESSAGE_RATE", "0")]).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    let mut ids = Vec::new();
    for n in 0..30 {
        ids.push(send(&mut ada, &format!("even so {n}")).await);
        send(&mut ada, &format!("odd {n}")).await;
    }
    let mut wanted = json!({ "text": "even so", "limit": 7 });
    let mut all = Vec::new();
    loop {
        let answer = search(&mut ada, &wanted).await;
        let messages = answer["messages"].as_array().unwrap();
        assert!(messages.len() <= 7, "{answer}");
        all.extend(
            messages
                .iter()
                .map(|message| message["id"].as_u64().unwrap()),
        );
        if answer["more"] == false {
            break;
        }
        wanted["before"] = answer["before"].clone();
    }
    ids.reverse();
    assert_eq!(all, ids);
    // Where messages were found, the last id serves as well.
    let before = json!({ "text": "even so", "limit": 3, "before": ids[2] });
    let answer = search(&mut ada, &before).await;
    let page = answer["messages"].as_array().unwrap();
    assert_eq!(page[0]["id"], ids[3]);
    assert_eq!(page[0]["sender"], "Ada");
    let history = ada
        .ask("get_history", &json!({ "limit": 1, "before": ids[3] + 1 }))
        .await;
    assert_eq!(page[0], history["messages"][0]);
}

#[tokio::test]
async fn only_the_joined_room_is_searched_and_only_from_there() {
    let server = HUBBUB.start().await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    send(&mut ada, "secret plan").await;
    let mut eve = Client::joined(&server, "music", "Eve").await;
    assert_eq!(found(&mut eve, "secret").await, Vec::<String>::new());
    eve.ask("leave_room", &json!({})).await;
    let wanted = json!({ "text": "secret", "limit": 10 });
    let refused = eve.ask("search", &wanted).await;
    assert_eq!(refused["error"]["code"], "not_in_room", "{refused}");
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_refused() {
    let server = HUBBUB.start().await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    for (wanted, code) in [
        (json!({ "text": "", "limit": 10 }), "invalid_text"),
        (json!({ "text": " \u{301} ", "limit": 10 }), "invalid_text"),
        (
            json!({ "text": "x".repeat(600), "limit": 10 }),
            "invalid_text",
        ),
        (
            json!({ "text": "a b c d e f g h i j k l m n o p q", "limit": 10 }),
            "invalid_text",
        ),
        (json!({ "text": "x", "limit": 0 }), "invalid_payload"),
        (json!({ "text": "x" }), "invalid_payload"),
        (json!({ "text": 5, "limit": 10 }), "invalid_payload"),
        (json!({ "limit": 10 }), "invalid_payload"),
    ] {
        let refused = ada.ask("search", &wanted).await;
        assert_eq!(refused["error"]["code"], code, "{wanted}: {refused}");
    }
}

/// One request looks at a part only, so that it takes no long time; the next ones go on.
#[tokio::test]
async fn a_search_through_very_much_text_takes_several_requests() {
    let settings = [
        ("MESSAGE_RATE", "0"),
        ("ROOM_RATE", "0"),
        ("MESSAGE_MAX_CHARS", "0"),
    ];
    let server = HUBBUB.start_with(&settings).await;
    let mut ada = Client::joined(&server, "tech", "Ada").await;
    send(&mut ada, "needle, xy").await;
    let hay = "hay ".repeat(15_000);
    for _ in 0..30 {
        send(&mut ada, &hay).await;
    }
    // Of two letters, so that no index helps.
    let first = search(&mut ada, &json!({ "text": "xy", "limit": 5 })).await;
    assert_eq!(
        (&first["messages"], &first["more"]),
        (&json!([]), &json!(true)),
        "{first}"
    );
    assert_eq!(found(&mut ada, "xy").await, ["needle, xy"]);
    assert_eq!(found(&mut ada, "needle").await, ["needle, xy"]);
}
