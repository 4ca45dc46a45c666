//! loom's counterparts of what `src/sync.rs` names. A waker's cell and a notice have none that fit:
//! here they are, each as one lock around what it promises.

use std::future::poll_fn;
use std::task::{Poll, Waker};

use loom::sync::atomic::{self, fence};
pub use loom::sync::atomic::{AtomicU32, Ordering};

/// loom takes a sequentially consistent access for an acquiring and releasing one, and knows the
/// total order of fences only: so each such access gets one on either side.
macro_rules! atomic {
    ($name:ident, $value:ty, { $($method:ident($($argument:ty)?) -> $result:ty),* }) => {
        #[derive(Debug)]
        pub struct $name(atomic::$name);

        impl $name {
            pub fn new(value: $value) -> Self {
                Self(atomic::$name::new(value))
            }

            $(pub fn $method(&self, $(value: $argument,)? order: Ordering) -> $result {
                let fenced = order == Ordering::SeqCst;
                if fenced {
                    fence(order);
                }
                let result = self.0.$method($({ let value: $argument = value; value },)? order);
                if fenced {
                    fence(order);
                }
                result
            })*
        }
    };
}

atomic!(AtomicU64, u64, {
    load() -> u64, store(u64) -> (), fetch_add(u64) -> u64, fetch_max(u64) -> u64
});
atomic!(AtomicBool, bool, { load() -> bool, store(bool) -> (), swap(bool) -> bool });

/// A lock without poison, as `parking_lot` has it.
#[derive(Debug, Default)]
pub struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
        self.0.lock().unwrap()
    }
}

/// Keeps the waker that was registered last, until it is woken.
#[derive(Debug)]
pub struct AtomicWaker(Mutex<Option<Waker>>);

impl AtomicWaker {
    pub fn new() -> Self {
        Self(Mutex::new(None))
    }

    pub fn register(&self, waker: &Waker) {
        *self.0.lock() = Some(waker.clone());
    }

    pub fn wake(&self) {
        let waker = self.0.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Default for AtomicWaker {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for Notify {
    fn default() -> Self {
        Self::new()
    }
}

/// One permit, for one who waits.
#[derive(Debug)]
pub struct Notify(Mutex<(bool, Option<Waker>)>);

impl Notify {
    pub fn new() -> Self {
        Self(Mutex::new((false, None)))
    }

    pub fn notify_one(&self) {
        let mut state = self.0.lock();
        state.0 = true;
        let waiting = state.1.take();
        drop(state);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    pub async fn notified(&self) {
        poll_fn(|cx| {
            let mut state = self.0.lock();
            if std::mem::take(&mut state.0) {
                return Poll::Ready(());
            }
            state.1 = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
