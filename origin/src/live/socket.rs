//! A client's connection.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use footfall_shared::id::ShopId;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::{Instant, MissedTickBehavior};

use super::feed::Feed;
use super::frame::{EventsFrame, Frame, Topic, heartbeat};
use crate::app::App;
use crate::auth::{self, Credential};
use crate::ingest;
use crate::shops::Shop;

/// How long a client without a credential has to show one.
const AUTH_WITHIN: Duration = Duration::from_secs(10);
/// How often a connection shows that it lives, and its credential is looked at again.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);
/// How long a client may be silent: it answers each heartbeat's ping.
const SILENT_MAX: Duration = Duration::from_secs(45);
/// How long a frame may wait for a client that does not read.
const SEND_WITHIN: Duration = Duration::from_secs(5);
/// Events read at once for a client that comes back.
const EVENTS_A_FRAME: i64 = 500;
/// The code of a credential that is missing or has ended; 4000 to 4999 are for applications (RFC 6455, 7.4.2).
const UNAUTHORIZED: u16 = 4401;

/// What a client says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Said {
    /// Shows an access token or a key: first of all, and before the one that was shown ends.
    Auth { token: String },
    /// Names what it wants.
    Subscribe {
        #[serde(default)]
        topics: Option<Vec<Topic>>,
        #[serde(default)]
        last_id: Option<String>,
    },
    /// Asks whether anybody is there.
    Ping,
}

/// What a client comes with.
pub(super) struct Coming {
    /// What it shows.
    pub(super) credential: Option<Credential>,
    /// What it wants.
    pub(super) topics: Vec<Topic>,
    /// The place of the last event that it was told.
    pub(super) last: Option<i64>,
}

/// Why a connection ends.
enum Ending {
    /// The client went away.
    Gone,
    /// It is sent away.
    Away(u16, &'static str),
}

const SLOW: Ending = Ending::Away(
    close_code::AGAIN,
    "too slow: come back with last_id to go on where you were",
);

const UNAVAILABLE: Ending = Ending::Away(
    close_code::AGAIN,
    "temporarily unavailable: come back with last_id",
);

/// Serves a client until one of both ends it.
pub(super) async fn serve(app: App, mut socket: WebSocket, coming: Coming) {
    let ending = match admit(&app, &mut socket, coming.credential).await {
        Ok((shop, credential)) => {
            let mut client = Client {
                app: &app,
                shop,
                credential,
                topics: coming.topics,
                // Who names no place begins at the end.
                told: coming.last.unwrap_or(i64::MAX),
                heard: Instant::now(),
            };
            client.run(&mut socket).await
        }
        Err(ending) => ending,
    };
    if let Ending::Away(code, reason) = ending {
        let close = Message::Close(Some(CloseFrame {
            code,
            reason: Utf8Bytes::from_static(reason),
        }));
        // Who does not read will not read this either.
        let _ = tokio::time::timeout(Duration::from_secs(1), socket.send(close)).await;
    }
}

/// The shop of a client: by what it came with, by the open door of development, or by its first message.
async fn admit(
    app: &App,
    socket: &mut WebSocket,
    credential: Option<Credential>,
) -> Result<(Shop, Option<Credential>), Ending> {
    let refused = Ending::Away(
        UNAUTHORIZED,
        "a valid access token or secret key is required",
    );
    if credential.is_some() || app.access().open_shop_routes {
        return match auth::open_shop(app, credential.clone(), auth::LIVE).await {
            Ok(shop) => Ok((shop, credential)),
            Err(_) => Err(refused),
        };
    }
    let first = tokio::time::timeout(AUTH_WITHIN, socket.recv()).await;
    let Ok(Some(Ok(Message::Text(text)))) = first else {
        return Err(refused);
    };
    let Ok(Said::Auth { token }) = serde_json::from_str(&text) else {
        return Err(refused);
    };
    let credential = Some(Credential::of_bearer(&token));
    match auth::open_shop(app, credential.clone(), auth::LIVE).await {
        Ok(shop) => Ok((shop, credential)),
        Err(_) => Err(refused),
    }
}

/// A client that was let in.
struct Client<'a> {
    app: &'a App,
    shop: Shop,
    credential: Option<Credential>,
    topics: Vec<Topic>,
    /// The place of the last event that it was told, or that it came behind.
    told: i64,
    /// When it was heard last.
    heard: Instant,
}

