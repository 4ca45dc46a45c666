//! The library's queue while the transport polls: a task that waits for room in it goes on when the
//! transport has taken enough, and learns when it never will.

use std::sync::Arc;
use std::time::{Duration, Instant};

use loom::future::block_on;
use loom::thread;

use crate::connection::CloseReason;
use crate::explore;
use crate::flow_control::FlowControl;
use crate::hand_over::{Client, Room, Session, payload, polling};
use crate::outbox::Outbox;
use crate::room::{Signals, Subscriber};

#[test]
fn waiting_ends_when_enough_is_taken() {
    explore(3, || {
        let flow = Arc::new(FlowControl::default());
        let transport = Arc::clone(&flow);
        let taking = thread::spawn(move || {
            transport.take(1);
            transport.take(2);
        });
        block_on(async {
            flow.until_taken(1).await;
            flow.until_taken(3).await;
        });
        assert_eq!(flow.taken(), 3);
        taking.join().unwrap();
    });
}

#[test]
fn waiting_ends_when_the_connection_does() {
    explore(2, || {
        let client = Client::new(9);
        let (flow, notifier) = (polling(), Arc::clone(&client.line.notifier));
        let out = Outbox::new(client, flow, Arc::clone(&notifier));
        block_on(out.emit("receive_message", &payload(1, true))).unwrap();
        let ending = thread::spawn(move || notifier.notify(Signals::GONE));
        let ended = block_on(out.emit("receive_message", &payload(2, true)));
        assert_eq!(ended, Err(CloseReason::Lost));
        ending.join().unwrap();
    });
}

#[test]
fn a_pause_in_reading_ends() {
    explore(3, || {
        let flow = Arc::new(FlowControl::default());
        flow.pause_reading();
        let session = Arc::clone(&flow);
        let resuming = thread::spawn(move || session.resume_reading());
        block_on(std::future::poll_fn(|cx| flow.poll_may_read(cx)));
        resuming.join().unwrap();
    });
}

#[test]
fn a_stuck_write_is_given_up() {
    explore(3, || {
        let flow = Arc::new(FlowControl::default());
        let session = Arc::clone(&flow);
        let closing = thread::spawn(move || session.close());
        block_on(std::future::poll_fn(|cx| flow.poll_closed(cx)));
        closing.join().unwrap();
    });
}

#[test]
fn a_reader_without_room_reads_on_when_there_is() {
    explore(2, || {
        let room = Arc::new(Room::new(true));
        let client = Client::new(2);
        let (flow, line) = (polling(), Arc::clone(&client.line));
        let session = Session::new(&room, client, Arc::clone(&flow));
        let publisher = thread::spawn(move || {
            room.publish();
            room.publish();
            room.deliver_until(2);
        });
        let writer = thread::spawn(move || {
            while flow.taken() < 3 {
                block_on(line.transport.wait());
                // The reply to CONNECT comes first.
                let written = 1 + line.heard.lock().unwrap().len() as u64;
                flow.take(written - flow.taken());
            }
        });
        assert_eq!(block_on(session.run()), [1, 2]);
        publisher.join().unwrap();
        writer.join().unwrap();
    });
}

#[test]
fn who_waits_for_a_transport_that_takes_nothing_is_told() {
    explore(2, || {
        let client = Client::new(9);
        let (flow, notifier) = (polling(), Arc::clone(&client.line.notifier));
        let out = Arc::new(Outbox::new(client, flow, notifier));
        let large = payload(1, true);
        block_on(out.emit("receive_message", &large)).unwrap();
        let watched = Arc::clone(&out);
        let watching = thread::spawn(move || {
            let (now, patience) = (Instant::now(), Duration::from_secs(1));
            watched.check_progress(now, patience);
            watched.check_progress(now + patience, patience);
        });
        let ended = block_on(out.emit("receive_message", &large));
        assert_eq!(ended, Err(CloseReason::Slow));
        watching.join().unwrap();
    });
}
