//! Work-around for the HTTP library's dates: it panics when it is polled while the machine's clock shows
//! a time before 1970 or after 9999.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::ready;
use std::time::Duration;

use crate::clock;

/// Time between two checks of a clock whose time is not a date.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// Polls a connection only while the clock's time is a date. Until then, requests wait.
pub async fn while_datable<F: Future>(mut connection: Pin<&mut F>) -> F::Output {
    let mut pause: Option<Pin<Box<tokio::time::Sleep>>> = None;
    poll_fn(|cx| {
        while !clock::is_datable() {
            let sleep = pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(CHECK_INTERVAL)));
            ready!(sleep.as_mut().poll(cx));
            pause = None;
        }
        connection.as_mut().poll(cx)
    })
    .await
}
