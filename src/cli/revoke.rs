//! `hubbub token revoke`: tokens that a running server accepts no longer.

use serde_json::json;

use super::api::Api;
use super::error::CliError;
use super::output::Output;
use crate::clock;
use crate::config::{Config, RevokeArgs};

/// Revokes one token, those of a user, or all from before a time.
///
/// # Errors
/// The server is not reached, or refuses.
pub async fn run(config: &Config, args: &RevokeArgs) -> Result<(), CliError> {
    let which = &args.which;
    let (body, what) = match (&which.token_id, &which.user, which.before) {
        (Some(id), _, _) => (json!({ "token_id": id }), format!("token {id}")),
        (_, Some(user), _) => (
            json!({ "user_id": user }),
            format!("all tokens that the user {user} was given until now"),
        ),
        (_, _, before) => {
            let at_s = before.unwrap_or_default();
            let at = clock::rfc3339(at_s.saturating_mul(1000));
            let what = format!("all tokens that were made before {at}");
            (json!({ "issued_before": at_s }), what)
        }
    };
    let api = Api::new(config, &args.server)?;
    let answer = api.post(&["tokens", "revoke"], &body).await?;
    let output = Output::new(args.server.access.json);
    output.done(&answer, &format!("revoked: {what}"))
}
