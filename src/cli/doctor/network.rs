//! Below HTTP: the name, connections, TLS, and the way from HTTP to HTTPS.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reqwest::Method;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::{CertificateError, Error};

use super::report::Finding;
use super::target::{ANSWER_TIMEOUT, Target};
use crate::cli::connection_error::ConnectionError;

/// The name of the first check.
pub const ADDRESS: &str = "address";
/// The name of the second check.
pub const TLS: &str = "tls";
/// Time before its end in which a certificate should have been renewed.
const RENEWAL_TIME: Duration = Duration::from_secs(14 * 24 * 3600);
/// The same as a part of its whole life, for certificates that are valid for hours or days.
const RENEWAL_PART: u32 = 4;
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
/// Longer than any certificate is valid.
const CENTURY: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

/// The name's addresses, and a connection to each.
///
/// # Errors
/// None of them can be connected to, so that nothing else can be checked.
pub async fn address(target: &Target) -> Result<Finding, ConnectionError> {
    const CHECK: &str = ADDRESS;
    let addresses = target.addresses().await?;
    let mut reached = Vec::new();
    let mut missed = Vec::new();
    for address in addresses {
        let began = Instant::now();
        match target.connect_tcp(Some(address)).await {
            Ok(_stream) => reached.push(format!("{address} in {} ms", began.elapsed().as_millis())),
            Err(failure) => missed.push((address, failure)),
        }
    }
    let host = target.host();
    match missed.into_iter().next() {
        None => Ok(Finding::ok(
            CHECK,
            format!("{host} is {}", reached.join(", ")),
        )),
        Some((_, failure)) if reached.is_empty() => Err(ConnectionError::new(
            format!("{host}, port {}: {}", target.port(), failure.seen),
            failure.remedy,
        )),
        // A server that listens on one family is what `localhost` often has.
        Some(_) if target.is_local() => Ok(Finding::ok(
            CHECK,
            format!("{host} is {}", reached.join(", ")),
        )),
        Some((address, failure)) => Ok(Finding::warn(
            CHECK,
            format!(
                "{host} is {}, but {address}: {}",
                reached.join(", "),
                failure.seen
            ),
            "some clients try this address first and wait: serve it, or remove its DNS record",
        )),
    }
}

/// The certificate and the protocols.
///
/// # Errors
/// No connection can be made, so that nothing else can be checked.
pub async fn tls(target: &Target) -> Result<Finding, ConnectionError> {
    const CHECK: &str = TLS;
    if !target.is_https() {
        return Ok(match target.is_local() {
            true => Finding::skip(CHECK, "the address is http://, on this machine"),
            false => Finding::warn(
                CHECK,
                "the address is http://: anyone on the way reads messages and tokens",
                "let a proxy in front do TLS (nginx: `listen 443 ssl;`, Caddy does by itself)",
            ),
        });
    }
    let both = target.connect_tls(&["h2", "http/1.1"]).await?;
    let (_, session) = both.get_ref();
    let version = match session.protocol_version() {
        Some(version) => format!("{version:?}").replace("TLSv1_", "TLS 1."),
        None => "TLS".to_owned(),
    };
    let protocol = match session.alpn_protocol() {
        Some(b"h2") => "HTTP/2 and HTTP/1.1",
        _ => "HTTP/1.1",
    };
    let life = session
        .peer_certificates()
        .and_then(|chain| life_of(target, chain));
    // WebSockets use connections of their own, which offer only this.
    target.connect_tls(&["http/1.1"]).await?;
    let Some(Life { left, whole }) = life else {
        let seen = format!("{version}, {protocol}, a valid certificate");
        return Ok(Finding::ok(CHECK, seen));
    };
    let shown = match left.as_secs() {
        seconds if seconds < 2 * DAY => format!("{} more hours", seconds / HOUR),
        seconds => format!("{} more days", seconds / DAY),
    };
    let seen = format!("{version}, {protocol}, a certificate for {shown}");
    Ok(if left < RENEWAL_TIME.min(whole / RENEWAL_PART) {
        Finding::warn(
            CHECK,
            seen,
            "renew the certificate, and let that happen by itself (certbot, Caddy)",
        )
    } else {
        Finding::ok(CHECK, seen)
    })
}

/// For how long a certificate is valid.
struct Life {
    /// From now on.
    left: Duration,
    /// From its beginning.
    whole: Duration,
}

/// The life of the server's certificate. No parser is needed: verified for a time in a century, or for
/// 1970, it is refused with the time of its end or of its beginning.
fn life_of(target: &Target, chain: &[CertificateDer<'_>]) -> Option<Life> {
    let (own, others) = chain.split_first()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let name = target.server_name().ok()?;
    let verifier = target.trust.verifier()?;
    let refused_at = |time| {
        let time = UnixTime::since_unix_epoch(time);
        match verifier.verify_server_cert(own, others, &name, &[], time) {
            Err(Error::InvalidCertificate(
                CertificateError::ExpiredContext { not_after: at, .. }
                | CertificateError::NotValidYetContext { not_before: at, .. },
            )) => Some(Duration::from_secs(at.as_secs())),
            _ => None,
        }
    };
    let (begin, end) = (refused_at(Duration::ZERO)?, refused_at(now + CENTURY)?);
    Some(Life {
        left: end.saturating_sub(now),
        whole: end.saturating_sub(begin),
    })
}

/// Whether `http://` leads to `https://`.
pub async fn redirect(target: &Target) -> Finding {
    const CHECK: &str = "redirect";
    if !target.is_https() || target.base.port().is_some() {
        return Finding::skip(CHECK, "the address is not https:// on its own port");
    }
    let mut plain = target.base.clone();
    if plain.set_scheme("http").is_err() {
        return Finding::skip(CHECK, "the address has no form with http://");
    }
    let answer = target
        .request(Method::GET, plain, &[], None, ANSWER_TIMEOUT)
        .await;
    match answer {
        Err(failure) => Finding::ok(CHECK, format!("http:// is not served: {}", failure.seen)),
        Ok(answer) if answer.header("location").starts_with("https://") => {
            Finding::ok(CHECK, "http:// leads to https://")
        }
        Ok(answer) => Finding::warn(
            CHECK,
            format!(
                "http:// answered {} instead of leading to https://",
                answer.status
            ),
            "redirect it (nginx: `return 308 https://$host$request_uri;` in a server on port 80)",
        ),
    }
}
