//! A listening socket that is passed by LISTEN_FDS.

use std::fs::File;
use std::net::{TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use hubbub_test_client::http::get;
use hubbub_test_client::{Client, Dial, Transport};
use tokio::time::sleep;

use super::manager::{ServiceManager, socket};
use crate::HUBBUB;

#[tokio::test]
async fn a_passed_socket_is_served_and_host_and_port_are_not_bound() {
    let passed = socket();
    let taken = socket();
    let port = taken.local_addr().unwrap().port().to_string();
    // It would not start if it bound them.
    let settings = [("HOST", "192.0.2.1"), ("PORT", port.as_str())];
    let server = HUBBUB
        .start_on(passed.try_clone().unwrap().into(), &settings)
        .await;
    assert_eq!(server.address(), passed.local_addr().unwrap());
    assert_eq!(get(server.address(), "/livez").await.unwrap().status, 200);
    Client::joined(&server, "tech", "Ada").await;
    assert!(server.log().contains("LISTEN_FDS"), "{}", server.log());
    let line = format!("listening on http://{}", server.address());
    assert_eq!(server.banner(), [line]);
}

#[tokio::test]
async fn connections_that_came_before_the_server_are_served() {
    let passed = socket();
    let address = passed.local_addr().unwrap();
    let early: Vec<_> = (0..5).map(|_| tokio::spawn(get(address, "/"))).collect();
    let _server = HUBBUB.start_on(passed.into(), &[]).await;
    for asked in early {
        assert_eq!(asked.await.unwrap().unwrap().status, 200);
    }
}

#[tokio::test]
async fn sockets_that_were_passed_to_another_process_are_left_alone() {
    let settings = [("LISTEN_FDS", "1"), ("LISTEN_PID", "1")];
    let server = HUBBUB.start_with(&settings).await;
    assert_eq!(get(server.address(), "/livez").await.unwrap().status, 200);
    assert!(!server.log().contains("LISTEN_FDS"), "{}", server.log());
}

#[tokio::test]
async fn a_descriptor_that_is_no_listening_tcp_socket_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let listener = socket();
    let connected = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let unix = UnixListener::bind(folder.path().join("socket")).unwrap();
    let wrong: [(&str, OwnedFd); 4] = [
        ("a file", File::open("/dev/null").unwrap().into()),
        ("UDP", UdpSocket::bind("127.0.0.1:0").unwrap().into()),
        ("a Unix socket", unix.into()),
        ("a connection", connected.into()),
    ];
    for (what, descriptor) in wrong {
        let refused = HUBBUB.run_on(descriptor, &[]).await;
        check_refused(what, &refused.stderr);
        assert_eq!((refused.code, &*refused.stdout), (Some(1), ""), "{what}");
    }
    let nothing = HUBBUB.run_to_end(&[("LISTEN_FDS", "1")], &[]).await;
    check_refused("a closed descriptor", &nothing.stderr);
    assert_eq!(nothing.code, Some(1));
}

fn check_refused(what: &str, stderr: &str) {
    assert_eq!(stderr.lines().count(), 1, "{what}: {stderr}");
    for part in ["LISTEN_FDS: descriptor 3", "ListenStream="] {
        assert!(stderr.contains(part), "{what}: {stderr}");
    }
}

#[tokio::test]
async fn several_sockets_are_refused_with_the_remedy() {
    let refused = HUBBUB.run_to_end(&[("LISTEN_FDS", "2")], &[]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert_eq!(refused.stderr.lines().count(), 1, "{refused:?}");
    assert!(refused.stderr.contains("passed 2 sockets"), "{refused:?}");
}

/// The pauses are around the idle time, so that connections arrive before, while and after a server
/// exits.
#[tokio::test]
async fn a_connection_that_arrives_at_any_moment_of_an_exit_is_served() {
    let mut manager = ServiceManager::start(&[("EXIT_WHEN_IDLE", "30ms")]);
    for round in 0..80 {
        let answer = get(manager.address(), "/").await;
        assert_eq!(answer.unwrap().status, 200, "{round}");
        sleep(Duration::from_millis(15 + round % 40)).await;
        let transport = Transport::ALL[usize::try_from(round).unwrap() % 3];
        let mut client = Dial::at(manager.address(), transport).connect().await;
        client.greeted().await;
        client.hang_up();
        client.until_closed().await;
        drop(client);
        sleep(Duration::from_millis(15 + round % 37)).await;
        if round % 10 == 9 {
            manager.until_asleep().await;
        }
    }
    assert!(manager.naps() >= 8, "{}", manager.naps());
}
