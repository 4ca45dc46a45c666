//! What the server says of a folder or a file that it cannot use. It never starts again in silence.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use hubbub_test_client::faulty_disk::database_in;
use hubbub_test_client::{DiskFault, FaultyDisk};

use crate::HUBBUB;
use crate::kept::{End, Kept, Person, texts};

/// Starts a server that must refuse, and returns what it says.
async fn refused(folder: &str, code: i32, settings: &[(&str, &str)]) -> String {
    let mut all = vec![("DATA_DIR", folder), ("RUST_LOG", "off")];
    all.extend(settings);
    let finished = HUBBUB.run_to_end(&all, &[]).await;
    assert_eq!(finished.code, Some(code), "{}", finished.stderr);
    assert_eq!(finished.stdout, "");
    finished.stderr
}

/// A folder with one message in it, whose server has ended.
async fn with_a_message() -> Kept {
    let kept = Kept::new();
    let server = kept.server(&[]).await;
    Person::joining(&server, "Ada").await.say("here").await;
    End::Orderly.of(server).await;
    kept
}

async fn has_the_message(kept: &Kept) {
    let server = kept.server(&[]).await;
    let history = Person::joining(&server, "Reader").await.history().await;
    assert_eq!(texts(&history), ["here"]);
}

fn database(kept: &Kept) -> std::path::PathBuf {
    database_in(Path::new(kept.path()))
}

#[tokio::test]
async fn a_folder_and_redis_at_once_are_refused() {
    let kept = Kept::new();
    let key = ("SECRET_KEY", "a key of these tests, 32 bytes long");
    let said = refused(
        kept.path(),
        64,
        &[("REDIS_URL", "redis://127.0.0.1:1"), key],
    )
    .await;
    assert!(
        said.contains("DATA_DIR") && said.contains("REDIS_URL"),
        "{said}"
    );
}

