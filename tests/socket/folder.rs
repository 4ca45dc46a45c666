//! A web client from a folder: its files are served as the built-in ones are, and nothing else of
//! the disk is, whatever is asked for.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use hubbub_test_client::http::{self, Answer};
use hubbub_test_client::{Client, TestServer};
use tempfile::TempDir;

use super::HUBBUB;

const PAGE: &str = "<!doctype html><title>Ours</title>";

/// A folder `site` with a page, and a file beside it that must not be served.
fn site() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let site = home.path().join("site");
    fs::create_dir_all(site.join("assets")).unwrap();
    fs::write(home.path().join("secret.txt"), "secret").unwrap();
    fs::write(site.join(".hidden.txt"), "secret").unwrap();
    fs::write(site.join("index.html"), PAGE).unwrap();
    fs::write(site.join("assets/ours.css"), "b {}").unwrap();
    symlink(home.path().join("secret.txt"), site.join("link.txt")).unwrap();
    symlink(home.path(), site.join("home")).unwrap();
    home
}

async fn serving(folder: &Path) -> TestServer {
    HUBBUB
        .start_with(&[("WEB_DIR", folder.to_str().unwrap())])
        .await
}

async fn get(server: &TestServer, path: &str) -> Answer {
    http::get(server.address(), path).await.unwrap()
}

#[tokio::test]
async fn its_page_is_served_and_the_chat_goes_on_beside_it() {
    let home = site();
    let server = serving(&home.path().join("site")).await;
    let page = get(&server, "/").await;
    assert_eq!((page.status.as_u16(), page.body.as_str()), (200, PAGE));
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let style = get(&server, "/assets/ours.css").await;
    assert_eq!((style.status.as_u16(), style.body.as_str()), (200, "b {}"));
    // Its name has no hash: a changed file must be fetched again.
    assert_eq!(style.headers["cache-control"], "no-cache");
    assert_eq!(get(&server, "/livez").await.body, "alive\n");
    Client::joined(&server, "tech", "Ada")
        .await
        .events_until_echo("hi")
        .await;
}

#[tokio::test]
async fn nothing_outside_of_it_is_served() {
    let home = site();
    let server = serving(&home.path().join("site")).await;
    for path in [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "//secret.txt",
        "/./../secret.txt",
        "/link.txt",
        "/home/secret.txt",
        "/home/site/index.html",
        "/.hidden.txt",
        "/%2ehidden.txt",
        "/assets",
        "/assets/",
    ] {
        let answer = get(&server, path).await;
        assert_eq!(answer.status.as_u16(), 404, "{path}: {}", answer.body);
        assert!(!answer.body.contains("secret"), "{path}");
    }
}

#[tokio::test]
async fn a_changed_file_is_seen_after_the_next_start() {
    let home = site();
    let folder = home.path().join("site");
    let server = serving(&folder).await;
    let before = get(&server, "/").await;
    fs::write(folder.join("index.html"), "changed").unwrap();
    fs::remove_file(folder.join("assets/ours.css")).unwrap();
    // What belongs together stays together while a server runs.
    assert_eq!(get(&server, "/").await.body, PAGE);
    assert_eq!(get(&server, "/assets/ours.css").await.body, "b {}");
    drop(server);
    let server = serving(&folder).await;
    let after = get(&server, "/").await;
    assert_eq!(after.body, "changed");
    assert_ne!(after.headers["etag"], before.headers["etag"]);
    assert_eq!(get(&server, "/assets/ours.css").await.status.as_u16(), 404);
}

/// The built-in page has the same headers, but for what its content decides.
#[cfg(feature = "web")]
#[tokio::test]
async fn what_protects_the_built_in_page_protects_this_one() {
    let home = site();
    let ours = get(&serving(&home.path().join("site")).await, "/")
        .await
        .headers;
    let built_in = get(&HUBBUB.start().await, "/").await.headers;
    for (name, value) in &built_in {
        if !["etag", "content-length", "date"].contains(&name.as_str()) {
            assert_eq!(ours.get(name), Some(value), "{name}");
        }
    }
    assert!(built_in.contains_key("content-security-policy"));
}

/// A page of one's own does not cost the admin page, unless the folder has another.
#[cfg(feature = "web")]
#[tokio::test]
async fn the_built_in_admin_page_is_beside_it() {
    let home = site();
    let folder = home.path().join("site");
    let server = serving(&folder).await;
    let page = get(&server, "/admin").await;
    assert_eq!(page.status.as_u16(), 200);
    assert_eq!(page.headers["x-robots-tag"], "noindex, nofollow");
    let script = page.body.split('"').find(|part| part.ends_with(".js"));
    let script = script.unwrap().trim_start_matches('.');
    assert_eq!(get(&server, script).await.status.as_u16(), 200, "{script}");
    drop(server);
    fs::write(folder.join("admin.html"), "ours").unwrap();
    let server = serving(&folder).await;
    assert_eq!(get(&server, "/admin").await.body, "ours");
    assert_eq!(get(&server, script).await.status.as_u16(), 404, "{script}");
}

#[tokio::test]
async fn a_folder_without_a_page_is_refused_with_the_remedy() {
    let empty = tempfile::tempdir().unwrap();
    let missing = empty.path().join("missing");
    for (folder, remedy) in [(empty.path(), "web/dist"), (&missing, "leave it out")] {
        let folder = folder.to_str().unwrap();
        let refused = HUBBUB.run_to_end(&[("WEB_DIR", folder)], &[]).await;
        assert_eq!(refused.code, Some(64), "{refused:?}");
        let said = refused.stderr;
        assert!(said.contains("WEB_DIR") && said.contains(folder), "{said}");
        assert!(said.contains(remedy), "{said}");
    }
}

/// Nothing given is nothing asked for, as container files have it.
#[tokio::test]
async fn an_empty_setting_is_none() {
    let server = HUBBUB.start_with(&[("WEB_DIR", "")]).await;
    assert_eq!(get(&server, "/").await.status.as_u16(), 200);
}
