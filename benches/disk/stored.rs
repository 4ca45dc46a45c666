//! What many stored messages cost: bytes in the file, time to start, memory.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use tokio::process::Command;

use crate::node::Node;
use crate::support::median;

/// Imports so many messages, and compares a start with them to one without.
pub async fn measure(messages: u64, rounds: u64, pinned: bool) {
    let (empty, full) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let lines = full.path().join("messages.jsonl");
    let text_bytes = write_lines(&lines, messages);
    let begun = Instant::now();
    let imported = Command::new(env!("CARGO_BIN_EXE_hubbub"))
        .arg("import")
        .arg(&lines)
        .arg("--data-dir")
        .arg(full.path())
        .status()
        .await;
    assert!(imported.unwrap().success(), "the import");
    let took = begun.elapsed().as_secs_f64();
    fs::remove_file(&lines).unwrap();
    let size = fs::metadata(full.path().join("hubbub.db")).unwrap().len();
    println!(
        "stored: {messages} messages of {} bytes of text take {} bytes each; imported in {took:.0} s",
        text_bytes / messages,
        size / messages
    );
    let (mut starts, mut memory) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for _ in 0..rounds.max(5) {
        for (which, folder) in [&empty, &full].into_iter().enumerate() {
            let folder = folder.path().to_str().unwrap();
            let begun = Instant::now();
            let node = Node::start(&[("DATA_DIR", folder)], pinned).await;
            starts[which].push(begun.elapsed().as_secs_f64() * 1e3);
            memory[which].push(node.resident_kib() as f64);
            node.stop().await;
        }
    }
    for (which, what) in ["empty", "full"].into_iter().enumerate() {
        println!(
            "{what}: listens {:.1} ms after exec, {:.0} KiB resident (medians)",
            median(&starts[which]),
            median(&memory[which])
        );
    }
}

/// Writes lines as `export` does. Returns the bytes of the texts.
fn write_lines(file: &Path, messages: u64) -> u64 {
    let mut out = BufWriter::new(fs::File::create(file).unwrap());
    let mut bytes = 0;
    for id in 1..=messages {
        // Words that repeat as those of people do, about.
        let word = |n: u64| format!("word{}", (id * n).wrapping_mul(0x9e37_79b9) % 5000);
        let text: Vec<_> = (1..=4 + id % 8).map(word).collect();
        let text = text.join(" ");
        bytes += text.len() as u64;
        let (user, second) = (id % 50, id % 60);
        writeln!(
            out,
            "{{\"room\":\"tech\",\"sender\":\"User {user}\",\"user_id\":\"{user:032x}\",\"id\":{id},\
             \"text\":\"{text}\",\"timestamp\":\"2026-01-16T09:30:{second:02}.000Z\",\"client_id\":\"c{id}\"}}"
        )
        .unwrap();
    }
    out.flush().unwrap();
    bytes
}
