//! Enough of WebSocket (RFC 6455) to look at the text frames of a stream that goes through.

use std::mem;

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
        let (masked, length) = (self.buffer.get(1)? & 0x80 != 0, self.buffer[1] & 0x7f);
        let (length, mut start) = match length {
            126 => (number(self.buffer.get(2..4)?), 4),
            127 => (number(self.buffer.get(2..10)?), 10),
            short => (usize::from(short), 2),
        };
        let mask = if masked {
            start += 4;
            self.buffer.get(start - 4..start)?.to_vec()
        } else {
            vec![0]
        };
        let payload = self.buffer.get(start..start + length)?;
        let plain = payload.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m);
        let text = (self.buffer[0] == 0x81)
            .then(|| String::from_utf8(plain.collect()).ok())
            .flatten();
        let rest = self.buffer.split_off(start + length);
        let raw = mem::replace(&mut self.buffer, rest);
        Some(Frame { raw, text })
    }
}

/// A server's text frame.
pub fn text_frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match text.len() {
        short @ 0..126 => frame.push(u8::try_from(short).unwrap()),
        medium @ 126..0x1_0000 => {
            frame.push(126);
            frame.extend(u16::try_from(medium).unwrap().to_be_bytes());
        }
        long => {
            frame.push(127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    frame.extend(text.as_bytes());
    frame
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |n, b| (n << 8) | usize::from(*b))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|at| at == wanted)
}

#[test]
fn frames_are_taken_apart_wherever_the_stream_was_cut() {
    let long = "x".repeat(300);
    let mut stream = b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n".to_vec();
    stream.extend(text_frame("42[\"hello\"]"));
    stream.extend([0x8a, 0x00]);
    stream.extend(text_frame(&long));
    let masked = [0x81, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'i' ^ 2];
    stream.extend(masked);
    let mut frames = Frames::default();
    let (mut passed, mut texts) = (Vec::new(), Vec::new());
    for byte in &stream {
        frames.push(&[*byte]);
        passed.extend(frames.preamble());
        while let Some(frame) = frames.next_frame() {
            passed.extend(frame.raw);
            texts.extend(frame.text);
        }
    }
    assert_eq!(passed, stream);
    assert_eq!(texts, ["42[\"hello\"]", &long, "hi"]);
}
