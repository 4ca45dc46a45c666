//! The domain: what a room name, a user's name, a message, an idempotency key and a request error *are*.
//!
//! Pure: no runtime, no serialisation, no clock, no I/O. Each type has a private field and one way in, `parse`, so
//! that a value is proof that it is valid, and no code checks it again. `parse` returns a typed error that says what is
//! wrong and what to do. It turns into a [`RequestError`] with `From`.
//!
//! The map, in reading order:
//!
//! | file | holds |
//! |---|---|
//! | `characters.rs` | what Unicode says about single characters: blank, pictographic, shaping joiners |
//! | `room_name.rs` | [`RoomName`]: `[a-z0-9-]{1,64}` |
//! | `username.rs` | [`Username`]: 1–32 visible characters, trimmed and normalised |
//! | `letters.rs` | which letters a character looks like |
//! | `confusables.rs` | [`Skeleton`]: which names could be taken for one another |
//! | `reserved.rs` | [`ReservedNames`]: which names would be taken for the service |
//! | `message_text.rs` | [`MessageText`]: the text of a message, kept byte for byte, within [`TextLimits`] |
//! | `word_filter.rs` | [`WordFilter`]: words that messages must not have |
//! | `search_query.rs` | [`SearchQuery`]: what is searched for, and which texts have it |
//! | `client_id.rs` | [`ClientId`]: the idempotency key of a message |
//! | `emoji.rs` | [`Emoji`]: one emoji, with which a user reacts |
//! | `origins.rs` | [`AllowedOrigins`]: whose pages may connect |
//! | `role.rs` | [`Role`]: what a user may do to others |
//! | `request_error_code.rs` | [`RequestErrorCode`]: why a request is refused, for programs |
//! | `request_error.rs` | [`RequestError`]: every error that a client is answered |
//!
//! "Character" means what a person would count: an extended grapheme cluster (Unicode UAX #29), unless a type says
//! otherwise. No error quotes its input: the offending character appears as `U+202E`, never raw, so that messages and
//! logs cannot be forged through it.

mod characters;
pub mod client_id;
pub mod confusables;
pub mod emoji;
mod letters;
pub mod message_text;
pub mod origins;
pub mod request_error;
pub mod request_error_code;
pub mod reserved;
pub mod role;
pub mod room_name;
pub mod search_query;
pub mod username;
pub mod word_filter;

#[cfg(test)]
mod strategies;

pub use characters::is_direction_control;
pub use client_id::{ClientId, ClientIdError};
pub use confusables::Skeleton;
pub use emoji::{Emoji, EmojiError};
pub use message_text::{MessageText, MessageTextError, TextLimits};
pub use origins::{AllowedOrigins, AllowedOriginsError, OriginError};
pub use request_error::RequestError;
pub use request_error_code::RequestErrorCode;
pub use reserved::{ReservedNameError, ReservedNames};
pub use role::{Role, RoleError};
pub use room_name::{RoomName, RoomNameError};
pub use search_query::{SearchQuery, SearchQueryError};
pub use username::{Username, UsernameError};
pub use word_filter::{Filtered, WordFilter, WordFilterError};
