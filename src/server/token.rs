//! `hubbub token`: makes a token for a user.

use std::io::Write;

use serde::Serialize;

use super::errors::RunToolError;
use crate::clock;
use crate::config::{Config, KeySource, TokenRequest};
use crate::session::Identities;
use crate::session::identity::now_s;
use crate::session::identity::signed::{TokenClaims, new_token_id};

/// What `--json` writes.
#[derive(Serialize)]
struct Made<'a> {
    token: &'a str,
    link: &'a str,
    token_id: &'a str,
    user_id: &'a str,
    role: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rooms: Option<Vec<&'a str>>,
    expires: &'a str,
}

/// Makes a token and writes it, with a link that opens the page with it.
///
/// # Errors
/// [`RunToolError`] if the key cannot be read, or the token not be written.
pub fn make(
    config: &Config,
    request: &TokenRequest,
    out: &mut dyn Write,
) -> Result<(), RunToolError> {
    let identities = Identities::new(&signing_key(config)?);
    let lifetime_s = i64::try_from(request.expires.as_secs()).unwrap_or(i64::MAX);
    let issued_s = now_s();
    let claims = TokenClaims {
        user_id: match &request.user {
            Some(user) => user.as_str().into(),
            None => Identities::fresh(),
        },
        role: request.role,
        name: Some(request.name.clone()),
        rooms: Some(request.rooms.clone()).filter(|rooms| !rooms.is_empty()),
        issued_s,
        expires_s: issued_s.saturating_add(lifetime_s),
        token_id: new_token_id(),
    };
    let token = identities.sign(&claims);
    let page = match &config.identity.public_url {
        Some(url) => url.clone(),
        None => format!("http://localhost:{}", config.listen.port),
    };
    // Behind the `#`, which browsers do not send: a token in a path or a query would be in logs.
    let link = format!("{page}/#token={token}");
    let expires = clock::rfc3339(claims.expires_s.saturating_mul(1000));
    let made = Made {
        token: &token,
        link: &link,
        token_id: &claims.token_id,
        user_id: &claims.user_id,
        role: claims.role.as_str(),
        name: request.name.as_str(),
        rooms: claims
            .rooms
            .as_ref()
            .map(|rooms| rooms.iter().map(AsRef::as_ref).collect()),
        expires: &expires,
    };
    let text = if request.json {
        crate::json::raw(&made).get().to_owned() + "\n"
    } else {
        shown(&made)
    };
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(RunToolError::Output)
}

fn shown(made: &Made<'_>) -> String {
    let Made {
        token,
        link,
        token_id,
        user_id,
        role,
        name,
        expires,
        ..
    } = made;
    format!(
        "{token}\n{link}\n\nrole {role}, name {name}, user_id {user_id}, token id {token_id}, valid \
         until {expires}\n"
    )
}

/// The key of the server: the one that was given, or the one that it keeps in DATA_DIR.
fn signing_key(config: &Config) -> Result<Vec<u8>, RunToolError> {
    #[cfg(feature = "disk")]
    if let (KeySource::Random, Some(folder)) = (config.secret_key.source(), &config.data_dir) {
        return Ok(crate::store::disk::tools::signing_key(folder)?);
    }
    debug_assert_ne!(
        config.secret_key.source(),
        KeySource::Random,
        "checked before"
    );
    Ok(config.secret_key.as_bytes().to_vec())
}
