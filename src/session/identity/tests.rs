//! What a token names, and that nothing else is taken for one.

use proptest::prelude::*;

use super::*;
use crate::decisions::{Decision, DecisionKey};
use crate::domain::{Role, RoomName, Username};

const ADMIN_TOKEN: &str = "an admin token of this test, 32 bytes and more";

fn identities() -> Identities {
    Identities::new(b"a key of this test, 32 bytes long")
}

fn claims(role: Role) -> TokenClaims {
    TokenClaims {
        user_id: "ada@example".into(),
        role,
        name: Username::parse("Ada").ok(),
        rooms: RoomName::parse("tech").ok().map(|room| vec![room]),
        issued_s: 500,
        expires_s: 1000,
        token_id: "t1".into(),
    }
}

fn user_of(identities: &Identities, token: &str) -> Result<UserId, TokenError> {
    identities.actor_of(token).map(|actor| actor.user_id)
}

#[test]
fn an_issued_token_names_a_member_until_it_expires() {
    let token = identities().signer.issue("u1", 1000);
    assert!(token.starts_with("1.u1.1000."), "{token}");
    let actor = identities().actor_at(&token, 999);
    assert_eq!(
        actor.map(|actor| (actor.user_id, actor.role, actor.source)),
        Ok(("u1".into(), Role::Member, TokenSource::Issued))
    );
    assert_eq!(
        identities().actor_at(&token, 1000),
        Err(TokenError::Expired)
    );
    let issued = identities().issue("u2");
    assert_eq!(user_of(&identities(), &issued), Ok("u2".into()));
}

#[test]
fn a_signed_token_says_what_was_claimed() {
    for role in Role::ALL {
        let claims = claims(role);
        let token = identities().sign(&claims);
        let actor = identities().actor_at(&token, 999);
        assert_eq!(
            actor,
            Ok(Actor {
                user_id: claims.user_id,
                role,
                name: claims.name,
                rooms: claims.rooms.map(Into::into),
                token_id: Some("t1".into()),
                issued_s: 500,
                expires_s: Some(1000),
                source: TokenSource::Signed,
            })
        );
        assert_eq!(
            identities().actor_at(&token, 1000),
            Err(TokenError::Expired)
        );
    }
}

#[test]
fn the_admin_token_is_the_first_administrators_and_others_of_its_length_are_not() {
    let identities = identities().with_admin_token(ADMIN_TOKEN);
    let actor = identities.actor_of(ADMIN_TOKEN);
    assert_eq!(
        actor.map(|actor| (actor.role, actor.expires_s)),
        Ok((Role::Admin, None))
    );
    for other in [&ADMIN_TOKEN[1..], &ADMIN_TOKEN.to_uppercase(), ""] {
        assert_eq!(identities.actor_of(other), Err(TokenError::Invalid));
    }
    let without = Identities::new(b"a key of this test, 32 bytes long");
    assert_eq!(without.actor_of(ADMIN_TOKEN), Err(TokenError::Invalid));
}

#[test]
fn keys_of_any_length_sign() {
    for length in [0, 1, 31, 64, 65, 1000] {
        let identities = Identities::new(&vec![7; length]);
        let token = identities.issue("u1");
        assert_eq!(user_of(&identities, &token), Ok("u1".into()), "{length}");
    }
}

#[test]
fn what_another_key_signed_is_not_ours() {
    let others = Identities::new(b"another key");
    let long = TokenClaims {
        expires_s: i64::MAX,
        ..claims(Role::Admin)
    };
    for foreign in [others.issue("u1"), others.sign(&long)] {
        assert_eq!(identities().actor_of(&foreign), Err(TokenError::Invalid));
    }
}

#[test]
fn nothing_and_too_much_are_no_tokens() {
    let long = "a".repeat(1_000_000);
    for token in [
        "",
        ".",
        "...",
        "1.u1.99999999999.",
        "2..",
        "3.a.b",
        "none",
        &long,
    ] {
        assert_eq!(identities().actor_of(token), Err(TokenError::Invalid));
    }
}

