//! The library's queue while the transport polls: a task that waits for room in it goes on when the
//! transport has taken enough, and learns when it never will.

use std::sync::Arc;
use std::time::{Duration, Instant};

use loom::future::block_on;
use loom::thread;

use crate::connection::Ended;
use crate::explore;
use crate::hand_over::{Client, Room, Session, payload, polling};
use crate::link::Link;
use crate::outbox::Outbox;
use crate::room::{News, Subscriber};

#[test]
fn waiting_ends_when_enough_is_taken() {
    explore(3, || {
        let link = Arc::new(Link::default());
        let transport = Arc::clone(&link);
        let taking = thread::spawn(move || {
            transport.take(1);
            transport.take(2);
        });
        block_on(async {
            link.until_taken(1).await;
            link.until_taken(3).await;
        });
        assert_eq!(link.taken(), 3);
        taking.join().unwrap();
    });
}

#[test]
fn waiting_ends_when_the_connection_does() {
    explore(2, || {
        let client = Client::new(9);
        let (link, bell) = (polling(), Arc::clone(&client.line.bell));
        let out = Outbox::new(client, link, Arc::clone(&bell));
        block_on(out.emit("receive_message", &payload(1, true))).unwrap();
        let ending = thread::spawn(move || bell.ring(News::GONE));
        let ended = block_on(out.emit("receive_message", &payload(2, true)));
        assert_eq!(ended, Err(Ended::Lost));
        ending.join().unwrap();
    });
}

#[test]
fn a_pause_in_reading_ends() {
    explore(3, || {
        let link = Arc::new(Link::default());
        link.pause_reading();
        let session = Arc::clone(&link);
        let resuming = thread::spawn(move || session.resume_reading());
        block_on(std::future::poll_fn(|cx| link.poll_may_read(cx)));
        resuming.join().unwrap();
    });
}

#[test]
fn a_stuck_write_is_given_up() {
    explore(3, || {
        let link = Arc::new(Link::default());
        let session = Arc::clone(&link);
        let closing = thread::spawn(move || session.close());
        block_on(std::future::poll_fn(|cx| link.poll_closed(cx)));
        closing.join().unwrap();
    });
}

#[test]
fn a_reader_without_room_reads_on_when_there_is() {
    explore(2, || {
        let room = Arc::new(Room::new(true));
        let client = Client::new(2);
        let (link, line) = (polling(), Arc::clone(&client.line));
        let session = Session::new(&room, client, Arc::clone(&link));
        let publisher = thread::spawn(move || {
            room.publish();
            room.publish();
            room.deliver_until(2);
        });
        let writer = thread::spawn(move || {
            while link.taken() < 3 {
                block_on(line.transport.news());
                // The reply to CONNECT comes first.
                let written = 1 + line.heard.lock().unwrap().len() as u64;
                link.take(written - link.taken());
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
        let (link, bell) = (polling(), Arc::clone(&client.line.bell));
        let out = Arc::new(Outbox::new(client, link, bell));
        let large = payload(1, true);
        block_on(out.emit("receive_message", &large)).unwrap();
        let watched = Arc::clone(&out);
        let watching = thread::spawn(move || {
            let (now, patience) = (Instant::now(), Duration::from_secs(1));
            watched.check_progress(now, patience);
            watched.check_progress(now + patience, patience);
        });
        let ended = block_on(out.emit("receive_message", &large));
        assert_eq!(ended, Err(Ended::Slow));
        watching.join().unwrap();
    });
}
