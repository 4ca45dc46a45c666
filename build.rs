//! Builds the web client and makes the table of files that the binary carries (feature `web`).
//!
//! The sources are mirrored into OUT_DIR and built there: the source tree stays as it is. What is
//! installed and built is kept, and only done again when what it is made from has changed.
//! `HUBBUB_WEB_DIST` names a finished build instead; then no Node is needed.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fmt::{self, Write as _};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the web client is built from, under `web/`. Folders are taken whole, without their tests.
const SOURCES: [&str; 10] = [
    ".npmrc",
    "admin.html",
    "client/src",
    "index.html",
    "package-lock.json",
    "package.json",
    "public",
    "src",
    "tsconfig.json",
    "vite.config.ts",
];
/// What decides which packages are installed.
const PACKAGES: [&str; 3] = [".npmrc", "package-lock.json", "package.json"];
const NODE_MINIMUM: (u32, u32) = (20, 19);

const REMEDIES: &str = "\
The binary carries its web client, and building that needs Node. Any of these will do:
  1. install Node 20.19 or newer, with npm
  2. build without the web client: cargo build --no-default-features
  3. set HUBBUB_WEB_DIST to the folder of a finished build of it (web/dist after `npm run build`)";

/// Shown by `main` as it is.
struct Failure(String);

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<fmt::Error> for Failure {
    fn from(error: fmt::Error) -> Self {
        Self(error.to_string())
    }
}

type Outcome<T = ()> = Result<T, Failure>;

fn main() -> Outcome {
    tell("rerun-if-changed=build.rs")?;
    if env::var_os("CARGO_FEATURE_WEB").is_none() {
        return Ok(());
    }
    tell("rerun-if-env-changed=HUBBUB_WEB_DIST")?;
    let out = PathBuf::from(variable("OUT_DIR")?);
    let dist = match env::var_os("HUBBUB_WEB_DIST").filter(|path| !path.is_empty()) {
        Some(given) => {
            let dist = PathBuf::from(given);
            tell(&format!("rerun-if-changed={}", dist.display()))?;
            dist
        }
        None => build(&out)?,
    };
    if !dist.join("index.html").is_file() {
        let dist = dist.display();
        return Err(Failure(format!(
            "{dist} is no built web client: it has no index.html"
        )));
    }
    write_if_changed(&out.join("assets.rs"), table(&dist)?.as_bytes())
}

fn tell(directive: &str) -> Outcome {
    Ok(writeln!(io::stdout(), "cargo::{directive}")?)
}

fn variable(name: &str) -> Outcome<String> {
    env::var(name).map_err(|error| Failure(format!("{name}: {error}")))
}

/// Builds the web client under `out`; returns the folder of what came out.
fn build(out: &Path) -> Outcome<PathBuf> {
    let sources = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("web");
    let work = out.join("web");
    for name in SOURCES {
        tell(&format!(
            "rerun-if-changed={}",
            sources.join(name).display()
        ))?;
    }
    let node = node_version()?;
    let mut mirrored = BTreeSet::new();
    for name in SOURCES {
        mirror(&sources.join(name), &work.join(name), &mut mirrored)?;
    }
    for folder in ["client/src", "public", "src"] {
        remove_others(&work.join(folder), &mirrored)?;
    }

    let packages: Vec<_> = PACKAGES.iter().map(|name| work.join(name)).collect();
    once(&work.join(".installed"), &digest(&node, &packages)?, || {
        install(&work)
    })?;
    let files: Vec<_> = mirrored.into_iter().collect();
    once(&work.join(".built"), &digest(&node, &files)?, || {
        let vite = [
            "node_modules/vite/bin/vite.js",
            "build",
            "--logLevel",
            "warn",
        ];
        run(Command::new("node").args(vite).current_dir(&work))
    })?;
    Ok(work.join("dist"))
}

