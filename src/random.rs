//! Random identifiers and numbers from the operating system's generator.

/// A random id of 128 bits, as 32 hexadecimal digits.
///
/// # Panics
/// Where the operating system has no randomness to give: nothing of this program could then be
/// trusted, and Linux gives it from the first moment a program runs.
#[must_use]
pub fn id() -> String {
    hex(&bytes::<16>())
}

/// Two hexadecimal digits for each byte.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 0xf)]);
    }
    text
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

#[cfg(test)]
mod tests {
    #[test]
    fn a_byte_has_two_digits() {
        assert_eq!(super::hex(&[0x00, 0x0a, 0xb1, 0xff]), "000ab1ff");
        assert_eq!(super::id().len(), 32);
    }
}
