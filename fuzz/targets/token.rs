//! Tokens: nothing but a token that was issued here, letter for letter, names anybody.
//!
//! The input is taken as a token, as an edit of one that was issued, and as the fields of one
//! that another key signed.
#![no_main]

use std::sync::LazyLock;

use hubbub::session::Identities;
use hubbub::session::identity::TOKEN_BYTES_MAX;
use libfuzzer_sys::fuzz_target;

const USER: &str = "0123456789abcdef0123456789abcdef";

static OURS: LazyLock<Identities> =
    LazyLock::new(|| Identities::new(b"a key of this test, 32 bytes long"));
static THEIRS: LazyLock<Identities> =
    LazyLock::new(|| Identities::new(b"a key of this test, 32 bytes lonG"));
static ISSUED: LazyLock<String> = LazyLock::new(|| {
    let token = OURS.issue(USER);
    assert_eq!(&*OURS.actor_of(&token).unwrap().user_id, USER);
    assert!(token.len() <= TOKEN_BYTES_MAX);
    token
});

fuzz_target!(|input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    assert_refused(&text);
    assert_refused(&edited(input));
    assert_refused(&format!("{}{text}", &*ISSUED));
    assert_refused(&format!("{text}{}", &*ISSUED));
    // The fields of the input under our MAC of other fields, and all of it under another key.
    if let (Some((fields, _)), Some((_, mac))) = (text.rsplit_once('.'), ISSUED.rsplit_once('.')) {
        assert_refused(&format!("{fields}.{mac}"));
    }
    assert_refused(&THEIRS.issue(&text));
});

/// The issued token with pieces replaced: each three bytes are a place, a length and a byte, which
/// is inserted where the length is 0.
fn edited(input: &[u8]) -> String {
    let mut token = ISSUED.as_bytes().to_vec();
    for edit in input.chunks_exact(3).take(8) {
        let at = usize::from(edit[0]) % (token.len() + 1);
        let until = (at + usize::from(edit[1] % 4)).min(token.len());
        token.splice(at..until, [edit[2]]);
    }
    String::from_utf8_lossy(&token).into_owned()
}

fn assert_refused(token: &str) {
    if token != *ISSUED {
        let verdict = OURS.actor_of(token);
        assert!(verdict.is_err(), "{token:?} names {verdict:?}");
    }
}
