//! A TCP proxy between one person and the server, which can do to connections what networks do.
//!
//! Each person has a proxy of their own, so a fault hits exactly theirs, and the port a person
//! knows stays the same when the server comes back on another.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::saboteur::{Saboteur, Tap, tap};

/// Where the servers are; `None` for one that is away.
pub type Gates = watch::Receiver<Vec<Option<SocketAddr>>>;

/// What can happen to the connections that exist at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Both ends see that the connection is closed, and what was on its way is lost.
    Reset,
    /// Nothing goes through any more, in one direction or both, and no end sees it. After a
    /// while it does again: late packets of a user who has long come back elsewhere.
    HalfOpen {
        /// From the client.
        up: bool,
        /// From the server.
        down: bool,
    },
    /// Everything from the server comes late, and slowly.
    Slow(Duration),
}

/// How long a half-open connection is one: longer than clients and server wait for each other.
const HALF_OPEN: Duration = Duration::from_secs(5);

/// The newest fault, when it came, and how many came before it.
#[derive(Debug, Clone, Copy)]
struct Weather {
    number: u64,
    fault: Fault,
    since: Instant,
}

/// What one connection knows of the weather: only what came after it.
#[derive(Debug, Clone)]
struct Forecast {
    weather: watch::Receiver<Weather>,
    born: u64,
}

impl Forecast {
    fn now(&self) -> (Fault, Instant) {
        let weather = *self.weather.borrow();
        let is_new = weather.number > self.born;
        let fault = if is_new { weather.fault } else { Fault::None };
        (fault, weather.since)
    }

    async fn reset(mut self) {
        let born = self.born;
        let reset = |weather: &Weather| weather.number > born && weather.fault == Fault::Reset;
        if self.weather.wait_for(reset).await.is_err() {
            // The proxy is gone, and its connections with it.
            std::future::pending::<()>().await;
        }
    }
}

/// A proxy of one user, which causes faults. Dropping it ends all its connections.
pub struct Proxy {
    address: SocketAddr,
    /// To which of the servers.
    lead: watch::Sender<usize>,
    weather: watch::Sender<Weather>,
    _accepting: JoinSet<()>,
}

impl Proxy {
    /// Starts a proxy to the first of the servers. The saboteur, if there is one, sees every frame.
    pub async fn start(gates: Gates, saboteur: Option<Arc<Saboteur>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let weather = watch::Sender::new(Weather {
            number: 0,
            fault: Fault::None,
            since: Instant::now(),
        });
        let lead = watch::Sender::new(0);
        let target = Target {
            gates,
            lead: lead.subscribe(),
        };
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, target, weather.subscribe(), saboteur));
        Self {
            address,
            lead,
            weather,
            _accepting: accepting,
        }
    }

    /// Where to connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leads later connections to that one of the servers.
    pub fn lead_to(&self, server: usize) {
        self.lead.send_replace(server);
    }

    /// Does that to all connections there are. Later ones are as good as new.
    pub fn inflict(&self, fault: Fault) {
        self.weather.send_modify(|weather| {
            *weather = Weather {
                number: weather.number + 1,
                fault,
                since: Instant::now(),
            };
        });
    }
}

/// Where connections go.
struct Target {
    gates: Gates,
    lead: watch::Receiver<usize>,
}

impl Target {
    fn now(&self) -> Option<SocketAddr> {
        self.gates.borrow()[*self.lead.borrow()]
    }
}

async fn accept(
    listener: TcpListener,
    target: Target,
    weather: watch::Receiver<Weather>,
    saboteur: Option<Arc<Saboteur>>,
) {
    let mut links = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (client, _) = accepted.unwrap();
                let forecast = Forecast {
                    born: weather.borrow().number,
                    weather: weather.clone(),
                };
                // Without a server behind the gate the connection is closed immediately.
                if let Some(target) = target.now() {
                    let taps = tap(saboteur.clone());
                    links.spawn(async move { drop(link(client, target, forecast, taps).await) });
                }
            }
            Some(_ended) = links.join_next() => {}
        }
    }
}

/// One connection, until either end or a fault ends it.
async fn link(
    mut client: TcpStream,
    target: SocketAddr,
    forecast: Forecast,
    (tap_up, tap_down): (Tap, Tap),
) -> io::Result<()> {
    let mut server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let was_reset = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let up = Pump::new(from_client, to_server, tap_up, &forecast, true);
        let down = Pump::new(from_server, to_client, tap_down, &forecast, false);
        tokio::select! {
            () = forecast.reset() => true,
            _ended = up.run() => false,
            _ended = down.run() => false,
        }
    };
    if was_reset {
        for stream in [&client, &server] {
            SockRef::from(stream).set_linger(Some(Duration::ZERO))?;
        }
    }
    Ok(())
}

/// One direction of a connection.
struct Pump<'a> {
    from: ReadHalf<'a>,
    to: WriteHalf<'a>,
    tap: Tap,
    forecast: Forecast,
    goes_up: bool,
}

impl<'a> Pump<'a> {
    fn new(
        from: ReadHalf<'a>,
        to: WriteHalf<'a>,
        tap: Tap,
        forecast: &Forecast,
        goes_up: bool,
    ) -> Self {
        Self {
            from,
            to,
            tap,
            forecast: forecast.clone(),
            goes_up,
        }
    }

    /// Forwards until the end of the stream.
    async fn run(mut self) -> io::Result<()> {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let (bytes, ended) = tokio::select! {
                read = self.from.read(&mut buffer) => {
                    let n = read?;
                    (self.tap.pass(&buffer[..n]), n == 0)
                }
                forged = self.tap.forged() => (forged, false),
            };
            // Neither bytes nor the end of the stream get through.
            self.suffer().await;
            if ended {
                return Ok(());
            }
            self.to.write_all(&bytes).await?;
        }
    }

    /// Waits as long as the weather says.
    async fn suffer(&self) {
        match self.forecast.now() {
            (Fault::HalfOpen { up, down }, since)
                if (self.goes_up && up) || (!self.goes_up && down) =>
            {
                sleep_until(since + HALF_OPEN).await;
            }
            (Fault::Slow(time), _) if !self.goes_up => sleep(time).await,
            _ => {}
        }
    }
}
