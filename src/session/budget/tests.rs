//! Tests of budgets and of their registry.

use super::registry::{PRUNE_FROM, UNUSED_MAX};
use super::*;
use crate::domain::RequestErrorCode;

fn budgets(users_per_address: u32) -> Budgets {
    let rate = |per_second, burst| Rate::new(per_second, burst);
    let rates = Rates::new(rate(1, 5), rate(4, 20), rate(4, 20));
    Budgets::new(rates, NonZeroU32::new(users_per_address))
}

fn user(name: &str) -> UserId {
    name.into()
}

/// How many messages pass before the first that is refused.
fn messages(account: &Account) -> usize {
    (0..1000)
        .take_while(|_| account.take(Class::Message).is_ok())
        .count()
}

#[test]
fn a_budget_is_the_users_and_not_the_connections() {
    let budgets = budgets(0);
    let first = budgets.account(&user("ada"), None);
    assert_eq!(messages(&first), 5);
    drop(first);
    assert_eq!(messages(&budgets.account(&user("ada"), None)), 0);
    assert_eq!(messages(&budgets.account(&user("bob"), None)), 5);
    assert!(first_refusal(&budgets).retry_after.is_some());
}

fn first_refusal(budgets: &Budgets) -> RequestError {
    let account = budgets.account(&user("ada"), None);
    let refused = account.take(Class::Message).err();
    refused.unwrap_or_else(|| panic!("it was accepted"))
}

#[test]
fn classes_do_not_draw_on_one_another() {
    let account = budgets(0).account(&user("ada"), None);
    messages(&account);
    assert!(account.take(Class::History).is_ok());
    assert!(account.take(Class::Request).is_ok());
}

#[test]
fn new_identities_draw_on_their_addresss_budget() {
    let budgets = budgets(2);
    let home = Some(IpAddr::from([192, 0, 2, 1]));
    let total: usize = (0..50)
        .map(|n| messages(&budgets.account(&user(&n.to_string()), home)))
        .sum();
    assert_eq!(total, 10, "as many as two users");
    let elsewhere = Some(IpAddr::from([192, 0, 2, 2]));
    assert_eq!(messages(&budgets.account(&user("eve"), elsewhere)), 5);
    assert_eq!(messages(&budgets.account(&user("joan"), None)), 5);
}

/// Otherwise a user whose neighbours talk would have their own budget used up by refusals.
#[test]
fn what_the_address_refuses_is_not_taken_from_the_user() {
    let budgets = budgets(1);
    let home = Some(IpAddr::from([192, 0, 2, 1]));
    messages(&budgets.account(&user("eve"), home));
    assert_eq!(messages(&budgets.account(&user("ada"), home)), 0);
    assert_eq!(messages(&budgets.account(&user("ada"), None)), 5);
}

#[test]
fn no_rates_limit_nothing() {
    let account = Budgets::new(None, NonZeroU32::new(1)).account(&user("ada"), None);
    assert_eq!(messages(&account), 1000);
    account.charge_answer(usize::MAX);
    assert_eq!(account.check_answers(), Ok(()));
    assert!((0..100_000).all(|_| account.charge_refusal(1 << 20).is_ok()));
}

#[test]
fn an_answer_larger_than_what_is_left_is_owed() {
    let account = budgets(0).account(&user("ada"), None);
    let (_, burst) = ANSWERS;
    account.charge_answer(burst as usize - 1);
    assert_eq!(account.check_answers(), Ok(()));
    account.charge_answer(3 * burst as usize);
    let refused = account.check_answers().err();
    assert_eq!(
        refused.as_ref().map(|refusal| refusal.code),
        Some(RequestErrorCode::RateLimited)
    );
    let wait = refused.and_then(|refusal| refusal.retry_after);
    assert!(wait.is_some_and(|wait| wait <= Duration::from_secs(17)));
}

#[test]
fn a_burst_of_refusals_is_borne_and_an_endless_one_is_a_flood() {
    let budgets = budgets(0);
    let account = budgets.account(&user("eve"), None);
    assert!((0..15_000).all(|_| account.charge_refusal(60).is_ok()));
    assert!((0..5000).any(|_| account.charge_refusal(60).is_err()));
    drop(account);
    // A reconnect does not make it good.
    let again = budgets.account(&user("eve"), None);
    assert!((0..100).any(|_| again.charge_refusal(60).is_err()));
}

#[test]
fn large_requests_cost_their_bytes() {
    let account = budgets(0).account(&user("eve"), None);
    let borne = (0..100)
        .take_while(|_| account.charge_refusal(1 << 20).is_ok())
        .count();
    assert_eq!(borne, 15);
}

#[test]
fn a_slow_flood_is_found_by_its_bad_seconds_and_single_bursts_are_not() {
    let start = Instant::now();
    let fresh = BadSeconds {
        began: start,
        refused: 0,
        count: 0,
    };
    let at = |ms: u64| start + Duration::from_millis(ms);
    let mut flood = fresh;
    let ended = (0..200).position(|n| (0..10).any(|_| flood.refuse(at(n * 100))));
    let seconds = ended.map(|tenths| tenths / 10);
    assert_eq!(seconds, Some(8));
    let mut retries = fresh;
    assert!((0..600).all(|n| !retries.refuse(at(n * 100))));
    let mut storms = fresh;
    // A burst of 500 every ten seconds.
    assert!((0..100).all(|n| (0..500).all(|_| !storms.refuse(at(n * 10_000)))));
}

#[test]
fn budgets_that_are_full_again_are_forgotten_and_used_ones_are_kept() {
    let budgets = budgets(0);
    let in_use = budgets.account(&user("in use"), None);
    messages(&in_use);
    for n in 0..PRUNE_FROM * 4 {
        drop(budgets.account(&user(&n.to_string()), None));
    }
    let users = budgets.users.as_ref();
    let known = users.map(Registry::len);
    assert!(known.is_some_and(|known| known <= PRUNE_FROM), "{known:?}");
    assert_eq!(messages(&budgets.account(&user("in use"), None)), 0);
}

#[test]
fn of_too_many_budgets_the_fullest_are_forgotten() {
    let budgets = budgets(0);
    drop(first_spent(&budgets));
    for n in 0..UNUSED_MAX * 2 {
        let account = budgets.account(&user(&n.to_string()), None);
        assert!(account.take(Class::Message).is_ok());
    }
    let users = budgets.users.as_ref();
    let known = users.map(Registry::len);
    assert!(
        known.is_some_and(|known| known <= UNUSED_MAX * 2 + 1),
        "{known:?}"
    );
    // What it has gained since is little: a new budget would bear thousands.
    let spent = budgets.account(&user("spent"), None);
    assert!((0..1000).any(|_| spent.charge_refusal(60).is_err()));
}

fn first_spent(budgets: &Budgets) -> Account {
    let account = budgets.account(&user("spent"), None);
    messages(&account);
    let refused = (0..20_000).filter(|_| account.charge_refusal(60).is_err());
    assert!(refused.count() > 0);
    account
}
