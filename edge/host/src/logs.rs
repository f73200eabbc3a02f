//! The guest's standard streams become log lines.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// The longest line that is logged; the rest of a longer one is left out.
const LINE_BYTES_MAX: usize = 2048;

/// One of the guest's two streams.
pub(crate) struct GuestLog(pub(crate) LogLevel);

#[derive(Clone, Copy)]
pub(crate) enum LogLevel {
    Debug,
    Warn,
}

impl IsTerminal for GuestLog {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestLog {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Lines {
            level: self.0,
            line: Vec::new(),
        })
    }
}

/// Collects bytes until a line is complete.
struct Lines {
    level: LogLevel,
    line: Vec<u8>,
}

impl Lines {
    fn take_bytes(&mut self, bytes: &[u8]) {
        for (index, part) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if index > 0 {
                self.emit();
            }
            let room = LINE_BYTES_MAX.saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
        }
    }

    fn emit(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return;
        }
        let line = String::from_utf8_lossy(&line);
        match self.level {
            LogLevel::Debug => tracing::debug!(target: "footfall_edge_host::guest", "{line}"),
            LogLevel::Warn => tracing::warn!(target: "footfall_edge_host::guest", "{line}"),
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.emit();
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.take_bytes(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
