//! A web client from a folder (`WEB_DIR`), for operators who want their own page, or whose binary has
//! none.
//!
//! All files are read at start. So no request names a file on the disk, and the page always fits the
//! files that it loads. Hidden files, and links that lead out of the folder, are left out.

use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::asset::Asset;

/// Most bytes of a folder. They are held in memory, and a wrong folder may have any number.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Why a folder cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file or a folder cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// There is no page.
    #[error("there is no index.html in it")]
    NoPage,
    /// The files have more bytes than are held in memory.
    #[error("it has more than {} MiB, too much to be a page", BYTES_MAX / 1024 / 1024)]
    TooLarge,
}

/// Reads everything in the folder that is served.
pub(super) fn read(folder: &Path) -> Result<Vec<Asset>, FolderError> {
    let root = folder
        .canonicalize()
        .map_err(|error| unreadable(folder, error))?;
    let mut found = Found {
        assets: Vec::new(),
        bytes: 0,
        root,
    };
    found.walk(&found.root.clone(), "")?;
    Ok(found.assets)
}

struct Found {
    /// The folder's real path.
    root: PathBuf,
    assets: Vec<Asset>,
    bytes: u64,
}

impl Found {
    fn walk(&mut self, folder: &Path, prefix: &str) -> Result<(), FolderError> {
        let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(folder, error))?;
            let path = entry.path();
            // A name that is no text is in no address.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let packed = name.ends_with(".br") || name.ends_with(".gz");
            if name.starts_with('.') || packed {
                continue;
            }
            let address = format!("{prefix}/{name}");
            // Links to folders are not followed: they may lead round in a circle.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.walk(&path, &address)?;
            } else if self.is_inside(&path) {
                self.take(&path, address)?;
            } else {
                tracing::warn!(path = %path.display(), "not served: no file of this folder");
            }
        }
        Ok(())
    }

    /// Whether this is a file, and no link to something outside.
    fn is_inside(&self, path: &Path) -> bool {
        let real = path.canonicalize();
        real.is_ok_and(|real| real.starts_with(&self.root) && real.is_file())
    }

    fn take(&mut self, path: &Path, address: String) -> Result<(), FolderError> {
        let identity = self.content(path)?;
        let mut hasher = DefaultHasher::new();
        identity.hash(&mut hasher);
        let asset = Asset {
            path: address,
            tag: format!("{:016x}", hasher.finish()),
            // An edited file must be seen after the next start.
            immutable: false,
            identity,
            gzip: self.packed(path, ".gz")?,
            brotli: self.packed(path, ".br")?,
        };
        self.assets.push(asset);
        Ok(())
    }

    /// The packed form beside a file, unless the file was changed since.
    fn packed(&mut self, path: &Path, suffix: &str) -> Result<Option<Bytes>, FolderError> {
        let mut name = OsString::from(path);
        name.push(suffix);
        let packed = PathBuf::from(name);
        let changed = |path| fs::metadata(path).and_then(|data| data.modified()).ok();
        if !self.is_inside(&packed) || changed(packed.as_path()) < changed(path) {
            return Ok(None);
        }
        self.content(&packed).map(Some)
    }

    fn content(&mut self, path: &Path) -> Result<Bytes, FolderError> {
        // Checked before reading, so that a huge file is refused and not read.
        let size = fs::metadata(path)
            .map_err(|error| unreadable(path, error))?
            .len();
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > BYTES_MAX {
            return Err(FolderError::TooLarge);
        }
        let content = fs::read(path).map_err(|error| unreadable(path, error))?;
        Ok(content.into())
    }
}

fn unreadable(path: &Path, source: io::Error) -> FolderError {
    let path = path.to_owned();
    FolderError::Unreadable { path, source }
}

#[cfg(all(test, unix))]
#[path = "folder_tests.rs"]
mod tests;
