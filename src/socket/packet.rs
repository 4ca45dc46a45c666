//! Kinds of Engine.IO packets, recognised by their first bytes.

/// Whether a packet from the server is one that a session counts: the reply to its CONNECT, an event
/// or an acknowledgement.
pub fn is_counted(packet: &[u8]) -> bool {
    [&b"40{"[..], b"42", b"43"]
        .iter()
        .any(|start| packet.starts_with(start))
}

/// Bytes of a packet that [`is_connect`] looks at.
pub const CONNECT_BYTES: usize = 4;

/// Whether a packet is a CONNECT to the main namespace, by its first [`CONNECT_BYTES`] bytes.
pub fn is_connect(packet: &[u8]) -> bool {
    match packet.strip_prefix(b"40") {
        Some(rest) => !rest.starts_with(b"/") || rest.len() == 1 || rest.starts_with(b"/,"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_connect_to_the_main_namespace_is_one() {
        for packet in [
            "40",
            "40{}",
            "40{\"token\":null}",
            "40/",
            "40/,",
            "40/,{}",
            "40x",
        ] {
            assert!(is_connect(packet.as_bytes()), "{packet}");
        }
        for packet in [
            "", "4", "0", "41", "42[]", "40/x", "40/x,{}", "440", "2", "b40",
        ] {
            assert!(!is_connect(packet.as_bytes()), "{packet}");
        }
    }
}
