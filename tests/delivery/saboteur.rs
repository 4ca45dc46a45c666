//! A saboteur on the way between clients and server: seen from outside, the two together are a
//! broken server. It reads the WebSocket frames that go through a proxy and, once in so many,
//! does what a server must never do. So no fault has to be built into the product in order to
//! show that the checker finds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hubbub_test_client::frames::{Frames, text_frame};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::watch;

/// What a server could do wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// Nothing: the control.
    Nothing,
    /// A message is not delivered to one member.
    Drop,
    /// A message is delivered to one member after the one that follows it.
    Swap,
    /// A message is delivered to one member twice.
    Double,
    /// A message is acknowledged and thrown away.
    Swallow,
    /// An id is left out: for everybody, later entries have a number one higher.
    Hole,
}

/// From this id on the numbers are wrong under [`Sabotage::Hole`].
const HOLE_AT: u64 = 200;

/// Decides which packets a broken server drops, swaps, doubles or leaves out.
#[derive(Debug)]
pub struct Saboteur {
    sabotage: Sabotage,
    every: u64,
    enough: u64,
    seen: AtomicU64,
    struck: AtomicU64,
    seen_enough: watch::Sender<bool>,
}

impl Saboteur {
    /// One that strikes at one message in `every`, and `enough` times.
    pub fn new(sabotage: Sabotage, every: u64, enough: u64) -> Self {
        Self {
            sabotage,
            every,
            enough,
            seen: AtomicU64::new(0),
            struck: AtomicU64::new(0),
            seen_enough: watch::Sender::new(false),
        }
    }

    /// Whether it stands between the server and those who see all, too.
    pub fn fools_observers(&self) -> bool {
        self.sabotage == Sabotage::Hole
    }

    /// Waits until it has struck for the last time and some more has come through: a message that
    /// nothing follows is not missed before the end.
    pub async fn done(&self) {
        let mut seen_enough = self.seen_enough.subscribe();
        seen_enough.wait_for(|enough| *enough).await.unwrap();
    }

    /// How often it has struck.
    pub fn strikes(&self) -> u64 {
        self.struck.load(Ordering::Relaxed)
    }

    /// Sees one more message; whether it strikes at this one.
    fn strikes_now(&self) -> bool {
        let seen = self.seen.fetch_add(1, Ordering::Relaxed) + 1;
        if seen == self.every * self.enough + self.every / 5 {
            self.seen_enough.send_replace(true);
        }
        let strikes = seen.is_multiple_of(self.every) && seen / self.every <= self.enough;
        self.struck.fetch_add(u64::from(strikes), Ordering::Relaxed);
        strikes
    }
}

/// The saboteur's hand on one direction of one connection.
pub struct Tap(Option<Hand>);

struct Hand {
    saboteur: Arc<Saboteur>,
    frames: Frames,
    way: Way,
    /// The newest id sent on this connection.
    newest: Arc<AtomicU64>,
}

enum Way {
    Up {
        forge: UnboundedSender<String>,
    },
    Down {
        forged: UnboundedReceiver<String>,
        held_back: Option<Vec<u8>>,
    },
}

/// The two directions of a connection; without a saboteur both leave everything as it is.
pub fn tap(saboteur: Option<Arc<Saboteur>>) -> (Tap, Tap) {
    let Some(saboteur) = saboteur else {
        return (Tap(None), Tap(None));
    };
    let (forge, forged) = mpsc::unbounded_channel();
    let newest = Arc::new(AtomicU64::new(0));
    let hand = |way| {
        Tap(Some(Hand {
            saboteur: Arc::clone(&saboteur),
            frames: Frames::default(),
            way,
            newest: Arc::clone(&newest),
        }))
    };
    let down = Way::Down {
        forged,
        held_back: None,
    };
    (hand(Way::Up { forge }), hand(down))
}

impl Tap {
    /// What is passed on of what came.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        match &mut self.0 {
            None => bytes.to_vec(),
            Some(hand) => hand.pass(bytes),
        }
    }

    /// The next packet that no client sent. Cancel safe; pends forever if there is none.
    pub async fn forged(&mut self) -> Vec<u8> {
        if let Some(hand) = &mut self.0
            && let Way::Down { forged, .. } = &mut hand.way
            && let Some(text) = forged.recv().await
        {
            return text_frame(&text);
        }
        std::future::pending().await
    }
}

impl Hand {
    fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.frames.push(bytes);
        let mut out = self.frames.preamble();
        while let Some(frame) = self.frames.next_frame() {
            match &frame.text {
                Some(text) => self.text(text, frame.raw, &mut out),
                None => out.extend(frame.raw),
            }
        }
        out
    }

    fn text(&mut self, text: &str, raw: Vec<u8>, out: &mut Vec<u8>) {
        match &mut self.way {
            Way::Up { forge } => {
                let acknowledgement = (self.saboteur.sabotage == Sabotage::Swallow)
                    .then(|| acknowledgement(text, self.newest.load(Ordering::Relaxed) + 1))
                    .flatten();
                match acknowledgement {
                    Some(ack) if self.saboteur.strikes_now() => {
                        let _gone = forge.send(ack).is_err();
                    }
                    _ => out.extend(raw),
                }
            }
            Way::Down { held_back, .. } => {
                let is_message = text.starts_with(r#"42["receive_message""#);
                if is_message && let Some(id) = ids(text).next() {
                    self.newest.store(id, Ordering::Relaxed);
                }
                match self.saboteur.sabotage {
                    Sabotage::Hole => {
                        out.extend(text_frame(&renumbered(text)));
                        if is_message {
                            self.saboteur.strikes_now();
                        }
                    }
                    Sabotage::Swallow => out.extend(raw),
                    _ if !is_message => out.extend(raw),
                    sabotage => {
                        let strikes = self.saboteur.strikes_now();
                        tell(sabotage, strikes, raw, held_back, out);
                    }
                }
            }
        }
    }
}

/// Tells a message, or does with it what the saboteur wants.
fn tell(
    sabotage: Sabotage,
    strikes: bool,
    raw: Vec<u8>,
    held_back: &mut Option<Vec<u8>>,
    out: &mut Vec<u8>,
) {
    match sabotage {
        Sabotage::Drop if strikes => return,
        Sabotage::Swap if strikes => {
            *held_back = Some(raw);
            return;
        }
        Sabotage::Double if strikes => out.extend(&raw),
        _ => {}
    }
    out.extend(raw);
    out.extend(held_back.take().unwrap_or_default());
}

/// The acknowledgement that a `send_message` asks for; `None` where it is something else.
fn acknowledgement(text: &str, id: u64) -> Option<String> {
    let (number, _) = text.strip_prefix("42")?.split_once(r#"["send_message""#)?;
    let body = format!(r#"[{{"ok":true,"id":{id},"timestamp":"2026-01-01T00:00:00.000Z"}}]"#);
    Some(format!("43{number}{body}"))
}

const ID: &str = r#""id":"#;

/// All ids in a packet.
fn ids(text: &str) -> impl Iterator<Item = u64> {
    text.split(ID).skip(1).filter_map(|rest| number(rest).0)
}

/// The number a text starts with, and what follows it.
fn number(text: &str) -> (Option<u64>, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
    (digits.parse().ok(), rest)
}

/// The packet with every id from the hole on one higher.
fn renumbered(text: &str) -> String {
    let mut parts = text.split(ID);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (id, rest) = number(part);
        let id = id.map(|id| id + u64::from(id >= HOLE_AT));
        let id = id.map_or_else(String::new, |id| id.to_string());
        out.extend([ID, &id, rest]);
    }
    out
}
