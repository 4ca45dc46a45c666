//! The newest refusals, for the people who run the service.
//!
//! Equal refusals are one entry with a count. Each kind has a share of the entries, so a flood, also
//! one from many addresses, pushes out refusals of its own kind only. Nothing here comes from a
//! client, except the network that it connects from.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::SystemTime;

/// Entries that are kept.
const ENTRIES_MAX: usize = 200;
/// Entries of one reason and one event or path.
const ENTRIES_OF_A_KIND: usize = 40;
/// Characters of an entry's text.
const TEXT_CHARS_MAX: usize = 200;

/// What was refused, as far as the code that refuses it knows.
#[derive(Debug, Clone, Copy, Default)]
pub struct RefusalContext<'a> {
    /// The event, or the path, as this program writes it and not as the client sent it.
    pub what: &'a str,
    /// Why, for people; empty if the reason says it all. Nothing that a client sent.
    pub text: &'a str,
    /// The network of the client.
    pub network: Option<IpAddr>,
}

/// Equal refusals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason under which they are counted.
    pub reason: &'static str,
    /// The event or the path; empty if it is not known.
    pub what: Box<str>,
    /// Why, for people; empty if the reason says it all.
    pub text: Box<str>,
    /// The network of the client.
    pub network: Option<IpAddr>,
    /// How often.
    pub count: u64,
    /// The first of them.
    pub first: SystemTime,
    /// The last of them.
    pub last: SystemTime,
}

/// The newest refusals, oldest first.
#[derive(Debug, Default)]
pub(super) struct Refusals(VecDeque<Refusal>);

impl Refusals {
    pub(super) fn add(&mut self, reason: &'static str, context: &RefusalContext<'_>) {
        let now = SystemTime::now();
        let is_equal = |entry: &Refusal| {
            entry.reason == reason
                && entry.network == context.network
                && *entry.what == *context.what
        };
        // From the newest, because most refusals repeat one of the last.
        let equal = self.0.iter().rposition(is_equal);
        if let Some(mut entry) = equal.and_then(|at| self.0.remove(at)) {
            entry.count += 1;
            entry.last = now;
            self.0.push_back(entry);
            return;
        }
        self.make_room(reason, context.what);
        self.0.push_back(Refusal {
            reason,
            what: context.what.into(),
            text: context.text.chars().take(TEXT_CHARS_MAX).collect(),
            network: context.network,
            count: 1,
            first: now,
            last: now,
        });
    }

    /// Drops the oldest entry of this kind if it has its share, or the oldest of all if they are full.
    fn make_room(&mut self, reason: &'static str, what: &str) {
        let is_of_kind = |entry: &Refusal| entry.reason == reason && *entry.what == *what;
        let of_kind = self.0.iter().filter(|entry| is_of_kind(entry)).count();
        if of_kind >= ENTRIES_OF_A_KIND {
            if let Some(oldest) = self.0.iter().position(is_of_kind) {
                self.0.remove(oldest);
            }
        } else if self.0.len() >= ENTRIES_MAX {
            self.0.pop_front();
        }
    }

    pub(super) fn newest(&self, limit: usize) -> Vec<Refusal> {
        self.0.iter().rev().take(limit).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn from(network: u32) -> RefusalContext<'static> {
        RefusalContext {
            what: "send_message",
            text: "too fast",
            network: Some(Ipv4Addr::from_bits(network).into()),
        }
    }

    #[test]
    fn equal_refusals_are_one_entry_which_is_the_newest() {
        let mut refusals = Refusals::default();
        refusals.add("rate_limited", &from(1));
        refusals.add("rate_limited", &from(2));
        refusals.add("rate_limited", &from(1));
        let newest = refusals.newest(10);
        let counts: Vec<_> = newest.iter().map(|r| (r.network, r.count)).collect();
        assert_eq!(counts, [(from(1).network, 2), (from(2).network, 1)]);
        assert!(newest[0].first <= newest[0].last);
        assert_eq!(refusals.newest(1).len(), 1);
    }

    #[test]
    fn a_flood_from_many_addresses_pushes_out_its_own_kind_only() {
        let mut refusals = Refusals::default();
        refusals.add("banned", &from(0));
        for network in 1..10_000 {
            refusals.add("rate_limited", &from(network));
        }
        let kept = refusals.newest(usize::MAX);
        assert_eq!(kept.len(), ENTRIES_OF_A_KIND + 1);
        assert_eq!(kept[ENTRIES_OF_A_KIND].reason, "banned");
        assert_eq!(kept[0].network, from(9_999).network);
    }

    #[test]
    fn the_entries_are_bounded_whatever_the_kinds() {
        let mut refusals = Refusals::default();
        for kind in 0..1_000 {
            let what = format!("/path/{kind}");
            let what = what.as_str();
            refusals.add("not_found", &RefusalContext { what, ..from(1) });
        }
        let kept = refusals.newest(usize::MAX);
        assert_eq!(kept.len(), ENTRIES_MAX);
        assert_eq!(&*kept[0].what, "/path/999");
    }
}
