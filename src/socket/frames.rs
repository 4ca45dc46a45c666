//! Parser for one direction of a WebSocket (RFC 6455, section 5.2), however its bytes are cut. It
//! recognises the few frames that matter below the library: session packets, CONNECT, close, ping.

use super::packet::{CONNECT_BYTES, is_connect, is_counted};

const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;
const OPCODE: u8 = 0x0f;
const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
/// A header with an extended length of 8 bytes and a mask.
const HEADER_BYTES_MAX: usize = 14;

/// Position in one direction of a WebSocket. The engine's own packets (open, ping) are not counted.
#[derive(Debug, Default, Clone)]
pub struct Frames {
    header: [u8; HEADER_BYTES_MAX],
    header_len: usize,
    payload_seen: u64,
    payload_len: Option<u64>,
    /// The first bytes of this frame's message, and how many of them have arrived.
    start: [u8; CONNECT_BYTES],
    start_len: usize,
    /// Bytes of that message that have arrived, over all its frames.
    message_seen: u64,
    is_text: bool,
    saw_close: bool,
    ping_bytes: u64,
}

/// Result of [`Frames::advance`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Bytes taken.
    pub taken: usize,
    /// Bytes of the header that is complete now, if one is.
    pub header_len: Option<usize>,
    /// The first byte of the frame that ends here, if one does.
    pub ended: Option<u8>,
}

impl Step {
    /// Whether a message ends here: the last frame of one that is not a control frame.
    pub fn ends_message(&self) -> bool {
        self.ended
            .is_some_and(|first| first & FINAL != 0 && first & OPCODE < CLOSE)
    }
}

impl Frames {
    /// Takes the next written bytes. Returns how many packets they complete of those that a session
    /// counts in the library's queue.
    pub fn count_queued(&mut self, mut bytes: &[u8]) -> u64 {
        let mut packets = 0;
        while let Some(read) = self.next_message(bytes) {
            bytes = &bytes[read..];
            packets += u64::from(is_counted(self.message_start()));
        }
        packets
    }

    /// Takes the next read bytes, up to the end of a CONNECT if they complete one. Returns where that
    /// ends.
    pub fn read_to_connect(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut end = 0;
        while let Some(read) = self.next_message(&bytes[end..]) {
            end += read;
            if is_connect(self.message_start()) {
                return Some(end);
            }
        }
        None
    }

    /// Finds a frame of exactly these bytes in the next ones. Takes nothing.
    pub fn find(&self, frame: &[u8], bytes: &[u8]) -> Option<usize> {
        // Most bytes do not contain it, and this search is faster.
        memchr::memmem::find(bytes, frame)?;
        let mut ahead = self.clone();
        let mut at = 0;
        while at < bytes.len() {
            if ahead.is_between_frames() && bytes[at..].starts_with(frame) {
                return Some(at);
            }
            at += ahead.advance(&bytes[at..]).taken;
        }
        None
    }

    /// Whether a close frame has passed.
    pub const fn saw_close(&self) -> bool {
        self.saw_close
    }

    /// Bytes of ping frames that have passed since the last call.
    pub fn take_ping_bytes(&mut self) -> u64 {
        std::mem::take(&mut self.ping_bytes)
    }

    /// Whether no frame is under way.
    pub const fn is_between_frames(&self) -> bool {
        self.header_len == 0
    }

    /// Takes bytes up to the end of a header or of a frame, whichever comes first.
    pub fn advance(&mut self, bytes: &[u8]) -> Step {
        let mut step = Step::default();
        while step.taken < bytes.len() && step.header_len.is_none() && step.ended.is_none() {
            match self.payload_len {
                None => {
                    step.taken += self.read_header(bytes[step.taken]);
                    step.header_len = self.payload_len.map(|_| self.header_len);
                }
                Some(len) => step.taken += self.read_payload(&bytes[step.taken..], len),
            }
            if self.payload_len == Some(self.payload_seen) {
                step.ended = Some(self.header[0]);
                self.header_len = 0;
                self.payload_seen = 0;
                self.payload_len = None;
                if step.ends_message() {
                    self.message_seen = 0;
                }
            }
        }
        step
    }

