//! The settings as operators see them, read from the command line's own definition.

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, CommandFactory};

use super::identity::Secrets;
use super::raw::Raw;

/// Characters of the longest value that is shown: a list of rooms may be long.
const VALUE_CHARS_MAX: usize = 1000;
/// How a secret is shown, if there is one and if there is none.
const SECRET: [&str; 2] = ["set", "not set"];

/// A setting in force, as it is shown to admins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The environment variable.
    pub name: String,
    /// The heading in `hubbub --help`.
    pub group: String,
    /// What was given, or the default; of a secret whether it is set.
    pub value: String,
    /// The value is hidden.
    pub secret: bool,
    /// Where the value comes from.
    pub source: SettingSource,
    /// What it is for.
    pub help: String,
}

/// Where a setting's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingSource {
    /// It was not given.
    Default,
    /// The environment variable.
    Environment,
    /// The flag.
    Flag,
    /// The hosting platform that the process found itself on.
    Host,
}

impl SettingSource {
    /// As it is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Environment => "environment",
            Self::Flag => "flag",
            Self::Host => "host",
        }
    }
}

/// The settings that `matches` and `secrets` give, in the order of their definition.
pub(super) fn in_force(matches: &ArgMatches, secrets: &Secrets) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut group = String::new();
    for arg in Raw::command().get_arguments() {
        let Some(variable) = variable_of(arg) else {
            continue;
        };
        let heading = arg.get_help_heading().unwrap_or("Others");
        if heading != group {
            heading.clone_into(&mut group);
            settings.extend(secrets_of(&group, secrets));
        }
        let given: Vec<_> = matches
            .get_raw(arg.get_id().as_str())
            .into_iter()
            .flatten()
            .map(|value| value.to_string_lossy())
            .collect();
        let value = given.join(",");
        let secret = arg.is_hide_env_values_set();
        settings.push(Setting {
            name: variable.to_owned(),
            group: group.clone(),
            value: match secret {
                true => SECRET[usize::from(value.is_empty())].to_owned(),
                false => value.chars().take(VALUE_CHARS_MAX).collect(),
            },
            secret,
            source: match matches.value_source(arg.get_id().as_str()) {
                Some(ValueSource::EnvVariable) => SettingSource::Environment,
                Some(ValueSource::CommandLine) => SettingSource::Flag,
                _ => SettingSource::Default,
            },
            help: arg.get_help().map(ToString::to_string).unwrap_or_default(),
        });
    }
    settings
}

/// The secrets of a group, which have no flag.
fn secrets_of(group: &str, secrets: &Secrets) -> Vec<Setting> {
    let rows = WITHOUT_FLAG.iter().filter(|(of, _)| *of == group);
    let rows = rows.flat_map(|(_, rows)| rows.lines());
    let setting = |row: &str| {
        // `| `NAME` | – | default | help |`
        let mut cells = row.trim_matches('|').split(" | ").map(str::trim);
        let name = cells.next()?.trim_matches('`').to_owned();
        let is_set = secrets.has(&name);
        Some(Setting {
            group: group.to_owned(),
            value: SECRET[usize::from(!is_set)].to_owned(),
            secret: true,
            source: match is_set {
                true => SettingSource::Environment,
                false => SettingSource::Default,
            },
            help: cells.last().unwrap_or_default().to_owned(),
            name,
        })
    };
    rows.filter_map(setting).collect()
}

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
