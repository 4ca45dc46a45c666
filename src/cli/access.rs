//! Where the server is, and as whom it is used: from the command line and the environment.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::{Client, ClientBuilder, redirect};
use url::Url;

use super::error::CliError;
use super::tls::Trust;
use crate::config::{AccessArgs, Config};

/// The variable with the token for these commands.
const TOKEN_VARIABLE: &str = "HUBBUB_TOKEN";
/// Bytes of the longest file with a token.
const TOKEN_FILE_BYTES_MAX: u64 = 64 * 1024;
/// How long a connection may take to be made.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A token, and whether it was given for this program.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token, in no log.
    pub value: HeaderValue,
    /// It is ADMIN_TOKEN, which a server's environment has too.
    pub is_admin_token: bool,
}

impl Token {
    /// The token of the file that is named, of HUBBUB_TOKEN or ADMIN_TOKEN; `None` if there is none.
    ///
    /// # Errors
    /// The file cannot be read, or no header can carry the token.
    pub fn find(config: &Config, args: &AccessArgs) -> Result<Option<Self>, CliError> {
        let own = match &args.token_file {
            Some(file) => Some(read(file)?),
            None => std::env::var(TOKEN_VARIABLE).ok(),
        };
        let own = own.filter(|token| !token.trim().is_empty());
        let is_admin_token = own.is_none();
        let Some(token) = own.or_else(|| config.identity.admin_token.clone()) else {
            return Ok(None);
        };
        let value = HeaderValue::from_str(&format!("Bearer {}", token.trim()));
        let mut value =
            value.map_err(|_| CliError::Token("the token is no single line of text"))?;
        value.set_sensitive(true);
        Ok(Some(Self {
            value,
            is_admin_token,
        }))
    }

    /// The token alone.
    #[must_use]
    pub fn text(&self) -> &str {
        let bearer = self.value.to_str().unwrap_or_default();
        bearer.trim_start_matches("Bearer ")
    }
}

fn read(file: &Path) -> Result<String, CliError> {
    let mut text = String::new();
    let opened = File::open(file);
    let read = opened.and_then(|open| open.take(TOKEN_FILE_BYTES_MAX).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(text),
        Err(source) => Err(CliError::File {
            file: file.to_owned(),
            source,
        }),
    }
}

/// The server that is named, or the one that listens on HOST and PORT of this machine.
///
/// # Errors
/// HOST is no name that an address can have.
pub fn url_of(config: &Config, given: Option<&Url>) -> Result<Url, CliError> {
    if let Some(url) = given {
        return Ok(url.clone());
    }
    let host = match &*config.listen.host {
        "0.0.0.0" | "::" => "127.0.0.1".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    let url = format!("http://{host}:{}/", config.listen.port);
    Url::parse(&url).map_err(|error| {
        CliError::Input(format!(
            "HOST and PORT are no address ({error}); give --url"
        ))
    })
}

/// An HTTP client for this server alone: no redirects, and no proxies from the environment, which
/// would receive the token.
///
/// # Errors
/// The system does not let a client be made.
pub fn client(
    trust: &Trust,
    adjust: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Result<Client, CliError> {
    let builder = Client::builder()
        .tls_backend_preconfigured(trust.config(&["http/1.1"])?)
        .no_proxy()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("hubbub/", env!("CARGO_PKG_VERSION")));
    let built = adjust(builder).build();
    built.map_err(|error| CliError::System(error.to_string()))
}
