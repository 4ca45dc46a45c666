//! The bell: what was rung is heard, by whom it is for, with what happened before it.

use std::sync::Arc;

use loom::future::block_on;
use loom::thread;

use crate::explore;
use crate::room::{Bell, News};
use crate::sync::{AtomicU32, Ordering};

#[test]
fn whoever_waits_hears_each_kind_of_news() {
    explore(3, || {
        let bell = Arc::new(Bell::default());
        let ringers = [News::MAIL, News::ENTRIES].map(|kind| {
            let bell = Arc::clone(&bell);
            thread::spawn(move || bell.ring(kind))
        });
        let (mut mail, mut entries) = (false, false);
        while !(mail && entries) {
            let news = block_on(bell.news());
            mail |= news.has(News::MAIL);
            entries |= news.has(News::ENTRIES);
        }
        for ringer in ringers {
            ringer.join().unwrap();
        }
    });
}

#[test]
fn what_was_done_before_a_ring_is_seen_after_it() {
    explore(3, || {
        let (bell, done) = (Arc::new(Bell::default()), Arc::new(AtomicU32::new(0)));
        let (ringing, doing) = (Arc::clone(&bell), Arc::clone(&done));
        let ringer = thread::spawn(move || {
            for n in 1..=2 {
                doing.store(n, Ordering::Relaxed);
                ringing.ring(News::ENTRIES);
            }
        });
        // Ends only if the second ring wakes, too, or the first shows what both were for.
        while done.load(Ordering::Relaxed) < 2 {
            block_on(bell.news());
        }
        ringer.join().unwrap();
    });
}

#[test]
fn waiting_for_one_kind_leaves_the_others_for_later() {
    explore(3, || {
        let bell = Arc::new(Bell::default());
        let ringing = Arc::clone(&bell);
        let ringer = thread::spawn(move || {
            ringing.ring(News::MAIL);
            ringing.ring(News::STALLED);
        });
        block_on(bell.until(News::STALLED));
        let news = bell.look();
        assert!(news.has(News::MAIL) && news.has(News::STALLED));
        ringer.join().unwrap();
    });
}
