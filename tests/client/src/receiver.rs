//! A receiver of webhooks: a small HTTP server that checks signatures, answers as a test says, and
//! hands over what it accepted.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::http::{HeaderMap, Request, Response};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::EVENT_TIMEOUT;

/// What a receiver does with a request.
#[derive(Debug, Clone)]
pub enum Reaction {
    /// Answers with this status and this header, if one is given.
    Status(u16, Option<(&'static str, String)>),
    /// Takes the request and closes the connection.
    Drop,
    /// Answers only after this time.
    Late(Duration),
}

/// A request to a receiver.
#[derive(Debug, Clone)]
pub struct Received {
    /// `webhook-id`.
    pub id: String,
    /// The payload.
    pub body: Value,
    /// The payload as it came.
    pub text: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The path and the query.
    pub path: String,
    /// The status that it was answered with; 0 if it was not.
    pub status: u16,
}

impl Received {
    /// The payload's `type`.
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default()
    }

    /// Checks the signature, as a library of Standard Webhooks does.
    pub fn assert_signed(&self, secret: &str) {
        let header = |name: &str| self.headers[name].to_str().unwrap();
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap());
        let mut mac = Hmac::<Sha256>::new_from_slice(&key.unwrap()).unwrap();
        let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
        mac.update(format!("{id}.{timestamp}.{}", self.text).as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(header("webhook-signature"), expected);
        let now_s = super::tokens::now_s();
        assert!((timestamp.parse::<i64>().unwrap() - now_s).abs() < 60);
    }
}

#[derive(Debug, Default)]
struct Plan {
    next: VecDeque<Reaction>,
    always: Option<Reaction>,
}

/// A receiver on a free port of its own. Dropping it closes the port.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    plan: Arc<Mutex<Plan>>,
    requests: mpsc::UnboundedReceiver<Received>,
    /// The payloads that were accepted, by their ids.
    known: HashMap<String, String>,
    task: AbortHandle,
}

impl Receiver {
    /// A receiver that accepts everything.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let plan = Arc::<Mutex<Plan>>::default();
        let (sender, requests) = mpsc::unbounded_channel();
        let serving = Arc::clone(&plan);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (plan, sender) = (Arc::clone(&serving), sender.clone());
                let service =
                    service_fn(move |request| answer(request, Arc::clone(&plan), sender.clone()));
                // Ends with an error if the plan says so.
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(async move { drop(connection.await) });
            }
        });
        Self {
            address,
            plan,
            requests,
            known: HashMap::new(),
            task: task.abort_handle(),
        }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}/receive?token=of-the-receiver", self.address)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The next requests are answered like that, one after the other; later ones are accepted.
    pub fn plan(&self, reactions: impl IntoIterator<Item = Reaction>) {
        self.plan.lock().unwrap().next.extend(reactions);
    }

    /// All requests are answered like that from now on; `None` = accepted.
    pub fn always(&self, reaction: Option<Reaction>) {
        self.plan.lock().unwrap().always = reaction;
    }

    /// The next request, whatever it is answered with.
    pub async fn request(&mut self) -> Received {
        let next = timeout(EVENT_TIMEOUT, self.requests.recv()).await;
        next.expect("a request in time").unwrap()
    }

    /// The next request that is accepted and was not accepted before, under the same id.
    pub async fn accepted(&mut self) -> Received {
        loop {
            let request = self.request().await;
            if !(200..300).contains(&request.status) {
                continue;
            }
            let (id, text) = (request.id.clone(), request.text.clone());
            match self.known.insert(id, text) {
                None => return request,
                Some(known) => assert_eq!(known, request.text, "another payload with that id"),
            }
        }
    }

    /// The next that are accepted are messages with these numbers as their texts, in order.
    pub async fn expect_numbers(&mut self, numbers: Range<usize>) -> Vec<Received> {
        let mut accepted = Vec::new();
        for number in numbers {
            let next = self.accepted().await;
            assert_eq!(next.body["data"]["text"], number.to_string());
            accepted.push(next);
        }
        accepted
    }

    /// What has come so far and was not asked for.
    pub fn pending(&mut self) -> Vec<Received> {
        std::iter::from_fn(|| self.requests.try_recv().ok()).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Fails to answer, so that the connection is closed.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed")
    }
}

impl std::error::Error for Closed {}

impl From<Infallible> for Closed {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

async fn answer(
    request: Request<Incoming>,
    plan: Arc<Mutex<Plan>>,
    sender: mpsc::UnboundedSender<Received>,
) -> Result<Response<Full<Bytes>>, Closed> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
    let reaction = {
        let mut plan = plan.lock().unwrap();
        let next = plan.next.pop_front();
        next.or_else(|| plan.always.clone())
    };
    let reaction = reaction.unwrap_or(Reaction::Status(200, None));
    let (status, header) = match &reaction {
        Reaction::Status(status, header) => (*status, header.clone()),
        Reaction::Drop => (0, None),
        Reaction::Late(_) => (0, None),
    };
    let text = String::from_utf8(body.to_vec()).unwrap();
    let id = head
        .headers
        .get("webhook-id")
        .map(|id| id.to_str().unwrap());
    let received = Received {
        id: id.unwrap_or_default().to_owned(),
        body: serde_json::from_str(&text).unwrap_or_default(),
        text,
        path: head.uri.to_string(),
        status,
        headers: head.headers.clone(),
    };
    // The test may have ended.
    drop(sender.send(received));
    match reaction {
        Reaction::Drop => return Err(Closed),
        Reaction::Late(time) => sleep(time).await,
        Reaction::Status(..) => {}
    }
    let mut response = Response::builder().status(status.max(200));
    if let Some((name, value)) = header {
        response = response.header(name, value);
    }
    Ok(response.body(Full::new("received".into())).unwrap())
}
