//! When to stop: on SIGINT or SIGTERM, and for a supervised process when its standard input closes.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};

/// Tells everything in the process that it is to stop. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Listens from now on. A supervised process also stops when its supervisor closes its standard input,
    /// or dies, which closes it too.
    pub fn listen(supervised: bool) -> std::io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let (sender, receiver) = watch::channel(false);
        let closed = stdin_closed(supervised);
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
                () = closed => {}
            }
            let _ = sender.send(true);
        });
        Ok(Self(receiver))
    }

    /// Done when the process is to stop.
    pub async fn requested(&mut self) {
        // The sender lives as long as the runtime; if it went, stopping is right as well.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

async fn stdin_closed(supervised: bool) {
    if !supervised {
        return std::future::pending().await;
    }
    let (sender, receiver) = oneshot::channel();
    // A plain thread: a blocking read on the runtime would keep the runtime from ending.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = sender.send(());
    });
    let _ = receiver.await;
}
