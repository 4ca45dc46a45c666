//! Random identifiers and numbers from the operating system's generator.

/// A random id of 128 bits, as 32 hexadecimal digits.
///
/// # Panics
/// Where the operating system has no randomness to give: nothing of this program could then be
/// trusted, and Linux gives it from the first moment a program runs.
#[must_use]
pub fn id() -> String {
    bytes::<16>().iter().map(|b| format!("{b:02x}")).collect()
}

/// `N` random bytes.
///
/// # Panics
/// As [`id`].
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::expect_used, reason = "see `# Panics` of `id`")]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A number from 0 to `bound`, both included: for jitter.
#[must_use]
pub fn up_to(bound: u64) -> u64 {
    let random = u64::from_le_bytes(bytes());
    bound.checked_add(1).map_or(random, |n| random % n)
}
