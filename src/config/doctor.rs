//! What `hubbub doctor` is asked for.

use clap::Args;
use url::Url;

use super::remote::{AccessArgs, base_url};

/// A deployment to be checked.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DoctorArgs {
    /// Address at which people reach the service, with its path; without it the server on PORT of
    /// this machine
    #[arg(env = "HUBBUB_URL", value_name = "URL", value_parser = base_url)]
    pub url: Option<Url>,
    /// Leave out what waits for a heartbeat (25 seconds by default)
    #[arg(long)]
    pub quick: bool,
    /// As whom.
    #[command(flatten)]
    pub access: AccessArgs,
}
