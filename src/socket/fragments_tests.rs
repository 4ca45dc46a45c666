//! Tests of how frames are cut.

use proptest::prelude::*;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocket, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::*;

const TEXT: u8 = 1;
const PING: u8 = 9;
const FRAME_MAX: u64 = 1_100_000;

fn frame(first: u8, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let masked = if mask.is_some() { MASKED } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        n if n < 126 => frame.push(masked | u8::try_from(n).unwrap_or(0)),
        n if n < 65536 => {
            frame.push(masked | LENGTH_IN_TWO);
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

/// What the library reads from a stream that is cut in reads of these sizes.
fn messages(stream: &[u8], reads: &[usize]) -> (Vec<Message>, usize) {
    let mut cutter = Cutter::new(FRAME_MAX);
    let mut passed = Vec::new();
    let mut rest = stream;
    let mut peak = 0;
    for read in reads.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at((*read).min(rest.len()));
        passed.extend_from_slice(&cutter.pass(now).unwrap_or_default());
        peak = peak.max(cutter.peak_held());
        rest = later;
    }
    (decode(passed), peak)
}

/// Reads what was passed on; what the library writes goes nowhere.
struct Passed(std::io::Cursor<Vec<u8>>);

impl io::Read for Passed {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl io::Write for Passed {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn decode(stream: Vec<u8>) -> Vec<Message> {
    let config = WebSocketConfig::default().read_buffer_size(1024);
    let stream = Passed(std::io::Cursor::new(stream));
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, Some(config));
    let mut messages = Vec::new();
    loop {
        match socket.read() {
            Ok(message) => messages.push(message),
            Err(Error::Io(_) | Error::Protocol(_) | Error::ConnectionClosed) => return messages,
            Err(error) => return vec![Message::text(error.to_string())],
        }
    }
}

proptest! {
    /// Whatever is sent, however it is fragmented, masked and cut by the network: the library reads
    /// the same messages from the pieces as from the frames.
    #[test]
    fn the_library_reads_the_same_messages(
        sizes in prop::collection::vec((0_usize..5_000, 1_usize..4, any::<bool>()), 1..6),
        mask in any::<[u8; 4]>(),
        reads in prop::collection::vec(1_usize..1_500, 1..8),
    ) {
        let mut stream = Vec::new();
        let mut expected = Vec::new();
        for (size, frames, pings) in sizes {
            let text = "äb€c".repeat(size / 7);
            let part = text.len().div_ceil(frames).max(1);
            let parts: Vec<&[u8]> = if text.is_empty() {
                vec![&[]]
            } else {
                text.as_bytes().chunks(part).collect()
            };
            for (n, part) in parts.iter().enumerate() {
                let opcode = if n == 0 { TEXT } else { 0 };
                let is_final = if n + 1 == parts.len() { FINAL } else { 0 };
                stream.extend(frame(is_final | opcode, Some(mask), part));
                if pings && is_final == 0 {
                    stream.extend(frame(FINAL | PING, Some(mask), b"here?"));
                    expected.push(Message::Ping(b"here?".as_slice().into()));
                }
            }
            expected.push(Message::text(text));
        }
        prop_assert_eq!(messages(&stream, &reads).0, expected);
    }
}

#[test]
fn what_is_held_is_in_proportion_to_what_has_come() {
    let payload = vec![b'x'; 1_000_000];
    let whole = frame(FINAL | TEXT, Some([1, 2, 3, 4]), &payload);
    let mut fragmented = Vec::new();
    for part in payload.chunks(10_000) {
        fragmented.extend(frame(0, Some([1, 2, 3, 4]), part));
    }
    fragmented[0] = TEXT;
    for stream in [whole, fragmented] {
        let mut cutter = Cutter::new(FRAME_MAX);
        let mut came = 0;
        for bytes in stream[..900_000].chunks(1_000) {
            came += bytes.len();
            assert!(cutter.pass(bytes).is_ok());
            let held = cutter.peak_held();
            assert!(held <= 2 * came.max(1024), "{held} of {came}");
            assert!(
                held + 1024 >= came * 98 / 100 || came < 2048,
                "{held} of {came}"
            );
        }
    }
}

#[test]
fn nothing_is_held_between_messages_and_for_short_ones() {
    let mut cutter = Cutter::new(FRAME_MAX);
    let short = frame(FINAL | TEXT, Some([9; 4]), &[b'x'; 1000]);
    assert!(cutter.pass(&short).is_ok_and(|passed| passed == short));
    assert_eq!((cutter.peak_held(), cutter.held()), (0, 0));
    let long = frame(FINAL | TEXT, Some([9; 4]), &[b'x'; 5000]);
    assert!(cutter.pass(&long).is_ok());
    assert_eq!((cutter.peak_held(), cutter.held()), (8192, 0));
    // A ping afterwards belongs to no message.
    let ping = frame(FINAL | PING, Some([9; 4]), &[b'x'; 100]);
    assert!(cutter.pass(&ping).is_ok());
    assert_eq!((cutter.peak_held(), cutter.held()), (0, 0));
}

#[test]
fn a_frame_above_the_limit_passes_as_it_is_for_the_library_to_refuse() {
    let mut cutter = Cutter::new(5_000);
    let frame = frame(FINAL | TEXT, Some([9; 4]), &[b'x'; 5001]);
    assert!(cutter.pass(&frame).is_ok_and(|passed| passed == frame));
}

#[test]
fn a_packet_before_connect_is_bounded_however_it_is_fragmented() {
    let mask = Some([3; 4]);
    let part = [b'x'; 6_000];
    let fragmented = [
        frame(TEXT, mask, &part),
        frame(0, mask, &part),
        frame(0, mask, &part),
    ];
    let behind_connect = frame(FINAL | TEXT, mask, &[b'x'; 20_000]);
    for (stream, is_refused) in [
        (
            frame(FINAL | TEXT, mask, &[b'x'; UNCONNECTED_PACKET_MAX]),
            false,
        ),
        (
            frame(FINAL | TEXT, mask, &[b'x'; UNCONNECTED_PACKET_MAX + 1]),
            true,
        ),
        (
            frame(FINAL | TEXT, mask, &[b'x'; 20_000])[..14].to_vec(),
            true,
        ),
        (fragmented.concat(), true),
        (
            [frame(FINAL | TEXT, mask, b"40"), behind_connect.clone()].concat(),
            false,
        ),
        (
            [frame(FINAL | TEXT, mask, b"40/x,"), behind_connect].concat(),
            true,
        ),
    ] {
        for read in [1, 7, 1000, stream.len()] {
            let mut cutter = Cutter::new(FRAME_MAX);
            cutter.message_max = UNCONNECTED_PACKET_MAX as u64;
            let refused = stream.chunks(read).any(|bytes| cutter.pass(bytes).is_err());
            assert_eq!(refused, is_refused, "{} bytes by {read}", stream.len());
        }
    }
}
