//! From a packet on the wire to a command: the library's parser, then ours.
//!
//! The input is a Socket.IO packet, what follows the `4` of Engine.IO: `2["typing",{"typing":true}]`.
//! A CONNECT's `auth` and an EVENT's array become what serde_json alone says they are, a command
//! that keeps its promises, or a refusal out of a closed set, which quotes nothing of the input.
#![no_main]

use hubbub::domain::{RequestError, RequestErrorCode, RoomName, TextLimits, Username};
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

/// All that a refused payload can be told, with every number and character code as `#`.
const SAYINGS: [&str; 27] = [
    "Invalid room name",
    "text is not valid Unicode: it has half a surrogate pair",
    ": payload missing",
    ": payload must be an object",
    ": payload is not valid JSON",
    ": a field has the wrong type",
    ": text must be a string",
    ": give before or after, not both",
    ": limit must be at least #",
    "Message is empty: write something",
    "Message has a control character (#): remove it",
    "Message is longer than # characters (it has #): shorten or split it",
    "Message is larger than # bytes (it has #): shorten or split it",
    "Name is empty: choose one of # to # characters",
    "Name is longer than # characters (it has #): shorten it",
    "Name is larger than # bytes (it has #): shorten it",
    "Name has a control character or line break (#): remove it",
    "Name has a character that changes the direction of text (#): remove it",
    "Name has an invisible character (#): remove it",
    "Name has a character that means nothing to others (#): remove it",
    "Name begins with a combining mark (#): put a letter before it",
    "Name has a character with too many marks on it: remove some",
    "client_id is empty: leave it out or use # to # characters",
    "client_id is longer than # characters: use a shorter one, a UUID for instance",
    "client_id has a control character (#): use printable characters",
    ": missing field",
    ": duplicate field",
];
const FIELDS: [&str; 11] = [
    "room_name",
    "username",
    "history",
    "after",
    "users",
    "text",
    "client_id",
    "before",
    "limit",
    "typing",
    "epoch",
];

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
            Err(refusal) => refused(spec.event, &refusal),
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
        Command::Leave(_) => assert_eq!(event, "leave_room"),
        Command::Users(range) => {
            assert_eq!(event, "list_users");
            assert!((1..=USERS_MAX).contains(&range.limit));
            assert!(range.after.as_ref().is_none_or(|after| after.len() <= 128));
        }
    }
}

fn refused(event: &str, refusal: &RequestError) {
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
    let message = refusal
        .message
        .strip_prefix(event)
        .unwrap_or(&refusal.message);
    let (what, field) = message
        .split_once(" `")
        .map_or((message, None), |(what, field)| (what, Some(field)));
    assert!(
        field.is_none_or(
            |field| field == "id`" || FIELDS.iter().any(|f| field.strip_suffix('`') == Some(f))
        ),
        "{refusal:?}"
    );
    assert!(SAYINGS.contains(&&*without_numbers(what)), "{refusal:?}");
}

/// Each number, and each `U+12AB`, as `#`.
fn without_numbers(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let code = rest.strip_prefix("U+").unwrap_or(rest);
        let is_code = code.len() < rest.len();
        let digits = code
            .bytes()
            .take_while(|b| b.is_ascii_digit() || (is_code && (b'A'..=b'F').contains(b)))
            .count();
        if digits > 0 {
            out.push('#');
            rest = &code[digits..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}
