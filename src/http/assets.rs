//! The web client: a table of files, and the handler that answers from it.
//!
//! Each file exists plain and, if that is smaller, as gzip and brotli. All are made at build time, so
//! nothing is compressed while serving. Paths are looked up in the table and never on a disk. Files
//! from a folder are read at start.

use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use percent_encoding::percent_decode_str;

use super::asset::{Asset, Coding};
use super::folder;
pub use super::folder::FolderError;
use crate::domain::RoomName;

/// Scripts, styles and pictures of our own and nothing else; no string ever becomes markup or
/// script. `'self'` covers the WebSocket to this very server.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
const PERMISSIONS_POLICY: &str =
    "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()";

/// The build gives files under this path a hash of their content in their name.
#[cfg(feature = "web")]
const HASHED: &str = "/assets/";
const PAGE: &str = "/index.html";
/// The page for the people in charge. Its path comes before a room of this name.
const ADMIN_PAGE: &str = "/admin.html";
const ADMIN: &str = "admin";
/// The admin page's scripts and styles begin so.
const ADMIN_ASSETS: &str = "/assets/admin-";
/// The client module in one file. Pages of other origins import it, so they may read it.
const CLIENT: &str = "/client.js";

/// A file as the build script writes it into the table.
#[cfg(feature = "web")]
struct Embedded {
    path: &'static str,
    tag: &'static str,
    identity: &'static [u8],
    gzip: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
}

#[cfg(feature = "web")]
static EMBEDDED: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

#[cfg(feature = "web")]
impl From<&Embedded> for Asset {
    fn from(file: &Embedded) -> Self {
        Self {
            path: file.path.to_owned(),
            tag: file.tag.to_owned(),
            immutable: file.path.starts_with(HASHED),
            identity: Bytes::from_static(file.identity),
            gzip: file.gzip.map(Bytes::from_static),
            brotli: file.brotli.map(Bytes::from_static),
        }
    }
}

/// The files of a web client, in the order of their paths.
#[derive(Debug, Clone)]
pub struct Assets(Arc<[Asset]>);

impl Assets {
    /// The web client that this binary carries, if it was built with one.
    #[must_use]
    pub fn embedded() -> Option<Self> {
        #[cfg(feature = "web")]
        return Some(Self::from_table(EMBEDDED));
        #[cfg(not(feature = "web"))]
        return None;
    }

    #[cfg(feature = "web")]
    fn from_table(table: &[Embedded]) -> Self {
        Self::sorted(table.iter().map(Asset::from).collect())
    }

    /// Reads the web client in a folder. The client module is always there, because pages of other
    /// origins rely on it, and so is the admin page.
    ///
    /// # Errors
    /// [`FolderError`] if the folder cannot be read, has no page or is too large.
    pub fn from_folder(folder: &Path) -> Result<Self, FolderError> {
        let mut files = folder::read(folder)?;
        let missing = |path: &str| files.iter().all(|file| file.path != path);
        let mut added = Vec::new();
        if missing(CLIENT) {
            added.extend(embedded(|path| path == CLIENT));
        }
        if missing(ADMIN_PAGE) {
            let of_admin = |path: &str| path == ADMIN_PAGE || path.starts_with(ADMIN_ASSETS);
            added.extend(embedded(of_admin));
        }
        files.extend(added);
        let assets = Self::sorted(files);
        match assets.find(PAGE) {
            Some(_) => Ok(assets),
            None => Err(FolderError::NoPage),
        }
    }

    fn sorted(mut assets: Vec<Asset>) -> Self {
        assets.sort_by(|a, b| a.path.cmp(&b.path));
        Self(assets.into())
    }

    fn find(&self, path: &str) -> Option<&Asset> {
        let at = self
            .0
            .binary_search_by(|asset| asset.path.as_str().cmp(path));
        at.ok().and_then(|at| self.0.get(at))
    }
}

