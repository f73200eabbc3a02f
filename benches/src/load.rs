//! Load from one thread over many keep-alive connections, at a steady rate or as fast as replies come.
//!
//! tokio's timers are a millisecond coarse, half of what is promised, so this waits with epoll's
//! nanosecond timeout instead.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::fd::OwnedFd;

use crate::http;

/// How long replies may still come after the last request.
const DRAIN: Duration = Duration::from_secs(5);
/// The kernel may be late by this; its default is 50 µs.
const TIMER_SLACK_NS: NonZeroU64 = NonZeroU64::MIN;

/// When requests go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// So many a second, whether replies come or not. Each connection has its own schedule; a request
    /// whose connection still waits for a reply goes out late and counts from when it was due.
    Open {
        /// Requests a second over all connections.
        per_second: u32,
    },
    /// The next one with every reply.
    Closed,
}

/// What became of a run.
#[derive(Debug)]
pub struct Measured {
    /// Requests that were answered.
    pub replies: usize,
    /// Requests that were not, some seconds after the last one was due. Their latency is what they had
    /// waited by then.
    pub unanswered: usize,
    /// From the first request to the last reply.
    pub elapsed: Duration,
    latencies_ns: Vec<u64>,
}

impl Measured {
    /// The latency that this share (0 to 1) of the requests stayed within.
    #[must_use]
    pub fn percentile(&self, share: f64) -> Duration {
        let last = self.latencies_ns.len().saturating_sub(1);
        let rank = (share * self.latencies_ns.len() as f64).ceil() as usize;
        let nanos = self.latencies_ns.get(rank.saturating_sub(1).min(last));
        Duration::from_nanos(nanos.copied().unwrap_or_default())
    }

    /// Replies a second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.replies as f64 / self.elapsed.as_secs_f64()
    }
}

/// Sends `request` again and again, and insists on a 200 each time.
///
/// # Errors
/// Another status, or a broken connection.
pub fn run(
    address: SocketAddr,
    request: &[u8],
    connections: usize,
    pace: Pace,
    duration: Duration,
) -> anyhow::Result<Measured> {
    run_all(address, &[request.to_vec()], connections, pace, duration)
}

/// As [`run`], with these requests by turns.
///
/// # Errors
/// Another status, or a broken connection.
pub fn run_all(
    address: SocketAddr,
    requests: &[Vec<u8>],
    connections: usize,
    pace: Pace,
    duration: Duration,
) -> anyhow::Result<Measured> {
    ensure!(!requests.is_empty(), "no request to send");
    rustix::thread::set_current_timer_slack(Some(TIMER_SLACK_NS))?;
    let mut run = Run::open(address, requests, connections)?;
    run.drive(pace, duration)?;
    let Run {
        mut latencies_ns,
        unanswered,
        started,
        finished,
        ..
    } = run;
    latencies_ns.sort_unstable();
    Ok(Measured {
        replies: latencies_ns.len() - unanswered,
        unanswered,
        elapsed: finished.duration_since(started),
        latencies_ns,
    })
}

struct Run<'a> {
    requests: &'a [Vec<u8>],
    sent: usize,
    epoll: OwnedFd,
    lines: Vec<Line>,
    latencies_ns: Vec<u64>,
    open: usize,
    unanswered: usize,
    started: Instant,
    finished: Instant,
}

/// One connection and the requests that are due on it; the first one is under way.
struct Line {
    stream: TcpStream,
    due: VecDeque<Instant>,
    reply: Vec<u8>,
}

