//! The settings of who may connect, and as whom.

use std::fs::File;
use std::io::{self, Read};

use clap::Args;

use super::SettingError;
use crate::session::AuthMode;
use crate::session::identity::TOKEN_BYTES_MAX;
use crate::session::identity::jwt::JwtKeys;

/// Bytes of the shortest ADMIN_TOKEN.
const ADMIN_TOKEN_BYTES_MIN: usize = 32;
/// Bytes of the largest file of keys.
const KEYS_BYTES_MAX: u64 = 1024 * 1024;

/// A part of [`Raw`](super::raw::Raw).
#[derive(Debug, Args)]
pub(super) struct IdentityRaw {
    /// Who may connect: `open` = anyone, `required` = who presents a token of `hubbub token`, a JWT or
    /// ADMIN_TOKEN
    #[arg(
        long,
        help_heading = "Identity",
        env = "AUTH",
        default_value = "open",
        value_name = "MODE"
    )]
    auth: String,

    /// Public keys of the service that signs JWTs (RS256, ES256, EdDSA): a PEM or a JWK set, or the
    /// path of a file with one; empty = none
    #[arg(
        long,
        help_heading = "Identity",
        env = "JWT_PUBLIC_KEY",
        default_value = "",
        value_name = "KEYS"
    )]
    jwt_public_key: String,

    /// Audience that JWTs must name (`aud`); empty = they must name none
    #[arg(
        long,
        help_heading = "Identity",
        env = "JWT_AUDIENCE",
        default_value = "",
        value_name = "TEXT"
    )]
    jwt_audience: String,

    /// Issuer that JWTs must name (`iss`); empty = any
    #[arg(
        long,
        help_heading = "Identity",
        env = "JWT_ISSUER",
        default_value = "",
        value_name = "TEXT"
    )]
    jwt_issuer: String,

    /// Address at which people reach the page, like `https://chat.example`, for the links of
    /// `hubbub token`; empty = `http://localhost` and the port
    #[arg(
        long,
        help_heading = "Identity",
        global = true,
        env = "PUBLIC_URL",
        default_value = "",
        value_name = "URL"
    )]
    public_url: String,
}

/// Values that are read from the environment only, because command lines are public on a machine.
#[derive(Clone, Default)]
pub(super) struct Secrets {
    /// SECRET_KEY
    pub(super) secret_key: Option<Vec<u8>>,
    admin_token: Option<Vec<u8>>,
    jwt_secret: Option<Vec<u8>>,
}

/// Who may connect, and as whom.
#[derive(Clone, Default)]
pub struct IdentityConfig {
    /// Whether clients need a token.
    pub auth: AuthMode,
    /// The token of the first administrator.
    pub admin_token: Option<String>,
    /// What verifies JWTs.
    pub jwt: JwtKeys,
    /// Where people reach the page, without a slash at the end; `None` = on this machine.
    pub public_url: Option<String>,
}

impl std::fmt::Debug for IdentityConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentityConfig")
            .field("auth", &self.auth)
            .field("admin_token", &self.admin_token.is_some())
            .field("jwt", &self.jwt)
            .field("public_url", &self.public_url)
            .finish()
    }
}

impl Secrets {
    /// The secrets in the environment. They may be any bytes, also such as are no text.
    pub(super) fn from_environment() -> Self {
        let mut secrets = Self::default();
        for name in ["SECRET_KEY", "ADMIN_TOKEN", "JWT_SECRET"] {
            if let Some(value) = std::env::var_os(name) {
                secrets.set(name, &value.into_encoded_bytes());
            }
        }
        secrets
    }

    /// Whether the secret of this name is set.
    pub(super) fn has(&self, name: &str) -> bool {
        let secret = match name {
            "SECRET_KEY" => &self.secret_key,
            "ADMIN_TOKEN" => &self.admin_token,
            "JWT_SECRET" => &self.jwt_secret,
            _ => return false,
        };
        secret.is_some()
    }

