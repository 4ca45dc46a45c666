//! The names in use in the rooms of this process, for names that must be unique.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::domain::{RequestError, RoomName, Skeleton, Username};
use crate::room::{Member, UserId};

/// The names in use. A name belongs to a user and not to a connection, so a user is never refused
/// because of a membership of their own that is about to end.
#[derive(Debug, Default)]
pub struct Names(Mutex<HashMap<RoomName, HashMap<Box<str>, Holder>>>);

#[derive(Debug)]
struct Holder {
    user_id: UserId,
    /// How often the user has claimed the name, and not released it.
    claims: usize,
}

impl Names {
    /// Claims a member's name in a room. `Anonymous` may be claimed by any number of users: it is the
    /// name of those who gave none.
    ///
    /// # Errors
    /// `username_taken` if another user has claimed a name that looks like it.
    pub fn claim(&self, room: &RoomName, member: &Member) -> Result<(), RequestError> {
        let Some(looks) = looks_of(member) else {
            return Ok(());
        };
        let mut rooms = self.0.lock();
        let holders = rooms.entry(room.clone()).or_default();
        let is_taken = |form: &str| {
            let holder = holders.get(form);
            holder.is_some_and(|holder| holder.user_id != member.user_id)
        };
        if looks.forms().into_iter().any(is_taken) {
            return Err(RequestError::username_taken());
        }
        for form in looks.forms() {
            let holder = holders.entry(form.into()).or_insert_with(|| Holder {
                user_id: member.user_id.clone(),
                claims: 0,
            });
            holder.claims += 1;
        }
        Ok(())
    }

    /// Takes back one claim of a member's name.
    pub fn release(&self, room: &RoomName, member: &Member) {
        let Some(looks) = looks_of(member) else {
            return;
        };
        let mut rooms = self.0.lock();
        let Some(holders) = rooms.get_mut(room) else {
            return;
        };
        for form in looks.forms() {
            if let Some(holder) = holders.get_mut(form) {
                holder.claims -= 1;
                if holder.claims == 0 {
                    holders.remove(form);
                }
            }
        }
        if holders.is_empty() {
            rooms.remove(room);
        }
    }
}

fn looks_of(member: &Member) -> Option<Skeleton> {
    let needs_claim = member.username != Username::anonymous();
    needs_claim.then(|| Skeleton::of(member.username.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RequestErrorCode;

    fn member(user_id: &str, name: &str) -> Member {
        Member {
            user_id: user_id.into(),
            username: Username::parse(name).unwrap_or_else(|e| panic!("{e}")),
        }
    }

    fn room(name: &str) -> RoomName {
        RoomName::parse(name).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn a_name_is_one_users_until_its_last_claim_is_released() {
        let (names, tech) = (Names::default(), room("tech"));
        let (first, again) = (member("ada", "Ada"), member("ada", "ADA"));
        assert!(names.claim(&tech, &first).is_ok() && names.claim(&tech, &again).is_ok());
        names.release(&tech, &first);
        let alike = member("eve", "\u{410}da");
        let refused = names.claim(&tech, &alike).err();
        assert_eq!(
            refused.map(|r| r.code),
            Some(RequestErrorCode::UsernameTaken)
        );
        assert!(names.claim(&room("music"), &alike).is_ok());
        names.release(&room("music"), &alike);
        names.release(&tech, &again);
        assert!(names.0.lock().is_empty());
        assert!(names.claim(&tech, &member("eve", "Ada")).is_ok());
    }

    #[test]
    fn the_name_of_those_who_gave_none_may_be_any_number_of_users() {
        let (names, tech) = (Names::default(), room("tech"));
        for user in ["ada", "eve"] {
            let anonymous = member(user, "Anonymous");
            assert!(names.claim(&tech, &anonymous).is_ok());
            names.release(&tech, &anonymous);
        }
    }
}
