//! The frames that proxies look at, however the network cuts the stream.

use hubbub_test_client::frames::{Frames, text_frame};

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
