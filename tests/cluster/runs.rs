//! The delivery checker over three nodes: the same people, the same promises, and the faults of
//! several nodes and their Redis. `docs/delivery.md` says how to run it for longer.

use std::time::Duration;

use super::delivery::checker::check;
use super::delivery::counts::Counts;
use super::delivery::plan::{Plan, set};
use super::delivery::violation::shown;
use super::delivery::workload;
use super::nodes::only_busy_test;
use super::service::{Fault, Script, Service, WITHOUT_LOSS};

const NODES: usize = 3;
const SECONDS: u64 = 25;

/// What is lost is lost twice: while Redis runs, and with its process.
const WITH_LOSS: [Fault; 5] = [
    Fault::NodeKilled,
    Fault::Flushed,
    Fault::NodeDrained,
    Fault::DataLost,
    Fault::Cut,
];

/// A plan for the nodes of one service, which all have the same logs.
fn plan() -> Plan {
    Plan {
        time: Duration::from_secs(set("DELIVERY_SECONDS", SECONDS)),
        servers: NODES,
        restarts: 0,
        outages: true,
        logs: 1,
        // Few enough that some come too late; enough that a node that was away does not.
        kept: set("DELIVERY_KEPT", 250),
        ..Plan::from_environment()
    }
}

/// Runs a plan, in which nothing may be found; nothing where there is no Redis.
async fn run(plan: &Plan, script: Script) -> Option<Counts> {
    let _busy = only_busy_test().await;
    eprintln!("{plan:?} {script:?}");
    let service = Service::open(plan, script).await?;
    let outcome = workload::run(plan, None, service).await;
    let violations = check(&outcome.record);
    eprintln!("{}", outcome.counts);
    assert!(
        violations.is_empty(),
        "DELIVERY_SEED={} found {}",
        plan.seed,
        shown(&violations)
    );
    Some(outcome.counts)
}

fn must_have_happened(counts: &Counts, what: &[&str]) {
    for what in what {
        assert!(counts.of_all(what) > 0, "no {what} in {counts}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_under_faults_of_nodes_and_redis_breaks_no_promise() {
    let plan = plan();
    let Some(counts) = run(&plan, Script::Again(&WITHOUT_LOSS)).await else {
        return;
    };
    if plan.time >= Duration::from_secs(SECONDS) {
        must_have_happened(
            &counts,
            &[
                "disconnects: ",
                "messages: refused, unavailable",
                "messages: acknowledged as duplicate",
                "resumes: recovered",
            ],
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_in_which_redis_loses_everything_is_one_of_announced_gaps() {
    let mut plan = plan();
    plan.logs = 3;
    let Some(counts) = run(&plan, Script::Once(&WITH_LOSS)).await else {
        return;
    };
    must_have_happened(&counts, &["gaps: to another log"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_rolling_restarts_under_load_break_no_promise_and_nobody_notices() {
    let mut plan = plan();
    plan.faults = false;
    plan.outages = false;
    let Some(counts) = run(&plan, Script::Rolling(5)).await else {
        return;
    };
    must_have_happened(&counts, &["nodes: drained", "resumes: recovered"]);
    assert_eq!(counts.of("messages: refused, unavailable"), 0, "{counts}");
}
