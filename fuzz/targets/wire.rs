//! From a packet on the wire to a command: the library's parser, then ours.
//!
//! The input is a Socket.IO packet, what follows the `4` of Engine.IO: `2["typing",{"typing":true}]`.
//! A CONNECT's `auth` and an EVENT's array become what serde_json alone says they are, a command
//! that keeps its promises, or a short refusal, which quotes nothing of the input.
#![no_main]

use hubbub::domain::{Emoji, RequestError, RequestErrorCode, RoomName, TextLimits, Username};
use hubbub::protocol::{Auth, HISTORY_PAGE_MAX, USERS_MAX, split_event};
use hubbub::session::commands::{self, COMMANDS, Command};
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use socketioxide_core::Str;
use socketioxide_core::packet::PacketData;
use socketioxide_core::parser::{Parse, ParseConfig, ParserState};
use socketioxide_parser_common::CommonParser;

const LIMITS: TextLimits = TextLimits {
    chars_max: 200,
    bytes_max: 1600,
};

fuzz_target!(|packet: &[u8]| {
    let packet = String::from_utf8_lossy(packet);
    // As the service configures it: no attachments.
    let config = ParseConfig {
        max_incoming_binaries: 0,
        ..ParseConfig::default()
    };
    let parsed = CommonParser.decode_str(
        &config,
        &ParserState::default(),
        Str::from(packet.into_owned()),
    );
    match parsed.map(|packet| packet.inner) {
        Ok(PacketData::Connect(Some(auth))) => connect(auth.as_str().expect("text")),
        Ok(PacketData::Event(array, _)) => {
            let name = CommonParser.read_event(&array).ok();
            event(array.as_str().expect("text"), name);
        }
        _ => {}
    }
});

fn connect(auth: &str) {
    let read = serde_json::from_str::<Auth>(auth);
    let Ok(Value::Object(object)) = serde_json::from_str(auth) else {
        return;
    };
    if let Ok(Auth { token }) = read {
        let expected = object
            .get("token")
            .map(|token| token.as_str().map(str::to_owned));
        assert_eq!(token, expected);
    }
}

/// `name` is the event's as the library reads it; without one it closes the connection.
fn event(array: &str, name: Option<&str>) {
    // Of any size, as the library itself bounds it.
    let parts = split_event(array, |name| {
        commands::find(name).map(|spec| (spec, usize::MAX))
    });
    if let Some(name) = name {
        let expected = commands::find(name).map(|spec| spec.event);
        assert_eq!(parts.event.map(|spec| spec.event), expected);
        let arguments = serde_json::Deserializer::from_str(array)
            .into_iter::<Vec<&RawValue>>()
            .next();
        let arguments = arguments.expect("an array").expect("an array");
        let expected = arguments.get(1).filter(|_| expected.is_some());
        assert_eq!(parts.payload.as_deref(), expected.map(|raw| raw.get()));
    }
    let payload = parts.payload.as_deref();
    for spec in parts
        .event
        .map_or(COMMANDS.iter().collect(), |spec| vec![spec])
    {
        match spec.decode(payload, &LIMITS) {
            Ok(command) => accepted(spec.event, &command, payload),
            Err(refusal) => refused(&refusal),
        }
    }
}

/// A field as serde_json alone reads it. Only where that gives up on what we ignore (numbers out
/// of range, half surrogates) does it differ, and says nothing.
fn field(payload: &str, name: &str) -> Option<Value> {
    serde_json::from_str::<Value>(payload)
        .ok()
        .map(|object| object[name].clone())
}

