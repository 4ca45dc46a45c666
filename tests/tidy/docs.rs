//! The documentation: current, short where it must be, in plain words, and true where a test can
//! tell: settings, links, files, commands and tests that it names exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::{files, relative, words};

const COLUMNS_MAX: usize = 100;
const README_LINES_MAX: usize = 80;
/// The settings' tables in `docs/configuration.md` stand between these lines.
const SETTINGS_BEGIN: &str = "<!-- settings: generated, see CONTRIBUTING.md -->\n\n";
const SETTINGS_END: &str = "\n<!-- end of settings -->\n";
/// Every page: its path and its text.
fn pages() -> Vec<(String, String)> {
    let mut pages = files("docs", "md");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|found| found == "md") {
            pages.push(path);
        }
    }
    let read = |path: &Path| (relative(path), fs::read_to_string(path).unwrap());
    pages.iter().map(|path| read(path)).collect()
}

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The lines outside code fences, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    text.lines().zip(1..).filter_map(move |(line, number)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        (!is_code && !is_fence).then_some((number, line))
    })
}

/// What stands in backticks, outside of code fences.
fn spans(text: &str) -> Vec<&str> {
    let lines = prose(text);
    let spans = lines.flat_map(|(_, line)| line.split('`').skip(1).step_by(2));
    spans.collect()
}

pub fn check(wrong: &[String], rule: &str) {
    assert!(wrong.is_empty(), "{rule}:\n{}", wrong.join("\n"));
}

#[test]
fn pages_wrap_at_100_columns() {
    let mut wrong = Vec::new();
    for (page, text) in pages() {
        for (number, line) in prose(&text).filter(|(_, line)| !line.starts_with('|')) {
            let columns = line.chars().count();
            if columns > COLUMNS_MAX {
                wrong.push(format!("{page}:{number} has {columns} columns"));
            }
        }
    }
    check(&wrong, "wrap these lines at 100 columns");
}

#[test]
fn pages_use_plain_words() {
    let mut wrong = Vec::new();
    for (page, text) in pages() {
        wrong.extend(words::retired(&page, prose(&text)));
    }
    check(&wrong, "say it in plain words");
}

#[test]
fn the_readme_is_short() {
    let lines = page("README.md").lines().count();
    assert!(
        lines <= README_LINES_MAX,
        "README.md has {lines} lines; move what a newcomer does not need"
    );
    // The whole command, so that a newcomer's first run of the tests is what it says.
    assert!(page("README.md").contains("## Test it\n\n```bash\ncargo test\n```\n"));
}

/// `UPDATE_DOCS=1` writes the page instead of comparing it.
#[test]
fn the_settings_are_shown_as_they_are() {
    let tables = hubbub::config::settings_tables();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let text = fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once(SETTINGS_BEGIN).unwrap();
    let (shown, after) = rest.split_once(SETTINGS_END).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let current = format!("{before}{SETTINGS_BEGIN}{tables}{SETTINGS_END}{after}");
        fs::write(file, current).unwrap();
        return;
    }
    assert!(
        shown == tables,
        "docs/configuration.md is out of date; run: UPDATE_DOCS=1 cargo test --test tidy settings"
    );
}

/// The anchor that a heading has on a forge.
fn anchor(heading: &str) -> String {
    let kept = heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .replace(' ', "-");
    let is_kept = |c: &char| c.is_alphanumeric() || "-_".contains(*c);
    kept.chars().filter(is_kept).collect()
}

#[test]
fn links_lead_to_files_and_headings_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for (page, text) in pages() {
        let folder = root.join(&page).parent().unwrap().to_owned();
        for (number, line) in prose(&text) {
            let markdown = line
                .split("](")
                .skip(1)
                .filter_map(|rest| rest.split_once(')'));
            let html = line
                .split("src=\"")
                .skip(1)
                .filter_map(|rest| rest.split_once('"'));
            for (target, _) in markdown.chain(html) {
                if target.starts_with("http") {
                    continue;
                }
                let (path, heading) = target.split_once('#').unwrap_or((target, ""));
                let file = if path.is_empty() {
                    root.join(&page)
                } else {
                    folder.join(path)
                };
                let exists = file.exists()
                    && (heading.is_empty()
                        || prose(&fs::read_to_string(&file).unwrap())
                            .any(|(_, line)| line.starts_with('#') && anchor(line) == heading));
                if !exists {
                    wrong.push(format!("{page}:{number} links to {target}"));
                }
            }
        }
    }
    check(&wrong, "these links lead nowhere");
}

