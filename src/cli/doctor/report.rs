//! What the checks find: a line each, and below it what to do.

use serde::Serialize;

use crate::cli::connection_error::ConnectionError;
use crate::cli::error::CliError;
use crate::cli::output::{Output, plain};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All is well.
    Ok,
    /// It was not checked, and why is said.
    Skip,
    /// It works, and should be better.
    Warn,
    /// It does not work.
    Fail,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked.
    pub check: &'static str,
    /// How it ended.
    pub status: Status,
    /// What was seen.
    pub seen: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn ok(check: &'static str, seen: impl Into<String>) -> Self {
        Self::new(check, Status::Ok, seen.into(), None)
    }

    /// It was not checked.
    pub fn skip(check: &'static str, why: impl Into<String>) -> Self {
        Self::new(check, Status::Skip, why.into(), None)
    }

    /// It should be better.
    pub fn warn(check: &'static str, seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(check, Status::Warn, seen.into(), Some(remedy.into()))
    }

    /// It does not work.
    #[must_use]
    pub fn fail(check: &'static str, failure: ConnectionError) -> Self {
        Self::new(check, Status::Fail, failure.seen, Some(failure.remedy))
    }

    /// It works, or does not.
    pub fn of(check: &'static str, result: Result<String, ConnectionError>) -> Self {
        match result {
            Ok(seen) => Self::ok(check, seen),
            Err(failure) => Self::fail(check, failure),
        }
    }

    fn new(check: &'static str, status: Status, seen: String, remedy: Option<String>) -> Self {
        Self {
            check,
            status,
            seen,
            remedy,
        }
    }
}

/// Writes what the checks find, and counts.
#[derive(Debug)]
pub struct Report {
    output: Output,
    all: usize,
    failed: usize,
}

impl Report {
    /// Nothing has been checked.
    #[must_use]
    pub const fn new(output: Output) -> Self {
        Self {
            output,
            all: 0,
            failed: 0,
        }
    }

    /// Writes what a check found.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn add(&mut self, finding: &Finding) -> Result<(), CliError> {
        self.all += usize::from(finding.status != Status::Skip);
        self.failed += usize::from(finding.status == Status::Fail);
        if self.output.is_json() {
            return self.output.line(crate::json::raw(finding).get());
        }
        let status = match finding.status {
            Status::Ok => "ok",
            Status::Skip => "skip",
            Status::Warn => "warn",
            Status::Fail => "fail",
        };
        let seen = plain(&finding.seen, " ");
        self.output
            .line(&format!("{status:4}  {}: {seen}", finding.check))?;
        match &finding.remedy {
            Some(remedy) => self.output.line(&format!("      {}", plain(remedy, " "))),
            None => Ok(()),
        }
    }

    /// Writes several findings.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn add_all(&mut self, findings: &[Finding]) -> Result<(), CliError> {
        findings.iter().try_for_each(|finding| self.add(finding))
    }

    /// Writes a finding after which nothing else can be checked.
    ///
    /// # Errors
    /// The check has failed, or standard output cannot be written.
    pub fn end_with(&mut self, finding: &Finding) -> Result<(), CliError> {
        self.add(finding)?;
        self.end()
    }

    /// The result of all.
    ///
    /// # Errors
    /// A check has failed.
    pub const fn end(&self) -> Result<(), CliError> {
        let (failed, all) = (self.failed, self.all);
        match failed {
            0 => Ok(()),
            _ => Err(CliError::Checks { failed, all }),
        }
    }
}
