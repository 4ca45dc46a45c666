//! The scripts: every change of what is in Redis is one of these, and each runs whole or not at all.

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident $file:literal,)*) => {
        /// A script: its file under `lua/` says what it does and takes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Script {
            $($(#[$doc])* $name,)*
        }

        /// Their sources, in the order of [`Script`].
        pub const SCRIPTS: &[&str] = &[
            $(concat!(include_str!("lua/prelude.lua"), include_str!(concat!("lua/", $file))),)*
        ];
    };
}

scripts! {
    /// Puts a message into a log.
    Publish "publish.lua",
    /// Puts a change to a message into a log.
    Change "change.lua",
    /// Changes the reactions to a message.
    React "react.lua",
    /// Notes that a message was pinned, or taken down.
    Pin "pin.lua",
    /// Makes a user a member.
    Join "join.lua",
    /// Changes a member's name.
    Rename "rename.lua",
    /// Ends a membership.
    Leave "leave.lua",
    /// Marks a member whose connection is lost.
    Hold "hold.lua",
    /// Sends that a member types.
    Typing "typing.lua",
    /// Keeps decisions.
    Decide "decide.lua",
    /// Claims a task that one node does at a time.
    Claim "claim.lua",
    /// Renews a lease.
    Beat "beat.lua",
    /// Makes a node known.
    Register "register.lua",
    /// Ends a dead node's memberships.
    Reap "reap.lua",
    /// The whole state.
    State "state.lua",
    /// A log as a whole.
    Open "open.lua",
}
