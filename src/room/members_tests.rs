//! Who is in a room, and for how many of those without a connection.

use super::*;

#[test]
fn an_id_reads_as_it_was_written_and_nothing_else_does() {
    let id = Members::at(u64::MAX).new_id(1_768_555_800_120);
    assert_eq!(id.to_string().parse(), Ok(id));
    for wrong in [
        "",
        "1",
        "1-2",
        "1-2-3-4",
        "1-2-x",
        "-1-2-3",
        "1-2-10000000000000000",
    ] {
        assert_eq!(wrong.parse::<MemberId>(), Err(NoMemberId), "{wrong}");
    }
}

#[test]
fn two_who_join_two_rooms_at_once_have_ids_of_their_own() {
    assert_ne!(Members::at(1).new_id(5), Members::at(1).new_id(5));
}

#[test]
fn whoever_is_taken_over_from_on_their_way_in_is_not_added() {
    let mut here = Members::at(1);
    let anonymous = || Member {
        user_id: "u1".into(),
        username: Username::anonymous(),
    };
    let (slow, quick) = (here.begin_arrival(5), here.begin_arrival(5));
    assert_eq!(here.arriving().collect::<Vec<_>>(), [slow, quick]);
    assert!(here.remove_from_elsewhere(slow).is_none());
    here.end_arrival(slow, Some(anonymous()));
    assert_eq!(here.count(), 0);
    here.end_arrival(quick, Some(anonymous()));
    assert!(here.remove_from_elsewhere(quick).is_some());
    let nobody = here.begin_arrival(5);
    assert!(here.add_arriving(nobody, anonymous()) && !here.add_arriving(slow, anonymous()));
    assert_eq!(here.count(), 1);
    here.end_arrival(nobody, None);
    assert_eq!((here.count(), here.arriving().count()), (0, 0));
    // The bound on held members counts those who are here.
    assert_eq!(here.here, 0);
}

#[test]
fn half_of_the_members_here_may_be_held_and_sixteen_in_any_room() {
    for (count, most) in [(1, 1), (10, 10), (16, 16), (20, 16), (40, 20), (101, 50)] {
        let mut here = Members::at(1);
        let ids: Vec<_> = (0..count).map(|n| here.new_id(n)).collect();
        let member = Member {
            user_id: "u1".into(),
            username: Username::anonymous(),
        };
        ids.iter().for_each(|id| here.add(*id, member.clone()));
        // Those of other processes are theirs to hold.
        (0..500).for_each(|n| here.add(Members::at(2).new_id(n), member.clone()));
        let held = |here: &Members| here.count() - here.live_count();
        for id in &ids {
            if here.may_hold(*id, Absence::Lost) {
                here.hold(*id, Absence::Lost);
                here.hold(*id, Absence::Lost);
            }
        }
        assert_eq!(held(&here), most, "of {count}");
        drop(here.remove(ids[0]));
        assert_eq!(held(&here), most - 1);
        ids.iter().for_each(|id| drop(here.remove(*id)));
        assert_eq!(held(&here), 0);
    }
}

#[test]
fn members_elsewhere_are_replaced_and_those_here_stay() {
    let member = |name: &str| Member {
        user_id: name.into(),
        username: Username::anonymous(),
    };
    let (mut here, there) = (Members::at(1), Members::at(2));
    let own = here.new_id(5);
    here.add(own, member("own"));
    let gone = there.new_id(1);
    here.add(gone, member("gone"));
    let new = there.new_id(9);
    here.set_elsewhere([(new, member("new")), (own, member("impostor"))]);
    let users = |after| here.page(after, 9).map(|(page, _)| page);
    let names = |page: Vec<(Member, bool)>| page.into_iter().map(|(m, _)| m.user_id.to_string());
    let all: Vec<_> = users(None).into_iter().flat_map(names).collect();
    assert_eq!(all, ["own", "new"]);
    assert!(users(Some("gone")).is_none());
    assert_eq!(here.here().count(), 1);
}

#[test]
fn those_who_are_away_take_nothing_from_those_whose_connections_are_lost() {
    let mut here = Members::at(1);
    let ids: Vec<_> = (0..60).map(|n| here.new_id(n)).collect();
    for (number, id) in ids.iter().enumerate() {
        here.add(
            *id,
            Member {
                user_id: format!("u{number}").into(),
                username: Username::anonymous(),
            },
        );
    }
    let may = |here: &Members, number: usize, absence| here.may_hold(ids[number], absence);
    // Those who were there for long are not bounded, and count neither as held nor as live.
    for id in &ids[..50] {
        assert!(here.may_hold(*id, Absence::AwaySettled));
        here.hold(*id, Absence::AwaySettled);
    }
    assert_eq!((here.count(), here.live_count()), (60, 10));
    for id in &ids[50..] {
        assert!(here.may_hold(*id, Absence::Lost));
    }
    // Those who have just joined share the bound with the lost ones.
    for id in &ids[..HELD_MIN] {
        here.hold(*id, Absence::Away);
    }
    assert!(!may(&here, 50, Absence::Lost) && !may(&here, 50, Absence::Away));
    assert!(may(&here, 50, Absence::AwaySettled) && may(&here, 0, Absence::Away));
    let away = |here: &Members| -> Vec<bool> {
        let page = here.page(None, 51).into_iter().flat_map(|(page, _)| page);
        page.map(|(_, away)| away).collect()
    };
    assert_eq!(away(&here), [vec![true; 50], vec![false]].concat());
    // Lost is not away.
    here.hold(ids[0], Absence::Lost);
    assert!(!away(&here)[0]);
    drop(here.remove(ids[1]));
    assert!(may(&here, 50, Absence::Lost));
    ids.iter().for_each(|id| drop(here.remove(*id)));
    assert_eq!(here.bounded, 0);
}
