//! Signatures as Standard Webhooks 1.0 has them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use crate::random;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// Bytes of a secret.
const SECRET_BYTES: usize = 32;

/// A new secret.
#[must_use]
pub fn new_secret() -> String {
    format!(
        "{PREFIX}{}",
        STANDARD.encode(random::bytes::<SECRET_BYTES>())
    )
}

/// The value of `webhook-signature` for a payload; `None` if the secret is none that [`new_secret`]
/// made.
#[must_use]
pub fn sign(secret: &str, id: &str, timestamp_s: i64, payload: &str) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let mut context = hmac::Context::with_key(&key);
    context.update(format!("{id}.{timestamp_s}.").as_bytes());
    context.update(payload.as_bytes());
    Some(format!("v1,{}", STANDARD.encode(context.sign())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the libraries of Standard Webhooks test with.
    #[test]
    fn a_signature_is_as_the_standard_has_it() {
        let signature = sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            "{\"test\": 2432232314}",
        );
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signature.as_deref(), Some(expected));
        assert_eq!(sign("MfKQ", "a", 1, ""), None);
    }

    #[test]
    fn every_secret_is_another_one_and_can_be_used() {
        let (one, other) = (new_secret(), new_secret());
        assert_ne!(one, other);
        assert_ne!(sign(&one, "a", 1, "x"), sign(&other, "a", 1, "x"));
        assert!(sign(&one, "a", 1, "x").is_some());
    }
}
