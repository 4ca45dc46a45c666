//! Names in use in a room, where names that look alike may not be in it at once.
//!
//! A name belongs to a user, not to a connection, so nobody is refused because of their own ghost.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::members::UserId;
use crate::domain::{Looks, Refusal, Username};

/// The names in use.
#[derive(Debug)]
pub struct Names {
    unique: bool,
    holders: Mutex<HashMap<Box<str>, Holder>>,
}

#[derive(Debug)]
struct Holder {
    user_id: UserId,
    claims: usize,
}

/// The right to a name; given up when dropped.
#[derive(Debug)]
pub struct NameClaim {
    names: Arc<Names>,
    /// `None` where names need not be unique, or this one need not be.
    looks: Option<Looks>,
}

impl Names {
    /// No name is in use; `unique` is whether any claim can be refused.
    #[must_use]
    pub fn new(unique: bool) -> Arc<Self> {
        Arc::new(Self {
            unique,
            holders: Mutex::default(),
        })
    }

    /// Claims a name for a user. `Anonymous` may be claimed by any number: it is the name of those
    /// who gave none.
    ///
    /// # Errors
    /// `username_taken` where another user has one that looks like it.
    pub fn claim(
        self: &Arc<Self>,
        user_id: &UserId,
        username: &Username,
    ) -> Result<NameClaim, Refusal> {
        let names = Arc::clone(self);
        if !self.unique || *username == Username::anonymous() {
            return Ok(NameClaim { names, looks: None });
        }
        let looks = Looks::of(username.as_str());
        let mut holders = self.holders.lock();
        let taken = |form: &str| holders.get(form).is_some_and(|h| h.user_id != *user_id);
        if looks.forms().into_iter().any(taken) {
            return Err(Refusal::username_taken());
        }
        for form in looks.forms() {
            let holder = holders.entry(form.into()).or_insert_with(|| Holder {
                user_id: Arc::clone(user_id),
                claims: 0,
            });
            holder.claims += 1;
        }
        drop(holders);
        Ok(NameClaim {
            names,
            looks: Some(looks),
        })
    }
}

impl Drop for NameClaim {
    fn drop(&mut self) {
        let Some(looks) = &self.looks else { return };
        let mut holders = self.names.holders.lock();
        for form in looks.forms() {
            if let Some(holder) = holders.get_mut(form) {
                holder.claims -= 1;
                if holder.claims == 0 {
                    holders.remove(form);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RefusalCode;

    fn name(text: &str) -> Username {
        Username::parse(text).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn a_name_is_one_users_until_its_last_claim_goes() {
        let names = Names::new(true);
        let (ada, eve): (UserId, UserId) = ("ada".into(), "eve".into());
        let first = names.claim(&ada, &name("Ada"));
        let again = names.claim(&ada, &name("ADA"));
        assert!(first.is_ok() && again.is_ok());
        drop(first);
        let refused = names.claim(&eve, &name("\u{410}da")).err();
        assert_eq!(refused.map(|r| r.code), Some(RefusalCode::UsernameTaken));
        drop(again);
        assert!(names.claim(&eve, &name("Ada")).is_ok());
        assert!(names.holders.lock().is_empty());
    }

    #[test]
    fn nothing_is_refused_where_names_need_not_be_unique_or_were_not_given() {
        let (ada, eve): (UserId, UserId) = ("ada".into(), "eve".into());
        for (unique, text) in [(false, "Ada"), (true, "Anonymous")] {
            let names = Names::new(unique);
            let first = names.claim(&ada, &name(text));
            assert!(first.is_ok() && names.claim(&eve, &name(text)).is_ok());
        }
    }
}