impl<'a> Run<'a> {
    fn open(
        address: SocketAddr,
        requests: &'a [Vec<u8>],
        connections: usize,
    ) -> anyhow::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let mut lines = Vec::with_capacity(connections);
        for index in 0..connections {
            let stream = TcpStream::connect(address).context("connect")?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            epoll::add(
                &epoll,
                &stream,
                EventData::new_u64(index as u64),
                EventFlags::IN,
            )?;
            lines.push(Line {
                stream,
                due: VecDeque::new(),
                reply: Vec::with_capacity(4096),
            });
        }
        let now = Instant::now();
        Ok(Self {
            requests,
            sent: 0,
            epoll,
            lines,
            latencies_ns: Vec::with_capacity(1 << 20),
            open: 0,
            unanswered: 0,
            started: now,
            finished: now,
        })
    }

    fn drive(&mut self, pace: Pace, duration: Duration) -> anyhow::Result<()> {
        self.started = Instant::now();
        let end = self.started + duration;
        let mut next = Schedule::of(pace, self.started, self.lines.len());
        if pace == Pace::Closed {
            for line in 0..self.lines.len() {
                self.ask(line, self.started)?;
            }
        }
        let mut events: Vec<Event> = Vec::with_capacity(self.lines.len());
        loop {
            let now = Instant::now();
            while let Some((line, due)) = next.due_by(now.min(end)) {
                self.ask(line, due)?;
            }
            if now >= end && self.open == 0 {
                return Ok(());
            }
            if now >= end + DRAIN {
                return self.give_up(now);
            }
            let until = next.at().filter(|at| *at < end).unwrap_or(if now < end {
                end
            } else {
                end + DRAIN
            });
            let wait = until.saturating_duration_since(now);
            let wait = Timespec {
                tv_sec: i64::try_from(wait.as_secs())?,
                tv_nsec: wait.subsec_nanos().into(),
            };
            events.clear();
            epoll::wait(
                &self.epoll,
                rustix::buffer::spare_capacity(&mut events),
                Some(&wait),
            )?;
            for event in &events {
                let line = usize::try_from(event.data.u64())?;
                let again = pace == Pace::Closed && Instant::now() < end;
                self.take_reply(line, again)?;
            }
        }
    }

    /// What was never answered took at least until now.
    fn give_up(&mut self, now: Instant) -> anyhow::Result<()> {
        let never = self.lines.iter().flat_map(|line| &line.due);
        for due in never {
            let nanos = now.duration_since(*due).as_nanos();
            self.latencies_ns.push(u64::try_from(nanos)?);
        }
        self.unanswered = std::mem::take(&mut self.open);
        Ok(())
    }

    /// A request is due on this connection.
    fn ask(&mut self, line: usize, due: Instant) -> anyhow::Result<()> {
        self.open += 1;
        self.lines[line].due.push_back(due);
        if self.lines[line].due.len() == 1 {
            self.send_next(line)?;
        }
        Ok(())
    }

    fn send_next(&mut self, line: usize) -> anyhow::Result<()> {
        let request = &self.requests[self.sent % self.requests.len()];
        self.sent += 1;
        self.lines[line].send(request)
    }

    /// Reads what has come on this connection. When that is the whole reply, the next request goes out.
    fn take_reply(&mut self, index: usize, again: bool) -> anyhow::Result<()> {
        let line = &mut self.lines[index];
        let Some(shape) = line.read()? else {
            return Ok(());
        };
        ensure!(shape.status == 200, "answered {}", shape.status);
        ensure!(shape.end == line.reply.len(), "bytes follow a reply");
        line.reply.clear();
        let now = Instant::now();
        let due = line.due.pop_front().context("a reply without a request")?;
        let more = !line.due.is_empty();
        if more {
            self.send_next(index)?;
        }
        let nanos = now.duration_since(due).as_nanos();
        self.latencies_ns.push(u64::try_from(nanos)?);
        self.open -= 1;
        self.finished = now;
        if again { self.ask(index, now) } else { Ok(()) }
    }
}

impl Line {
    fn send(&mut self, request: &[u8]) -> anyhow::Result<()> {
        let sent = self.stream.write(request)?;
        ensure!(
            sent == request.len(),
            "a request did not fit into the socket's buffer"
        );
        Ok(())
    }

    fn read(&mut self) -> anyhow::Result<Option<http::Shape>> {
        let mut part = [0; 16 * 1024];
        match self.stream.read(&mut part) {
            Ok(0) => bail!("the connection was closed"),
            Ok(read) => self.reply.extend_from_slice(&part[..read]),
            Err(fault) if fault.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(fault) => return Err(fault.into()),
        }
        http::shape(&self.reply)
    }
}

/// When which connection is to send.
struct Schedule {
    started: Instant,
    connections: usize,
    gap_ns: Option<u64>,
    sent: u64,
}

impl Schedule {
    fn of(pace: Pace, started: Instant, connections: usize) -> Self {
        let gap_ns = match pace {
            Pace::Open { per_second } => Some(1_000_000_000 / u64::from(per_second.max(1))),
            Pace::Closed => None,
        };
        Self {
            started,
            connections,
            gap_ns,
            sent: 0,
        }
    }

    /// When the next request is due.
    fn at(&self) -> Option<Instant> {
        Some(self.started + Duration::from_nanos(self.gap_ns? * self.sent))
    }

    /// The next request that was due before `now`.
    fn due_by(&mut self, now: Instant) -> Option<(usize, Instant)> {
        let at = self.at().filter(|at| *at < now)?;
        let line = self.sent as usize % self.connections;
        self.sent += 1;
        Some((line, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_latencies_that_were_seen() {
        let measured = Measured {
            replies: 1000,
            unanswered: 0,
            elapsed: Duration::from_secs(2),
            latencies_ns: (1..=1000).collect(),
        };
        assert_eq!(measured.percentile(0.5).as_nanos(), 500);
        assert_eq!(measured.percentile(0.999).as_nanos(), 999);
        assert_eq!(measured.percentile(1.0).as_nanos(), 1000);
        assert!((measured.per_second() - 500.0).abs() < 1e-9);
    }

    #[test]
    fn an_open_schedule_goes_on_whether_replies_come_or_not() {
        let started = Instant::now();
        let mut schedule = Schedule::of(Pace::Open { per_second: 1000 }, started, 2);
        let later = started + Duration::from_micros(2500);
        let due: Vec<_> = std::iter::from_fn(|| schedule.due_by(later)).collect();
        let at = |millis| started + Duration::from_millis(millis);
        assert_eq!(due, [(0, at(0)), (1, at(1)), (0, at(2))]);
    }
}