impl Client<'_> {
    async fn run(&mut self, socket: &mut WebSocket) -> Ending {
        let shop: ShopId = self.shop.id.clone();
        let Some(mut feed) = Feed::listen(self.app, &shop) else {
            return Ending::Away(close_code::AGAIN, "too many clients");
        };
        match self.live(socket, &mut feed).await {
            Ok(never) => match never {},
            Err(ending) => ending,
        }
    }

    async fn live(
        &mut self,
        socket: &mut WebSocket,
        feed: &mut broadcast::Receiver<Arc<Frame>>,
    ) -> Result<std::convert::Infallible, Ending> {
        self.begin(socket).await?;
        let mut ending = self.app.live().ending();
        let mut beats = tokio::time::interval(HEARTBEAT_EVERY);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beats.reset();
        loop {
            tokio::select! {
                frame = feed.recv() => match frame {
                    Ok(frame) => self.tell(socket, &frame).await?,
                    Err(RecvError::Lagged(_)) => return Err(SLOW),
                    Err(RecvError::Closed) => return Err(Ending::Away(close_code::RESTART, "come back with last_id")),
                },
                said = socket.recv() => match said {
                    Some(Ok(said)) => self.hear(socket, said).await?,
                    Some(Err(_)) | None => return Err(Ending::Gone),
                },
                _ = beats.tick() => self.beat(socket).await?,
                _ = ending.changed() => {
                    return Err(Ending::Away(close_code::RESTART, "this node ends: come back with last_id"));
                }
            }
        }
    }

    /// Says hello, and tells what happened since the client was here last.
    async fn begin(&mut self, socket: &mut WebSocket) -> Result<(), Ending> {
        let end = {
            let mut db = self.app.db().read().await.map_err(|_| UNAVAILABLE)?;
            let end = ingest::last_place(&mut db, &self.shop.id).await;
            end.map_err(|_| UNAVAILABLE)?
        };
        self.told = self.told.min(end);
        let hello = json!({
            "type": "connected", "topics": self.topics, "last_id": self.told.to_string(),
            "heartbeat_seconds": HEARTBEAT_EVERY.as_secs(),
        });
        send(socket, Message::Text(hello.to_string().into())).await?;
        self.catch_up(socket, end).await
    }

    /// Tells what the log has up to a place.
    async fn catch_up(&mut self, socket: &mut WebSocket, end: i64) -> Result<(), Ending> {
        while self.told < end {
            let mut logged = {
                let mut db = self.app.db().read().await.map_err(|_| UNAVAILABLE)?;
                let read = ingest::read_after(&mut db, &self.shop.id, self.told, EVENTS_A_FRAME);
                read.await.map_err(|_| UNAVAILABLE)?
            };
            logged.retain(|one| one.place <= end);
            if logged.is_empty() {
                self.told = end;
            }
            let pages = &self.shop.settings.page_paths();
            let frame = EventsFrame::of(self.told, &logged, pages);
            self.send_events(socket, &frame).await?;
        }
        Ok(())
    }

    async fn tell(&mut self, socket: &mut WebSocket, frame: &Frame) -> Result<(), Ending> {
        match frame {
            Frame::Events(events) => self.tell_events(socket, events).await,
            Frame::Metrics(text) if self.wants(Topic::Metrics) => {
                send(socket, Message::Text(text.clone())).await
            }
            Frame::Metrics(_) => Ok(()),
        }
    }

    /// Tells a frame of the feed; what the client has not heard before it, and what it has heard of it already, goes by the
    /// log: that happens when a client comes.
    async fn tell_events(
        &mut self,
        socket: &mut WebSocket,
        frame: &EventsFrame,
    ) -> Result<(), Ending> {
        if frame.after == self.told {
            return self.send_events(socket, frame).await;
        }
        self.catch_up(socket, frame.last).await
    }

    async fn send_events(
        &mut self,
        socket: &mut WebSocket,
        frame: &EventsFrame,
    ) -> Result<(), Ending> {
        self.told = frame.last;
        let text = match self.wants(Topic::Events) {
            true => frame.all.as_ref(),
            false => frame
                .conversions
                .as_ref()
                .filter(|_| self.wants(Topic::Conversions)),
        };
        match text {
            Some(text) => send(socket, Message::Text(text.clone())).await,
            None => Ok(()),
        }
    }

    fn wants(&self, topic: Topic) -> bool {
        self.topics.contains(&topic)
    }

    async fn hear(&mut self, socket: &mut WebSocket, said: Message) -> Result<(), Ending> {
        self.heard = Instant::now();
        let text = match said {
            Message::Text(text) => text,
            Message::Close(_) => return Err(Ending::Gone),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Binary(_) => {
                return Err(Ending::Away(
                    close_code::UNSUPPORTED,
                    "messages are JSON texts",
                ));
            }
        };
        match serde_json::from_str(&text) {
            Ok(Said::Ping) => send(socket, Message::Text(r#"{"type":"pong"}"#.into())).await,
            Ok(Said::Auth { token }) => {
                self.credential = Some(Credential::of_bearer(&token));
                self.check().await
            }
            Ok(Said::Subscribe { topics, last_id }) => {
                if let Some(topics) = topics {
                    self.topics = topics;
                }
                if let Some(last) = last_id {
                    let wrong =
                        Ending::Away(close_code::POLICY, "last_id must be the id of an event");
                    self.told = last.parse().ok().filter(|last| *last >= 0).ok_or(wrong)?;
                    return self.begin(socket).await;
                }
                let now = json!({"type": "subscribed", "topics": self.topics});
                send(socket, Message::Text(now.to_string().into())).await
            }
            Err(_) => {
                let fault = json!({"type": "error", "error_code": "INVALID_MESSAGE",
                    "detail": "a message is auth, subscribe or ping"});
                send(socket, Message::Text(fault.to_string().into())).await
            }
        }
    }

    /// Shows that the connection lives, looks whether the client does, and whether its credential still holds.
    async fn beat(&mut self, socket: &mut WebSocket) -> Result<(), Ending> {
        if self.heard.elapsed() > SILENT_MAX {
            return Err(Ending::Away(close_code::POLICY, "silent for too long"));
        }
        self.check().await?;
        let text = heartbeat(self.app.now(), self.told);
        send(socket, Message::Text(text)).await?;
        send(socket, Message::Ping(axum::body::Bytes::new())).await
    }

    async fn check(&self) -> Result<(), Ending> {
        match auth::open_shop(self.app, self.credential.clone(), auth::LIVE).await {
            Ok(shop) if shop.id == self.shop.id => Ok(()),
            Err(error) if error.status().is_server_error() => Ok(()),
            Ok(_) | Err(_) => Err(Ending::Away(UNAUTHORIZED, "the credential has ended")),
        }
    }
}

async fn send(socket: &mut WebSocket, message: Message) -> Result<(), Ending> {
    match tokio::time::timeout(SEND_WITHIN, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Ending::Gone),
        Err(_) => Err(SLOW),
    }
}
