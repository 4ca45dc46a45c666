//! The members of the room: each reads everything and checks that nothing is lost, doubled or out of
//! order; some talk, too.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, watch};

use hubbub_test_client::bare::{BareConnection, first_packet};
use hubbub_test_client::frames::{TEXT, frame};

/// What the members have done and heard, all together.
#[derive(Default)]
pub struct Tally {
    pub said: AtomicU64,
    pub acknowledged: AtomicU64,
    pub heard: AtomicU64,
    /// Not heard, and told so: a reader fell behind everything that is kept.
    pub missed: AtomicU64,
    /// How long each acknowledgement took that came while the talk was measured.
    pub waits: Mutex<Vec<Duration>>,
    /// How long it took until senders heard their own messages, in the same time.
    pub echoes: Mutex<Vec<Duration>>,
}

/// When the talk begins, from when on it is measured, and when it ends.
#[derive(Clone, Copy)]
pub struct Course {
    pub begin: Instant,
    pub measured: Instant,
    pub end: Instant,
}

/// How the senders talk, however many they are.
#[derive(Clone, Copy)]
pub enum Pace {
    /// All together so many messages a second, each when it is due, however the earlier ones fare.
    Steady(u32),
    /// Each keeps so many unacknowledged.
    Busy(usize),
}

/// One who talks.
struct Speaker {
    number: usize,
    senders: usize,
    pace: Pace,
    course: Course,
    said: u64,
    /// When each was said, or due, that is not acknowledged.
    open: VecDeque<Instant>,
    /// The same of what it has not heard, with its number.
    unheard: VecDeque<(u64, Instant)>,
}

impl Speaker {
    /// When there is something to say again without an acknowledgement.
    fn due(&self) -> Option<Instant> {
        let Pace::Steady(rate) = self.pace else {
            return None;
        };
        let turn = self.said as f64 * self.senders as f64 + self.number as f64;
        let due = self.course.begin + Duration::from_secs_f64(turn / f64::from(rate));
        (due < self.course.end).then_some(due)
    }

