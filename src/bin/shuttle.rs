//! The hosted binary: Shuttle's runtime provides the secrets and the listener, this crate the router.
//!
//! The Shuttle command line finds this file by the attribute on `main`. Shuttle's own platform
//! ended on 2026-01-16; its runtime and command line still build and run locally.
//!
//! The runtime drops the service at the first signal and exits. [`DrainOnDrop`] puts the drain
//! into that moment.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use hubbub::config::Config;
use hubbub::server::{self, Server};
use hubbub::{shutdown, telemetry};
use shuttle_runtime::{CustomError, SecretStore};
use tower_service::Service;

#[shuttle_runtime::main]
async fn main(#[shuttle_runtime::Secrets] secrets: SecretStore) -> shuttle_axum::ShuttleAxum {
    let secrets: Vec<(String, String)> = secrets.into_iter().collect();
    let pairs = secrets
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let config = Config::from_pairs(pairs).map_err(CustomError::new)?;
    telemetry::start(config.log_format, &config.log_filter).map_err(CustomError::new)?;
    let mut server = Server::new(&config).map_err(CustomError::new)?;
    server.report_panics();
    if let Some(reload) = server.reloader() {
        shutdown::on_hangup(reload).map_err(CustomError::new)?;
    }
    if let Some(address) = config.metrics_addr {
        // A listener of ours beside the runtime's, whose port is public.
        let listener = server::bind_metrics(address).map_err(CustomError::new)?;
        let address = listener.local_addr().map_err(CustomError::new)?;
        tracing::info!("metrics on http://{address}/metrics");
        server.serve_metrics(listener);
    }
    server.wait_for_start().await.map_err(CustomError::new)?;
    let server = Arc::new(server);
    let watched = Arc::clone(&server);
    tokio::spawn(async move {
        let failure = watched.failed().await;
        tracing::error!("{failure}");
        watched.drain().await;
        // The runtime has no other way to end with an error.
        std::process::exit(1);
    });
    let app = App {
        router: server.router(),
        _guard: Some(DrainOnDrop { server }),
    };
    Ok(Router::new().fallback_service(app).into())
}

/// The service's router and the guard of its end. The runtime's listener clones its service for
/// each connection; only the original, which goes when the runtime drops the service, drains.
struct App {
    router: Router,
    // Held for its drop.
    _guard: Option<DrainOnDrop>,
}

impl Clone for App {
    fn clone(&self) -> Self {
        Self {
            router: self.router.clone(),
            _guard: None,
        }
    }
}

impl Service<Request> for App {
    type Response = Response;
    type Error = Infallible;
    type Future = <Router as Service<Request>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request>::poll_ready(&mut self.router, cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.router.call(request)
    }
}

/// Drains the service when dropped, on the runtime's main thread, so the process cannot end
/// before.
struct DrainOnDrop {
    server: Arc<Server>,
}

impl Drop for DrainOnDrop {
    fn drop(&mut self) {
        let server = Arc::clone(&self.server);
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(server.drain());
        });
    }
}
