//! How far a tool is: a bar where standard error is a terminal, and a line at the end otherwise.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};

/// Progress of one tool.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    what: &'static str,
}

impl Progress {
    /// `what` is what is counted, like `messages`; of `total` there are so many.
    pub fn new(what: &'static str, total: u64) -> Self {
        let bar = if io::stderr().is_terminal() {
            ProgressBar::new(total)
        } else {
            ProgressBar::hidden()
        };
        let style = ProgressStyle::with_template("{bar:40} {pos} of {len} {msg} ({eta} left)");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_message(Cow::Borrowed(what));
        Self { bar, what }
    }

    /// So many are done.
    pub fn set(&self, done: u64) {
        self.bar.set_position(done);
    }

    /// Says what was done.
    pub fn finish(self, done: u64, verb: &str) {
        self.bar.finish_and_clear();
        // Where standard error is closed, the exit code must do.
        let _unheard = writeln!(io::stderr(), "{verb} {done} {}", self.what);
    }
}