#[test]
fn files_that_pages_name_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [
        "src/", "tests/", "docs/", "web/", "fuzz/", "benches/", ".ci/",
    ];
    let mut wrong = Vec::new();
    for (page, text) in pages() {
        for span in spans(&text) {
            let path = span.split(' ').next().unwrap_or_default();
            let is_ours = folders.iter().any(|folder| path.starts_with(folder));
            // Built, not committed.
            if is_ours && !path.starts_with("web/dist") && !root.join(path).exists() {
                wrong.push(format!("{page} names {path}"));
            }
        }
    }
    check(&wrong, "these files do not exist");
}

/// Names of a test target as `cargo test` filters them: `file::name`.
fn tests_of(target: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let sources = if root.join(target).is_dir() {
        files(&format!("tests/{target}"), "rs")
    } else {
        vec![root.join(format!("{target}.rs"))]
    };
    let mut tests = Vec::new();
    for source in sources.iter().filter(|source| source.exists()) {
        let module = source.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(source).unwrap();
        for rest in text.split("fn ").skip(1) {
            let name: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            tests.push(format!("{module}::{name}"));
        }
    }
    tests
}

#[test]
fn tests_that_pages_run_exist() {
    let mut wrong = Vec::new();
    for (page, text) in pages() {
        for rest in text.split("cargo test --test ").skip(1) {
            let mut words = rest.split(|c: char| !(c.is_alphanumeric() || "_ ".contains(c)));
            let mut words = words.next().unwrap_or_default().split(' ');
            let (target, filter) = (words.next().unwrap(), words.next().unwrap_or_default());
            if !tests_of(target).iter().any(|test| test.contains(filter)) {
                wrong.push(format!("{page} runs --test {target} {filter}"));
            }
        }
    }
    check(&wrong, "no test matches these commands");
}

#[test]
fn tests_that_the_protocols_page_names_exist() {
    let tests = tests_of("protocol");
    let is_name = |span: &&str| {
        let of_test = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        span.contains('_') && span.chars().all(of_test) && !span.starts_with("room_")
    };
    let exists = |name: &str| {
        tests
            .iter()
            .any(|test| test.ends_with(&format!("::{name}")))
    };
    let text = page("docs/protocol.md");
    let named = spans(&text).into_iter().filter(is_name);
    let missing = named.filter(|name| !exists(name) && *name != "unsupported_version");
    let wrong: Vec<_> = missing.map(str::to_owned).collect();
    check(&wrong, "docs/protocol.md names tests that do not exist");
}

/// The numbers in the first cell of a row, like `1–4, 11`.
fn numbers(cell: &str) -> Vec<u32> {
    let parse = |text: &str| text.trim().parse::<u32>().ok();
    let mut found = Vec::new();
    for part in cell.split(',') {
        match part.split_once('–').map(|(a, b)| (parse(a), parse(b))) {
            Some((Some(first), Some(last))) => found.extend(first..=last),
            _ => found.extend(parse(part)),
        }
    }
    found
}

#[test]
fn hostile_tests_and_the_rows_of_the_security_page_have_the_same_numbers() {
    let text = page("docs/security.md");
    let (_, tried) = text.split_once("## What was tried").unwrap();
    let cells = tried.lines().filter_map(|line| line.split('|').nth(1));
    let rows: Vec<u32> = cells.flat_map(numbers).collect();
    let unique: BTreeSet<u32> = rows.iter().copied().collect();
    assert_eq!(unique.len(), rows.len(), "a number has two rows: {rows:?}");

    // One number is one kind of input, so it is in one file, or in several like `memory_sizes.rs`.
    let mut places: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    for test in tests_of("hostile") {
        let (file, name) = test.split_once("::").unwrap();
        let number = name
            .strip_prefix("row_")
            .and_then(|rest| rest.split('_').next());
        if let Some(number) = number.and_then(|digits| digits.parse().ok()) {
            let kind = file.split('_').next().unwrap_or_default();
            places.entry(number).or_default().insert(kind.to_owned());
        }
    }
    assert_eq!(unique, places.keys().copied().collect());
    let split = places.iter().find(|(_, files)| files.len() > 1);
    assert_eq!(split, None, "two kinds of input with one number");
    let end = u32::try_from(unique.len()).unwrap() + 1;
    assert!(
        unique.iter().copied().eq(1..end),
        "numbers are missing: {unique:?}"
    );
}
