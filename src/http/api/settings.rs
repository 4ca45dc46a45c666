//! `settings`: the settings in force.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::caller::Caller;
use super::error::ApiError;
use super::state::Api;
use crate::config::Setting;

/// A setting in force.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingInfo<'a> {
    /// The environment variable.
    name: &'a str,
    /// The group of settings that it belongs to.
    group: &'a str,
    /// Its value; empty if it is not set. Of a secret `set` or `not set`.
    value: &'a str,
    /// Whether the value is hidden.
    secret: bool,
    /// Where the value comes from: `default`, `environment`, `flag`, or `host` for what was adapted to
    /// the hosting platform.
    source: &'static str,
    /// What it is for.
    help: &'a str,
}

impl<'a> From<&'a Setting> for SettingInfo<'a> {
    fn from(setting: &'a Setting) -> Self {
        Self {
            name: &setting.name,
            group: &setting.group,
            value: &setting.value,
            secret: setting.secret,
            source: setting.source.as_str(),
            help: &setting.help,
        }
    }
}

/// The settings in force.
#[derive(Debug, Serialize, ToSchema)]
pub struct Settings<'a> {
    /// In the order of `hubbub --help`; empty if the service is a part of a program that configures
    /// it in code.
    settings: Vec<SettingInfo<'a>>,
}

/// The settings in force, without secrets
#[utoipa::path(get, path = "/settings", tag = "service", operation_id = "listSettings",
    responses((status = 200, description = "All of them", body = Settings)))]
pub async fn list(State(api): State<Arc<Api>>, caller: Caller) -> Result<Response, ApiError> {
    let settings = api.parts.settings.iter().map(SettingInfo::from).collect();
    api.answer(&caller, &Settings { settings })
}