fn accepted(event: &str, command: &Command, payload: Option<&str>) {
    let given = |name| payload.and_then(|payload| field(payload, name));
    match command {
        Command::Send(send) => {
            assert_eq!(event, "send_message");
            let payload = payload.expect("a payload");
            #[derive(Deserialize)]
            struct Said {
                text: String,
            }
            let said: Said = serde_json::from_str(payload).expect("a text");
            assert_eq!(send.text.as_str(), said.text);
            assert!(said.text.len() <= LIMITS.bytes_max);
            if let Some(text) = given("text") {
                assert_eq!(text, send.text.as_str());
            }
            if let Some(key) = given("client_id") {
                assert_eq!(
                    key.as_str(),
                    send.client_id.as_ref().map(|key| key.as_str())
                );
            }
            assert!(command.held_bytes() <= payload.len());
        }
        Command::Edit(edit) => {
            assert_eq!(event, "edit_message");
            if let Some(id) = given("id") {
                assert_eq!(id, edit.id);
            }
            if let Some(text) = given("text") {
                assert_eq!(text, edit.text.as_str());
            }
        }
        Command::Delete(delete) => {
            assert_eq!(event, "delete_message");
            if let Some(id) = given("id") {
                assert_eq!(id, delete.id);
            }
        }
        Command::React(react) => {
            assert_eq!(event, "react");
            if let Some(id) = given("id") {
                assert_eq!(id, react.id);
            }
            if let Some(on) = given("on") {
                assert_eq!(on, react.on);
            }
            assert_eq!(
                Emoji::parse(react.emoji.as_str()).as_ref(),
                Ok(&react.emoji)
            );
        }
        Command::Watch(watch) => {
            assert_eq!(event, "watch_room");
            if let Some(room) = given("room_name") {
                assert_eq!(room, watch.room.as_str());
            }
            assert!(watch.history.is_none_or(|n| n <= HISTORY_PAGE_MAX));
        }
        Command::Unwatch(unwatch) => {
            assert_eq!(event, "unwatch_room");
            if let Some(room) = given("room_name") {
                assert_eq!(room, unwatch.room.as_str());
            }
        }
        Command::Join(join) => {
            assert_eq!(event, "join_room");
            assert_eq!(RoomName::parse(join.room.as_str()).as_ref(), Ok(&join.room));
            assert_eq!(
                Username::parse(join.username.as_str()).as_ref(),
                Ok(&join.username)
            );
            assert!(join.history.is_none_or(|n| n <= HISTORY_PAGE_MAX));
            if let Some(room) = given("room_name") {
                assert_eq!(room, join.room.as_str());
            }
            if let Some(users) = given("users") {
                assert_eq!(users.as_bool().unwrap_or(false), join.users);
            }
            if let Some(after) = given("after").filter(Value::is_object) {
                let position = join.after.as_ref().expect("a position");
                assert_eq!(after["id"], Value::from(position.id));
                // One that is longer than any is none of ours.
                let epoch = after["epoch"].as_str().filter(|epoch| epoch.len() <= 64);
                assert_eq!(position.epoch, epoch.unwrap_or_default());
            }
        }
        Command::History(range) => {
            assert_eq!(event, "get_history");
            assert!((1..=HISTORY_PAGE_MAX).contains(&range.limit));
            assert!(range.before.is_none() || range.after.is_none());
        }
        Command::Search(search) => {
            assert_eq!(event, "search");
            assert!((1..=HISTORY_PAGE_MAX).contains(&search.limit));
            let words: Vec<_> = search.query.words().collect();
            assert!((1..=16).contains(&words.len()));
            assert!(words.iter().all(|word| !word.is_empty()));
        }
        Command::Typing(typing) => {
            assert_eq!(event, "typing");
            assert!(given("typing").is_none_or(|given| given == typing.typing));
        }
        Command::Moderate(action) => {
            assert_eq!(event, "moderate");
            assert_eq!(given("action"), Some(Value::from(action.name())));
            if let Some(user_id) = action.user_id() {
                assert!((1..=128).contains(&user_id.len()));
                assert_eq!(given("user_id"), Some(Value::from(&**user_id)));
            }
        }
        Command::Leave(_) => assert_eq!(event, "leave_room"),
        Command::Users(range) => {
            assert_eq!(event, "list_users");
            assert!((1..=USERS_MAX).contains(&range.limit));
            assert!(range.after.as_ref().is_none_or(|after| after.len() <= 128));
        }
    }
}

fn refused(refusal: &RequestError) {
    use RequestErrorCode::{
        InvalidPayload, InvalidText, InvalidUsername, TextTooLong, UnknownRoom,
    };
    let codes = [
        InvalidPayload,
        InvalidText,
        InvalidUsername,
        TextTooLong,
        UnknownRoom,
    ];
    assert!(codes.contains(&refusal.code), "{refusal:?}");
    assert!(refusal.retry_after.is_none());
    // A request's own text in a message would sooner or later be long, or not printable.
    let message = &refusal.message;
    assert!(message.len() <= 160, "{refusal:?}");
    assert!(
        message.bytes().all(|b| b == b' ' || b.is_ascii_graphic()),
        "{refusal:?}"
    );
}
