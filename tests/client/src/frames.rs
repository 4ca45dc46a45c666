//! Enough of WebSocket (RFC 6455) to write any frame, and to read the frames of a stream.

use std::mem;

/// A final text frame, as the first byte of a frame.
pub const TEXT: u8 = 0x81;
/// A final close frame.
pub const CLOSE: u8 = 0x88;
/// A final ping frame.
pub const PING: u8 = 0x89;

/// The mask bit of a frame's second byte.
pub const MASKED: u8 = 0x80;

/// The bytes of a stream, taken apart into frames once the handshake is over. A stream that
/// turns out to be plain HTTP passes as it is.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
    state: State,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    Frames,
    Other,
}

/// One frame.
#[derive(Debug)]
pub struct Frame {
    /// As it came.
    pub raw: Vec<u8>,
    /// Its text, where it is a whole text.
    pub text: Option<String>,
}

impl Frames {
    /// Takes what came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// What comes before the frames and goes through untouched.
    pub fn preamble(&mut self) -> Vec<u8> {
        if self.state == State::Head {
            let Some(at) = find(&self.buffer, b"\r\n\r\n") else {
                return Vec::new();
            };
            let rest = self.buffer.split_off(at + 4);
            let head = mem::replace(&mut self.buffer, rest);
            let lower = String::from_utf8_lossy(&head).to_ascii_lowercase();
            let is_websocket = lower.contains("upgrade: websocket");
            self.state = if is_websocket {
                State::Frames
            } else {
                State::Other
            };
            return [head, self.preamble()].concat();
        }
        if self.state == State::Other {
            return mem::take(&mut self.buffer);
        }
        Vec::new()
    }

    /// The next whole frame.
    pub fn next_frame(&mut self) -> Option<Frame> {
        if self.state != State::Frames {
            return None;
        }
        let (first, payload, length) = parse(&self.buffer)?;
        let text = (first == TEXT)
            .then(|| String::from_utf8(payload).ok())
            .flatten();
        let rest = self.buffer.split_off(length);
        let raw = mem::replace(&mut self.buffer, rest);
        Some(Frame { raw, text })
    }
}

/// A server's text frame.
pub fn text_frame(text: &str) -> Vec<u8> {
    let mut frame = header(TEXT, text.len(), 0);
    frame.extend(text.as_bytes());
    frame
}

/// A masked frame, as clients send them. The mask is zero, so the payload stays as it is.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(first, payload.len(), MASKED);
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// The header of a frame, without a mask.
pub fn header(first: u8, length: usize, masked: u8) -> Vec<u8> {
    let mut header = vec![first];
    match length {
        n if n < 126 => header.push(masked | u8::try_from(n).unwrap()),
        n if n < 65536 => {
            header.push(masked | 126);
            header.extend(u16::try_from(n).unwrap().to_be_bytes());
        }
        n => {
            header.push(masked | 127);
            header.extend((n as u64).to_be_bytes());
        }
    }
    header
}

/// The first whole frame in the bytes: its first byte, its payload without a mask, and how many bytes
/// it takes.
pub fn parse(bytes: &[u8]) -> Option<(u8, Vec<u8>, usize)> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (length, mut start) = match second & !MASKED {
        126 => (number(bytes.get(2..4)?), 4),
        127 => (number(bytes.get(2..10)?), 10),
        short => (usize::from(short), 2),
    };
    let mut mask = [0; 4];
    if second & MASKED != 0 {
        mask.copy_from_slice(bytes.get(start..start + 4)?);
        start += 4;
    }
    let mut payload = bytes.get(start..start + length)?.to_vec();
    if mask != [0; 4] {
        for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= mask;
        }
    }
    Some((first, payload, start + length))
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |n, b| (n << 8) | usize::from(*b))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|at| at == wanted)
}