    /// Sets a secret by its name; an empty one is none. Returns whether there is one of that name.
    pub(super) fn set(&mut self, name: &str, value: &[u8]) -> bool {
        let secret = match name {
            "SECRET_KEY" => &mut self.secret_key,
            "ADMIN_TOKEN" => &mut self.admin_token,
            "JWT_SECRET" => &mut self.jwt_secret,
            _ => return false,
        };
        *secret = Some(value.to_vec()).filter(|value| !value.is_empty());
        true
    }
}

/// Reads the settings, and notes what is wrong with them.
pub(super) fn parse(
    raw: &IdentityRaw,
    secrets: &Secrets,
    errors: &mut Vec<SettingError>,
) -> IdentityConfig {
    let mut failed = |setting, problem: String| errors.push(SettingError { setting, problem });
    let mut config = IdentityConfig::default();
    match raw.auth.trim() {
        "open" => {}
        "required" => config.auth = AuthMode::Required,
        other => failed("AUTH", format!("{other:?} is neither open nor required")),
    }
    if let Some(token) = &secrets.admin_token {
        match String::from_utf8(token.clone()) {
            Ok(token) => config.admin_token = Some(token),
            Err(_) => failed(
                "ADMIN_TOKEN",
                "it is no text: make one with `openssl rand -hex 32`".to_owned(),
            ),
        }
    }
    if let Some(secret) = &secrets.jwt_secret
        && let Err(error) = config.jwt.add_secret(secret)
    {
        failed("JWT_SECRET", error.to_string());
    }
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    if let Some(text) = given(&raw.jwt_public_key) {
        match keys_in(text) {
            Err(error) => failed("JWT_PUBLIC_KEY", error.to_string()),
            Ok(keys) => {
                if let Err(error) = config.jwt.add_public(&keys) {
                    failed("JWT_PUBLIC_KEY", error.to_string());
                }
            }
        }
    }
    if let Some(audience) = given(&raw.jwt_audience) {
        config.jwt.require_audience(audience);
    }
    if let Some(issuer) = given(&raw.jwt_issuer) {
        config.jwt.require_issuer(issuer);
    }
    config.public_url = given(&raw.public_url).map(|url| url.trim_end_matches('/').to_owned());
    config
}

/// Keys that are given as they are, or by the path of their file.
fn keys_in(text: String) -> io::Result<String> {
    if text.starts_with('{') || text.starts_with("-----BEGIN") {
        return Ok(text);
    }
    let mut keys = String::new();
    let file = File::open(&text).map_err(|error| {
        let problem = format!("it is neither PEM nor JSON, and no file that can be read: {error}");
        io::Error::new(error.kind(), problem)
    })?;
    file.take(KEYS_BYTES_MAX).read_to_string(&mut keys)?;
    Ok(keys)
}

/// What is wrong with the settings together. `has_key` if tokens of `hubbub token` can be verified.
pub(super) fn errors(config: &IdentityConfig, has_key: bool) -> Vec<SettingError> {
    let mut errors = Vec::new();
    let mut failed = |setting, problem: String| errors.push(SettingError { setting, problem });
    if let Some(token) = &config.admin_token
        && !(ADMIN_TOKEN_BYTES_MIN..=TOKEN_BYTES_MAX).contains(&token.len())
    {
        failed(
            "ADMIN_TOKEN",
            format!(
                "give one of {ADMIN_TOKEN_BYTES_MIN} to {TOKEN_BYTES_MAX} bytes; make one with \
                 `openssl rand -hex 32`"
            ),
        );
    }
    let knows_users = has_key || config.admin_token.is_some() || !config.jwt.is_empty();
    if config.auth == AuthMode::Required && !knows_users {
        let problem = "with `required`, give SECRET_KEY (or DATA_DIR, which keeps one), ADMIN_TOKEN, \
                       JWT_SECRET or JWT_PUBLIC_KEY too, or no token could be valid";
        failed("AUTH", problem.to_owned());
    }
    if let Some(url) = &config.public_url
        && !(url.starts_with("https://") || url.starts_with("http://"))
    {
        let problem = format!("{url:?} is no address; give one like https://chat.example");
        failed("PUBLIC_URL", problem);
    }
    errors
}
