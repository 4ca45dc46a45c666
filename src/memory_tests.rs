//! Tests of the budget.

use proptest::prelude::*;

use super::*;

const KIB: usize = 1024;

/// A connection that frees what it holds when it is closed, or later.
struct Connection {
    account: Arc<MemoryAccount>,
    charges: Mutex<Vec<MemoryCharge>>,
    closed: AtomicBool,
    frees_late: bool,
}

impl Connection {
    fn open(budget: &Arc<MemoryBudget>, frees_late: bool) -> Arc<Self> {
        Arc::new_cyclic(|this: &Weak<Self>| Self {
            account: budget.open(Weak::clone(this) as Weak<dyn Owner>),
            charges: Mutex::default(),
            closed: AtomicBool::new(false),
            frees_late,
        })
    }

    fn holding(budget: &Arc<MemoryBudget>, bytes: usize) -> Arc<Self> {
        let connection = Self::open(budget, true);
        connection.hold(bytes);
        connection
    }

    fn hold(&self, bytes: usize) {
        let mut charge = self.account.charge();
        charge.set(bytes);
        self.charges.lock().push(charge);
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}

impl Owner for Connection {
    fn close_for_memory(&self) {
        assert!(!self.closed.swap(true, Ordering::Relaxed), "closed twice");
        if !self.frees_late {
            self.charges.lock().clear();
        }
    }
}

#[test]
fn the_heaviest_connections_are_closed_and_no_more_than_needed() {
    let budget = MemoryBudget::new(1600 * KIB);
    let light: Vec<_> = (0..600)
        .map(|_| Connection::holding(&budget, KIB))
        .collect();
    let heavy: Vec<_> = (1..=8)
        .map(|n| Connection::holding(&budget, (100 + n) * KIB))
        .collect();
    assert_eq!(budget.used(), 600 * KIB + 836 * KIB);
    budget.relieve();
    let closed: Vec<bool> = heavy.iter().map(|c| c.is_closed()).collect();
    let expected: Vec<bool> = (1..=8).map(|n| n >= 6).collect();
    assert_eq!(closed, expected, "from 1,436 KiB to 1,200 takes three");
    assert!(!light.iter().any(|connection| connection.is_closed()));
}

#[test]
fn those_that_are_closing_count_as_gone_until_they_are() {
    let budget = MemoryBudget::new(1600 * KIB);
    let all: Vec<_> = (0..15)
        .map(|_| Connection::holding(&budget, 100 * KIB))
        .collect();
    let closed = || all.iter().filter(|c| c.is_closed()).count();
    budget.relieve();
    assert_eq!(closed(), 3);
    (0..100).for_each(|_| budget.relieve());
    assert_eq!(closed(), 3, "nobody else, although nothing is free yet");
    for connection in all.iter().filter(|c| c.is_closed()) {
        connection.charges.lock().clear();
    }
    budget.relieve();
    assert_eq!(closed(), 3);
}

#[test]
fn if_closing_frees_nothing_others_are_closed() {
    let budget = MemoryBudget::new(1600 * KIB);
    let all: Vec<_> = (0..30)
        .map(|_| Connection::holding(&budget, 100 * KIB))
        .collect();
    (0..100).for_each(|_| budget.relieve());
    assert!(all.iter().all(|c| c.is_closed()));
}

#[test]
fn ten_thousand_small_ones_are_closed_only_as_far_as_needed() {
    let budget = MemoryBudget::new(128 * 1024 * KIB);
    let all: Vec<_> = (0..10_000)
        .map(|_| Connection::holding(&budget, 12 * KIB))
        .collect();
    budget.relieve();
    let closed = all.iter().filter(|c| c.is_closed()).count();
    let wanted = (10_000 * 12 - 96 * 1024) / 12;
    assert!((wanted..=wanted + 1).contains(&closed), "{closed}");
}

#[test]
fn new_work_is_refused_near_the_bound_and_taken_again_below() {
    let budget = MemoryBudget::new(1600 * KIB);
    let other = Connection::holding(&budget, 1400 * KIB);
    let account = Connection::open(&budget, true);
    let charge = account.account.try_charge(100 * KIB);
    assert!(charge.is_some() && budget.used() == 1500 * KIB);
    assert!(account.account.try_charge(KIB).is_none());
    assert!(budget.has_room(0));
    let light = Connection::open(&budget, true);
    let message = light.account.try_charge(LIGHT);
    assert!(message.is_some(), "it holds next to nothing");
    assert!(light.account.try_charge(KIB).is_none(), "it holds more now");
    drop((other, message));
    assert!(account.account.try_charge(KIB).is_some());
    drop(charge);
    assert_eq!(budget.used(), 0);
}

#[test]
fn output_stops_before_anybody_is_closed() {
    let budget = MemoryBudget::new(16 * 1024 * KIB);
    let readers: Vec<_> = (0..100).map(|_| Connection::open(&budget, true)).collect();
    for reader in &readers {
        while reader.account.has_room_to_spare(8 * KIB) && reader.account.held() < 512 * KIB {
            reader.hold(8 * KIB);
        }
    }
    assert!(budget.used() <= budget.share(CLOSE_DOWN_TO) + 100 * LIGHT_OUTPUT);
    budget.relieve();
    assert!(!readers.iter().any(|reader| reader.is_closed()));
}

#[test]
fn without_a_bound_nothing_is_refused_or_closed() {
    let budget = MemoryBudget::new(0);
    let connection = Connection::holding(&budget, usize::MAX / 2);
    budget.relieve();
    assert!(!connection.is_closed());
    assert!(connection.account.try_charge(usize::MAX / 4).is_some());
}

#[test]
fn an_account_ends_with_its_connection() {
    let budget = MemoryBudget::new(KIB);
    for _ in 0..100 {
        drop(Connection::open(&budget, true));
    }
    assert!(budget.accounts.lock().is_empty());
}

#[tokio::test]
async fn the_guard_closes_when_there_is_too_much_and_not_before() {
    let budget = MemoryBudget::new(1600 * KIB);
    let guard = Arc::clone(&budget);
    let guard = tokio::spawn(async move { guard.guard().await });
    let heavy = Connection::open(&budget, false);
    heavy.hold(1400 * KIB);
    tokio::task::yield_now().await;
    assert!(!heavy.is_closed());
    let light = Connection::holding(&budget, 2 * KIB);
    while !heavy.is_closed() {
        tokio::task::yield_now().await;
    }
    assert_eq!(budget.used(), 2 * KIB);
    assert!(!light.is_closed());
    guard.abort();
}

proptest! {
    /// Whatever is charged, changed and dropped: what is counted is what is held, and a round of
    /// closing leaves no more than allowed, taking the heaviest.
    #[test]
    fn what_is_counted_is_what_is_held(
        changes in prop::collection::vec((0_usize..20, 0_usize..400_000), 1..200),
    ) {
        let budget = MemoryBudget::new(1600 * KIB);
        let connections: Vec<_> = (0..20).map(|_| Connection::open(&budget, false)).collect();
        for connection in &connections {
            connection.hold(0);
        }
        let mut held = [0; 20];
        for (which, bytes) in changes {
            if let Some(charge) = connections[which].charges.lock().first_mut() {
                charge.set(bytes);
                held[which] = bytes / KIB * KIB;
            }
            prop_assert_eq!(budget.used(), held.iter().sum::<usize>());
            prop_assert_eq!(connections[which].account.held(), held[which]);
            let before = budget.used();
            budget.relieve();
            let open = || connections.iter().zip(held).filter(|(c, _)| !c.is_closed());
            let closed = connections.iter().zip(held).filter(|(c, _)| c.is_closed());
            let lightest_closed = closed.map(|(_, held)| held).filter(|held| *held > 0).min();
            if before > 1400 * KIB {
                prop_assert!(budget.used() <= 1200 * KIB);
                let heaviest_open = open().map(|(_, held)| held).max().unwrap_or(0);
                prop_assert!(lightest_closed.is_some_and(|least| least >= heaviest_open));
                break;
            }
            prop_assert!(lightest_closed.is_none());
        }
        drop(connections);
        prop_assert_eq!(budget.used(), 0);
    }
}
