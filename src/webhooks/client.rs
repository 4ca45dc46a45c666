//! The one way out of webhooks: an HTTP client that connects to checked addresses only, follows no
//! redirect and uses no proxy.
//!
//! A name is resolved once for a connection, and the connection goes to one of the addresses that
//! were checked. So a name that resolves to another address a moment later leads nowhere else.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response, StatusCode, header};
use url::Url;

use super::address::AllowedTargets;
use super::target::TargetError;

/// Longest time to an answer, from the beginning of an attempt.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time to a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an unused connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Bytes of an answer's body that are read, and for how long.
const BODY_BYTES_MAX: usize = 4 * 1024;
const BODY_TIMEOUT: Duration = Duration::from_secs(1);
const AGENT: &str = concat!("hubbub/", env!("CARGO_PKG_VERSION"), " (webhooks)");

/// What a receiver answered.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its `Retry-After`.
    pub retry_after: Option<String>,
    /// The beginning of its body.
    pub body: String,
}

/// Why there is no answer. Never names the URL, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SendError(String);

/// Posts to checked addresses.
pub struct WebhookClient {
    allowed: Arc<AllowedTargets>,
    /// Made when it is first needed, because it reads all certificates of the system.
    client: OnceLock<Result<Client, SendError>>,
}

impl fmt::Debug for WebhookClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookClient").finish_non_exhaustive()
    }
}

impl WebhookClient {
    /// A client that may reach public addresses and these.
    #[must_use]
    pub fn new(allowed: AllowedTargets) -> Self {
        Self {
            allowed: Arc::new(allowed),
            client: OnceLock::new(),
        }
    }

    /// What it may reach besides public addresses.
    #[must_use]
    pub fn allowed(&self) -> &AllowedTargets {
        &self.allowed
    }

    /// Posts JSON to a URL that [`target::parse`](super::target::parse) has checked.
    ///
    /// # Errors
    /// [`SendError`] if there is no answer in time.
    pub async fn post(
        &self,
        url: Url,
        headers: [(&'static str, String); 3],
        body: String,
    ) -> Result<Reply, SendError> {
        let client = self.client.get_or_init(|| build(&self.allowed)).clone()?;
        let mut request = client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let sending = tokio::time::timeout(ANSWER_TIMEOUT, request.body(body).send());
        let answer = sending.await.map_err(|_| {
            let limit = ANSWER_TIMEOUT.as_secs();
            SendError(format!("no answer within {limit} s"))
        })?;
        let mut answer = answer.map_err(|error| SendError(cause_of(&error)))?;
        let retry_after = answer.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok());
        Ok(Reply {
            status: answer.status(),
            retry_after: retry_after.map(str::to_owned),
            body: beginning_of(&mut answer).await,
        })
    }
}

fn build(allowed: &Arc<AllowedTargets>) -> Result<Client, SendError> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // If another thread was faster, its provider is as good.
        let _known = rustls::crypto::ring::default_provider()
            .install_default()
            .is_err();
    }
    let settings = || {
        ClientBuilder::new()
            .user_agent(AGENT)
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(KEEP_ALIVE)
            .pool_max_idle_per_host(1)
            .dns_resolver(CheckedResolver(Arc::clone(allowed)))
    };
    let built = settings().build().or_else(|error| {
        let cause = cause_of(&error);
        tracing::warn!("webhooks reach no https:// address: {cause}");
        settings().tls_certs_only([]).build()
    });
    built.map_err(|error| SendError(cause_of(&error)))
}

/// The innermost reason, which says most.
fn cause_of(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Reads the body, so that the connection can be used again, if it is short.
async fn beginning_of(answer: &mut Response) -> String {
    let mut body = Vec::new();
    let reading = async {
        while let Ok(Some(chunk)) = answer.chunk().await {
            let room = BODY_BYTES_MAX.saturating_sub(body.len());
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() >= BODY_BYTES_MAX {
                break;
            }
        }
    };
    // What has come until then is enough.
    let _slow = tokio::time::timeout(BODY_TIMEOUT, reading).await.is_err();
    String::from_utf8_lossy(&body).into_owned()
}

/// Resolves names, and leaves out addresses that are not allowed.
struct CheckedResolver(Arc<AllowedTargets>);

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = Arc::clone(&self.0);
        Box::pin(async move {
            let addresses = resolve(name.as_str(), &allowed).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// The allowed addresses of a host.
///
/// # Errors
/// [`TargetError`] if there is none.
pub async fn resolve(host: &str, allowed: &AllowedTargets) -> Result<Vec<SocketAddr>, TargetError> {
    let resolving = tokio::time::timeout(CONNECT_TIMEOUT, tokio::net::lookup_host((host, 0)));
    let found = match resolving.await {
        Ok(found) => found.map_err(|error| TargetError::Unresolved(error.to_string()))?,
        Err(_) => {
            let limit = CONNECT_TIMEOUT.as_secs();
            let slow = format!("no answer within {limit} s");
            return Err(TargetError::Unresolved(slow));
        }
    };
    let is_allowed_host = allowed.allows_host(host);
    let mut refused = None;
    let addresses: Vec<_> = found
        .filter(|address| {
            let is_allowed = is_allowed_host || allowed.allows(address.ip());
            if !is_allowed {
                refused = Some(address.ip());
            }
            is_allowed
        })
        .collect();
    match (addresses.is_empty(), refused) {
        (false, _) => Ok(addresses),
        (true, Some(address)) => Err(TargetError::Forbidden(address.to_string())),
        (true, None) => Err(TargetError::Unresolved("it has no address".to_owned())),
    }
}
