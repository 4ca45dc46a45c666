//! Modules of one folder use each other in one direction, too: no two files reach each other by what
//! they import. `mod.rs` and the like are left out, because they only name what is inside.

use std::collections::{BTreeMap, BTreeSet};

use super::{code, files, relative};

/// A module's path below `crate`, such as `["room", "log"]`.
type ModulePath = Vec<String>;

/// The module a file is, without the tests' files and the crate's root.
fn module_path(file: &str) -> Option<ModulePath> {
    let inside = file.strip_prefix("src/")?.strip_suffix(".rs")?;
    let mut path: ModulePath = inside.split('/').map(str::to_owned).collect();
    if path.last().is_some_and(|last| last == "mod") {
        path.pop();
    }
    let is_test = inside.ends_with("tests") || inside.contains("_tests/");
    let is_root = ["lib", "main", "bin"].contains(&&*path[0]);
    (!is_test && !is_root).then_some(path)
}

/// The paths that a piece of code names, from the crate's root. A list in braces is one path for each
/// of its parts.
fn named_paths(code: &str, own: &[String]) -> Vec<ModulePath> {
    let mut found = Vec::new();
    for keyword in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(keyword) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let mut base = if keyword == "crate::" {
                Vec::new()
            } else {
                own.to_vec()
            };
            let mut rest = &code[at..];
            while let Some(up) = rest.strip_prefix("super::") {
                base.pop();
                rest = up;
            }
            rest = rest
                .trim_start_matches("crate::")
                .trim_start_matches("self::");
            let end = |c: char| !(c.is_alphanumeric() || c == '_' || c == ':');
            let words = &rest[..rest.find(end).unwrap_or(rest.len())];
            base.extend(
                words
                    .split("::")
                    .filter(|w| !w.is_empty())
                    .map(str::to_owned),
            );
            let listed = rest[words.len()..].strip_prefix('{');
            let list = listed
                .and_then(|list| list.split('}').next())
                .unwrap_or_default();
            for part in list.split(',') {
                let mut path = base.clone();
                let part = part.trim().split([' ', '{']).next().unwrap_or_default();
                path.extend(
                    part.split("::")
                        .filter(|w| !w.is_empty())
                        .map(str::to_owned),
                );
                found.push(path);
            }
        }
    }
    found
}

/// Which file uses which others.
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let mut modules = BTreeMap::new();
    let mut folders = BTreeSet::new();
    for path in files("src", "rs") {
        let file = relative(&path);
        if let Some(module) = module_path(&file) {
            folders.insert(module[..module.len() - 1].to_vec());
            modules.insert(module, (file, code(&path)));
        }
    }
    let is_folder = |module: &[String]| folders.contains(module);
    let mut uses = BTreeMap::new();
    for (own, (file, code)) in modules.iter().filter(|(own, _)| !is_folder(own)) {
        let used: &mut BTreeSet<String> = uses.entry(file.clone()).or_default();
        for path in named_paths(code, own) {
            let prefixes = (1..=path.len()).rev().map(|end| &path[..end]);
            let module = prefixes
                .into_iter()
                .find(|prefix| modules.contains_key(*prefix));
            if let Some(module) = module.filter(|module| *module != own && !is_folder(module)) {
                used.insert(modules[module].0.clone());
            }
        }
    }
    uses
}

/// Everything that can be reached from a file.
fn reached<'a>(uses: &'a BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = uses[from].iter().map(String::as_str).collect();
    while let Some(file) = open.pop() {
        if reached.insert(file) {
            open.extend(uses.get(file).into_iter().flatten().map(String::as_str));
        }
    }
    reached
}

#[test]
fn no_file_can_be_reached_from_what_it_uses() {
    let uses = uses();
    assert!(
        uses.values().map(BTreeSet::len).sum::<usize>() > 200,
        "{uses:?}"
    );
    let in_circles: Vec<_> = uses
        .keys()
        .filter(|file| reached(&uses, file).contains(file.as_str()))
        .map(|file| format!("{file} uses {:?}", uses[file]))
        .collect();
    assert!(in_circles.is_empty(), "circles:\n{}", in_circles.join("\n"));
}
