//! The notifier: what was rung is heard, by whom it is for, with what happened before it.

use std::sync::Arc;

use loom::future::block_on;
use loom::thread;

use crate::explore;
use crate::room::{Notifier, Signals};
use crate::sync::{AtomicU32, Ordering};

#[test]
fn whoever_waits_hears_each_kind_of_news() {
    explore(3, || {
        let notifier = Arc::new(Notifier::default());
        let ringers = [Signals::MAIL, Signals::ENTRIES].map(|kind| {
            let notifier = Arc::clone(&notifier);
            thread::spawn(move || notifier.notify(kind))
        });
        let (mut mail, mut entries) = (false, false);
        while !(mail && entries) {
            let news = block_on(notifier.wait());
            mail |= news.has(Signals::MAIL);
            entries |= news.has(Signals::ENTRIES);
        }
        for ringer in ringers {
            ringer.join().unwrap();
        }
    });
}

#[test]
fn what_was_done_before_a_ring_is_seen_after_it() {
    explore(3, || {
        let (notifier, done) = (Arc::new(Notifier::default()), Arc::new(AtomicU32::new(0)));
        let (ringing, doing) = (Arc::clone(&notifier), Arc::clone(&done));
        let ringer = thread::spawn(move || {
            for n in 1..=2 {
                doing.store(n, Ordering::Relaxed);
                ringing.notify(Signals::ENTRIES);
            }
        });
        // Ends only if the second ring wakes, too, or the first shows what both were for.
        while done.load(Ordering::Relaxed) < 2 {
            block_on(notifier.wait());
        }
        ringer.join().unwrap();
    });
}

#[test]
fn waiting_for_one_kind_leaves_the_others_for_later() {
    explore(3, || {
        let notifier = Arc::new(Notifier::default());
        let ringing = Arc::clone(&notifier);
        let ringer = thread::spawn(move || {
            ringing.notify(Signals::MAIL);
            ringing.notify(Signals::STALLED);
        });
        block_on(notifier.wait_for(Signals::STALLED));
        let news = notifier.take();
        assert!(news.has(Signals::MAIL) && news.has(Signals::STALLED));
        ringer.join().unwrap();
    });
}
