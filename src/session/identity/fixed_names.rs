//! Names that tokens fix. Users without such a token may not use them, nor names that look like them.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::domain::{Skeleton, Username};

/// Names that are remembered although no connection uses them.
const NAMES_MAX: usize = 10_000;

/// The names that tokens have fixed since the process began, as far as it has seen those tokens.
#[derive(Debug, Default)]
pub struct FixedNames(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// By what a name looks like.
    by_form: HashMap<Box<str>, Seen>,
    uses: u64,
}

#[derive(Debug, Default)]
struct Seen {
    connections: usize,
    /// The greater, the more recent.
    used: u64,
}

/// A connection that uses a fixed name.
#[derive(Debug)]
pub struct FixedNameUse {
    names: Arc<FixedNames>,
    name: Username,
}

impl FixedNames {
    /// Notes that a connection uses the name, until the result is dropped.
    pub fn begin(self: &Arc<Self>, name: &Username) -> FixedNameUse {
        let mut known = self.0.lock();
        known.uses += 1;
        let used = known.uses;
        for form in Skeleton::of(name.as_str()).forms() {
            let seen = known.by_form.entry(form.into()).or_default();
            seen.connections += 1;
            seen.used = used;
        }
        if known.by_form.len() > NAMES_MAX {
            known.forget_oldest();
        }
        FixedNameUse {
            names: Arc::clone(self),
            name: name.clone(),
        }
    }

    /// Whether a name looks like one of them.
    pub fn is_taken(&self, name: &Username) -> bool {
        let known = self.0.lock();
        if known.by_form.is_empty() {
            return false;
        }
        let looks = Skeleton::of(name.as_str());
        let mut forms = looks.forms().into_iter();
        forms.any(|form| known.by_form.contains_key(form))
    }
}

impl Known {
    /// Forgets a tenth of the names that no connection uses: those that were used least recently.
    fn forget_oldest(&mut self) {
        let unused = self.by_form.values().filter(|seen| seen.connections == 0);
        let mut used: Vec<u64> = unused.map(|seen| seen.used).collect();
        used.sort_unstable();
        let Some(&until) = used.get(NAMES_MAX / 10).or(used.last()) else {
            return;
        };
        let is_kept = |seen: &Seen| seen.connections > 0 || seen.used > until;
        self.by_form.retain(|_, seen| is_kept(seen));
    }
}

impl Drop for FixedNameUse {
    fn drop(&mut self) {
        let mut known = self.names.0.lock();
        for form in Skeleton::of(self.name.as_str()).forms() {
            if let Some(seen) = known.by_form.get_mut(form) {
                seen.connections -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Username {
        Username::parse(name).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_fixed_name_stays_taken_and_so_do_those_that_look_like_it() {
        let names = Arc::new(FixedNames::default());
        assert!(!names.is_taken(&name("Ada")));
        drop(names.begin(&name("Ada")));
        for like in ["Ada", "ADA", "\u{410}da"] {
            assert!(names.is_taken(&name(like)), "{like}");
        }
        assert!(!names.is_taken(&name("Adam")));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_what_is_in_use_is_kept() {
        let names = Arc::new(FixedNames::default());
        let in_use = names.begin(&name("Ada"));
        for number in 0..2 * NAMES_MAX {
            drop(names.begin(&name(&format!("user {number}"))));
        }
        assert!(names.0.lock().by_form.len() <= NAMES_MAX + 2);
        assert!(names.is_taken(&name("Ada")));
        let newest = name(&format!("user {}", 2 * NAMES_MAX - 1));
        assert!(names.is_taken(&newest) && !names.is_taken(&name("user 0")));
        drop(in_use);
    }
}
