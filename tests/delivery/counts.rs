//! How often things happened in a run, for its report.

use std::collections::BTreeMap;
use std::fmt;

/// Numbers by name.
#[derive(Debug, Clone, Default)]
pub struct Counts(BTreeMap<&'static str, u64>);

impl Counts {
    /// It happened once more.
    pub fn one(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    /// Takes another's numbers in.
    pub fn add(&mut self, other: &Self) {
        for (what, n) in &other.0 {
            *self.0.entry(what).or_default() += n;
        }
    }

    /// How often it happened.
    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }

    /// How often all that happened whose name starts like this.
    pub fn of_all(&self, start: &str) -> u64 {
        let alike = self.0.iter().filter(|(what, _)| what.starts_with(start));
        alike.map(|(_, n)| n).sum()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, n) in &self.0 {
            writeln!(f, "  {what:<40} {n:>9}")?;
        }
        Ok(())
    }
}
