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

/// The settings that have no flag, by the group that they begin.
const WITHOUT_FLAG: [(&str, &str); 2] = [
    (
        "Serving",
        "| `SECRET_KEY` | – | random, with a warning | Key for what the server signs; at least 16 \
         bytes, better 32 |\n",
    ),
    (
        "Identity",
        "| `ADMIN_TOKEN` | – | none | Token of the first administrator; at least 32 bytes |\n\
         | `JWT_SECRET` | – | none | Secret of the service that signs JWTs (HS256); at least 32 \
         bytes |\n",
    ),
];

/// The tables in `docs/configuration.md`: a heading for each group, and a row for each setting, in
/// the order of their definition. `hubbub --help` prints the same groups and texts.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::new();
    let mut group = String::new();
    for arg in Raw::command().get_arguments() {
        let (Some(variable), Some(flag)) = (variable_of(arg), arg.get_long()) else {
            continue;
        };
        let heading = arg.get_help_heading().unwrap_or("Others");
        if heading != group {
            let is_first = group.is_empty();
            heading.clone_into(&mut group);
            text += if is_first { "" } else { "\n" };
            text += &format!("### {heading}\n\n");
            text += "| variable | flag | default | meaning |\n|---|---|---|---|\n";
            let begun = WITHOUT_FLAG.iter().filter(|(group, _)| *group == heading);
            text.extend(begun.map(|(_, rows)| *rows));
        }
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
        text += &format!("| `{variable}` | `--{flag}` | {default} | {help} |\n");
    }
    text
}
