//! A third store, written outside the library with nothing but its public interface: it does what it
//! is asked in order but late, refuses some of it, and answers in another order than it was asked.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hubbub::decisions::{AuditPage, DecisionChange, Decisions};
use hubbub::domain::{RequestError, Username};
use hubbub::room::{
    Answer, Applied, Arrival, Arrived, Changes, Content, Departure, Draft, Member, MemberId,
    Outcome, Proposal, Published, Publishing, ReadingAudit, Room, Rooms, Store, UserId, Verdict,
};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// What is done waits at most this long before that.
const DELAY_MAX_MS: u64 = 3;
/// Answers wait at most this long, each by itself: those asked later may come first.
const ANSWER_DELAY_MAX_MS: u64 = 30;
/// Of so many requests one is refused.
const REFUSED_OF: u64 = 6;

/// A request on its way.
enum Request {
    Append {
        room: Arc<Room>,
        id: Option<MemberId>,
        author: Member,
        proposal: Proposal,
        outcome: Outcome,
    },
    Join {
        room: Arc<Room>,
        id: MemberId,
        member: Member,
        sender: oneshot::Sender<Result<Arrived, RequestError>>,
    },
    Rename {
        room: Arc<Room>,
        id: MemberId,
        username: Username,
        sender: oneshot::Sender<Result<(), RequestError>>,
    },
    Leave {
        room: Arc<Room>,
        id: MemberId,
        member: Member,
        notice: Content,
    },
}

/// The store.
#[derive(Debug)]
pub struct FaultyStore {
    rooms: OnceLock<Arc<Rooms>>,
    requests: mpsc::UnboundedSender<Request>,
    queue: parking_lot::Mutex<Option<mpsc::UnboundedReceiver<Request>>>,
}

impl FaultyStore {
    pub fn new() -> Arc<Self> {
        let (requests, queue) = mpsc::unbounded_channel();
        Arc::new(Self {
            rooms: OnceLock::new(),
            requests,
            queue: parking_lot::Mutex::new(Some(queue)),
        })
    }

    fn room(&self, room: &Room) -> Arc<Room> {
        let rooms = self.rooms.get().expect("the store has started");
        Arc::clone(rooms.get(room.name()).expect("one of the rooms"))
    }

    fn ask(&self, request: Request) {
        // Sessions end after the server, and so after the worker.
        drop(self.requests.send(request));
    }
}

impl Store for FaultyStore {
    fn append(&self, changes: Changes<'_>, draft: Draft<'_>) -> Publishing {
        let (outcome, publishing) = draft.pending();
        self.ask(Request::Append {
            room: self.room(changes.room()),
            id: draft.member_id,
            author: draft.author,
            proposal: draft.proposal,
            outcome,
        });
        publishing
    }

    fn join(&self, room: &Arc<Room>, arrival: Arrival<'_>) -> Answer<Arrived> {
        let (sender, answer) = oneshot::channel();
        self.ask(Request::Join {
            room: Arc::clone(room),
            id: arrival.id,
            member: arrival.member,
            sender,
        });
        Answer::Pending(answer)
    }

    fn rename(&self, changes: Changes<'_>, id: MemberId, username: &Username) -> Answer<()> {
        let (sender, answer) = oneshot::channel();
        self.ask(Request::Rename {
            room: self.room(changes.room()),
            id,
            username: username.clone(),
            sender,
        });
        Answer::Pending(answer)
    }

    fn leave(&self, mut changes: Changes<'_>, id: MemberId, departure: Departure) {
        if let Some(member) = changes.remove(id) {
            let room = self.room(changes.room());
            self.ask(Request::Leave {
                room,
                id,
                member,
                notice: departure.notice(),
            });
        }
    }

    fn decide(&self, decisions: &Arc<Decisions>, change: DecisionChange) -> Answer<()> {
        decisions.apply_all(change.set);
        Answer::Done(Ok(()))
    }

    fn read_audit(&self, _before: Option<u64>, _max: usize) -> ReadingAudit<'_> {
        Box::pin(std::future::ready(Ok(AuditPage::default())))
    }

    fn start(self: Arc<Self>, rooms: &Arc<Rooms>) -> JoinSet<()> {
        assert!(self.rooms.set(Arc::clone(rooms)).is_ok(), "started once");
        let queue = self.queue.lock().take().expect("started once");
        let mut tasks = JoinSet::new();
        tasks.spawn(work(queue));
        tasks
    }
}

/// Does what is asked, in order.
async fn work(mut queue: mpsc::UnboundedReceiver<Request>) {
    let mut random = Random(7);
    let mut worker = Worker::default();
    let mut answers = JoinSet::new();
    while let Some(request) = queue.recv().await {
        sleep_up_to(&mut random, DELAY_MAX_MS).await;
        let is_refused = random.below(REFUSED_OF) == 0;
        let answer_delay = Duration::from_millis(random.below(ANSWER_DELAY_MAX_MS));
        let answer = worker.act(request, is_refused);
        answers.spawn(async move {
            tokio::time::sleep(answer_delay).await;
            answer();
        });
        while answers.try_join_next().is_some() {}
    }
}

