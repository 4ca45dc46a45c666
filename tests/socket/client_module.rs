//! The client module at `/client.js`: one file that pages of any origin may import and keep.

use hubbub_test_client::TestServer;
use hubbub_test_client::http::{Answer, Line};
use hyper::http::Method;

use super::HUBBUB;

async fn import(server: &TestServer, headers: &[(&str, &str)]) -> Answer {
    let origin = ("origin", "https://other.example");
    let headers: Vec<_> = [&[origin], headers]
        .concat()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut line = Line::new(server.address());
    let answer = line.request(Method::GET, "/client.js", &headers, String::new());
    answer.await.unwrap()
}

#[tokio::test]
async fn a_page_of_another_origin_imports_the_client_module_and_keeps_it() {
    // Who may connect is another question than who may read the module.
    let server = HUBBUB
        .start_with(&[("ALLOWED_ORIGINS", "https://chat.example")])
        .await;
    let module = import(&server, &[]).await;
    assert_eq!(module.status.as_u16(), 200);
    assert_eq!(
        module.headers["content-type"],
        "text/javascript; charset=utf-8"
    );
    assert_eq!(module.headers["access-control-allow-origin"], "*");
    let exports = module.body.rsplit("export").next().unwrap();
    for name in ["createClient", "createChat", "HubbubError"] {
        assert!(exports.contains(name), "no {name} among {exports}");
    }
    assert!(
        !module.body.contains("import("),
        "the module is one file and loads no other"
    );

    let tag = module.headers["etag"].to_str().unwrap();
    let kept = import(&server, &[("if-none-match", tag)]).await;
    assert_eq!((kept.status.as_u16(), kept.body.as_str()), (304, ""));
    assert_eq!(kept.headers["access-control-allow-origin"], "*");
}

#[tokio::test]
async fn the_client_module_is_there_beside_a_page_from_a_folder_unless_the_folder_has_its_own() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), "<!doctype html>").unwrap();
    let settings = [("WEB_DIR", folder.path().to_str().unwrap())];
    let built_in = import(&HUBBUB.start_with(&settings).await, &[]).await;
    assert_eq!(built_in.status.as_u16(), 200);
    assert!(built_in.body.contains("createClient"));

    std::fs::write(folder.path().join("client.js"), "export {};").unwrap();
    let own = import(&HUBBUB.start_with(&settings).await, &[]).await;
    assert_eq!(own.body, "export {};");
    assert_eq!(own.headers["access-control-allow-origin"], "*");
}
