//! Hubbub as a part of another axum application: `cargo run --example embed 127.0.0.1:8080`, then
//! open `/` or `/chat/`, or ask for `/hello`. Reads no environment and installs no panic hook.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::net::SocketAddr;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use hubbub::{config::Config, domain::RoomName, server::Server, shutdown};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config {
        rooms: vec![RoomName::parse("lobby")?, RoomName::parse("support")?],
        ..Config::default()
    };
    let server = Server::new(&config)?;
    let app = Router::new()
        .route("/hello", get(|| async { "hello from the application\n" }))
        // The page finds its files from its own address, which must end in a slash here.
        .route("/chat", get(|| async { Redirect::permanent("/chat/") }))
        .nest_service("/chat/", server.router())
        .fallback_service(server.router());

    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8080");
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let stop = shutdown::on_signals()?;
    // With the peer's address, so that limits for each address apply.
    axum::serve(
        listener,
        app.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .with_graceful_shutdown(async move {
        stop.cancelled().await;
        server.drain().await;
    })
    .await?;
    Ok(())
}
