//! Hosting platforms that kill a process sooner than most after asking it to stop. DRAIN_TIMEOUT
//! follows them, unless it is given.

use std::time::Duration;

/// A hosting platform with a short grace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Host {
    /// What it is called.
    pub name: &'static str,
    /// Time between the signal to stop and the one that kills, unless the operator has changed it.
    pub grace: Duration,
    /// The longest drain there: what follows it takes up to an eighth of that.
    pub drain_timeout: Duration,
}

/// Fly.io sets both variables in every machine (<https://fly.io/docs/machines/runtime-environment/>),
/// and its `kill_timeout` is 5 s (<https://fly.io/docs/reference/configuration/>).
const FLY: Host = Host {
    name: "Fly.io",
    grace: Duration::from_secs(5),
    drain_timeout: Duration::from_secs(4),
};
const FLY_VARIABLES: [&str; 2] = ["FLY_APP_NAME", "FLY_MACHINE_ID"];

/// Railway sets these in every deployment (<https://docs.railway.com/variables/reference>);
/// `RAILWAY_ENVIRONMENT` is the older name of the first. It waits for 3 s by default, as its staff says
/// (<https://station.railway.com/questions/what-is-the-behavior-during-a-new-deploy-84535b6e>).
const RAILWAY: Host = Host {
    name: "Railway",
    grace: Duration::from_secs(3),
    drain_timeout: Duration::from_secs(2),
};
const RAILWAY_VARIABLES: [&str; 3] = [
    "RAILWAY_ENVIRONMENT_NAME",
    "RAILWAY_ENVIRONMENT",
    "RAILWAY_SERVICE_ID",
];

impl Host {
    /// The platform that this process runs on, as the environment shows it.
    pub(super) fn from_environment() -> Option<Self> {
        Self::by_variables(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
    }

    fn by_variables(is_set: impl Fn(&str) -> bool) -> Option<Self> {
        let has = |variables: &[&str]| variables.iter().any(|name| is_set(name));
        if has(&FLY_VARIABLES) {
            Some(FLY)
        } else if has(&RAILWAY_VARIABLES) {
            Some(RAILWAY)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_known_by_any_of_its_variables() {
        for (host, variables) in [(FLY, &FLY_VARIABLES[..]), (RAILWAY, &RAILWAY_VARIABLES)] {
            for variable in variables {
                assert_eq!(Host::by_variables(|name| name == *variable), Some(host));
            }
        }
        assert_eq!(Host::by_variables(|name| name == "FLY_REGION"), None);
    }

    #[test]
    fn a_drain_and_what_follows_it_end_within_the_grace() {
        for host in [FLY, RAILWAY] {
            assert!(host.drain_timeout * 9 / 8 < host.grace, "{host:?}");
        }
    }
}
