//! Rules of layout that matter, held by a test: which module may use which, which may name which
//! library, how long files may grow, and what the documentation must be like.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "tidy/circles.rs"]
mod circles;
#[path = "tidy/dashboards.rs"]
mod dashboards;
#[path = "tidy/docs.rs"]
mod docs;
#[path = "tidy/words.rs"]
mod words;

use std::fs;
use std::path::{Path, PathBuf};

/// The modules from the top of the house to its ground: each may use only those after it.
const ORDER: [&[&str]; 10] = [
    &["cli"],
    &["server"],
    &["listener", "http"],
    &[
        "config",
        "shutdown",
        "service_manager",
        "healthcheck",
        "socket",
    ],
    &["telemetry", "session", "webhooks"],
    &["store", "moderation"],
    &["room"],
    &["decisions"],
    &["protocol"],
    &["domain"],
];
/// Helpers that anybody may use and that use nobody.
const HELPERS: [&str; 9] = [
    "clock", "idle", "json", "memory", "metrics", "peer", "random", "rate", "sync",
];
/// Libraries that only these places may name.
const OWNED: [(&str, &str); 9] = [
    ("reqwest", "src/webhooks/client.rs"),
    ("reqwest", "src/cli/"),
    ("rusqlite", "src/store/disk/"),
    ("indicatif", "src/store/disk/tools/"),
    ("prometheus_client", "src/metrics"),
    ("socketioxide", "src/socket/"),
    ("shuttle_runtime", "src/bin/shuttle.rs"),
    ("clap", "src/config"),
    ("redis", "src/store/redis/"),
];
/// What the domain must not know.
const IMPURE: [&str; 6] = [
    "tokio",
    "serde",
    "axum",
    "tracing",
    "parking_lot",
    "std::net",
];
/// What public functions return as `Err` beside errors: why a session ended, what a client is
/// answered, and how long it has to wait.
const NO_FAILURES: [&str; 3] = ["CloseReason", "RequestError", "Duration"];
const LINES_MAX: usize = 400;

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no .{extension} files in {folder}");
    found
}

fn relative(path: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    path.strip_prefix(root)
        .unwrap()
        .to_str()
        .unwrap()
        .replace('\\', "/")
}

/// The top-level module a file of the library belongs to; `None` for the crate's root and the
/// binaries, which may use everything.
fn module_of(file: &str) -> Option<&str> {
    let inside = file.strip_prefix("src/")?;
    let first = inside.split(['/', '.']).next()?;
    (!matches!(first, "lib" | "main" | "bin")).then_some(first)
}

/// Code without comments, so that prose may name anything.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let lines = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

fn level(module: &str) -> Option<usize> {
    ORDER.iter().position(|level| level.contains(&module))
}

/// Top-level modules that a piece of code uses, by `crate::name`.
fn uses(code: &str) -> impl Iterator<Item = &str> {
    code.split("crate::").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
        (end > 0).then_some(&rest[..end])
    })
}

#[test]
fn arrows_of_use_point_down_only() {
    let mut wrong = Vec::new();
    for path in files("src", "rs") {
        let file = relative(&path);
        let Some(module) = module_of(&file) else {
            continue;
        };
        let code = code(&path);
        for used in uses(&code).filter(|used| *used != module && !HELPERS.contains(used)) {
            match (level(module), level(used)) {
                (Some(own), Some(other)) if other > own => {}
                (Some(_), Some(_)) | (None, Some(_)) => wrong.push(format!("{file} uses {used}")),
                (_, None) => wrong.push(format!("{file} uses {used}, which has no level here")),
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "against the arrows of src/lib.rs:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn a_library_is_named_in_its_own_place_only() {
    for path in files("src", "rs") {
        // The store in Redis is a module of that name.
        let (file, code) = (
            relative(&path),
            code(&path).replace("store::redis", "store"),
        );
        for (library, _) in OWNED {
            let named =
                code.contains(&format!("{library}::")) || code.contains(&format!("use {library}"));
            let places = OWNED.iter().filter(|(other, _)| *other == library);
            let places: Vec<_> = places.map(|(_, place)| *place).collect();
            assert!(
                !named || places.iter().any(|place| file.starts_with(place)),
                "{file} names {library}; only {places:?} may"
            );
        }
    }
}

#[test]
fn the_domain_is_pure() {
    for path in files("src/domain", "rs") {
        let code = code(&path);
        for library in IMPURE {
            assert!(
                !code.contains(&format!("{library}::")),
                "{} names {library}",
                relative(&path)
            );
        }
    }
}

#[test]
fn nothing_below_the_server_reads_the_configuration() {
    for path in files("src", "rs") {
        let file = relative(&path);
        let may = [
            "src/cli/",
            "src/server",
            "src/config",
            "src/main.rs",
            "src/bin/",
            "src/lib.rs",
        ];
        if !may.iter().any(|place| file.starts_with(place)) {
            assert!(
                !code(&path).contains("config::"),
                "{file} reads the configuration"
            );
        }
    }
}

/// Error types of public functions, by file: text is for people and says nothing to a program.
fn error_types() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for path in files("src", "rs") {
        let code = code(&path);
        for (at, _) in code.match_indices("pub ") {
            let declares = ["fn ", "async fn ", "const fn "];
            if !declares.iter().any(|word| code[at + 4..].starts_with(word)) {
                continue;
            }
            let signature = code[at..].split(['{', ';']).next().unwrap_or_default();
            let signature = signature.split("\nwhere").next().unwrap_or_default();
            let Some((_, result)) = signature.rsplit_once("-> Result<") else {
                continue;
            };
            let inner = result.trim_end().trim_end_matches('>');
            let error = inner.rsplit(", ").next().unwrap_or_default();
            found.push((relative(&path), error.trim().to_owned()));
        }
    }
    assert!(found.len() > 20, "{found:?}");
    found
}

#[test]
fn public_functions_return_typed_errors() {
    let wrong: Vec<_> = error_types()
        .into_iter()
        .filter(|(_, error)| {
            !error.ends_with("Error") && error != "ConfigErrors" && !NO_FAILURES.contains(&&**error)
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "not typed, or not called …Error: {wrong:#?}"
    );
}

#[test]
fn files_say_what_they_are_and_stay_short() {
    let folders = ["src", "tests", "benches", "examples", "fuzz/targets"];
    for path in folders.into_iter().flat_map(|folder| files(folder, "rs")) {
        let (file, text) = (relative(&path), fs::read_to_string(&path).unwrap());
        assert!(
            text.starts_with("//!"),
            "{file} does not say what it is in its first line"
        );
        let lines = text.lines().count();
        assert!(
            lines <= LINES_MAX,
            "{file} has {lines} lines; find what outgrew it a home of its own"
        );
    }
}