fn node_version() -> Outcome<String> {
    let missing = |what: &str| Failure(format!("{what}\n\n{REMEDIES}"));
    let output = Command::new("node").arg("--version").output();
    let output = output.map_err(|error| missing(&format!("node cannot be run: {error}")))?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let mut numbers = version
        .trim_start_matches('v')
        .split('.')
        .map(|number| number.parse::<u32>().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < NODE_MINIMUM {
        return Err(missing(&format!("Node {version} is too old")));
    }
    Ok(version)
}

/// From npm's cache where it has everything, else from the registry.
fn install(work: &Path) -> Outcome {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let ci = |more: &[&str]| {
        let arguments = [
            "ci",
            "--omit=dev",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
        ];
        run(Command::new(npm)
            .args(arguments)
            .args(more)
            .current_dir(work))
    };
    ci(&["--offline"])
        .or_else(|_| ci(&[]))
        .map_err(|Failure(error)| {
            Failure(format!(
                "the web client's packages cannot be installed\n{error}\n\n{REMEDIES}"
            ))
        })
}

fn run(command: &mut Command) -> Outcome {
    let output = command
        .output()
        .map_err(|error| Failure(format!("{command:?}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    Err(Failure(format!("{command:?}: {}\n{said}", output.status)))
}

/// Does `work` unless it was done for the same `digest`.
fn once(stamp: &Path, digest: &str, work: impl FnOnce() -> Outcome) -> Outcome {
    if fs::read_to_string(stamp).is_ok_and(|done| done == digest) {
        return Ok(());
    }
    if stamp.exists() {
        fs::remove_file(stamp)?;
    }
    work()?;
    Ok(fs::write(stamp, digest)?)
}

fn digest(node: &str, files: &[PathBuf]) -> Outcome<String> {
    let mut hasher = DefaultHasher::new();
    node.hash(&mut hasher);
    for file in files {
        file.hash(&mut hasher);
        fs::read(file)?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// Copies a file or folder, without touching what is the same already.
fn mirror(from: &Path, to: &Path, mirrored: &mut BTreeSet<PathBuf>) -> Outcome {
    if from.is_dir() {
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            mirror(&from.join(&name), &to.join(&name), mirrored)?;
        }
        return Ok(());
    }
    if from.to_string_lossy().contains(".test.") {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    let content = fs::read(from).map_err(|e| Failure(format!("{}: {e}", from.display())))?;
    write_if_changed(to, &content)?;
    mirrored.insert(to.to_owned());
    Ok(())
}

fn write_if_changed(path: &Path, content: &[u8]) -> Outcome {
    if fs::read(path).is_ok_and(|present| present == content) {
        return Ok(());
    }
    Ok(fs::write(path, content)?)
}

/// Removes what an earlier build mirrored and the source tree no longer has.
fn remove_others(folder: &Path, mirrored: &BTreeSet<PathBuf>) -> Outcome {
    for file in files(folder)? {
        if !mirrored.contains(&file) {
            fs::remove_file(file)?;
        }
    }
    Ok(())
}

fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The Rust source of the table: one entry for each file, with its compressed forms.
fn table(dist: &Path) -> Outcome<String> {
    let dist = dist.canonicalize()?;
    let compressed =
        |path: &Path| matches!(path.extension().and_then(OsStr::to_str), Some("br" | "gz"));
    let mut source = "&[\n".to_owned();
    for path in files(&dist)?.into_iter().filter(|path| !compressed(path)) {
        let name = path
            .strip_prefix(&dist)
            .unwrap_or(&path)
            .to_string_lossy()
            .replace('\\', "/");
        let mut hasher = DefaultHasher::new();
        fs::read(&path)?.hash(&mut hasher);
        let packed = |suffix: &str| {
            let packed = PathBuf::from(format!("{}{suffix}", path.display()));
            match packed.is_file() {
                true => format!("Some(include_bytes!({packed:?}))"),
                false => "None".to_owned(),
            }
        };
        writeln!(
            source,
            "    Embedded {{ path: {:?}, tag: \"{:016x}\", identity: include_bytes!({path:?}), gzip: {}, brotli: {} }},",
            format!("/{name}"),
            hasher.finish(),
            packed(".gz"),
            packed(".br"),
        )?;
    }
    source.push_str("]\n");
    Ok(source)
}
