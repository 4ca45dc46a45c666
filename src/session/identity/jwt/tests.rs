//! Which JWTs are accepted, and what they name.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use super::*;

const SECRET: &[u8] = b"a secret of these tests, 32 bytes long";

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let [header, claims] = [header, claims].map(|part| encoded(part.to_string()));
    format!("{header}.{claims}")
}

fn hs256(secret: &[u8], header: &Value, claims: &Value) -> String {
    let content = unsigned(header, claims);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let signature = encoded(hmac::sign(&key, content.as_bytes()));
    format!("{content}.{signature}")
}

fn with_secret() -> JwtKeys {
    let mut keys = JwtKeys::default();
    keys.add_secret(SECRET).unwrap_or_else(|e| panic!("{e}"));
    keys
}

fn with_public(text: &str) -> JwtKeys {
    let mut keys = JwtKeys::default();
    keys.add_public(text).unwrap_or_else(|e| panic!("{e}"));
    keys
}

fn later() -> i64 {
    super::super::now_s() + 1000
}

fn valid() -> Value {
    json!({ "sub": "ada", "exp": later() })
}

fn of_secret(claims: &Value) -> Result<Actor, TokenError> {
    let token = hs256(SECRET, &json!({ "alg": "HS256", "typ": "JWT" }), claims);
    with_secret().verify(&token, super::super::now_s())
}

/// The claims with some of them changed; `null` takes one away.
fn but(changes: Value) -> Value {
    let mut claims = valid();
    for (name, value) in changes.as_object().into_iter().flatten() {
        claims[name] = value.clone();
    }
    let fields = claims.as_object_mut().into_iter().flatten();
    fields
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[test]
fn a_token_names_a_user_who_can_be_no_other() {
    let actor = of_secret(&but(json!({
        "name": "Ada", "role": "moderator", "rooms": ["tech", "NO ROOM"], "jti": "t1", "iat": 5.5
    })));
    let actor = actor.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(&*actor.user_id, "jwt:ada");
    assert_eq!(actor.name.as_ref().map(AsRef::as_ref), Some("Ada"));
    assert_eq!(actor.role, Role::Moderator);
    assert_eq!(actor.rooms.map(|rooms| rooms.len()), Some(1));
    assert_eq!((actor.token_id.as_deref(), actor.issued_s), (Some("t1"), 5));
    assert_eq!(actor.source, TokenSource::Jwt);
}

#[test]
fn roles_of_another_service_are_those_of_members() {
    for role in [json!("authenticated"), json!(["admin"]), json!(1)] {
        let actor = of_secret(&but(json!({ "role": role })));
        assert_eq!(actor.map(|actor| actor.role), Ok(Role::Member), "{role}");
    }
}

#[test]
fn claims_that_cannot_be_used_are_refused() {
    let long = "x".repeat(101);
    for changes in [
        json!({ "sub": null }),
        json!({ "sub": "" }),
        json!({ "sub": "a b" }),
        json!({ "sub": long }),
        json!({ "sub": 1 }),
        json!({ "exp": null }),
        json!({ "exp": "tomorrow" }),
        json!({ "exp": later().to_string() }),
        json!({ "nbf": later() }),
        json!({ "nbf": "now" }),
        json!({ "aud": "another service" }),
        json!({ "name": "" }),
        json!({ "name": "x".repeat(33) }),
        json!({ "rooms": "tech" }),
        json!({ "jti": "" }),
    ] {
        let refused = of_secret(&but(changes.clone()));
        assert_eq!(refused, Err(TokenError::Invalid), "{changes}");
    }
    for exp in [json!(1), json!(super::super::now_s()), json!(1.5)] {
        let refused = of_secret(&but(json!({ "exp": exp })));
        assert_eq!(refused, Err(TokenError::Expired), "{exp}");
    }
}

#[test]
fn the_audience_and_the_issuer_must_be_those_of_the_settings() {
    let mut keys = with_secret();
    keys.require_audience("chat".to_owned());
    keys.require_issuer("https://id.example".to_owned());
    let accepts = |changes| {
        let token = hs256(SECRET, &json!({ "alg": "HS256" }), &but(changes));
        keys.verify(&token, 0).is_ok()
    };
    let issuer = "https://id.example";
    assert!(accepts(json!({ "aud": "chat", "iss": issuer })));
    assert!(accepts(json!({ "aud": ["mail", "chat"], "iss": issuer })));
    assert!(!accepts(json!({ "aud": "mail", "iss": issuer })));
    assert!(!accepts(
        json!({ "aud": "chat", "iss": "https://evil.example" })
    ));
    assert!(!accepts(json!({ "aud": "chat" })) && !accepts(json!({ "iss": issuer })));
}

#[test]
fn a_token_cannot_choose_how_it_is_verified() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap_or_else(|e| panic!("{e}"));
    let public = pair.public_key().as_ref();
    let set =
        json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": encoded(public), "kid": "k1" }] });
    let keys = with_public(&set.to_string());
    let accepts = |token: &str| keys.verify(token, 0).is_ok();
    let eddsa = |header: Value| {
        let content = unsigned(&header, &valid());
        let signature = encoded(pair.sign(content.as_bytes()));
        format!("{content}.{signature}")
    };
    assert!(accepts(&eddsa(json!({ "alg": "EdDSA", "kid": "k1" }))));
    assert!(accepts(&eddsa(json!({ "alg": "EdDSA" }))));
    for header in [
        json!({ "alg": "EdDSA", "kid": "k2" }),
        json!({ "alg": "EdDSA", "crit": ["exp"] }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "none" }),
        json!({}),
    ] {
        assert!(!accepts(&eddsa(header.clone())), "{header}");
    }
    // A public key as the secret of an HMAC, and no signature at all.
    for secret in [
        public,
        encoded(public).as_bytes(),
        set.to_string().as_bytes(),
    ] {
        assert!(!accepts(&hs256(
            secret,
            &json!({ "alg": "HS256" }),
            &valid()
        )));
    }
    for alg in ["none", "None", "EdDSA", "HS256"] {
        let content = unsigned(&json!({ "alg": alg }), &valid());
        assert!(
            !accepts(&format!("{content}.")) && !accepts(&content),
            "{alg}"
        );
    }
    // Another algorithm of the same secret.
    let secret = with_secret();
    for alg in ["HS384", "HS512", "none"] {
        let token = hs256(SECRET, &json!({ "alg": alg }), &valid());
        assert_eq!(secret.verify(&token, 0), Err(TokenError::Invalid), "{alg}");
    }
}

