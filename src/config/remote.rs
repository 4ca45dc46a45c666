//! How the program reaches a running server as a client: `hubbub ctl`, `hubbub doctor` and `hubbub
//! token revoke`.

use std::path::PathBuf;

use clap::{Args, Command};
use url::Url;

/// Settings of servers that all commands take, and that are nothing to clients.
const OF_SERVERS: [&str; 2] = ["data_dir", "public_url"];
/// The group of these flags in the help.
const HEADING: &str = "Server";

/// Which server, and as whom.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ServerArgs {
    /// Address of the server, with the path that it lives below; without it the server on PORT of
    /// this machine
    #[arg(long, global = true, help_heading = HEADING, env = "HUBBUB_URL", value_name = "URL",
        value_parser = base_url)]
    pub url: Option<Url>,
    /// The rest, which `doctor` has too.
    #[command(flatten)]
    pub access: AccessArgs,
}

/// As whom, and how the result is written.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct AccessArgs {
    /// File with the token; without it the token is HUBBUB_TOKEN or ADMIN_TOKEN. No flag takes the
    /// token itself, because others on a machine see its command lines
    #[arg(long, global = true, help_heading = HEADING, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// File with certificates of an authority of your own (PEM), trusted beside those of the system
    #[arg(long, global = true, help_heading = HEADING, env = "HUBBUB_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Write JSON, one object a line
    #[arg(long, global = true)]
    pub json: bool,
}

/// The whole command line, whose commands for clients show no settings of servers in their help. They
/// are still accepted, because they do no harm.
pub(super) fn arrange(mut command: Command) -> Command {
    // Gives each command the settings that all have.
    command.build();
    command
        .mut_subcommand("ctl", hide_settings)
        .mut_subcommand("doctor", hide_settings)
        .mut_subcommand("token", |token| {
            token.mut_subcommand("revoke", hide_settings)
        })
}

fn hide_settings(command: Command) -> Command {
    let hidden = command.mut_args(|arg| {
        let is_of_servers = OF_SERVERS.contains(&arg.get_id().as_str());
        if is_of_servers { arg.hide(true) } else { arg }
    });
    hidden.mut_subcommands(hide_settings)
}

/// A text is not the address of a server.
#[derive(Debug, thiserror::Error)]
pub(super) enum UrlError {
    #[error("{0}; give one like https://chat.example")]
    Unreadable(#[from] url::ParseError),
    #[error("it must begin with https:// or http://; give one like https://chat.example")]
    Scheme,
    #[error("leave out what is not scheme, host, port or path; give one like https://chat.example")]
    Parts,
}

/// The address of a server. Its path ends with a slash, so that others can be joined to it.
pub(super) fn base_url(text: &str) -> Result<Url, UrlError> {
    let mut url = Url::parse(text)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(UrlError::Scheme);
    }
    let has_user = !url.username().is_empty() || url.password().is_some();
    if has_user || url.query().is_some() || url.fragment().is_some() {
        return Err(UrlError::Parts);
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}
