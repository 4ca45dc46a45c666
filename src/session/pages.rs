//! Pages of what a room has: its messages and its users. They are large compared with the requests
//! for them, so each is charged for its size.

use serde::Serialize;
use serde_json::value::RawValue;

use super::connection::Connection;
use super::serve::Session;
use crate::domain::Refusal;
use crate::json;
use crate::protocol::{Accepted, HistoryBody, HistoryRange, UsersBody, UsersRange};

impl<C: Connection + std::fmt::Debug> Session<C> {
    pub(super) fn history(&self, range: HistoryRange) -> Result<Box<RawValue>, Refusal> {
        let room = self.here()?.room();
        self.account.check_answers()?;
        let page = match range.after {
            Some(after) => room.messages_after(after, range.limit),
            None => room.messages_before(range.before, range.limit),
        };
        let body = HistoryBody {
            messages: page.payloads(),
            more: page.more,
        };
        Ok(self.charged(&body))
    }

    pub(super) fn list_users(&self, range: &UsersRange) -> Result<Box<RawValue>, Refusal> {
        let room = self.here()?.room();
        self.account.check_answers()?;
        let page = room.users(range.after.as_deref(), range.limit);
        let page = page.ok_or_else(|| {
            Refusal::invalid_payload(
                "list_users: after names nobody in this room (any more): start again without it",
            )
        })?;
        Ok(self.charged(&UsersBody {
            users: &page.users,
            total: page.total,
            more: page.more,
        }))
    }

    /// An acknowledgement, charged for its size.
    fn charged(&self, body: &impl Serialize) -> Box<RawValue> {
        let answer = json::raw(&Accepted { ok: true, body });
        self.account.charge_answer(answer.get().len());
        answer
    }
}
