//! Proxies in front of servers, each with one fault of real ones: they are deployments that
//! `hubbub doctor` must find the fault of.

use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

/// What a proxy does to requests and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It lives below `/chat/`, and is no fault.
    Below,
    /// Its own prefix stays in the path.
    KeepsPrefix,
    /// It does not pass `Upgrade` on.
    StripsUpgrade,
    /// Every connection goes to the next server.
    TakesTurns,
    /// Connections without a byte for this long are cut.
    CutsQuiet(Duration),
    /// Answers are passed on when they are complete.
    Buffers,
    /// Bodies with over this many bytes are refused.
    RefusesBodies(usize),
    /// The first answer is lost.
    LosesFirstAnswer,
    /// Answers get this header more.
    Adds(&'static str),
    /// Answers lose the header whose line begins so.
    Hides(&'static str),
}

/// A proxy. Dropping it ends all its connections.
pub struct Proxy {
    address: SocketAddr,
    cut: watch::Sender<u64>,
    _accepting: JoinSet<()>,
}

/// What connections need.
struct Shared {
    servers: Vec<SocketAddr>,
    fault: Fault,
    accepted: AtomicUsize,
}

impl Proxy {
    /// Starts a proxy in front of these servers.
    pub async fn start(servers: &[SocketAddr], fault: Fault) -> Self {
        Self::listen(servers, fault, None).await
    }

    /// Starts a proxy that does TLS.
    pub async fn with_tls(servers: &[SocketAddr], authority: &Authority) -> Self {
        Self::listen(servers, Fault::None, Some(authority.acceptor())).await
    }

    async fn listen(servers: &[SocketAddr], fault: Fault, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            servers: servers.to_vec(),
            fault,
            accepted: AtomicUsize::new(0),
        });
        let cut = watch::Sender::new(0);
        let mut accepting = JoinSet::new();
        let cuts = cut.subscribe();
        accepting.spawn(async move {
            let mut links = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let (shared, tls, mut cuts) = (Arc::clone(&shared), tls.clone(), cuts.clone());
                cuts.mark_unchanged();
                links.spawn(async move {
                    // However a connection ends, the others go on.
                    tokio::select! {
                        _ended = serve(client, tls, &shared) => {}
                        _cut = cuts.changed() => {}
                    }
                });
            }
        });
        Self {
            address,
            cut,
            _accepting: accepting,
        }
    }

    /// Its address, as clients use it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Cuts all connections that there are.
    pub fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }
}

async fn serve(client: TcpStream, tls: Option<TlsAcceptor>, shared: &Shared) -> io::Result<()> {
    match tls {
        Some(tls) => link(tls.accept(client).await?, shared).await,
        None => link(client, shared).await,
    }
}

