//! What the checker can find, each with its evidence.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

/// Of each kind, at most this many are shown.
const SHOWN_MAX: usize = 5;

/// The promises that can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Somebody did not get a message that was between two of their positions.
    Lost,
    /// Somebody got one entry twice.
    ReceivedTwice,
    /// Somebody got a lower id after a higher one.
    OutOfOrder,
    /// Two members received different entries under one id.
    TwoOrders,
    /// The observer, who sees all, never received an id.
    Hole,
    /// Two messages of one sender stand in the room in the wrong order.
    SenderOrder,
    /// One message stands in a room twice.
    PublishedTwice,
    /// An acknowledged message does not stand where the acknowledgement says.
    AcknowledgedNotPublished,
    /// A refused message stands in the room.
    RefusedButPublished,
    /// A message that no one sent.
    NeverSent,
    /// Something is missing, and what was said about it does not cover it.
    GapNotAnnounced,
    /// Something is called missing that the log still had.
    GapWithoutNeed,
    /// Somebody who knew a room did not reach its end.
    EndNotReached,
    /// A message that was neither acknowledged nor refused, however often it was sent.
    NeverAnswered,
    /// A packet that the contract does not know, or a message that was altered on its way.
    Unexpected,
}

/// One broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which promise.
    pub kind: Kind,
    /// To whom it was broken, where, and what there was instead.
    pub evidence: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.evidence)
    }
}

/// Collects what is found.
#[derive(Debug, Default)]
pub struct Findings(pub Vec<Violation>);

impl Findings {
    /// Notes a broken promise.
    pub fn add(&mut self, kind: Kind, evidence: String) {
        self.0.push(Violation { kind, evidence });
    }
}

/// How many there are of each kind.
pub fn by_kind(violations: &[Violation]) -> BTreeMap<Kind, usize> {
    let mut kinds = BTreeMap::new();
    for violation in violations {
        *kinds.entry(violation.kind).or_default() += 1;
    }
    kinds
}

/// What was found, in some words.
pub fn shown(violations: &[Violation]) -> String {
    let mut text = format!("{:?}\n", by_kind(violations));
    for kind in by_kind(violations).into_keys() {
        let alike = violations.iter().filter(|violation| violation.kind == kind);
        for violation in alike.take(SHOWN_MAX) {
            writeln!(text, "  {violation}").unwrap();
        }
    }
    text
}
