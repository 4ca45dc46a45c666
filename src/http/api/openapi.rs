//! The description of the calls: OpenAPI 3.1, generated from the handlers and their types.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use utoipa::ToSchema;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, Content, Info, OpenApi, Ref, RefOr, ResponseBuilder, Schema, Server,
};

use super::caller::Caller;
use super::error::ApiError;
use super::error::{ApiErrorCode, ErrorBody, ErrorDetail};
use super::state::Api;

/// The scheme's name in the document.
const BEARER: &str = "bearer";

/// The description of this API, as OpenAPI 3.1
#[utoipa::path(get, path = "/openapi.json", tag = "service", operation_id = "getOpenApi",
    responses((status = 200, description = "This document", body = serde_json::Value)))]
pub async fn get(State(api): State<Arc<Api>>, caller: Caller) -> Result<Response, ApiError> {
    api.answer_json(&caller, api.openapi.clone())
}

/// The document, as it is answered: what the handlers describe, and what all have in common.
pub fn document(mut described: OpenApi) -> Bytes {
    described.info = Info::new("hubbub", env!("CARGO_PKG_VERSION"));
    described.info.description =
        Some("The HTTP API of a chatroom service. docs/api.md has examples.".to_owned());
    // Relative to the document itself, so that it is right below any prefix.
    described.servers = Some(vec![Server::new("../v1")]);
    described.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>(
        BEARER,
        [],
    )]);
    let components = described.components.get_or_insert_with(Components::new);
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.add_security_scheme(BEARER, bearer);
    let mut schemas: Vec<(String, RefOr<Schema>)> = Vec::new();
    add::<ErrorBody>(&mut schemas);
    add::<ErrorDetail>(&mut schemas);
    add::<ApiErrorCode>(&mut schemas);
    components.schemas.extend(schemas);
    for (path, item) in &mut described.paths.paths {
        let all = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.delete,
        ];
        for operation in all.into_iter().flatten() {
            let lists = ["/bans", "/held", "/hooks", "/mutes", "/webhooks"];
            let names = path.contains('{') || lists.contains(&path.as_str());
            let names = names || operation.request_body.is_some();
            add_errors(operation, names);
        }
    }
    // Maps with keys that are strings, which always become JSON.
    described.to_json().unwrap_or_default().into()
}

fn add<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    schemas.push((T::name().into_owned(), T::schema()));
}

/// Adds the errors that any call may answer.
fn add_errors(operation: &mut Operation, names_something: bool) {
    let not_found = names_something.then_some((
        "404",
        "There is no such room, user, message or webhook, or what `after` names",
    ));
    let errors = [
        ("400", "The request is not valid"),
        ("401", "The request has no valid token"),
        ("403", "The token's role may not do this"),
        ("409", "The key was used before, for another text"),
        ("429", "Too many requests; `Retry-After` says when to go on"),
        ("503", "The service is full, short of memory or not ready"),
    ];
    for (status, description) in errors.into_iter().chain(not_found) {
        let body = Ref::from_schema_name(ErrorBody::name());
        let answer = ResponseBuilder::new()
            .description(description)
            .content("application/json", Content::new(Some(body)));
        let answers = &mut operation.responses.responses;
        answers
            .entry(status.to_owned())
            .or_insert_with(|| answer.build().into());
    }
}