    /// What is to be said now.
    fn speak(&mut self, tally: &Tally) -> Vec<u8> {
        let now = Instant::now();
        let mut frames = Vec::new();
        loop {
            let at = match self.pace {
                Pace::Steady(_) => self.due().filter(|due| *due <= now),
                Pace::Busy(most) => {
                    (self.open.len() < most && now < self.course.end).then_some(now)
                }
            };
            let Some(at) = at else { return frames };
            let (number, said) = (self.number, self.said);
            let packet = format!(
                r#"42{said}["send_message",{{"text":"@{number} {said}@ Hello, everybody."}}]"#
            );
            frames.extend(frame(TEXT, packet.as_bytes()));
            self.unheard.push_back((said, at));
            self.said += 1;
            self.open.push_back(at);
            tally.said.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The time since `at`, where that counts.
    fn measured(&self, at: Instant) -> Option<Duration> {
        let now = Instant::now();
        let counts = (self.course.measured..self.course.end).contains(&now);
        counts.then(|| now - at)
    }

    /// Takes a message that it has heard, where that is its own.
    async fn heard(&mut self, sender: usize, number: u64, tally: &Tally) {
        if sender != self.number {
            return;
        }
        // Some before it may be in a gap.
        while let Some((said, at)) = self.unheard.pop_front_if(|(said, _)| *said <= number) {
            if let Some(echo) = self.measured(at).filter(|_| said == number) {
                tally.echoes.lock().await.push(echo);
            }
        }
    }

    /// Takes an acknowledgement, which comes in the order of what was said.
    async fn acknowledged(&mut self, packet: &str, tally: &Tally) {
        let oldest = self.said - self.open.len() as u64;
        let (id, answer) = packet.split_once('[').expect("an acknowledgement");
        assert_eq!(id.parse(), Ok(oldest), "acknowledged in order");
        assert!(answer.contains(r#""ok":true"#), "refused: {answer}");
        let at = self.open.pop_front().expect("something said");
        if let Some(wait) = self.measured(at) {
            tally.waits.lock().await.push(wait);
        }
        tally.acknowledged.fetch_add(1, Ordering::Relaxed);
    }
}

/// What a member has heard.
struct Listener {
    /// The next message's place in the room.
    id: Option<u64>,
    /// The next message of each sender; unknown after a gap.
    next: Vec<Option<u64>>,
}

impl Listener {
    /// Takes a message, and returns its sender and its number.
    fn hear(&mut self, packet: &str) -> (usize, u64) {
        let (_, rest) = packet.split_once(r#""text":"@"#).expect("a text");
        let (mark, rest) = rest.split_once('@').expect("a mark");
        let (sender, number) = mark.split_once(' ').expect("a mark");
        let sender: usize = sender.parse().expect("a sender");
        let number = number.parse().expect("a number");
        let id = figure(rest, "id");
        let expected_id = self.id.unwrap_or(id);
        assert_eq!(id, expected_id, "ids without holes");
        let expected = self.next[sender].replace(number + 1);
        let expected = expected.unwrap_or(number);
        assert_eq!(
            number, expected,
            "{sender} is heard once and in order, at {id}"
        );
        self.id = Some(id + 1);
        (sender, number)
    }

    /// Takes a gap, and returns how many messages are in it.
    fn miss(&mut self, packet: &str) -> u64 {
        let (from, to) = (figure(packet, "from"), figure(packet, "to"));
        // Before anything is said, a room has notices only.
        assert_eq!(Some(from), self.id, "a gap begins where the reading ended");
        self.id = Some(to + 1);
        self.next.fill(None);
        to + 1 - from
    }
}

/// The number of that name.
fn figure(packet: &str, name: &str) -> u64 {
    let (_, rest) = packet.split_once(&format!("\"{name}\":")).expect(name);
    let figure = rest.split([',', '}']).next().expect("a number");
    figure.parse().expect("a number")
}

/// A member who has joined.
pub struct Member {
    line: BareConnection,
    speaker: Option<usize>,
}

impl Member {
    /// Joins the room; `speaker` is the number of one who will talk.
    pub async fn join(server: SocketAddr, name: &str, speaker: Option<usize>) -> Self {
        let mut line = BareConnection::open(server, [127, 0, 0, 1]).await;
        line.handshake().await;
        line.send("40").await;
        line.packet(r#"42["session""#).await;
        let join = format!(r#"42["join_room",{{"room_name":"general","username":"{name}"}}]"#);
        line.send(&join).await;
        line.packet(r#"42["join_confirm""#).await;
        Self { line, speaker }
    }

    /// Listens, and talks once there is a course, one of so many senders; does not end by itself.
    pub async fn take_part(
        self,
        pace: Pace,
        senders: usize,
        mut course: watch::Receiver<Option<Course>>,
        tally: Arc<Tally>,
    ) {
        let Self {
            mut line,
            speaker: number,
        } = self;
        let mut listener = Listener {
            id: None,
            next: vec![Some(0); senders],
        };
        let mut speaker: Option<Speaker> = None;
        loop {
            let mut frames = speaker.as_mut().map_or_else(Vec::new, |s| s.speak(&tally));
            let mut unread = std::mem::take(&mut line.unread);
            let mut taken = 0;
            while let Some((packet, length)) = first_packet(&unread[taken..]) {
                taken += length;
                if packet.starts_with(r#"42["receive_message""#) {
                    let (sender, number) = listener.hear(packet);
                    tally.heard.fetch_add(1, Ordering::Relaxed);
                    if let Some(speaker) = &mut speaker {
                        speaker.heard(sender, number, &tally).await;
                    }
                } else if let Some(packet) = packet.strip_prefix("43") {
                    let speaker = speaker.as_mut().expect("somebody who talks");
                    speaker.acknowledged(packet, &tally).await;
                    frames.extend(speaker.speak(&tally));
                } else if packet == "2" {
                    frames.extend(frame(TEXT, b"3"));
                } else if packet.starts_with(r#"42["gap""#) {
                    let missed = listener.miss(packet);
                    tally.missed.fetch_add(missed, Ordering::Relaxed);
                } else {
                    assert!(!packet.starts_with(r#"42["error""#), "{packet}");
                }
            }
            unread.drain(..taken);
            line.unread = unread;
            if !frames.is_empty() {
                line.write(&frames).await;
            }
            let due = speaker.as_ref().and_then(Speaker::due);
            let due = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = line.read() => {}
                () = due => {}
                Ok(()) = course.changed(), if number.is_some() && speaker.is_none() => {
                    let course = *course.borrow_and_update();
                    speaker = number.zip(course).map(|(number, course)| Speaker {
                        number,
                        senders,
                        pace,
                        course,
                        said: 0,
                        open: VecDeque::new(),
                        unheard: VecDeque::new(),
                    });
                }
            }
        }
    }
}
