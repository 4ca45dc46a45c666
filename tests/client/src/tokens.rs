//! Tokens that say more than who, made by `hubbub token` or by another service.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::server::Binary;

/// The key of servers that know what [`made`] makes.
pub const KEY: (&str, &str) = ("SECRET_KEY", "a key of these tests, 32 bytes long");
/// The secret of servers that know what [`jwt`] makes.
pub const JWT: (&str, &str) = ("JWT_SECRET", "a secret of another service, 32 bytes");

/// What `hubbub token --json` makes with these arguments and [`KEY`].
pub async fn made(hubbub: Binary, arguments: &[&str]) -> Value {
    let all = [&["token", "--json"], arguments].concat();
    let made = hubbub.run_to_end(&[KEY], &all).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    serde_json::from_str(&made.stdout).unwrap()
}

/// Seconds since the Unix epoch.
pub fn now_s() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs().try_into().unwrap()
}

/// The first two parts of a JWT.
pub fn unsigned_jwt(algorithm: &str, claims: &Value) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let header = json!({ "alg": algorithm, "typ": "JWT" });
    format!("{}.{}", part(&header), part(claims))
}

/// A JWT that [`JWT`] has signed.
pub fn jwt(claims: &Value) -> Value {
    let content = unsigned_jwt("HS256", claims);
    let mut mac = Hmac::<Sha256>::new_from_slice(JWT.1.as_bytes()).unwrap();
    mac.update(content.as_bytes());
    let mac = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    json!(format!("{content}.{mac}"))
}
