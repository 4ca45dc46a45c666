//! One file of the web client, and the forms in which it is served.

use bytes::Bytes;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Brotli,
    Gzip,
    Identity,
}

impl Coding {
    /// Best first: of codings that the client prefers equally, the earlier is used.
    pub(super) const ALL: [Self; 3] = [Self::Brotli, Self::Gzip, Self::Identity];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Identity => "identity",
        }
    }
}

/// A file of the web client.
#[derive(Debug)]
pub(super) struct Asset {
    pub(super) path: String,
    /// Identifies the content.
    pub(super) tag: String,
    /// The content at this path never changes, so clients need not ask again.
    pub(super) immutable: bool,
    pub(super) identity: Bytes,
    pub(super) gzip: Option<Bytes>,
    pub(super) brotli: Option<Bytes>,
}

impl Asset {
    pub(super) fn body(&self, coding: Coding) -> Option<&Bytes> {
        match coding {
            Coding::Brotli => self.brotli.as_ref(),
            Coding::Gzip => self.gzip.as_ref(),
            Coding::Identity => Some(&self.identity),
        }
    }

    pub(super) fn content_type(&self) -> &'static str {
        match self
            .path
            .rsplit_once('.')
            .map_or("", |(_, extension)| extension)
        {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            "png" => "image/png",
            "ico" => "image/x-icon",
            "woff2" => "font/woff2",
            "webmanifest" => "application/manifest+json",
            "json" => "application/json",
            "txt" => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        }
    }
}
