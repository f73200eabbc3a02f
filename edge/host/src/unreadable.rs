//! What hyper cannot read gets the contract's envelope too.
//!
//! hyper answers by itself, with an empty body and no header of ours, what is no HTTP (400) and what has too
//! long a head (414, 431), and cannot be told to answer otherwise. That is the last reply on a connection and
//! the only one without our request id; this stream writes the envelope in its place.

use crate::fault::{Asked, Fault};
use footfall_shared::id::RequestId;
use http::HeaderMap;
use std::future::Future as _;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// How long, and how many bytes, are still read of a request that was answered before its end: a connection
/// closed over unread bytes would take the answer with it.
const DISCARD_TIME_MAX: Duration = Duration::from_secs(2);
const DISCARDED_BYTES_MAX: usize = 1 << 20;

/// A client's connection.
pub(crate) struct EnvelopeStream<S> {
    stream: S,
    refused: Option<Refused>,
}

/// The connection ends after the envelope.
struct Refused {
    envelope: Vec<u8>,
    written: usize,
    /// Runs from the shutdown on.
    discarding: Option<Pin<Box<Sleep>>>,
    discarded: usize,
}

impl<S> EnvelopeStream<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            refused: None,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> EnvelopeStream<S> {
    /// Writes the envelope where `answer` is hyper's own; else does nothing and says `None`.
    fn poll_envelope(
        &mut self,
        cx: &mut Context<'_>,
        answer: &[u8],
    ) -> Poll<Option<Result<usize>>> {
        if self.refused.is_none() {
            let Some(fault) = fault_behind(answer) else {
                return Poll::Ready(None);
            };
            self.refused = Some(Refused {
                envelope: fault.written(Asked::of(&HeaderMap::new())),
                written: 0,
                discarding: None,
                discarded: 0,
            });
        }
        let Some(refused) = &mut self.refused else {
            return Poll::Ready(None);
        };
        while let Some(left) = refused
            .envelope
            .get(refused.written..)
            .filter(|left| !left.is_empty())
        {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, left)) {
                Ok(0) => return Poll::Ready(Some(Err(Error::from(ErrorKind::WriteZero)))),
                Ok(written) => refused.written += written,
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
        Poll::Ready(Some(Ok(answer.len())))
    }

    /// Reads on until the client has said everything, or enough.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(refused) = &mut self.refused else {
            return Poll::Ready(());
        };
        let time = refused
            .discarding
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(DISCARD_TIME_MAX)));
        if time.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        while refused.discarded < DISCARDED_BYTES_MAX {
            let mut bytes = [0; 8 << 10];
            let mut read = ReadBuf::new(&mut bytes);
            let ended = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read)).is_err();
            if ended || read.filled().is_empty() {
                break;
            }
            refused.discarded += read.filled().len();
        }
        Poll::Ready(())
    }
}

/// Which fault hyper's own answer tells; `None` for an answer of ours.
fn fault_behind(answer: &[u8]) -> Option<Fault> {
    let head = answer
        .strip_suffix(b"\r\n\r\n")
        .filter(|head| head.len() < 256)?;
    let head = std::str::from_utf8(head).ok()?;
    let fault = match head.strip_prefix("HTTP/1.")?.get(2..5)? {
        "400" => Fault::BadRequest,
        "414" => Fault::UriTooLong,
        "431" => Fault::HeadersTooLarge,
        _ => return None,
    };
    (!head.contains(RequestId::HEADER)).then_some(fault)
}

impl<S: AsyncRead + Unpin> AsyncRead for EnvelopeStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for EnvelopeStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        match ready!(self.poll_envelope(cx, bytes)) {
            Some(written) => Poll::Ready(written),
            None => Pin::new(&mut self.stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let first: &[u8] = slices.first().map_or(&[], |slice| slice);
        match ready!(self.poll_envelope(cx, first)) {
            Some(written) => Poll::Ready(written),
            None => Pin::new(&mut self.stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        ready!(self.poll_discard(cx));
        Poll::Ready(Ok(()))
    }
}