/// Built-in files whose path `includes` chooses.
#[cfg_attr(
    not(feature = "web"),
    expect(unused_variables, reason = "there are no files")
)]
fn embedded(includes: impl Fn(&str) -> bool) -> Vec<Asset> {
    #[cfg(feature = "web")]
    return EMBEDDED
        .iter()
        .filter(|file| includes(file.path))
        .map(Asset::from)
        .collect();
    #[cfg(not(feature = "web"))]
    return Vec::new();
}

/// Answers from the table. At a room's path a browser that navigates there receives the page; every
/// other missing path is not found. If there is no such room, the page says so to the user and the
/// status to programs: `/debug` must not look as if it existed.
pub async fn serve(
    State((assets, rooms)): State<(Assets, Arc<[RoomName]>)>,
    request: Request,
) -> Response {
    let path = request.uri().path();
    let address = match path.starts_with("/admin/") && assets.find(ADMIN_PAGE).is_some() {
        true => Some(admin_address(path)),
        false => canonical_address(request.uri(), &rooms),
    };
    if let Some(address) = address.filter(|_| wants_page(request.headers())) {
        let headers = [
            (header::LOCATION, address.as_str()),
            (header::CACHE_CONTROL, "no-cache"),
        ];
        return (StatusCode::PERMANENT_REDIRECT, headers).into_response();
    }
    let admin = (path.strip_prefix('/') == Some(ADMIN))
        .then(|| assets.find(ADMIN_PAGE))
        .flatten();
    let asset = match path {
        "/" => assets.find(PAGE),
        _ if admin.is_some() => admin,
        _ => assets.find(path).or_else(|| {
            let room = is_room(path) && wants_page(request.headers());
            room.then(|| assets.find(PAGE)).flatten()
        }),
    };
    let name = path.trim_start_matches('/');
    let exists = path == "/"
        || admin.is_some()
        || assets.find(path).is_some()
        || rooms.iter().any(|room| room.as_str() == name);
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let Some(asset) = asset.filter(|_| exists || reads) else {
        return (StatusCode::NOT_FOUND, "not found\n").into_response();
    };
    if !reads {
        let allow = [(header::ALLOW, "GET, HEAD")];
        return (StatusCode::METHOD_NOT_ALLOWED, allow, "GET or HEAD only\n").into_response();
    }
    if exists {
        return answer(asset, request.method(), request.headers());
    }
    // Without its conditions, because a client that has the page must not receive "not modified".
    let mut headers = request.headers().clone();
    headers.remove(header::IF_NONE_MATCH);
    let mut response = answer(asset, request.method(), &headers);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// The canonical address of a room that was requested by another one: with too many slashes, like
/// `/tech/`, in other letters, like `/Tech`, or encoded without need, like `/%74ech`. The page finds
/// its files relative to its address, so it is served one level below the service's own path and
/// nowhere else. The result is relative, because a proxy may have removed a prefix.
fn canonical_address(uri: &Uri, rooms: &[RoomName]) -> Option<String> {
    let path = uri.path();
    let asked = path.trim_matches('/');
    if !is_room(asked) {
        return None;
    }
    let decoded = percent_decode_str(asked).decode_utf8_lossy();
    let room = rooms.iter().find(|room| {
        let meant = decoded.trim_matches('/');
        room.as_str().eq_ignore_ascii_case(meant)
    });
    let name = room.map_or(asked, RoomName::as_str);
    let extra = path.matches('/').count().saturating_sub(1);
    if extra == 0 && name == asked {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}"));
    Some(format!(
        "{}{name}{}",
        "../".repeat(extra),
        query.unwrap_or_default()
    ))
}

/// The canonical address of a path below `/admin/`: the part of the page is behind a `#`, because the
/// page is served one level below the service's own path, as rooms are.
fn admin_address(path: &str) -> String {
    let below = path
        .strip_prefix("/admin")
        .unwrap_or_default()
        .trim_matches('/');
    let up = "../".repeat(path.matches('/').count().saturating_sub(1));
    let is_part = !below.is_empty() && below.bytes().all(|byte| byte.is_ascii_lowercase());
    match is_part {
        true => format!("{up}{ADMIN}#{below}"),
        false => format!("{up}{ADMIN}"),
    }
}

/// Whether a path may be a room's: it has one segment and does not end like a file.
fn is_room(path: &str) -> bool {
    let name = path.trim_start_matches('/');
    let file = name.rsplit_once('.').is_some_and(|(_, extension)| {
        matches!(
            extension,
            "js" | "css" | "map" | "svg" | "png" | "ico" | "txt" | "html" | "json" | "xml" | "php"
        )
    });
    !name.is_empty() && !name.contains('/') && !file
}

fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

fn answer(asset: &Asset, method: &Method, request: &HeaderMap) -> Response {
    let (coding, body) = choose(asset, request);
    let tag = format!("\"{}-{}\"", asset.tag, coding.name());
    let cache = match asset.immutable {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let fresh = is_fresh(request, &tag);
    let mut response = Response::new(match fresh || method == Method::HEAD {
        true => Body::empty(),
        false => Body::from(body.clone()),
    });
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::ETAG, &tag);
    set(header::CACHE_CONTROL, cache);
    set(header::VARY, "accept-encoding");
    if asset.path == CLIENT {
        set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    }
    if asset.path == ADMIN_PAGE {
        set(HeaderName::from_static("x-robots-tag"), "noindex, nofollow");
    }
    set(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(
        HeaderName::from_static("permissions-policy"),
        PERMISSIONS_POLICY,
    );
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    if fresh {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    set(header::CONTENT_TYPE, asset.content_type());
    set(header::CONTENT_LENGTH, &body.len().to_string());
    if coding != Coding::Identity {
        set(header::CONTENT_ENCODING, coding.name());
    }
    response
}

fn is_fresh(request: &HeaderMap, tag: &str) -> bool {
    let lists = request.get_all(header::IF_NONE_MATCH).into_iter();
    lists.filter_map(|list| list.to_str().ok()).any(|list| {
        let mut tags = list
            .split(',')
            .map(|known| known.trim().trim_start_matches("W/"));
        tags.any(|known| known == "*" || known == tag)
    })
}

/// The available coding that the client prefers. A client that refuses all of them receives the plain
/// form.
fn choose<'a>(asset: &'a Asset, request: &HeaderMap) -> (Coding, &'a Bytes) {
    let mut best = (Coding::Identity, &asset.identity, 0);
    for coding in Coding::ALL {
        let Some(body) = asset.body(coding) else {
            continue;
        };
        let quality = quality(request, coding);
        if quality > best.2 {
            best = (coding, body, quality);
        }
    }
    (best.0, best.1)
}

/// The client's quality value of a coding, in thousandths (RFC 9110, 12.5.3).
fn quality(request: &HeaderMap, coding: Coding) -> u16 {
    let mut wildcard = None;
    let lists = request.get_all(header::ACCEPT_ENCODING).into_iter();
    for item in lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
    {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let q = parts
            .find_map(|part| part.strip_prefix("q="))
            .map_or(1000, thousandths);
        if name.eq_ignore_ascii_case(coding.name()) {
            return q;
        }
        if name == "*" {
            wildcard = Some(q);
        }
    }
    match coding {
        // Always acceptable unless refused, but after every coding that was named.
        Coding::Identity => wildcard.map_or(1, |q| q.min(1)),
        _ => wildcard.unwrap_or(0),
    }
}

fn thousandths(q: &str) -> u16 {
    let value = q.parse::<f32>().unwrap_or(0.0).clamp(0.0, 1.0);
    // In range by the clamp.
    (value * 1000.0) as u16
}

#[cfg(test)]
#[path = "assets_tests.rs"]
mod tests;
