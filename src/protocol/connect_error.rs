//! CONNECT_ERROR: the answer to a CONNECT that is refused.

use serde::Serialize;

use super::frame;

/// A CONNECT_ERROR with a code for programs. The library writes one with a message alone; this knows
/// both, so that the one can take the other's place.
#[derive(Debug)]
pub struct ConnectErrorPacket {
    message: String,
    plain: String,
    full: String,
}

#[derive(Serialize)]
struct ConnectErrorBody<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<ConnectErrorData<'a>>,
}

/// `data` of a CONNECT_ERROR.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ConnectErrorData<'a> {
    /// For programs: `unauthorized`, `expired` or `banned`.
    pub code: &'static str,
    /// When the client may come back (RFC 3339), if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<&'a str>,
}

impl ConnectErrorPacket {
    /// The packet with a message for people, a code for programs, and when to come back.
    #[must_use]
    pub fn new(message: String, code: &'static str, until: Option<&str>) -> Self {
        let packet = |data| {
            let body = ConnectErrorBody {
                message: &message,
                data,
            };
            format!("44{}", crate::json::raw(&body).get())
        };
        let plain = packet(None);
        let full = packet(Some(ConnectErrorData { code, until }));
        Self {
            message,
            plain,
            full,
        }
    }

    /// The message alone.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The packet as the library writes it.
    #[must_use]
    pub fn plain(&self) -> &str {
        &self.plain
    }

    /// The packet as clients receive it.
    #[must_use]
    pub fn full(&self) -> &str {
        &self.full
    }

    /// Both as the frames of a WebSocket: the library's, and what clients receive.
    #[must_use]
    pub fn frames(&self) -> (Vec<u8>, Vec<u8>) {
        let frame_of = |packet: &str| {
            let mut bytes = Vec::new();
            frame::push_text(&mut bytes, packet);
            bytes
        };
        (frame_of(&self.plain), frame_of(&self.full))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_packet_differs_by_its_data_from_that_of_the_library() {
        let packet = ConnectErrorPacket::new("Say \"who\"".to_owned(), "unauthorized", None);
        let plain = r#"44{"message":"Say \"who\""}"#;
        assert_eq!(packet.plain(), plain);
        let full = r#"44{"message":"Say \"who\"","data":{"code":"unauthorized"}}"#;
        assert_eq!(packet.full(), full);
        assert!(packet.frames().0.ends_with(plain.as_bytes()));
    }
}
