//! The handler, on a table of its own.

use axum::body::to_bytes;

use super::*;

fn assets() -> Assets {
    let asset = |path: &str, packed: bool| Asset {
        path: path.to_owned(),
        tag: "t".to_owned(),
        immutable: path.starts_with("/assets/"),
        identity: Bytes::from_static(b"plain"),
        gzip: packed.then(|| Bytes::from_static(b"gz")),
        brotli: packed.then(|| Bytes::from_static(b"b")),
    };
    Assets::sorted(vec![
        asset("/admin.html", true),
        asset("/index.html", true),
        asset("/assets/index-1.js", true),
        asset("/client.js", true),
        asset("/icon.png", false),
    ])
}

fn rooms() -> Arc<[RoomName]> {
    let room = |name: &str| RoomName::parse(name).unwrap_or_else(|error| panic!("{name}: {error}"));
    ["tech", "music"].map(room).into()
}

async fn ask(
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let Ok(request) = request.body(Body::empty()) else {
        panic!("{path} is no request");
    };
    let response = serve(State((assets(), rooms())), request).await;
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1000).await.unwrap_or_default();
    (
        parts.status,
        parts.headers,
        String::from_utf8_lossy(&body).into_owned(),
    )
}

async fn get(path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, String) {
    ask(Method::GET, path, headers).await
}

fn value<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
}

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

#[tokio::test]
async fn the_coding_follows_the_clients_wishes() {
    for (accepted, body, coding) in [
        ("", "plain", ""),
        ("gzip, deflate, br, zstd", "b", "br"),
        ("gzip", "gz", "gzip"),
        ("br;q=0.5, gzip;q=0.8", "gz", "gzip"),
        ("br;q=0, *", "gz", "gzip"),
        ("BR;q=0.002", "b", "br"),
        ("*;q=0", "plain", ""),
        ("identity, br;q=0.5", "plain", ""),
    ] {
        let (status, headers, got) = get("/", &[("accept-encoding", accepted)]).await;
        assert_eq!((status, got.as_str()), (StatusCode::OK, body), "{accepted}");
        assert_eq!(value(&headers, "content-encoding"), coding, "{accepted}");
        assert_eq!(value(&headers, "content-length"), body.len().to_string());
        assert_eq!(value(&headers, "vary"), "accept-encoding");
    }
}

#[tokio::test]
async fn a_file_without_packed_forms_is_plain() {
    let (_, headers, body) = get("/icon.png", &[("accept-encoding", "br, gzip")]).await;
    assert_eq!(
        (value(&headers, "content-encoding"), body.as_str()),
        ("", "plain")
    );
    assert_eq!(value(&headers, "content-type"), "image/png");
}