#[test]
fn tokens_are_taken_back_by_id_by_user_and_by_age() {
    let token = identities().sign(&claims(Role::Moderator));
    let token_of = |id: &str| DecisionKey::RevokedToken(id.into());
    let user_of = |id: &str| DecisionKey::RevokedUser(id.into());
    let before = |at_s: i64| Decision {
        at_ms: at_s * 1000,
        ..Decision::default()
    };
    let cases = [
        ((token_of("t2"), before(501)), (token_of("t1"), before(501))),
        (
            (user_of("eve"), before(501)),
            (user_of("ada@example"), before(501)),
        ),
        (
            (DecisionKey::RevokedAll, before(500)),
            (DecisionKey::RevokedAll, before(501)),
        ),
    ];
    for ((other, spares), (key, revokes)) in cases {
        let decisions = Arc::new(Decisions::default());
        let identities = identities()
            .with_admin_token(ADMIN_TOKEN)
            .with_decisions(Arc::clone(&decisions));
        decisions.apply(other, Some(spares));
        assert!(identities.actor_at(&token, 999).is_ok());
        decisions.apply(key, Some(revokes));
        assert_eq!(identities.actor_at(&token, 999), Err(TokenError::Revoked));
        assert!(identities.actor_of(ADMIN_TOKEN).is_ok());
    }
}

#[test]
fn where_a_token_is_required_issued_ones_are_not_enough() {
    let identities = identities().with_auth(AuthMode::Required);
    let auth = |token: &str| crate::protocol::Auth {
        token: Some(Some(token.to_owned())),
    };
    let enter = |token: &str| Identity::new(&identities, &auth(token), None).map(|i| i.role());
    let valid = TokenClaims {
        expires_s: i64::MAX,
        ..claims(Role::Moderator)
    };
    assert_eq!(enter(&identities.sign(&valid)), Ok(Role::Moderator));
    assert_eq!(
        enter(&identities.sign(&claims(Role::Admin))),
        Err(ConnectError::Expired)
    );
    for token in [identities.issue("u1"), "none".to_owned()] {
        assert_eq!(enter(&token), Err(ConnectError::Unauthorized));
    }
}

fn either_token() -> impl Strategy<Value = String> {
    let long = TokenClaims {
        expires_s: i64::MAX,
        ..claims(Role::Admin)
    };
    let issued = identities().issue("0123456789abcdef0123456789abcdef");
    prop_oneof![Just(issued), Just(identities().sign(&long))]
}

proptest! {
    #[test]
    fn a_token_that_was_cut_or_changed_anywhere_is_refused(
        token in either_token(), at in 0usize..1000, to in any::<char>(),
    ) {
        let identities = identities().with_admin_token(ADMIN_TOKEN);
        let at = at % token.len();
        prop_assert_eq!(identities.actor_of(&token[..at]), Err(TokenError::Invalid));
        let changed: String =
            token.chars().enumerate().map(|(n, c)| if n == at { to } else { c }).collect();
        if changed != token {
            prop_assert_eq!(identities.actor_of(&changed), Err(TokenError::Invalid));
        }
    }

    #[test]
    fn whatever_is_signed_is_read_again(
        user_id in "[!-~]{1,100}", name in "[a-zA-Z]{1,32}", rooms in prop::option::of(
            prop::collection::vec("[a-z0-9-]{1,64}", 0..5)), expires_s in 1..i64::MAX,
    ) {
        let rooms = rooms.map(|rooms| rooms.iter().filter_map(|r| RoomName::parse(r).ok()).collect());
        let claims = TokenClaims {
            user_id: user_id.as_str().into(),
            name: Username::parse(&name).ok(),
            rooms,
            expires_s,
            ..claims(Role::Admin)
        };
        let actor = identities().actor_at(&identities().sign(&claims), 0);
        let actor = actor.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(actor.user_id, claims.user_id);
        prop_assert_eq!(actor.name, claims.name);
        prop_assert_eq!(actor.rooms.map(Vec::from), claims.rooms);
    }

    #[test]
    fn no_text_at_all_is_a_token(text in "\\PC{0,200}") {
        prop_assert!(identities().with_admin_token(ADMIN_TOKEN).actor_of(&text).is_err());
    }
}
