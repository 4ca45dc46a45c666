//! The notifier on real threads; `tests/interleavings/` tries every order of its steps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::notifier::{Notifier, Signals};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_ring_is_lost() {
    let notifier = Arc::new(Notifier::default());
    let done = Arc::new(AtomicU32::new(0));
    let (ringing, announced) = (Arc::clone(&notifier), Arc::clone(&done));
    let ringer = tokio::spawn(async move {
        for n in 1..=50_000 {
            announced.store(n, Ordering::Release);
            ringing.notify(Signals::ENTRIES);
            tokio::task::yield_now().await;
        }
    });
    while done.load(Ordering::Acquire) < 50_000 {
        let heard = tokio::time::timeout(Duration::from_secs(20), notifier.wait()).await;
        assert_eq!(heard, Ok(Signals::ENTRIES));
    }
    assert!(ringer.await.is_ok());
}

#[test]
fn what_was_rung_is_kept_until_the_owner_looks() {
    let notifier = Notifier::default();
    notifier.notify(Signals::MAIL);
    notifier.notify(Signals::COUNTS);
    let news = notifier.take();
    assert!(news.has(Signals::MAIL) && news.has(Signals::COUNTS) && !news.has(Signals::TYPING));
    assert_eq!(notifier.take(), Signals::NONE);
}

#[test]
fn each_kind_of_news_is_its_own() {
    let kinds = [
        Signals::MAIL,
        Signals::ENTRIES,
        Signals::TYPING,
        Signals::COUNTS,
        Signals::DRAIN,
        Signals::GONE,
        Signals::STALLED,
        Signals::LEFT,
        Signals::REPLACED,
        Signals::ANSWERS,
        Signals::ACTIVITY,
        Signals::TAKEN_OVER,
        Signals::FLOODED,
    ];
    for (n, kind) in kinds.iter().enumerate() {
        let same = kinds.iter().filter(|other| other.has(*kind)).count();
        assert_eq!(same, 1, "kind {n}");
    }
}
