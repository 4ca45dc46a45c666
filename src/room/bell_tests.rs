//! The bell on real threads; `tests/interleavings/` tries every order of its steps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::bell::{Bell, News};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_ring_is_lost() {
    let bell = Arc::new(Bell::default());
    let done = Arc::new(AtomicU32::new(0));
    let (ringing, announced) = (Arc::clone(&bell), Arc::clone(&done));
    let ringer = tokio::spawn(async move {
        for n in 1..=50_000 {
            announced.store(n, Ordering::Release);
            ringing.ring(News::ENTRIES);
            tokio::task::yield_now().await;
        }
    });
    while done.load(Ordering::Acquire) < 50_000 {
        let heard = tokio::time::timeout(Duration::from_secs(20), bell.news()).await;
        assert_eq!(heard, Ok(News::ENTRIES));
    }
    assert!(ringer.await.is_ok());
}

#[test]
fn what_was_rung_is_kept_until_the_owner_looks() {
    let bell = Bell::default();
    bell.ring(News::MAIL);
    bell.ring(News::COUNTS);
    let news = bell.look();
    assert!(news.has(News::MAIL) && news.has(News::COUNTS) && !news.has(News::TYPING));
    assert_eq!(bell.look(), News::NONE);
}

#[test]
fn each_kind_of_news_is_its_own() {
    let kinds = [
        News::MAIL,
        News::ENTRIES,
        News::TYPING,
        News::COUNTS,
        News::DRAIN,
        News::GONE,
        News::STALLED,
        News::LEFT,
        News::OUSTED,
        News::ANSWERS,
        News::ACTIVITY,
        News::TAKEN_OVER,
        News::FLOODED,
    ];
    for (n, kind) in kinds.iter().enumerate() {
        let same = kinds.iter().filter(|other| other.has(*kind)).count();
        assert_eq!(same, 1, "kind {n}");
    }
}
