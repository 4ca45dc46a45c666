//! The checker against histories written by hand: a clean one, in which nothing is found, and for
//! each promise one in which it is broken, in which exactly that is found.

use std::collections::{BTreeMap, BTreeSet};

use super::checker::check;
use super::fixtures::{
    ROOM, acknowledged, at, away_after_5, clean, gap, goes_on, history, joined, noticed, replace,
    replace_everywhere, resumed, sent, told,
};
use super::history::{Event, Record, Word};
use super::violation::Kind;

/// What is found after this has been changed.
fn found(change: impl FnOnce(&mut Record)) -> Vec<Kind> {
    let mut record = clean();
    change(&mut record);
    let kinds: BTreeSet<Kind> = check(&record).into_iter().map(|found| found.kind).collect();
    kinds.into_iter().collect()
}

#[test]
fn nothing_is_wrong_with_a_clean_history() {
    assert_eq!(found(|_| {}), []);
}

#[test]
fn a_message_left_out() {
    let lost = found(|record| replace(&mut record.persons[1], &told(6, 0, 2), &[]));
    assert_eq!(lost, [Kind::Lost]);
}

#[test]
fn a_message_left_out_of_a_resume() {
    let resume = resumed(at("e", 5), at("e", 6), true);
    let whole = [resume.clone(), told(6, 0, 2), told(7, 1, 2)];
    assert_eq!(found(|record| away_after_5(record, &whole)), []);
    let holed = [resume, told(7, 1, 2)];
    let lost = found(|record| away_after_5(record, &holed));
    assert_eq!(lost, [Kind::Lost]);
}

#[test]
fn a_live_notice_left_out() {
    let lost = found(|record| replace(&mut record.persons[0], &noticed(3), &[]));
    assert_eq!(lost, [Kind::Lost]);
}

#[test]
fn a_message_left_out_of_the_history_of_a_join() {
    let with = |ids: &[(u64, Word)]| {
        let mut join = joined("e", 7);
        if let Event::Joined { history, .. } = &mut join {
            *history = Some(ids.to_vec());
        }
        found(|record| record.persons[0].events.extend([Event::Lost, join]))
    };
    let word = |sender, number| Word { sender, number };
    let (five, six, seven) = ((5, word(1, 1)), (6, word(0, 2)), (7, word(1, 2)));
    assert_eq!(with(&[five, six, seven]), []);
    assert_eq!(with(&[five, seven]), [Kind::Lost]);
    assert_eq!(with(&[six, five, seven]), [Kind::OutOfOrder]);
}

#[test]
fn a_message_told_twice() {
    let twice = [told(6, 0, 2), told(6, 0, 2)];
    let found = found(|record| replace(&mut record.persons[1], &twice[0], &twice));
    assert_eq!(found, [Kind::ReceivedTwice]);
}

#[test]
fn a_message_told_again_by_a_resume() {
    let resume = resumed(at("e", 5), at("e", 6), true);
    let again = [resume, told(5, 1, 1), told(6, 0, 2), told(7, 1, 2)];
    let found = found(|record| away_after_5(record, &again));
    assert_eq!(found, [Kind::ReceivedTwice]);
}

#[test]
fn two_messages_swapped_for_one_member() {
    let found = found(|record| {
        replace(&mut record.persons[1], &told(6, 0, 2), &[]);
        record.persons[1].events.push(told(6, 0, 2));
    });
    assert_eq!(found, [Kind::OutOfOrder]);
}

#[test]
fn two_messages_under_one_id() {
    let found = found(|record| {
        replace(&mut record.persons[1], &told(6, 0, 2), &[told(6, 1, 1)]);
    });
    assert_eq!(found, [Kind::TwoOrders]);
}

#[test]
fn an_id_left_out_for_everybody() {
    let later = found(|record| {
        replace_everywhere(record, &told(7, 1, 2), &[told(8, 1, 2)]);
        replace_everywhere(record, &acknowledged(2, 7), &[acknowledged(2, 8)]);
    });
    assert_eq!(later, [Kind::Lost, Kind::Hole]);
}

#[test]
fn two_messages_of_one_sender_in_the_wrong_order() {
    let found = found(|record| {
        replace_everywhere(record, &told(4, 0, 1), &[told(4, 0, 2)]);
        replace_everywhere(record, &told(6, 0, 2), &[told(6, 0, 1)]);
        let person = &mut record.persons[0];
        replace(person, &acknowledged(1, 4), &[acknowledged(1, 6)]);
        replace(person, &acknowledged(2, 6), &[acknowledged(2, 4)]);
    });
    assert_eq!(found, [Kind::SenderOrder]);
}

