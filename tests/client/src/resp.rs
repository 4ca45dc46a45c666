//! As much of Redis's protocol as a test needs: one command, one reply.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// What Redis answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A line or a string.
    Text(String),
    /// A number.
    Number(i64),
    /// A refusal.
    Error(String),
    /// Several.
    List(Vec<Reply>),
    /// Nothing.
    Nil,
}

impl Reply {
    /// The text of a reply that is one.
    pub fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            other => panic!("{other:?} instead of a text"),
        }
    }

    /// What must be a number.
    pub fn number(self) -> i64 {
        match self {
            Self::Number(number) => number,
            other => panic!("{other:?} instead of a number"),
        }
    }

    /// The parts of a reply that has some.
    pub fn list(self) -> Vec<Self> {
        match self {
            Self::List(parts) => parts,
            other => panic!("{other:?} instead of a list"),
        }
    }
}

/// A connection to Redis.
pub struct Resp(BufReader<TcpStream>);

impl Resp {
    /// Connects, without saying who this is.
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends one command and reads its reply.
    pub async fn ask(&mut self, command: &[&str]) -> io::Result<Reply> {
        let mut request = format!("*{}\r\n", command.len());
        for part in command {
            request += &format!("${}\r\n{part}\r\n", part.len());
        }
        self.0.get_mut().write_all(request.as_bytes()).await?;
        self.reply().await
    }

    /// Boxed, because lists have replies in them.
    fn reply(&mut self) -> Pin<Box<dyn Future<Output = io::Result<Reply>> + Send + '_>> {
        Box::pin(async {
            let mut line = String::new();
            if self.0.read_line(&mut line).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let (kind, rest) = line.trim_end().split_at(1);
            let number = || rest.parse::<i64>().map_err(io::Error::other);
            match kind {
                "+" => Ok(Reply::Text(rest.to_owned())),
                "-" => Ok(Reply::Error(rest.to_owned())),
                ":" => Ok(Reply::Number(number()?)),
                "$" | "*" if number()? < 0 => Ok(Reply::Nil),
                "$" => {
                    let mut bytes = vec![0; usize::try_from(number()?).unwrap() + 2];
                    self.0.read_exact(&mut bytes).await?;
                    bytes.truncate(bytes.len() - 2);
                    Ok(Reply::Text(String::from_utf8_lossy(&bytes).into_owned()))
                }
                "*" => {
                    let mut parts = Vec::new();
                    for _ in 0..number()? {
                        parts.push(self.reply().await?);
                    }
                    Ok(Reply::List(parts))
                }
                _ => Err(io::Error::other(line.clone())),
            }
        })
    }
}
