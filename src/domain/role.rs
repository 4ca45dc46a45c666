//! What a user may do beside chatting.

use serde::{Deserialize, Serialize};

/// What a user may do beside chatting. A later role may do all that an earlier one may.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Nothing.
    #[default]
    Member,
    /// Keeping order in rooms.
    Moderator,
    /// Everything.
    Admin,
}
