//! What of a folder is served, on real folders.

use std::error::Error;
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use super::*;
use crate::http::assets::Assets;

type Outcome = Result<(), Box<dyn Error>>;

fn addresses(folder: &Path) -> Result<Vec<String>, FolderError> {
    let mut found: Vec<_> = read(folder)?.into_iter().map(|asset| asset.path).collect();
    found.sort();
    Ok(found)
}

#[test]
fn files_of_the_folder_and_nothing_else() -> Outcome {
    let (folder, outside) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("assets/deep"))?;
    fs::create_dir_all(at(".git"))?;
    for name in [
        "index.html",
        "assets/deep/a.css",
        ".env",
        ".git/config",
        "lonely.br",
    ] {
        fs::write(at(name), name)?;
    }
    fs::write(outside.path().join("secret"), "secret")?;
    symlink(outside.path().join("secret"), at("leak.txt"))?;
    symlink("../../../../../../etc/passwd", at("assets/passwd.txt"))?;
    symlink(outside.path(), at("outside"))?;
    symlink(".", at("circle"))?;
    symlink("nothing", at("broken.txt"))?;
    symlink("assets/deep/a.css", at("theme.css"))?;
    let expected = ["/assets/deep/a.css", "/index.html", "/theme.css"];
    assert_eq!(addresses(folder.path())?, expected);
    Ok(())
}

#[test]
fn a_folder_that_is_a_link_itself_is_fine() -> Outcome {
    let (folder, other) = (tempfile::tempdir()?, tempfile::tempdir()?);
    fs::write(folder.path().join("index.html"), "page")?;
    let link = other.path().join("link");
    symlink(folder.path(), &link)?;
    assert_eq!(addresses(&link)?, ["/index.html"]);
    Ok(())
}

#[test]
fn packed_forms_count_while_they_are_not_older() -> Outcome {
    let folder = tempfile::tempdir()?;
    let page = folder.path().join("index.html");
    for name in ["index.html.br", "index.html.gz", "index.html"] {
        fs::write(folder.path().join(name), name)?;
    }
    let touch = |name: &str, age| {
        let file = fs::File::options()
            .write(true)
            .open(folder.path().join(name))?;
        file.set_modified(SystemTime::now() - Duration::from_secs(age))
    };
    touch("index.html", 10)?;
    touch("index.html.br", 10)?;
    touch("index.html.gz", 20)?;
    let assets = read(folder.path())?;
    let [asset] = &*assets else {
        panic!("{assets:?}");
    };
    assert_eq!(asset.brotli.as_deref(), Some(&b"index.html.br"[..]));
    assert_eq!(asset.gzip, None, "older than the page");
    assert!(!asset.immutable && page.exists());
    Ok(())
}

#[test]
fn what_is_no_page_is_said_to_be_none() -> Outcome {
    let folder = tempfile::tempdir()?;
    let missing = folder.path().join("missing");
    let told = |path: &Path| {
        let error = Assets::from_folder(path).err();
        error.map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(told(&missing).contains("missing"));
    assert!(told(folder.path()).contains("index.html"));
    let huge = fs::File::create(folder.path().join("index.html"))?;
    huge.set_len(BYTES_MAX + 1)?;
    assert!(told(folder.path()).contains("64 MiB"));
    Ok(())
}
