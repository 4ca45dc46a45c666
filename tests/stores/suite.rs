//! All behaviour of rooms, of their members and of their history: what holds wherever the rooms are
//! kept. `tests/socket/` runs this list in memory, `tests/stores/` on disk and in Redis.
//!
//! What a store does otherwise, and why, is a method of `RoomStore` in `tests/client/`. A test that
//! depends on it asks there.

#[path = "../socket/activity.rs"]
mod activity;
#[path = "../socket/answers.rs"]
mod answers;
#[path = "../socket/api.rs"]
mod api;
#[path = "../socket/api_admin.rs"]
mod api_admin;
#[path = "../socket/api_moderation.rs"]
mod api_moderation;
#[path = "../socket/away.rs"]
mod away;
#[path = "../socket/behind_connect.rs"]
mod behind_connect;
#[path = "../socket/budgets.rs"]
mod budgets;
#[path = "../socket/changes.rs"]
mod changes;
#[path = "../socket/clock.rs"]
mod clock;
#[path = "../socket/closing.rs"]
mod closing;
#[path = "../socket/counts.rs"]
mod counts;
#[path = "../socket/endings.rs"]
mod endings;
#[path = "../socket/event_streams.rs"]
mod event_streams;
#[path = "../socket/ghosts.rs"]
mod ghosts;
#[path = "../socket/held.rs"]
mod held;
#[path = "../socket/history.rs"]
mod history;
#[path = "../socket/hooks.rs"]
mod hooks;
#[path = "../socket/idempotency.rs"]
mod idempotency;
#[path = "../socket/identity.rs"]
mod identity;
#[path = "../socket/joining.rs"]
mod joining;
#[path = "../socket/leaving.rs"]
mod leaving;
#[path = "../socket/limits.rs"]
mod limits;
#[path = "../socket/messaging.rs"]
mod messaging;
#[path = "../socket/moderation.rs"]
mod moderation;
#[path = "../socket/names.rs"]
mod names;
#[path = "../socket/ordering.rs"]
mod ordering;
#[path = "../socket/original.rs"]
mod original;
#[path = "../socket/reactions.rs"]
mod reactions;
#[path = "../socket/refusals.rs"]
mod refusals;
#[path = "../socket/replies.rs"]
mod replies;
#[path = "../socket/resuming.rs"]
mod resuming;
#[path = "../socket/search.rs"]
mod search;
#[path = "../socket/shutdown.rs"]
mod shutdown;
#[path = "../socket/slow.rs"]
mod slow;
#[path = "../socket/tokens.rs"]
pub mod tokens;
#[path = "../socket/unicode.rs"]
mod unicode;
#[path = "../socket/users.rs"]
mod users;
#[path = "../socket/watching.rs"]
mod watching;
#[path = "../socket/webhooks.rs"]
mod webhooks;
#[path = "../socket/word_filter.rs"]
mod word_filter;

use super::HUBBUB;
