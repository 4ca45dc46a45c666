//! `settings`: the settings in force.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::caller::Caller;
use super::error::ApiError;
use super::state::{Api, Setting};

/// The settings in force.
#[derive(Debug, Serialize, ToSchema)]
pub struct Settings<'a> {
    /// In the order of `hubbub --help`; empty if the service is a part of a program that configures
    /// it in code.
    settings: &'a [Setting],
}

/// The settings in force, without secrets
#[utoipa::path(get, path = "/settings", tag = "service", operation_id = "listSettings",
    responses((status = 200, description = "All of them", body = Settings)))]
pub async fn list(State(api): State<Arc<Api>>, caller: Caller) -> Result<Response, ApiError> {
    let settings = &*api.parts.settings;
    api.answer(&caller, &Settings { settings })
}
