//! Slots of open connections: counted, given back, and released early.

use std::time::Duration;

use super::*;

fn admission(settings: AdmissionSettings) -> Arc<Admission> {
    Admission::new(
        settings,
        Occupancy::new(),
        MemoryBudget::new(0),
        Arc::default(),
    )
}

fn from(address: &str) -> Option<ClientAddress> {
    address.parse().ok().map(ClientAddress)
}

#[test]
fn slots_are_counted_in_all_and_for_each_address_and_given_back() {
    let admission = admission(AdmissionSettings {
        connections_max: 3,
        per_address_max: 2,
        per_address_rate: 0,
    });
    let first = admission.reserve(from("192.0.2.1"));
    let second = admission.reserve(from("192.0.2.1"));
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(
        admission.reserve(from("192.0.2.1")).err(),
        Some(AdmissionError::AddressFull)
    );
    let third = admission.reserve(from("192.0.2.2"));
    assert!(third.is_ok());
    assert_eq!(
        admission.reserve(from("192.0.2.3")).err(),
        Some(AdmissionError::Full)
    );
    drop(first);
    assert!(admission.reserve(from("192.0.2.1")).is_ok());
    drop((second, third));
    assert!(admission.by_address.lock().is_empty());
    assert_eq!(admission.open.load(Ordering::Relaxed), 0);
}

#[test]
#[allow(clippy::unwrap_used)]
fn a_released_slot_is_free_and_what_remains_of_connections_is_bounded() {
    let admission = admission(AdmissionSettings {
        connections_max: 1,
        ..AdmissionSettings::default()
    });
    let released = || {
        let slot = admission.reserve(None);
        let mut slot = slot.unwrap_or_else(|away| panic!("{away:?}"));
        slot.release();
        slot.release();
        slot
    };
    let remains: Vec<_> = (0..REMAINS_MAX).map(|_| released()).collect();
    let mut last = released();
    assert_eq!(admission.reserve(None).err(), Some(AdmissionError::Full));
    drop(remains);
    last.release();
    assert!(admission.reserve(None).is_ok());
    drop(last);
    assert_eq!(admission.open.load(Ordering::Relaxed), 0);
    assert_eq!(admission.remains.load(Ordering::Relaxed), 0);
}

#[test]
fn one_subscriber_of_ipv6_is_one_address() {
    let admission = admission(AdmissionSettings {
        per_address_max: 1,
        ..AdmissionSettings::default()
    });
    let first = admission.reserve(from("2001:db8:1:2::1"));
    assert!(first.is_ok());
    assert_eq!(
        admission.reserve(from("2001:db8:1:2:ffff::9")).err(),
        Some(AdmissionError::AddressFull)
    );
    assert!(admission.reserve(from("2001:db8:1:3::1")).is_ok());
}

#[test]
fn an_address_may_open_a_burst_and_then_waits_while_others_do_not() {
    let admission = admission(AdmissionSettings {
        per_address_rate: 2,
        ..AdmissionSettings::default()
    });
    for _ in 0..20 {
        assert!(admission.reserve(from("192.0.2.1")).is_ok());
    }
    let refused = admission.reserve(from("192.0.2.1")).err();
    assert!(matches!(refused, Some(AdmissionError::TooFast(wait)) if wait > Duration::ZERO));
    assert!(admission.reserve(from("192.0.2.2")).is_ok());
    assert!(
        admission.reserve(None).is_ok(),
        "whoever has no address is not limited"
    );
}
