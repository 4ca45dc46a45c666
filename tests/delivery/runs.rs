//! The runs: one under faults, in which nothing may be found, and one for each kind of broken
//! server, in which exactly that must be.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::checker::check;
use super::plan::Plan;
use super::saboteur::{Sabotage, Saboteur};
use super::single_node::SingleNode;
use super::violation::{Kind, by_kind, shown};
use super::workload;

/// What must have happened in a run of some length, or it shows nothing.
const FAULTS: [&str; 11] = [
    "disconnects: reset",
    "disconnects: half-open",
    "disconnects: closed",
    "disconnects: dropped",
    "disconnects: away",
    "slow: stopped reading",
    "slow: a slow network",
    "transport: upgraded",
    "transport: changed",
    "resumes: recovered",
    "resumes: too late for the log",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_under_faults_breaks_no_promise() {
    let plan = Plan::from_environment();
    eprintln!("{plan:?}");
    let scene = SingleNode::open(&plan, None).await;
    let outcome = workload::run(&plan, None, scene).await;
    let violations = check(&outcome.record);
    let counts = &outcome.counts;
    eprintln!("{counts}");
    let disconnects = counts.of_all("disconnects: ");
    let deliveries = counts.of("deliveries");
    eprintln!(
        "{deliveries} deliveries, {disconnects} disconnects, seed {}",
        plan.seed
    );
    assert!(
        violations.is_empty(),
        "DELIVERY_SEED={} found {}",
        plan.seed,
        shown(&violations)
    );
    for fault in FAULTS {
        let is_long_enough = plan.time >= Duration::from_secs(20);
        assert!(
            !is_long_enough || counts.of_all(fault) > 0,
            "no {fault} in a run that long"
        );
    }
}

/// Runs against a server that is broken in this way; returns what was found and how often it
/// misbehaved.
async fn sabotaged(sabotage: Sabotage, every: u64) -> (BTreeMap<Kind, usize>, usize) {
    sabotaged_under(&Plan::undisturbed(7), Saboteur::new(sabotage, every, 2)).await
}

async fn sabotaged_under(plan: &Plan, saboteur: Saboteur) -> (BTreeMap<Kind, usize>, usize) {
    let saboteur = Arc::new(saboteur);
    let scene = SingleNode::open(plan, Some(Arc::clone(&saboteur))).await;
    let outcome = workload::run(plan, Some(Arc::clone(&saboteur)), scene).await;
    let violations = check(&outcome.record);
    let strikes = usize::try_from(saboteur.strikes()).unwrap();
    eprintln!("{strikes} strikes, {}", shown(&violations));
    assert!(strikes >= 2, "{}", outcome.counts);
    (by_kind(&violations), strikes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saboteur_who_does_nothing_is_not_found() {
    let (found, _) = sabotaged(Sabotage::Nothing, 10_000).await;
    assert_eq!(found, BTreeMap::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_message_in_ten_thousand_dropped_is_found() {
    let (found, strikes) = sabotaged(Sabotage::Drop, 10_000).await;
    assert_eq!(found, BTreeMap::from([(Kind::Lost, strikes)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_messages_swapped_are_found() {
    let (found, strikes) = sabotaged(Sabotage::Swap, 10_000).await;
    assert_eq!(found, BTreeMap::from([(Kind::OutOfOrder, strikes)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_told_twice_is_found() {
    let (found, strikes) = sabotaged(Sabotage::Double, 10_000).await;
    assert_eq!(found, BTreeMap::from([(Kind::ReceivedTwice, strikes)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_acknowledged_and_thrown_away_is_found() {
    let (found, strikes) = sabotaged(Sabotage::Swallow, 500).await;
    assert_eq!(
        found,
        BTreeMap::from([(Kind::AcknowledgedNotPublished, strikes)])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_left_out_is_found() {
    let (found, _) = sabotaged(Sabotage::Hole, 10_000).await;
    assert_eq!(found.get(&Kind::Hole), Some(&super::plan::ROOMS.len()));
}

/// The real workload: what is dropped right before a connection is lost comes again by the resume,
/// and is not lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_dropped_amid_faults_are_found() {
    let saboteur = Saboteur::new(Sabotage::Drop, 2000, 10);
    let (found, strikes) = sabotaged_under(&Plan::stormy(7), saboteur).await;
    let lost = found.get(&Kind::Lost).copied().unwrap_or_default();
    assert!(
        (strikes / 2..=strikes).contains(&lost),
        "{lost} of {strikes}"
    );
    assert_eq!(found.len(), 1, "{found:?}");
}
