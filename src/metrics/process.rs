//! What the system says of the process: read with each scrape, and left out if the system says nothing.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// Collects memory, open files and processor time of this process.
#[derive(Debug)]
pub struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        if let Some(bytes) = resident_bytes() {
            let bytes = ConstGauge::new(i64::try_from(bytes).unwrap_or(i64::MAX));
            let metric = encoder.encode_descriptor(
                "process_resident",
                "Memory of the process now",
                Some(&Unit::Bytes),
                bytes.metric_type(),
            )?;
            bytes.encode(metric)?;
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            let count = ConstGauge::new(i64::try_from(files.count()).unwrap_or(i64::MAX));
            let metric = encoder.encode_descriptor(
                "process_open_files",
                "Files and connections that the process has open now",
                None,
                count.metric_type(),
            )?;
            count.encode(metric)?;
        }
        Ok(())
    }
}

/// The line `VmRSS` of `/proc/self/status` (proc(5)).
pub(super) fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    kib.checked_mul(1024)
}
