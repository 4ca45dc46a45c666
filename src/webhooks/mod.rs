//! Webhooks. Outgoing ones post every entry of the chosen rooms to an address, in order and at
//! least once; with incoming ones ([`hooks`]) programs post to a room.
//!
//! An outgoing webhook is a decision, which every store keeps and every node has. A delivery is a
//! cursor in a room's log that moves on when the receiver has accepted the entry, so nothing is
//! queued: a slow receiver falls behind in the log, alone.
//!
//! In reading order: [`address`] (which addresses may be reached), [`target`] (where a webhook may
//! point), [`client`] (the one way out, which checks addresses), [`signature`] and [`payload`]
//! (what is sent), `attempt` and [`schedule`] (whether it was accepted, and when to try again),
//! `parts` (what all tasks use), `position` (cursors and progress, and when they are kept), `claim`
//! (which process delivers), `worker` (one webhook's task), `supervisor` (which tasks run),
//! [`Webhooks`] (what administrators do with all that), and [`hooks`].

pub mod address;
mod attempt;
mod claim;
pub mod client;
pub mod hooks;
mod manage;
mod parts;
pub mod payload;
mod position;
pub mod schedule;
pub mod signature;
mod supervisor;
pub mod target;
mod worker;

pub use self::address::AllowedTargets;
pub use self::attempt::Attempt;
pub use self::manage::{
    NewWebhook, ROOMS_MAX, WEBHOOKS_MAX, WebhookError, WebhookStatus, Webhooks, WebhooksSettings,
};
pub use self::target::TargetError;
