//! The least HTTP/1.1 client that keeps a connection: what it costs is taken from the same two cores as
//! what is measured.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail, ensure};

/// How long a blocking call waits for its reply.
const REPLY_TIME_MAX: Duration = Duration::from_secs(30);

/// A request as it goes over the wire.
#[must_use]
pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        text.push_str("Content-Type: application/json\r\n");
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    [text.as_bytes(), body].concat()
}

/// Where a reply's parts are in the bytes read so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Its status.
    pub status: u16,
    /// Where the body begins.
    pub body_start: usize,
    /// Where the reply ends.
    pub end: usize,
}

/// The shape of the reply that `bytes` begin with; `None` while a part is missing.
///
/// # Errors
/// What is no reply with a length.
pub fn shape(bytes: &[u8]) -> anyhow::Result<Option<Shape>> {
    let Some(head_end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..head_end]).context("a reply's head is no text")?;
    let mut lines = head.split("\r\n");
    let status_line = lines.next().unwrap_or_default();
    let status = status_line
        .split(' ')
        .nth(1)
        .and_then(|text| text.parse().ok());
    let status = status.with_context(|| format!("no status in {status_line:?}"))?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    let length = length.context("a reply without content-length")?;
    let body_start = head_end + 4;
    let end = body_start + length;
    Ok((bytes.len() >= end).then_some(Shape {
        status,
        body_start,
        end,
    }))
}

/// A connection for one call after another.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream =
            TcpStream::connect(address).with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(REPLY_TIME_MAX))?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(64 * 1024),
        })
    }

    /// Sends a request and gives the body of its reply, which must be a 200 or, for what is done later, a 202.
    ///
    /// # Errors
    /// Another status, or a connection that breaks.
    pub fn call(&mut self, request: &[u8]) -> anyhow::Result<&[u8]> {
        self.stream.write_all(request)?;
        self.buffer.clear();
        let mut part = [0; 64 * 1024];
        let shape = loop {
            let read = self.stream.read(&mut part)?;
            ensure!(read > 0, "the connection was closed");
            self.buffer.extend_from_slice(&part[..read]);
            if let Some(shape) = shape(&self.buffer)? {
                break shape;
            }
        };
        let body = &self.buffer[shape.body_start..shape.end];
        if !matches!(shape.status, 200..=202) {
            bail!(
                "answered {}: {}",
                shape.status,
                String::from_utf8_lossy(body)
            );
        }
        Ok(body)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_whole_when_its_body_is() {
        let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        for cut in 0..reply.len() {
            assert_eq!(shape(&reply[..cut]).unwrap(), None, "{cut}");
        }
        let whole = shape(reply).unwrap().unwrap();
        assert_eq!(
            (whole.status, &reply[whole.body_start..whole.end]),
            (200, &b"{}"[..])
        );
    }
}
