//! What a user may do to others.

use std::fmt;

/// What a user may do to others: the higher roles come later in the order. A role comes from a signed token only,
/// never from a name; everyone without such a token is a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Acts for themselves only.
    #[default]
    Member,
    /// Keeps order in the rooms.
    Moderator,
    /// May do everything.
    Admin,
}

/// A string names no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such role: give member, moderator or admin")]
pub struct RoleError;

impl Role {
    /// All roles, the lowest first.
    pub const ALL: [Self; 3] = [Self::Member, Self::Moderator, Self::Admin];

    /// Reads the name of a role.
    ///
    /// # Errors
    ///
    /// [`RoleError`] for anything else.
    pub fn parse(raw: &str) -> Result<Self, RoleError> {
        let named = |role: &Self| role.as_str() == raw;
        Self::ALL.into_iter().find(named).ok_or(RoleError)
    }

    /// The name, as it stands on the wire and in tokens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_as_they_are_written_and_ordered_by_power() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Ok(role));
        }
        for other in ["", "Admin", "root", " admin", "member,admin"] {
            assert_eq!(Role::parse(other), Err(RoleError), "{other:?}");
        }
        assert!(Role::ALL.is_sorted());
        assert_eq!(Role::default(), Role::Member);
    }
}