#[tokio::test]
async fn a_limit_of_what_is_kept_needs_a_folder() {
    for limit in [("RETENTION", "30d"), ("RETENTION_BYTES", "1000")] {
        let said = refused("", 64, &[limit]).await;
        assert!(
            said.contains(limit.0) && said.contains("DATA_DIR"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_second_process_is_refused_and_the_first_goes_on() {
    let kept = Kept::new();
    let server = kept.server(&[]).await;
    let mut ada = Person::joining(&server, "Ada").await;
    let said = refused(kept.path(), 1, &[]).await;
    assert!(
        said.contains(kept.path()) && said.contains("another process"),
        "{said}"
    );
    ada.say("still here").await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let kept = Kept::new();
    let file = format!("{}/file", kept.path());
    fs::write(&file, "").unwrap();
    let said = refused(&file, 1, &[]).await;
    assert!(said.contains("DATA_DIR") && said.contains(&file), "{said}");
}

#[tokio::test]
async fn only_its_owner_can_read_the_folder_and_the_file() {
    let kept = with_a_message().await;
    let folder = format!("{}/new/folder", kept.path());
    let server = HUBBUB.start_with(&[("DATA_DIR", &folder)]).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(Path::new(&folder)), 0o700);
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    End::Orderly.of(server).await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named_and_left_alone() {
    for content in [&b"some notes"[..], &[0; 5000], &[b'x'; 5000]] {
        let kept = Kept::new();
        fs::write(database(&kept), content).unwrap();
        let said = refused(kept.path(), 1, &[]).await;
        assert!(
            said.contains("hubbub.db") && said.contains("damaged"),
            "{said}"
        );
        assert_eq!(fs::read(database(&kept)).unwrap(), content);
    }
}

#[tokio::test]
async fn a_torn_file_is_named_with_a_remedy_and_left_alone() {
    let kept = with_a_message().await;
    let whole = fs::read(database(&kept)).unwrap();
    for torn in [&whole[..whole.len() / 2], &whole[..100], &whole[..4096]] {
        fs::write(database(&kept), torn).unwrap();
        let said = refused(kept.path(), 1, &[]).await;
        assert!(
            said.contains("hubbub.db") && said.contains("backup"),
            "{said}"
        );
        assert_eq!(fs::read(database(&kept)).unwrap(), torn);
    }
    fs::write(database(&kept), &whole).unwrap();
    has_the_message(&kept).await;
}

#[tokio::test]
async fn a_file_that_is_gone_or_empty_is_no_reason_to_begin_anew() {
    let kept = with_a_message().await;
    let whole = fs::read(database(&kept)).unwrap();
    fs::write(database(&kept), "").unwrap();
    let said = refused(kept.path(), 1, &[]).await;
    assert!(
        said.contains("hubbub.db") && said.contains("backup"),
        "{said}"
    );
    fs::remove_file(database(&kept)).unwrap();
    let said = refused(kept.path(), 1, &[]).await;
    assert!(
        said.contains("hubbub.db") && said.contains("backup"),
        "{said}"
    );
    assert!(!database(&kept).exists());
    fs::write(database(&kept), &whole).unwrap();
    has_the_message(&kept).await;
}

#[tokio::test]
async fn a_log_beside_the_file_that_is_torn_loses_nothing_that_was_synced_before() {
    let kept = Kept::new();
    let server = kept.server(&[]).await;
    let mut ada = Person::joining(&server, "Ada").await;
    for n in 0..20 {
        ada.say(&n.to_string()).await;
    }
    End::Killed.of(server).await;
    // As a write does that power ends.
    let log = format!("{}/hubbub.db-wal", kept.path());
    let mut bytes = fs::read(&log).unwrap();
    bytes.extend(vec![7; 3000]);
    fs::write(&log, bytes).unwrap();
    let server = kept.server(&[]).await;
    let history = Person::joining(&server, "Reader").await.history().await;
    assert_eq!(history.len(), 20);
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_refused() {
    let kept = with_a_message().await;
    let mut bytes = fs::read(database(&kept)).unwrap();
    // `user_version`, in the file's header (https://www.sqlite.org/fileformat.html, 1.3).
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(database(&kept), &bytes).unwrap();
    let said = refused(kept.path(), 1, &[]).await;
    assert!(said.contains("newer") && said.contains("99"), "{said}");
    assert_eq!(fs::read(database(&kept)).unwrap(), bytes);
}

#[tokio::test]
async fn a_copy_from_another_time_is_a_new_log_with_the_same_history() {
    let kept = Kept::new();
    let server = kept.server(&[]).await;
    let mut ada = Person::joining(&server, "Ada").await;
    ada.say("before the copy").await;
    End::Orderly.of(server).await;
    let copy = fs::read(database(&kept)).unwrap();
    let server = kept.server(&[]).await;
    let (mut ada, _) = ada.back_on(&server).await;
    let last = ada.say("after the copy").await;
    ada.has_received(last);
    End::Orderly.of(server).await;
    // What somebody does who restores a backup on a new machine.
    let restored = Kept::new();
    fs::write(database(&restored), copy).unwrap();
    let server = restored.server(&[]).await;
    let mut eve = Person::joining(&server, "Eve").await;
    for n in 0..10 {
        eve.say(&n.to_string()).await;
    }
    // Her position means nothing here, although there is an id like it.
    let (mut ada, joined) = ada.back_on(&server).await;
    assert_eq!(joined["recovered"], false, "{joined}");
    assert_eq!(ada.client.wait_for("gap").await["from"], 1);
    assert_eq!(texts(&ada.history().await)[0], "before the copy");
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_is_named() {
    let Some(disk) = FaultyDisk::new() else {
        return;
    };
    let settings = disk.settings();
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (*name, &**value))
        .collect();
    let server = HUBBUB.start_with(&settings).await;
    Person::joining(&server, "Ada").await.say("here").await;
    End::Orderly.of(server).await;
    disk.set(DiskFault::ReadOnly);
    let finished = HUBBUB.run_to_end(&settings, &[]).await;
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    let folder = disk.folder().to_str().unwrap();
    assert!(
        finished.stderr.contains(folder) && finished.stderr.contains("writ"),
        "{}",
        finished.stderr
    );
    disk.set(DiskFault::None);
    let server = HUBBUB.start_with(&settings).await;
    let history = Person::joining(&server, "Reader").await.history().await;
    assert_eq!(texts(&history), ["here"]);
}