    /// The header that [`Self::advance`] has just completed.
    pub fn header(&self, len: usize) -> &[u8] {
        &self.header[..len]
    }

    /// Payload bytes of the current frame that have not arrived yet.
    pub fn payload_left(&self) -> u64 {
        self.payload_len.map_or(0, |len| len - self.payload_seen)
    }

    /// Bytes of the message under way that have arrived.
    pub const fn message_seen(&self) -> u64 {
        self.message_seen
    }

    /// The first bytes of the message under way, or of the one that has just ended.
    pub fn message_start(&self) -> &[u8] {
        let known = if self.is_text { self.start_len } else { 0 };
        &self.start[..known]
    }

    /// Takes bytes up to the end of a message. Returns how many, or `None` if no message ends and all
    /// were taken.
    fn next_message(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut taken = 0;
        while taken < bytes.len() {
            let step = self.advance(&bytes[taken..]);
            taken += step.taken;
            if step.ends_message() {
                return Some(taken);
            }
        }
        None
    }

    fn read_header(&mut self, byte: u8) -> usize {
        self.header[self.header_len] = byte;
        self.header_len += 1;
        if self.header_len < 2 {
            return 1;
        }
        let extended = match self.header[1] & !MASKED {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if self.header[1] & MASKED == 0 { 0 } else { 4 };
        if self.header_len == 2 + extended + mask {
            let digits = &self.header[2..2 + extended];
            let long = digits
                .iter()
                .fold(0, |len, &digit| len << 8 | u64::from(digit));
            let short = u64::from(self.header[1] & !MASKED);
            self.begin_frame(if extended > 0 { long } else { short });
        }
        1
    }

    fn begin_frame(&mut self, length: u64) {
        self.payload_len = Some(length);
        match self.header[0] & OPCODE {
            CLOSE => self.saw_close = true,
            PING => self.ping_bytes = self.ping_bytes.saturating_add(length).saturating_add(2),
            opcode @ 1..CLOSE => {
                self.start_len = 0;
                self.message_seen = 0;
                self.is_text = opcode == TEXT;
            }
            // A continuation of the message.
            _ => {}
        }
    }

    fn read_payload(&mut self, bytes: &[u8], len: u64) -> usize {
        let left = usize::try_from(len - self.payload_seen).unwrap_or(usize::MAX);
        let now = &bytes[..left.min(bytes.len())];
        if self.header[0] & OPCODE < CLOSE {
            self.message_seen = self.message_seen.saturating_add(now.len() as u64);
            if self.start_len < CONNECT_BYTES {
                self.note_start(now);
            }
        }
        self.payload_seen += now.len() as u64;
        now.len()
    }

    fn note_start(&mut self, bytes: &[u8]) {
        let is_masked = self.header[1] & MASKED != 0;
        // The mask is the last of the header.
        let mask_at = self.header_len.saturating_sub(4);
        for (at, &byte) in (self.payload_seen..).zip(bytes) {
            if self.start_len == CONNECT_BYTES {
                return;
            }
            let mask = if is_masked {
                self.header[mask_at + usize::try_from(at % 4).unwrap_or(0)]
            } else {
                0
            };
            self.start[self.start_len] = byte ^ mask;
            self.start_len += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame_of(first: u8, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
        let masked = if mask.is_some() { MASKED } else { 0 };
        let mut frame = vec![first];
        match payload.len() {
            n if n < 126 => frame.push(masked | u8::try_from(n).unwrap_or(0)),
            n if n < 65536 => {
                frame.push(masked | 126);
                frame.extend(u16::try_from(n).unwrap_or(0).to_be_bytes());
            }
            n => {
                frame.push(masked | 127);
                frame.extend((n as u64).to_be_bytes());
            }
        }
        frame.extend(mask.iter().flatten());
        let mask = mask.unwrap_or_default();
        frame.extend(
            payload
                .iter()
                .enumerate()
                .map(|(n, byte)| byte ^ mask[n % 4]),
        );
        frame
    }

    fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
        frame_of(FINAL | opcode, None, payload)
    }

    proptest! {
        #[test]
        fn packets_are_counted_however_the_bytes_are_cut(
            payload_lens in prop::collection::vec((0_usize..70_000, 0_usize..5), 1..8),
            cuts in prop::collection::vec(1_usize..40_000, 1..40),
        ) {
            let kinds: [&[u8]; 5] = [b"42[", b"430[", b"2", b"40{", b"0{"];
            let mut stream = Vec::new();
            let mut sent = 0;
            for (len, kind) in payload_lens {
                let mut payload = kinds[kind].to_vec();
                payload.resize(payload.len() + len, b'x');
                stream.extend(frame(TEXT, &payload));
                sent += u64::from(kind < 2 || kind == 3);
            }
            stream.extend(frame(PING, b"42 in a ping frame"));
            let mut frames = Frames::default();
            let mut counted = 0;
            let mut rest = &stream[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                counted += frames.count_queued(now);
                rest = later;
            }
            prop_assert_eq!(counted, sent);
        }

        #[test]
        fn a_connect_ends_where_it_ends_however_it_is_masked_split_and_cut(
            mask in any::<[u8; 4]>(),
            before in prop::sample::select(vec!["2", "42[\"a\",\"40\"]", "40/x,", "3probe"]),
            split in 0_usize..4,
            cut in 1_usize..40,
        ) {
            let connect = b"40{}";
            let mut stream = frame_of(FINAL | TEXT, Some(mask), before.as_bytes());
            stream.extend(frame_of(TEXT, Some(mask), &connect[..split]));
            stream.extend(frame_of(FINAL | PING, Some(mask), b"40"));
            stream.extend(frame_of(FINAL, Some(mask), &connect[split..]));
            let end = stream.len();
            stream.extend(frame_of(FINAL | TEXT, Some(mask), b"42[\"join_room\",{}]"));
            let mut frames = Frames::default();
            let mut found = Vec::new();
            let mut at = 0;
            while at < stream.len() {
                let now = &stream[at..(at + cut).min(stream.len())];
                match frames.read_to_connect(now) {
                    Some(read) => {
                        at += read;
                        found.push(at);
                    }
                    None => at += now.len(),
                }
            }
            prop_assert_eq!(found, [end]);
        }

        #[test]
        fn a_frame_is_found_between_frames_and_not_inside_them(
            lens in prop::collection::vec(0_usize..300, 0..4),
            skip in 0_usize..200,
        ) {
            let wanted = frame(TEXT, b"1");
            let mut stream: Vec<u8> = lens
                .iter()
                .flat_map(|&len| frame(TEXT, &wanted.repeat(len.div_ceil(3))))
                .collect();
            let at = stream.len();
            stream.extend(&wanted);
            stream.extend(frame(TEXT, b"2"));
            let mut frames = Frames::default();
            let skip = skip.min(at);
            frames.count_queued(&stream[..skip]);
            prop_assert_eq!(frames.find(&wanted, &stream[skip..]), Some(at - skip));
            prop_assert_eq!(frames.find(&wanted, &stream[skip..at]), None);
        }
    }

    #[test]
    fn a_close_frame_is_seen_wherever_the_bytes_are_cut_and_nowhere_else() {
        let masked = |opcode: u8, payload: &[u8]| frame_of(FINAL | opcode, Some([1; 4]), payload);
        let mut stream = Vec::new();
        for payload in [&b""[..], &[0x88; 200], &[0x88; 70_000]] {
            stream.extend(masked(TEXT, payload));
            stream.extend(masked(PING, &[0x89; 125]));
        }
        for piece in [1, 2, 7, stream.len()] {
            let mut frames = Frames::default();
            stream.chunks(piece).for_each(|bytes| {
                frames.count_queued(bytes);
            });
            assert!(!frames.saw_close(), "in pieces of {piece}");
            assert_eq!(frames.take_ping_bytes(), 3 * (2 + 125));
            masked(CLOSE, b"\x03\xe8").chunks(piece).for_each(|bytes| {
                frames.count_queued(bytes);
            });
            assert!(frames.saw_close(), "in pieces of {piece}");
        }
    }

    #[test]
    fn an_empty_frame_ends_immediately() {
        let mut frames = Frames::default();
        assert_eq!(frames.count_queued(&frame(CLOSE, b"")), 0);
        assert_eq!(frames.count_queued(&frame(TEXT, b"42[]")), 1);
    }
}