#[test]
fn one_message_published_twice() {
    let twice = |record: &mut Record| {
        replace_everywhere(record, &told(6, 0, 2), &[told(6, 0, 1)]);
        let person = &mut record.persons[0];
        replace(person, &sent(2), &[sent(1)]);
        replace(person, &acknowledged(2, 6), &[]);
    };
    assert_eq!(found(twice), [Kind::PublishedTwice]);
    // The key is remembered for as long as the message is kept, and no longer.
    let forgotten = found(|record| {
        twice(record);
        record.kept = 1;
    });
    assert_eq!(forgotten, []);
}

#[test]
fn a_message_acknowledged_and_thrown_away() {
    let found = found(|record| {
        let person = &mut record.persons[0];
        person.events.extend([sent(3), acknowledged(3, 8)]);
    });
    assert_eq!(found, [Kind::AcknowledgedNotPublished]);
}

#[test]
fn a_message_acknowledged_under_another_id() {
    let found = found(|record| {
        let person = &mut record.persons[0];
        replace(person, &acknowledged(2, 6), &[acknowledged(2, 5)]);
    });
    assert_eq!(found, [Kind::AcknowledgedNotPublished]);
}

#[test]
fn a_message_refused_and_published() {
    let refused = Event::Refused {
        room: ROOM,
        number: 2,
    };
    let found = found(|record| {
        replace(&mut record.persons[0], &acknowledged(2, 6), &[refused]);
    });
    assert_eq!(found, [Kind::RefusedButPublished]);
}

#[test]
fn a_message_that_nobody_sent() {
    let found = found(|record| replace(&mut record.persons[0], &sent(2), &[]));
    assert_eq!(found, [Kind::NeverSent]);
}

#[test]
fn a_message_without_an_answer() {
    let found = found(|record| replace(&mut record.persons[0], &acknowledged(2, 6), &[]));
    assert_eq!(found, [Kind::NeverAnswered]);
}

#[test]
fn a_gap_that_is_not_announced() {
    let refused = resumed(at("e", 5), at("e", 6), false);
    let behind = |gaps: &[Event]| {
        let seen = [std::slice::from_ref(&refused), gaps, &[told(7, 1, 2)]].concat();
        found(|record| {
            record.kept = 0;
            away_after_5(record, &seen);
        })
    };
    assert_eq!(behind(&[gap(6, 6)]), []);
    assert_eq!(behind(&[]), [Kind::GapNotAnnounced]);
    assert_eq!(behind(&[gap(7, 7)]), [Kind::GapNotAnnounced]);
    assert_eq!(behind(&[gap(6, 5)]), [Kind::GapNotAnnounced]);
}

#[test]
fn a_resume_of_a_log_that_never_was() {
    let seen = [
        resumed(at("d", 5), at("e", 6), true),
        told(6, 0, 2),
        told(7, 1, 2),
    ];
    let found = found(|record| {
        record.persons[1] = history("p1", &[&[sent(1), sent(2)], &seen]);
        record.persons[1]
            .events
            .extend([acknowledged(1, 5), acknowledged(2, 7)]);
    });
    assert_eq!(found, [Kind::GapNotAnnounced]);
}

#[test]
fn a_gap_where_the_log_still_had_everything() {
    let seen = [
        resumed(at("e", 5), at("e", 6), false),
        gap(6, 6),
        told(7, 1, 2),
    ];
    let found = found(|record| away_after_5(record, &seen));
    assert_eq!(found, [Kind::GapWithoutNeed]);
}

#[test]
fn a_gap_while_reading() {
    let instead_of_6 = |by: &[Event], kept| {
        found(|record| {
            record.kept = kept;
            replace(&mut record.persons[1], &told(6, 0, 2), by);
        })
    };
    assert_eq!(instead_of_6(&[gap(6, 6)], 1), []);
    assert_eq!(instead_of_6(&[gap(6, 6)], 2), [Kind::GapWithoutNeed]);
}

#[test]
fn somebody_who_never_gets_to_the_end() {
    let found = found(|record| replace(&mut record.persons[1], &told(7, 1, 2), &[]));
    assert_eq!(found, [Kind::EndNotReached]);
}

#[test]
fn something_the_contract_does_not_know() {
    let odd = Event::Unexpected("a packet".to_owned());
    assert_eq!(
        found(|record| record.persons[0].events.push(odd)),
        [Kind::Unexpected]
    );
}

