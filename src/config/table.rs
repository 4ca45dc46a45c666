//! The settings as operators see them, read from the command line's own definition.

use clap::{Arg, CommandFactory};

use super::raw::Raw;

/// The flag, without dashes, that the environment variable `variable` stands for.
pub(super) fn flag_of(variable: &str) -> Option<String> {
    let command = Raw::command();
    let arg = command
        .get_arguments()
        .find(|arg| variable_of(arg) == Some(variable))?;
    arg.get_long().map(str::to_owned)
}

fn variable_of(arg: &Arg) -> Option<&str> {
    arg.get_env()?.to_str()
}

/// The table in `README.md`: one row a setting, in the order of their definition.
#[must_use]
pub fn markdown() -> String {
    let mut table = "| variable | flag | default | what it is |\n|---|---|---|---|\n".to_owned();
    table.push_str(
        "| `SECRET_KEY` | – | random, with a warning | Key for what the server signs; at least \
         16 bytes, better 32 |\n",
    );
    for arg in Raw::command().get_arguments() {
        let (Some(variable), Some(flag)) = (variable_of(arg), arg.get_long()) else {
            continue;
        };
        let default: Vec<_> = arg
            .get_default_values()
            .iter()
            .map(|v| v.to_string_lossy())
            .collect();
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let default = match default.join(",") {
            none if none.is_empty() => "–".to_owned(),
            given => format!("`{given}`"),
        };
        table += &format!("| `{variable}` | `--{flag}` | {default} | {help} |\n");
    }
    table
}
