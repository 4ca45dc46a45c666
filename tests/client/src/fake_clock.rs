//! A clock of a process's own, which a test sets while the process runs: `fake_clock.c`, preloaded.

use std::io::Write;
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::{NamedTempFile, TempDir};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/fake_clock.c");
/// By how much a timestamp may differ from the time here.
const NEAR_S: u64 = 10;

/// A clock of a process's own, which a test sets while the process runs.
pub struct FakeClock {
    library: TempDir,
    offset: NamedTempFile,
}

impl FakeClock {
    /// A clock that is off by so many seconds; none, with a line that says that the test is skipped,
    /// where the system is not Linux.
    pub fn off_by(seconds: i64) -> Option<Self> {
        if !cfg!(target_os = "linux") {
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            let mut out = std::io::stdout();
            writeln!(
                out,
                "SKIPPED: clocks are faked on Linux only, so {test} shows nothing"
            )
            .unwrap();
            return None;
        }
        let library = tempfile::tempdir().unwrap();
        let made = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", SOURCE, "-o"])
            .arg(library.path().join("clock.so"))
            .status();
        assert!(
            made.unwrap().success(),
            "a C compiler, which cargo needs too"
        );
        let offset = NamedTempFile::new().unwrap();
        let clock = Self { library, offset };
        clock.set(seconds);
        Some(clock)
    }

    /// The environment of the process that has this clock.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
        vec![
            ("LD_PRELOAD", path(&self.library.path().join("clock.so"))),
            ("FAKE_CLOCK", path(self.offset.path())),
        ]
    }

    /// From now on it is off by so many seconds.
    pub fn set(&self, seconds: i64) {
        self.offset
            .as_file()
            .write_all_at(&seconds.to_ne_bytes(), 0)
            .unwrap();
    }
}

/// Whether a timestamp of the service is of about now.
pub fn is_of_now(timestamp: &str) -> bool {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let number = |text: &str| text.parse::<i64>().unwrap();
    let (date, time) = timestamp.split_once('T').unwrap();
    let date: Vec<_> = date.split('-').map(number).collect();
    let time: Vec<_> = time[..8].split(':').map(number).collect();
    // Years begin in March, so that the day that some of them have more is the last.
    let (year, month) = match (date[0], date[1]) {
        (year, month @ 3..) => (year, month - 3),
        (year, month) => (year - 1, month + 9),
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    let days = 365 * year + leap_days + (153 * month + 2) / 5 + date[2] - 1 - 719_468;
    let seconds = days * 86_400 + time[0] * 3600 + time[1] * 60 + time[2];
    seconds.abs_diff(i64::try_from(now).unwrap()) <= NEAR_S
}
