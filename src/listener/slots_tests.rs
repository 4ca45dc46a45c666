//! Slots of TCP connections: taken, given to others, and limited.

use super::*;

fn limits(connections_max: usize, sessions_per_address_max: usize) -> Arc<TcpSlots> {
    TcpSlots::new(Limits {
        connections_max,
        sessions_per_address_max,
        trusted_proxies: vec!["10.0.0.0/8".parse::<IpNet>()]
            .into_iter()
            .flatten()
            .collect(),
        ..Limits::default()
    })
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// A connection that has been answered and waits for its next request.
fn idle(
    slots: &Arc<TcpSlots>,
    peer: &str,
) -> Result<(Arc<TcpSlot>, CancellationToken), AdmissionError> {
    let close = CancellationToken::new();
    let slot = slots.take(ip(peer), &close)?;
    slot.busy();
    slot.idle();
    Ok((slot, close))
}

fn busy(slots: &Arc<TcpSlots>, peer: &str) -> Result<Arc<TcpSlot>, AdmissionError> {
    let slot = slots.take(ip(peer), &CancellationToken::new())?;
    slot.busy();
    Ok(slot)
}

#[tokio::test(start_paused = true)]
async fn the_oldest_idle_connection_gives_its_slot_to_a_new_one() {
    let slots = limits(2, 0);
    let first = idle(&slots, "192.0.2.1");
    let second = idle(&slots, "192.0.2.1");
    let (Ok((first, first_close)), Ok((second, second_close))) = (first, second) else {
        panic!("there is room for two");
    };
    let peer = ip("192.0.2.2");
    let close = CancellationToken::new();
    assert_eq!(slots.take(peer, &close).err(), Some(AdmissionError::Full));
    let ending = first_close.clone();
    tokio::spawn(async move {
        ending.cancelled().await;
        drop(first);
    });
    let timeout = Duration::from_secs(10);
    let third = slots.take_over(peer, &close, timeout).await;
    assert!(third.is_some() && first_close.is_cancelled() && !second_close.is_cancelled());
    // A connection with a request under way is not closed, and a new one is not closed yet.
    second.busy();
    let fourth = slots.take_over(peer, &close, timeout).await;
    assert!(fourth.is_none() && !second_close.is_cancelled() && !close.is_cancelled());
    tokio::time::advance(NEWCOMER_GRACE).await;
    let other = CancellationToken::new();
    let fourth = slots.take_over(peer, &other, timeout).await;
    assert!(
        fourth.is_none() && close.is_cancelled(),
        "the third is being closed"
    );
    drop(third);
}

#[tokio::test(start_paused = true)]
async fn an_address_has_a_share_in_proportion_to_its_sessions_and_idle_ones_go_first() {
    let slots = limits(1000, 3);
    let mut kept = Vec::new();
    for _ in 0..3 {
        kept.extend(idle(&slots, "192.0.2.1").ok());
    }
    assert!(kept.iter().all(|(_, close)| !close.is_cancelled()));
    for number in 0..9 {
        let more = busy(&slots, "192.0.2.1").map(|slot| (slot, CancellationToken::new()));
        kept.extend(more.ok());
        let closed = kept.iter().filter(|(_, close)| close.is_cancelled());
        assert_eq!(closed.count(), 3.min(number + 1));
    }
    assert_eq!(kept.len(), 12);
    let refused = busy(&slots, "192.0.2.1").err();
    assert_eq!(refused, Some(AdmissionError::AddressFull));
    assert!(busy(&slots, "192.0.2.2").is_ok());
    drop(kept);
    assert!(busy(&slots, "192.0.2.1").is_ok());
    let taken = slots.taken.lock();
    assert!(taken.by_address.is_empty() && taken.idle.is_empty());
}

#[test]
fn one_subscriber_of_ipv6_has_one_share_and_a_trusted_proxy_has_none() {
    let slots = limits(0, 1);
    let subscriber = |number: u16| busy(&slots, &format!("2001:db8:1:2::{number:x}"));
    let held: Vec<_> = (0..8)
        .filter_map(|number| subscriber(number).ok())
        .collect();
    assert_eq!(held.len(), 8);
    assert_eq!(subscriber(9).err(), Some(AdmissionError::AddressFull));
    assert!(busy(&slots, "2001:db8:1:3::1").is_ok());
    for _ in 0..3 {
        assert!(busy(&slots, "::ffff:192.0.2.1").is_ok());
    }
    let proxied: Vec<_> = (0..100).map(|_| busy(&slots, "::ffff:10.1.2.3")).collect();
    assert!(proxied.iter().all(Result::is_ok));
}

#[test]
fn there_are_no_more_slots_than_files() {
    for (wanted, files, slots, reserve) in [
        (20_000, 1_048_576, 20_000, 256),
        (20_000, 4_096, 3_776, 256),
        (0, 1_024, 832, 128),
        (50, 1_024, 50, 128),
        (20_000, 48, 26, 6),
        (20_000, 1, 1, 1),
    ] {
        let limits = Limits {
            connections_max: wanted,
            ..Limits::default()
        };
        let limits = limits.within(files);
        let found = (limits.connections_max, limits.reserve);
        assert_eq!(found, (slots, reserve), "{wanted} wanted, {files} files");
    }
}

#[tokio::test]
async fn a_flood_pushes_its_own_out_of_the_reserve() {
    let reserve = Reserve::new(2);
    let (first, second) = (reserve.enter(), reserve.enter());
    let third = reserve.enter();
    first.evicted().await;
    assert!(!second.close.is_cancelled());
    drop((first, third));
    second.note_request();
    let fourth = reserve.enter();
    let fifth = reserve.enter();
    let sixth = reserve.enter();
    fourth.evicted().await;
    assert!(
        !second.close.is_cancelled(),
        "one with a request is not closed"
    );
    sixth.note_request();
    fifth.note_request();
    let asking = || reserve.asking.load(Ordering::Relaxed);
    assert_eq!(asking(), 2, "no more than there may be");
    drop((second, fourth, fifth, sixth));
    assert!(reserve.waiting.lock().1.is_empty());
    assert_eq!(asking(), 0);
}