/// What the store knows beside what the rooms have.
#[derive(Default)]
struct Worker {
    members: HashMap<UserId, (Arc<Room>, MemberId)>,
}

/// Sends an answer.
type SendAnswer = Box<dyn FnOnce() + Send>;

fn append(changes: &mut Changes<'_>, id: MemberId, member: Member, content: Content) -> Published {
    let record = changes.next_record(id, member, content);
    assert_eq!(changes.apply(&record), Applied::Appended);
    assert_eq!(changes.apply(&record), Applied::Duplicate);
    Published {
        id: record.id,
        at_ms: record.at_ms,
        duplicate: false,
    }
}

fn notice(changes: &mut Changes<'_>, id: MemberId, member: Member, content: Content) -> bool {
    changes.announces() && append(changes, id, member, content).id > 0
}

impl Worker {
    fn act(&mut self, request: Request, is_refused: bool) -> SendAnswer {
        match request {
            Request::Append {
                room,
                id,
                author,
                proposal,
                outcome,
            } => {
                let mut changes = room.changes();
                let is_gone = id.is_some_and(|id| changes.member(id).is_none());
                let id = id.unwrap_or(MemberId::UNKNOWN);
                let result = if is_refused {
                    Err(RequestError::unavailable())
                } else if is_gone {
                    Err(RequestError::not_in_room())
                } else {
                    let decision = changes.decide(&author, proposal);
                    decision.map(|decision| match decision {
                        Verdict::Append { author, content } => {
                            append(&mut changes, id, author, content)
                        }
                        Verdict::Known(published) => published,
                    })
                };
                Box::new(move || outcome.send(result))
            }
            Request::Join {
                room,
                id,
                member,
                sender,
            } => {
                let result = if is_refused {
                    Err(RequestError::unavailable())
                } else {
                    Ok(self.join(&room, id, member))
                };
                // The session may have ended.
                Box::new(move || drop(sender.send(result)))
            }
            Request::Rename {
                room,
                id,
                username,
                sender,
            } => {
                let result = if is_refused {
                    Err(RequestError::unavailable())
                } else {
                    rename(&room, id, &username)
                };
                Box::new(move || drop(sender.send(result)))
            }
            // What cannot be refused is only late.
            Request::Leave {
                room,
                id,
                member,
                notice,
            } => {
                self.leave(&room, id, member, notice);
                Box::new(|| ())
            }
        }
    }

    fn join(&mut self, room: &Arc<Room>, id: MemberId, member: Member) -> Arrived {
        let user_id = Arc::clone(&member.user_id);
        let before = self.members.insert(user_id, (Arc::clone(room), id));
        let mut continued = None;
        let replaced = before.as_ref().map(|(_, id)| *id);
        match before {
            Some((there, before)) if Arc::ptr_eq(&there, room) => {
                continued = room.changes().remove(before);
            }
            Some((there, before)) => {
                let mut changes = there.changes();
                if let Some(member) = changes.remove(before) {
                    notice(&mut changes, before, member, Content::Left);
                }
            }
            None => {}
        }
        let mut changes = room.changes();
        let position = changes.position();
        changes.add(id, member.clone());
        let announced = match continued {
            None => notice(&mut changes, id, member, Content::Joined),
            Some(before) if before.username == member.username => true,
            Some(Member { username, .. }) => {
                let before = username;
                notice(&mut changes, id, member, Content::Renamed { before });
                true
            }
        };
        Arrived {
            epoch: position.epoch,
            position: position.head,
            unannounced: !announced,
            replaced,
        }
    }

    fn leave(&mut self, room: &Arc<Room>, id: MemberId, member: Member, left: Content) {
        // A join that came first has ended this membership, or that of a refused arrival never began.
        if self
            .members
            .get(&member.user_id)
            .is_some_and(|(_, held)| *held == id)
        {
            self.members.remove(&member.user_id);
            notice(&mut room.changes(), id, member, left);
        }
    }
}

fn rename(room: &Room, id: MemberId, username: &Username) -> Result<(), RequestError> {
    let mut changes = room.changes();
    let Some(before) = changes.rename(id, username) else {
        return Err(RequestError::not_in_room());
    };
    if let Some(member) = changes.member(id).cloned() {
        notice(&mut changes, id, member, Content::Renamed { before });
    }
    Ok(())
}

async fn sleep_up_to(random: &mut Random, max_ms: u64) {
    tokio::time::sleep(Duration::from_millis(random.below(max_ms + 1))).await;
}

/// A small generator of random numbers (xorshift64), so that every run does the same.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