#[tokio::test]
async fn each_coding_has_its_own_tag_and_is_not_sent_twice() {
    let (_, headers, _) = get("/", &[("accept-encoding", "br")]).await;
    let tag = value(&headers, "etag").to_owned();
    assert_eq!(tag, "\"t-br\"");
    for known in [tag.as_str(), "\"x\", W/\"t-br\"", "*"] {
        let asked = [("accept-encoding", "br"), ("if-none-match", known)];
        let (status, headers, body) = get("/", &asked).await;
        assert_eq!(
            (status, body.as_str()),
            (StatusCode::NOT_MODIFIED, ""),
            "{known}"
        );
        assert_eq!(value(&headers, "etag"), tag);
    }
    let (status, ..) = get("/", &[("if-none-match", &tag)]).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn hashed_files_are_kept_for_ever_and_the_page_is_asked_for_again() {
    let (_, hashed, _) = get("/assets/index-1.js", &[]).await;
    assert!(value(&hashed, "cache-control").contains("immutable"));
    let (_, page, _) = get("/", &[]).await;
    assert_eq!(value(&page, "cache-control"), "no-cache");
}

#[tokio::test]
async fn a_room_is_the_page_and_a_missing_file_is_missing() {
    for room in ["/tech", "/music"] {
        let (status, headers, _) = get(room, &[BROWSER]).await;
        assert_eq!(status, StatusCode::OK, "{room}");
        assert_eq!(value(&headers, "content-type"), "text/html; charset=utf-8");
    }
    for missing in [
        "/assets/index-2.js",
        "/favicon.ico",
        "/a/b",
        "/..%2fsecret/x",
        "//tech/x",
    ] {
        assert_eq!(
            get(missing, &[BROWSER]).await.0,
            StatusCode::NOT_FOUND,
            "{missing}"
        );
    }
    assert_eq!(
        get("/metrics", &[("accept", "*/*")]).await.0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn another_way_to_write_it_leads_to_the_room_also_where_a_proxy_took_a_prefix_away() {
    for (path, address) in [
        ("/Tech", "tech"),
        ("/TECH/?a=b", "../tech?a=b"),
        ("/%74ech", "tech"),
        ("/%54ech%2F", "tech"),
        ("/Nowhere/", "../Nowhere"),
        ("/tech/", "../tech"),
        ("/tech/?a=b", "../tech?a=b"),
        ("/caf%C3%A9/", "../caf%C3%A9"),
        ("//tech", "../tech"),
        ("//evil.example/", "../../evil.example"),
        ("///tech//", "../../../../tech"),
    ] {
        let (status, headers, _) = get(path, &[BROWSER]).await;
        assert_eq!(status, StatusCode::PERMANENT_REDIRECT, "{path}");
        assert_eq!(value(&headers, "location"), address);
    }
    for path in ["/tech/", "/Tech"] {
        assert_eq!(get(path, &[]).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["/tech", "/nowhere", "/%ff", "/Index.html"] {
        let (status, headers, _) = get(path, &[BROWSER]).await;
        assert_eq!(
            (status.is_redirection(), value(&headers, "location")),
            (false, ""),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_room_that_is_not_there_is_a_page_that_says_so_and_not_found() {
    let (_, page, _) = get("/tech", &[BROWSER]).await;
    let known = ("if-none-match", value(&page, "etag"));
    for path in [
        "/nowhere",
        "/caf%C3%A9",
        "/v1.5",
        "/metrics",
        "/Administrator",
        "/debug",
    ] {
        let (status, headers, body) = get(path, &[BROWSER, known]).await;
        assert_eq!(
            (status, body.as_str()),
            (StatusCode::NOT_FOUND, "plain"),
            "{path}"
        );
        assert!(
            !value(&headers, "content-security-policy").is_empty(),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_admin_page_is_at_one_address_and_in_no_search_engine() {
    for path in ["/admin", "/admin.html"] {
        let (status, headers, _) = get(path, &[]).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert_eq!(value(&headers, "content-type"), "text/html; charset=utf-8");
        assert_eq!(value(&headers, "cache-control"), "no-cache");
        assert_eq!(value(&headers, "x-robots-tag"), "noindex, nofollow");
        assert!(value(&headers, "content-security-policy").contains("trusted-types 'none'"));
    }
    assert_eq!(
        ask(Method::POST, "/admin", &[]).await.0,
        StatusCode::METHOD_NOT_ALLOWED
    );
    for (path, address) in [
        ("/admin/", "../admin"),
        ("/admin/rooms", "../admin#rooms"),
        ("/admin/rooms/", "../../admin#rooms"),
        ("/admin/rooms/tech", "../../admin"),
        ("/admin/%22%3e", "../admin"),
        ("/admin//evil.example", "../../admin"),
    ] {
        let (status, headers, _) = get(path, &[BROWSER]).await;
        assert_eq!(status, StatusCode::PERMANENT_REDIRECT, "{path}");
        assert_eq!(value(&headers, "location"), address, "{path}");
    }
    assert_eq!(get("/admin/rooms", &[]).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn head_has_no_body_and_other_methods_are_refused() {
    let (status, headers, body) = ask(Method::HEAD, "/", &[("accept-encoding", "gzip")]).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, ""));
    assert_eq!(value(&headers, "content-length"), "2");
    let (status, headers, _) = ask(Method::POST, "/", &[]).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(value(&headers, "allow"), "GET, HEAD");
    assert_eq!(
        ask(Method::POST, "/nothing.js", &[]).await.0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn nothing_foreign_may_run_or_frame_the_page() {
    let (_, headers, _) = get("/", &[]).await;
    let policy = value(&headers, "content-security-policy");
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ] {
        assert!(policy.contains(rule), "{rule}");
    }
    assert!(!policy.contains("unsafe"));
    assert_eq!(value(&headers, "x-content-type-options"), "nosniff");
    assert_eq!(value(&headers, "referrer-policy"), "no-referrer");
    assert!(!value(&headers, "permissions-policy").is_empty());
}

#[tokio::test]
async fn pages_of_other_origins_import_the_client_module_and_nothing_else() {
    let origin = ("origin", "https://other.example");
    let (status, headers, body) = get("/client.js", &[origin]).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "plain"));
    assert_eq!(value(&headers, "access-control-allow-origin"), "*");
    assert_eq!(
        value(&headers, "content-type"),
        "text/javascript; charset=utf-8"
    );
    assert_eq!(value(&headers, "cache-control"), "no-cache");
    let tag = value(&headers, "etag").to_owned();
    let (status, headers, body) = get("/client.js", &[origin, ("if-none-match", &tag)]).await;
    assert_eq!(
        (status, body.as_str()),
        (StatusCode::NOT_MODIFIED, ""),
        "{tag}"
    );
    assert_eq!(value(&headers, "access-control-allow-origin"), "*");
    for path in ["/", "/assets/index-1.js", "/icon.png"] {
        let (_, headers, _) = get(path, &[origin]).await;
        assert_eq!(value(&headers, "access-control-allow-origin"), "", "{path}");
    }
}
