//! The description of the events of Socket.IO: AsyncAPI 3, generated from their types.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::error::ApiError;
use super::state::Api;
use crate::protocol::description::{self, ClientEvent};
use crate::socket;

/// The description of the events of Socket.IO, as AsyncAPI 3
#[utoipa::path(get, path = "/asyncapi.json", tag = "service", operation_id = "getAsyncApi",
    responses((status = 200, description = "The document", body = serde_json::Value)))]
pub async fn get(State(api): State<Arc<Api>>, caller: Caller) -> Result<Response, ApiError> {
    api.answer_json(&caller, api.asyncapi.clone())
}

/// The document, as it is answered. What clients send, the service receives.
pub fn document() -> Bytes {
    let mut parts = Parts::default();
    for event in description::server_events() {
        parts.add_message(event.name, event.summary, &json!(event.payload));
        let operation = json!({
            "action": "send",
            "summary": event.summary,
            "channel": reference("channels", "events"),
            "messages": [of_channel(event.name)],
        });
        parts
            .operations
            .insert(format!("send_{}", event.name), operation);
    }
    for event in description::client_events() {
        parts.add_client_event(&event);
    }
    parts.add_message(
        "refused",
        "A request was refused",
        &json!(description::refused()),
    );
    let schemas: Map<String, Value> = description::schemas()
        .into_iter()
        .map(|(name, schema)| (name, json!(schema)))
        .collect();
    let document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "hubbub",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The events of a chatroom service: Socket.IO 5 over Engine.IO 4, \
                            namespace /. Each event has one argument, its payload.",
        },
        "defaultContentType": "application/json",
        "channels": { "events": { "address": socket::PATH, "messages": parts.channel } },
        "operations": parts.operations,
        "components": { "messages": parts.messages, "schemas": schemas },
    });
    document.to_string().into()
}

#[derive(Default)]
struct Parts {
    messages: Map<String, Value>,
    channel: Map<String, Value>,
    operations: Map<String, Value>,
}

impl Parts {
    fn add_message(&mut self, key: &str, summary: &str, payload: &Value) {
        let message = json!({ "name": key, "summary": summary, "payload": payload });
        self.messages.insert(key.to_owned(), message);
        let reference = reference("components/messages", key);
        self.channel.insert(key.to_owned(), reference);
    }

    fn add_client_event(&mut self, event: &ClientEvent) {
        let accepted = format!("{}_accepted", event.name);
        let ok = json!({
            "type": "object",
            "required": ["ok"],
            "properties": { "ok": { "const": true } },
        });
        // The server's `typing` is another message than the clients'.
        let request = format!("{}_request", event.name);
        self.add_message(&request, event.summary, &json!(event.payload));
        self.messages[&request]["name"] = json!(event.name);
        let body = json!({ "allOf": [ok, event.accepted] });
        self.add_message(&accepted, "The acknowledgement", &body);
        let operation = json!({
            "action": "receive",
            "summary": event.summary,
            "channel": reference("channels", "events"),
            "messages": [of_channel(&request)],
            "reply": {
                "channel": reference("channels", "events"),
                "messages": [of_channel(&accepted), of_channel("refused")],
            },
        });
        let key = format!("receive_{}", event.name);
        self.operations.insert(key, operation);
    }
}

fn of_channel(message: &str) -> Value {
    reference("channels/events/messages", message)
}

fn reference(place: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/{place}/{name}") })
}