/// A simulated person that asks from too late would hide a loss.
#[test]
fn somebody_who_asks_for_less_than_they_miss() {
    let seen = [resumed(at("e", 6), at("e", 6), true), told(7, 1, 2)];
    assert_eq!(
        found(|record| away_after_5(record, &seen)),
        [Kind::Unexpected]
    );
}

/// A killed server takes with it what it acknowledged and delivered to no one. A user who missed
/// something is sent a gap by the next one.
#[test]
fn what_a_killed_server_takes_with_it_is_announced() {
    let next = history(
        "next observer",
        &[&[joined("f", 0), noticed(1), noticed(2)]],
    );
    let back = |recovered, epoch| resumed(at("e", 7), at(epoch, 1), recovered);
    let killed = |recovered, announced: &[Event]| {
        found(|record| {
            record.observers.push(next.clone());
            record.ends = BTreeMap::from([(ROOM, at("f", 1))]);
            record.persons.pop();
            replace_everywhere(record, &told(5, 1, 1), &[noticed(5)]);
            replace_everywhere(record, &told(7, 1, 2), &[noticed(7)]);
            let last_words = [sent(3), acknowledged(3, 8), Event::Lost];
            record.persons[0].events.extend(last_words);
            record.persons[0].events.push(back(recovered, "f"));
            record.persons[0].events.extend_from_slice(announced);
        })
    };
    assert_eq!(killed(false, &[gap(1, 1), noticed(2)]), []);
    assert_eq!(killed(false, &[noticed(2)]), [Kind::GapNotAnnounced]);
    assert_eq!(
        killed(true, &[]),
        [Kind::GapNotAnnounced, Kind::EndNotReached]
    );
}

/// A message that was refused for the moment may be said after a later one, if it was sent again
/// after that.
#[test]
fn a_message_said_late_that_was_not_refused_before() {
    let late = |says: &[Event], outages| {
        found(|record| {
            record.outages = outages;
            replace_everywhere(record, &told(4, 0, 1), &[told(4, 0, 2)]);
            replace_everywhere(record, &told(6, 0, 2), &[told(6, 0, 1)]);
            let person = &mut record.persons[0];
            replace(person, &sent(1), &[]);
            replace(person, &sent(2), says);
            replace(person, &acknowledged(1, 4), &[acknowledged(1, 6)]);
            replace(person, &acknowledged(2, 6), &[acknowledged(2, 4)]);
        })
    };
    let refused = Event::Postponed { number: 1 };
    let again = [sent(1), refused.clone(), sent(2), sent(1)];
    assert_eq!(late(&again, true), []);
    assert_eq!(late(&again, false), [Kind::SenderOrder]);
    let in_order = [sent(1), refused, sent(1), sent(2)];
    assert_eq!(late(&in_order, true), [Kind::SenderOrder]);
}

#[test]
fn a_log_too_many() {
    let found = found(|record| {
        record.logs = 1;
        let other = [Event::Lost, joined("f", 0), noticed(1)];
        record.persons[0].events.extend(other);
        record.ends.clear();
    });
    assert_eq!(found, [Kind::GapWithoutNeed]);
}

/// The log is lost while all are connected: each is sent a gap up to the start of the next one.
#[test]
fn a_log_that_is_lost_beneath_its_readers_is_announced() {
    let lost = |first: &[Event], second: &[Event]| {
        found(|record| {
            record.kept = 2;
            record.observers[0]
                .events
                .extend(goes_on(8, 1000, &[1001, 1002]));
            record.persons[0].events.extend_from_slice(first);
            record.persons[1].events.extend_from_slice(second);
            record.ends = BTreeMap::from([(ROOM, at("f", 1002))]);
        })
    };
    let all = goes_on(8, 1000, &[1001, 1002]);
    assert_eq!(lost(&all, &all), []);
    // Without the gap.
    assert_eq!(lost(&all, &all[1..]), [Kind::Lost, Kind::EndNotReached]);
    // With the gap, and without something that came after it.
    assert_eq!(lost(&all, &goes_on(8, 1000, &[1002])), [Kind::Lost]);
    // An answer that was overtaken by the news, of a message that went with the log.
    let answered = [&[sent(3)], &all[..], &[acknowledged(3, 8)]].concat();
    assert_eq!(lost(&answered, &all), []);
    // One that the new log should have.
    let answered = [&[sent(3), acknowledged(3, 1003)], &all[..]].concat();
    assert_eq!(lost(&answered, &all), [Kind::AcknowledgedNotPublished]);
}