/// One connection with one request, or a WebSocket.
async fn link<C: AsyncRead + AsyncWrite + Unpin>(mut client: C, shared: &Shared) -> io::Result<()> {
    let (head, mut rest) = head_of(&mut client).await?;
    while rest.len() < length_of(&head) {
        if client.read_buf(&mut rest).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let head = match changed(&head, shared.fault) {
        Ok(head) => head,
        Err(answer) => {
            client.write_all(answer.as_bytes()).await?;
            return client.shutdown().await;
        }
    };
    let turn = shared.accepted.fetch_add(1, Ordering::Relaxed);
    let next = match shared.fault {
        Fault::TakesTurns => turn % shared.servers.len(),
        _ => 0,
    };
    let mut server = TcpStream::connect(shared.servers[next]).await?;
    server.write_all(head.as_bytes()).await?;
    server.write_all(&rest).await?;
    let is_upgrade = head.to_lowercase().contains("\r\nupgrade:");
    match shared.fault {
        Fault::LosesFirstAnswer if turn == 0 => {
            let (_lost, _) = head_of(&mut server).await?;
            Ok(())
        }
        Fault::CutsQuiet(time) => until_quiet(client, server, time).await,
        Fault::Buffers if !is_upgrade => {
            let mut whole = Vec::new();
            server.read_to_end(&mut whole).await?;
            client.write_all(&whole).await?;
            client.shutdown().await
        }
        Fault::Adds(_) | Fault::Hides(_) => {
            let (head, rest) = head_of(&mut server).await?;
            client
                .write_all(answer_head(&head, shared.fault).as_bytes())
                .await?;
            client.write_all(&rest).await?;
            tokio::io::copy_bidirectional(&mut client, &mut server).await?;
            Ok(())
        }
        _ => tokio::io::copy_bidirectional(&mut client, &mut server)
            .await
            .map(drop),
    }
}

/// A head up to its empty line, and what was read beyond it.
async fn head_of<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(at + 4);
            return Ok((String::from_utf8(bytes).unwrap(), rest));
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// The head that the server gets, or an answer instead.
fn changed(head: &str, fault: Fault) -> Result<String, String> {
    let closing = |status: &str, more: &str| {
        format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n{more}connection: close\r\n\r\n")
    };
    let path = head.split(' ').nth(1).unwrap();
    match fault {
        Fault::Below if path == "/chat" => {
            Err(closing("308 Permanent Redirect", "location: /chat/\r\n"))
        }
        Fault::Below if !path.starts_with("/chat/") => Err(closing("404 Not Found", "")),
        Fault::Below => Ok(head.replacen("/chat/", "/", 1)),
        Fault::KeepsPrefix => Ok(head.replacen(" /", " /prefix/", 1)),
        Fault::StripsUpgrade => Ok(without(without(head, "upgrade:").as_str(), "connection:")),
        Fault::Buffers if !head.to_lowercase().contains("\r\nupgrade:") => {
            Ok(head.replacen("\r\n", "\r\nconnection: close\r\n", 1))
        }
        Fault::RefusesBodies(most) if length_of(head) > most => {
            Err(closing("413 Content Too Large", ""))
        }
        _ => Ok(head.to_owned()),
    }
}

fn length_of(head: &str) -> usize {
    let lines = head.lines().map(str::to_lowercase);
    let mut lengths =
        lines.filter_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    lengths.next().unwrap_or(0)
}

fn without(head: &str, name: &str) -> String {
    let lines = head.split_inclusive("\r\n");
    lines
        .filter(|line| !line.to_lowercase().starts_with(name))
        .collect()
}

fn answer_head(head: &str, fault: Fault) -> String {
    match fault {
        Fault::Adds(line) => head.replacen("\r\n", &format!("\r\n{line}\r\n"), 1),
        Fault::Hides(name) => without(head, name),
        _ => head.to_owned(),
    }
}

/// Passes bytes on in both directions until neither has any for this long.
async fn until_quiet<C: AsyncRead + AsyncWrite + Unpin>(
    mut client: C,
    mut server: TcpStream,
    time: Duration,
) -> io::Result<()> {
    let (mut up, mut down) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    loop {
        let next = async {
            tokio::select! {
                read = client.read(&mut up) => read.map(|n| (true, n)),
                read = server.read(&mut down) => read.map(|n| (false, n)),
            }
        };
        match timeout(time, next).await {
            Ok(Ok((_, 0))) | Err(_) => return Ok(()),
            Ok(Ok((true, n))) => server.write_all(&up[..n]).await?,
            Ok(Ok((false, n))) => client.write_all(&down[..n]).await?,
            Ok(Err(error)) => return Err(error),
        }
    }
}

/// A certificate for `localhost`, and the authority that signed it, made by openssl.
pub struct Authority {
    folder: TempDir,
}

impl Authority {
    /// Makes both. The certificate is valid for this many days.
    pub fn new(days: u32) -> Self {
        let folder = TempDir::new().unwrap();
        let script = format!(
            "set -e
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 \
              -subj '/CN=an authority of a test' -keyout ca.key -out ca.pem
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
              -keyout key.pem -out request.pem
            echo 'subjectAltName=DNS:localhost' > names
            openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial \
              -days {days} -extfile names -out certificate.pem"
        );
        let made = Command::new("sh")
            .args(["-c", &script])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "openssl is needed: {made:?}");
        Self { folder }
    }

    /// The file with the authority's certificate.
    pub fn file(&self) -> String {
        self.folder
            .path()
            .join("ca.pem")
            .to_str()
            .unwrap()
            .to_owned()
    }

    fn acceptor(&self) -> TlsAcceptor {
        let path = |name: &str| self.folder.path().join(name);
        let certificate = CertificateDer::from_pem_file(path("certificate.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(path("key.pem")).unwrap();
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}
