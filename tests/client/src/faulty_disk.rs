//! A folder on a disk that misbehaves when a test says so: `faulty_disk.c`, preloaded.

use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::{NamedTempFile, TempDir};

use super::room_store::folder_in_memory;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/faulty_disk.c");
/// Bytes of one number of those that the library and the test share.
const NUMBER: u64 = 8;

/// What is wrong with the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskFault {
    /// Nothing.
    None = 0,
    /// There is no space left.
    Full = 1,
    /// What was written cannot be synced.
    Unsyncable = 2,
    /// Nothing can be written.
    ReadOnly = 3,
}

/// A folder whose files are on such a disk.
pub struct FaultyDisk {
    library: TempDir,
    folder: TempDir,
    control: NamedTempFile,
}

impl FaultyDisk {
    /// A disk without a fault; none, with a line that says that the test is skipped, where the system is
    /// not Linux.
    pub fn new() -> Option<Self> {
        if !cfg!(target_os = "linux") {
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            let mut out = std::io::stdout();
            writeln!(
                out,
                "SKIPPED: disks are faked on Linux only, so {test} shows nothing"
            )
            .unwrap();
            return None;
        }
        let library = tempfile::tempdir().unwrap();
        let made = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", SOURCE, "-o"])
            .arg(library.path().join("disk.so"))
            .arg("-ldl")
            .status();
        assert!(
            made.unwrap().success(),
            "a C compiler, which cargo needs too"
        );
        let control = NamedTempFile::new().unwrap();
        control.as_file().set_len(3 * NUMBER).unwrap();
        Some(Self {
            library,
            folder: folder_in_memory(),
            control,
        })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The environment of a process that keeps its rooms there.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        vec![
            ("LD_PRELOAD", path(&self.library.path().join("disk.so"))),
            ("FAULTY_DISK", path(self.control.path())),
            ("FAULTY_DISK_FOLDER", path(self.folder())),
            ("DATA_DIR", path(self.folder())),
        ]
    }

    /// From now on this is wrong with it.
    pub fn set(&self, fault: DiskFault) {
        self.write(0, fault as i64);
    }

    /// From now on every sync takes so long.
    pub fn set_sync_ms(&self, ms: i64) {
        self.write(1, ms);
    }

    /// Syncs so far, also those that failed.
    pub fn syncs(&self) -> i64 {
        let mut number = [0; NUMBER as usize];
        let file = self.control.as_file();
        file.read_exact_at(&mut number, 2 * NUMBER).unwrap();
        i64::from_ne_bytes(number)
    }

    fn write(&self, index: u64, number: i64) {
        let file = self.control.as_file();
        file.write_all_at(&number.to_ne_bytes(), index * NUMBER)
            .unwrap();
    }
}

/// The database in a folder.
pub fn database_in(folder: &Path) -> PathBuf {
    folder.join("hubbub.db")
}