#[test]
fn of_several_keys_the_one_that_signed_is_found() {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pair = || {
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random);
        let document = document.unwrap_or_else(|e| panic!("{e}"));
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random);
        pair.unwrap_or_else(|e| panic!("{e}"))
    };
    let pairs = [pair(), pair(), pair()];
    let jwk = |pair: &EcdsaKeyPair| {
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        json!({ "kty": "EC", "crv": "P-256", "x": encoded(x), "y": encoded(y), "use": "sig" })
    };
    let other = json!({ "kty": "oct", "k": encoded(SECRET) });
    let encrypts = json!({ "use": "enc", "kty": "EC", "crv": "P-256",
        "x": jwk(&pairs[2])["x"], "y": jwk(&pairs[2])["y"] });
    let set = json!({ "keys": [other, jwk(&pairs[0]), jwk(&pairs[1]), encrypts] });
    let keys = with_public(&set.to_string());
    let content = unsigned(&json!({ "alg": "ES256" }), &valid());
    let accepts = |pair: &EcdsaKeyPair| {
        let signature = pair.sign(&random, content.as_bytes());
        let signature = encoded(signature.unwrap_or_else(|e| panic!("{e}")));
        keys.verify(&format!("{content}.{signature}"), 0).is_ok()
    };
    assert_eq!(pairs.each_ref().map(accepts), [true, true, false]);
    let hmac = hs256(SECRET, &json!({ "alg": "HS256" }), &valid());
    assert!(keys.verify(&hmac, 0).is_err(), "a set has public keys only");
}

#[test]
fn keys_that_cannot_be_used_are_refused_with_the_reason() {
    let error = |text: &str| JwtKeys::default().add_public(text).err();
    assert_eq!(error(""), Some(JwtKeyError::Unreadable));
    assert_eq!(error("{}"), Some(JwtKeyError::Unreadable));
    assert_eq!(error("{\"keys\":[]}"), Some(JwtKeyError::NoneUsable));
    let private = "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----";
    assert_eq!(error(private), Some(JwtKeyError::Private));
    let short = json!({ "keys": [{ "kty": "RSA", "n": encoded([255; 128]), "e": "AQAB" }] });
    assert_eq!(error(&short.to_string()), Some(JwtKeyError::NoneUsable));
    let secret = JwtKeys::default().add_secret(&SECRET[..31]);
    assert_eq!(secret, Err(JwtKeyError::ShortSecret));
}
