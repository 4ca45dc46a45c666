//! Whether the service is in use, and since when it is not: what EXIT_WHEN_IDLE goes by.
//!
//! The service is occupied while any [`Occupant`] exists. Only an occupant that used the service
//! restarts the idle time when it ends. So a monitor that asks for the health every few seconds is
//! answered, and does not keep the service awake for ever.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Marks an HTTP answer that only says how the service is, as an extension: asking is no use.
#[derive(Debug, Clone, Copy)]
pub struct HealthAnswer;

/// Counts what occupies the service.
#[derive(Debug)]
pub struct Occupancy {
    state: Mutex<State>,
    vacated: Notify,
}

#[derive(Debug)]
struct State {
    occupants: usize,
    last_use: Instant,
}

/// Keeps the service awake until it is dropped.
#[derive(Debug)]
pub struct Occupant {
    occupancy: Arc<Occupancy>,
    is_use: bool,
}

impl Occupancy {
    /// A service that is vacant. Its idle time begins now.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                occupants: 0,
                last_use: Instant::now(),
            }),
            vacated: Notify::new(),
        })
    }

    /// Adds an occupant, which does not count as use before [`Occupant::mark_used`].
    #[must_use]
    pub fn enter(self: &Arc<Self>) -> Occupant {
        self.state.lock().occupants += 1;
        Occupant {
            occupancy: Arc::clone(self),
            is_use: false,
        }
    }

    /// Waits until the service is vacant and has not been used for this long.
    pub async fn idle_for(&self, time: Duration) {
        loop {
            let vacated = self.vacated.notified();
            match self.idle_since() {
                Some(since) if since.elapsed() >= time => return,
                Some(since) => sleep_until(since + time).await,
                None => vacated.await,
            }
        }
    }

    /// When the service was last used, if it is vacant.
    fn idle_since(&self) -> Option<Instant> {
        let state = self.state.lock();
        (state.occupants == 0).then_some(state.last_use)
    }
}

impl Occupant {
    /// What it occupies.
    #[must_use]
    pub const fn occupancy(&self) -> &Arc<Occupancy> {
        &self.occupancy
    }

    /// Whether it counts as use.
    #[must_use]
    pub const fn is_use(&self) -> bool {
        self.is_use
    }

    /// Counts as use from now on.
    pub fn mark_used(&mut self) {
        self.is_use = true;
    }
}

impl Drop for Occupant {
    fn drop(&mut self) {
        let mut state = self.occupancy.state.lock();
        state.occupants -= 1;
        if self.is_use {
            state.last_use = Instant::now();
        }
        if state.occupants == 0 {
            self.occupancy.vacated.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const IDLE: Duration = Duration::from_secs(600);

    /// Seconds until the service has been idle for [`IDLE`].
    async fn seconds_until_idle(occupancy: &Occupancy) -> u64 {
        let since = Instant::now();
        occupancy.idle_for(IDLE).await;
        since.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_was_never_used_is_idle_from_its_start() {
        let occupancy = Occupancy::new();
        sleep(Duration::from_secs(100)).await;
        assert_eq!(seconds_until_idle(&occupancy).await, 500);
    }

    #[tokio::test(start_paused = true)]
    async fn the_idle_time_begins_when_the_last_use_ends() {
        let occupancy = Occupancy::new();
        let mut first = occupancy.enter();
        let mut last = occupancy.enter();
        for used in [&mut first, &mut last] {
            used.mark_used();
        }
        tokio::spawn(async move {
            sleep(Duration::from_secs(1000)).await;
            drop(first);
            sleep(Duration::from_secs(1000)).await;
            drop(last);
        });
        assert_eq!(seconds_until_idle(&occupancy).await, 2600);
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_use_the_service_delays_it_only_while_it_lasts() {
        let occupancy = Occupancy::new();
        let monitor = Arc::clone(&occupancy);
        tokio::spawn(async move {
            loop {
                let asking = monitor.enter();
                sleep(Duration::from_secs(2)).await;
                drop(asking);
                sleep(Duration::from_secs(5)).await;
            }
        });
        // 600 is within the pause that follows 595 + 2.
        assert_eq!(seconds_until_idle(&occupancy).await, 600);
        let asking = occupancy.enter();
        let other = Arc::clone(&occupancy);
        let waiting = tokio::spawn(async move { seconds_until_idle(&other).await });
        sleep(Duration::from_secs(50)).await;
        assert!(!waiting.is_finished());
        drop(asking);
    }
}
