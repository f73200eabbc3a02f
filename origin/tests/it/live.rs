//! Live data over WebSockets.

use std::net::SocketAddr;
use std::time::Duration;

use footfall::app::App;
use footfall::db::Db;
use footfall::live::keep_hearing;
use footfall_shared::mode::Mode;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::analytics::{Did, did, tell};
use crate::support::build::{order, send, take};
use crate::support::{Database, TestShop, on_both};

const PATIENCE: Duration = Duration::from_secs(20);

/// A client of live data.
struct Client(WebSocketStream<TcpStream>);

impl Client {
    async fn come(address: SocketAddr, query: &str, protocols: &str) -> Self {
        Self::try_to_come(address, query, protocols).await.unwrap()
    }

    async fn try_to_come(
        address: SocketAddr,
        query: &str,
        protocols: &str,
    ) -> Result<Self, tungstenite::Error> {
        let mut request = format!("ws://{address}/ws/realtime{query}").into_client_request()?;
        if !protocols.is_empty() {
            request
                .headers_mut()
                .insert("sec-websocket-protocol", protocols.parse().unwrap());
        }
        let socket = TcpSocket::new_v4().unwrap();
        // Small, so that a client that does not read is felt soon.
        socket.set_recv_buffer_size(8 * 1024).unwrap();
        let stream = socket.connect(address).await.unwrap();
        Ok(Self(client_async(request, stream).await?.0))
    }

    /// The next message that is no answer to a ping; `Err` is the code of the close, 0 without one.
    async fn next(&mut self) -> Result<Value, u16> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next())
                .await
                .expect("a message in time");
            match message {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => {
                    return Err(frame.map_or(0, |frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(0),
            }
        }
    }

    /// The next message of a type.
    async fn wait(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await.unwrap();
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// The names of the next events, so many.
    async fn hear(&mut self, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        while names.len() < count {
            let message = self.wait("events").await;
            names.extend(
                message["events"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|one| one["name"].as_str().unwrap().to_owned()),
            );
        }
        names
    }

    /// The code with which the connection ends.
    async fn end(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }

    async fn say(&mut self, message: &Value) {
        self.0
            .send(Message::text(message.to_string()))
            .await
            .unwrap();
    }
}

fn pages(from: usize, until: usize) -> Vec<Did> {
    (from..until)
        .map(|n| did("ann", n as i64, &*format!("/page{n}").leak()))
        .collect()
}

fn names(from: usize, until: usize) -> Vec<String> {
    (from..until).map(|n| format!("/page{n}")).collect()
}

async fn tell_one_by_one(shop: &TestShop, deeds: &[Did]) {
    for (n, deed) in deeds.iter().enumerate() {
        send(
            &shop.edge(),
            &[deed.event(shop, &format!("{}-{n}", deed.what))],
        )
        .await;
    }
}

on_both! {
    async fn what_happens_is_told_as_it_happens(database) {
        let shop = TestShop::start_in(database, Mode::Development).await;
        let address = shop.serve().await;
        let mut all = Client::come(address, "", "footfall.live").await;
        let mut sales = Client::come(address, "?topics=conversions", "").await;
        assert_eq!(all.next().await.unwrap()["type"], "connected");
        assert_eq!(sales.next().await.unwrap()["topics"], json!(["conversions"]));
        tell(&shop, &[did("ann", 0, "/search").on("mobile"), did("ann", 1, "Order Completed")]).await;
        let told = all.wait("events").await;
        let first = &told["events"][0];
        assert_eq!((&first["name"], &first["page_type"], &first["type"], &first["device_type"]), (&json!("/search"), &json!("search"), &json!("page"), &json!("mobile")));
        assert_eq!((&first["user_id"], &first["conversion"]), (&json!("ann"), &json!(false)));
        assert_eq!(told["last_id"], told["events"][1]["id"]);
        let sale = sales.wait("events").await;
        assert_eq!((sale["events"].as_array().unwrap().len(), &sale["events"][0]["name"]), (1, &json!("Order Completed")));
        // The figures are a second's, by the clock that the test holds.
        shop.pass(2_000);
        tell(&shop, &[did("bob", 1, "/")]).await;
        let mut active = 0;
        while active != 2 {
            active = all.wait("metrics").await["metrics"]["active_users"].as_i64().unwrap();
        }
        all.say(&json!({"type": "ping"})).await;
        all.wait("pong").await;
        all.say(&json!({"type": "dance"})).await;
        assert_eq!(all.wait("error").await["error_code"], "INVALID_MESSAGE");
    }

    async fn a_client_that_comes_back_misses_nothing_and_hears_nothing_twice(database) {
        let shop = TestShop::start_in(database, Mode::Development).await;
        let address = shop.serve().await;
        let mut client = Client::come(address, "?topics=events", "").await;
        client.wait("connected").await;
        tell_one_by_one(&shop, &pages(0, 3)).await;
        assert_eq!(client.hear(3).await, names(0, 3));
        let last = {
            client.say(&json!({"type": "subscribe", "topics": ["events"], "last_id": "0"})).await;
            assert_eq!(client.hear(3).await, names(0, 3), "told again from the beginning");
            let mut again = Client::come(address, "?topics=events&last_id=0", "").await;
            again.wait("events").await["last_id"].as_str().unwrap().to_owned()
        };
        drop(client);
        // It comes back while things happen.
        let deeds = pages(3, 33);
        let (_, heard) = tokio::join!(tell_one_by_one(&shop, &deeds), async {
            let mut heard = Vec::new();
            let mut last = last;
            while heard.len() < 30 {
                let mut client = Client::come(address, &format!("?topics=events&last_id={last}"), "").await;
                let message = client.wait("events").await;
                heard.extend(message["events"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()));
                last = message["last_id"].as_str().unwrap().to_owned();
            }
            heard
        });
        assert_eq!(heard, names(3, 33));
    }

    async fn who_has_no_credential_is_sent_away(database) {
        let shop = TestShop::start(database).await;
        let address = shop.serve().await;
        let (identifier, password) = shop.tenant.admin.clone();
        let tokens = shop.anonymous().log_in(&identifier, &password).await.expect(200);
        let token = tokens["data"]["access_token"].as_str().unwrap();
        let mut by_protocol = Client::come(address, "", &format!("footfall.live, bearer.{token}")).await;
        by_protocol.wait("connected").await;
        Client::come(address, &format!("?token={token}"), "").await.wait("connected").await;
        let mut by_message = Client::come(address, "", "").await;
        by_message.say(&json!({"type": "auth", "token": token})).await;
        by_message.wait("connected").await;
        let mut by_key = Client::come(address, "", "").await;
        by_key.say(&json!({"type": "auth", "token": shop.tenant.secret_key})).await;
        by_key.wait("connected").await;
        for token in ["nonsense", &shop.tenant.publishable_key] {
            let mut refused = Client::come(address, "", "").await;
            refused.say(&json!({"type": "auth", "token": token})).await;
            assert_eq!(refused.end().await, 4401);
        }
        assert_eq!(Client::come(address, "?token=nonsense", "").await.end().await, 4401);
        // A login that has ended is found out when its token is shown again.
        let refresh = json!({"refresh_token": tokens["data"]["refresh_token"]});
        shop.anonymous().post("/api/auth/logout", &refresh).await;
        by_message.say(&json!({"type": "auth", "token": token})).await;
        assert_eq!(by_message.end().await, 4401);
        let Err(tungstenite::Error::Http(fault)) = Client::try_to_come(address, "?topics=gossip", "").await else {
            panic!("an unknown topic is refused");
        };
        assert_eq!(fault.status(), 422);
    }

    async fn a_client_that_does_not_read_is_sent_away_and_slows_nobody(database) {
        let shop = TestShop::start_in(database, Mode::Development).await;
        let address = shop.serve().await;
        for n in 0..4 {
            tell(&shop, &pages(n * 400, n * 400 + 400 - n)).await;
        }
        let mut slow = Client::come(address, "?topics=events", "").await;
        for _ in 0..100 {
            slow.say(&json!({"type": "subscribe", "last_id": "0"})).await;
        }
        let mut quick = Client::come(address, "?topics=events", "").await;
        quick.wait("connected").await;
        for n in 5000..5020 {
            let begun = std::time::Instant::now();
            tell_one_by_one(&shop, &pages(n, n + 1)).await;
            assert_eq!(quick.hear(1).await, names(n, n + 1));
            assert!(begun.elapsed() < Duration::from_secs(10));
        }
        tokio::time::sleep(Duration::from_secs(7)).await;
        let mut messages = 0;
        while slow.next().await.is_ok() {
            messages += 1;
        }
        // A replay has four frames; it was sent away long before the last of them.
        assert!(messages < 400, "{messages}");
    }

    async fn another_shops_clients_hear_nothing(database) {
        let shop = TestShop::start(database).await;
        let address = shop.serve().await;
        let neighbour = shop.neighbour().await;
        let mut client = Client::come(address, &format!("?topics=events&token={}", neighbour.secret_key), "").await;
        client.wait("connected").await;
        tell(&shop, &[did("ann", 0, "/")]).await;
        let own = crate::support::build::event(&neighbour.shop, "own");
        send(&shop.edge(), &[own]).await;
        assert_eq!(client.hear(1).await, ["Product Viewed"]);
    }

    async fn the_figures_of_the_moment_are_told(database) {
        let shop = TestShop::start(database).await;
        tell(&shop, &[did("ann", -1, "/"), did("ann", 0, "/product/tea"), did("bob", -3, "/checkout"), did("bob", -2, "Order Completed"), did("eve", -20, "/")]).await;
        take(&shop.backend(), [order(1).item(44, 2), order(2).item(44, 1).days_ago(1)]).await;
        let told = shop.backend().get("/realtime/metrics").await.expect(200);
        assert_eq!((&told["active_users"], &told["current_sessions"], &told["current_conversions"]), (&json!(2), &json!(3), &json!(1)), "{told}");
        assert_eq!((&told["transactions"]["count"], &told["transactions"]["revenue"]), (&json!(1), &json!(29.9)));
        assert_eq!(told["top_pages"], json!([{"page": "/product", "active_users": 1}, {"page": "payment", "active_users": 1}]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_one_node_hears_what_another_node_appends() {
    let shop = TestShop::start_in(Database::Postgres, Mode::Development).await;
    let config = shop.app.config().clone();
    let db = Db::connect(config.database_url.reveal()).await.unwrap();
    let other = App::new(config, db);
    let hearing = tokio::spawn(keep_hearing(other.clone(), std::future::pending()));
    let address = TestShop::serve_app(&other).await;
    let mut client = Client::come(address, "?topics=events", "").await;
    client.wait("connected").await;
    tell_one_by_one(&shop, &pages(0, 5)).await;
    assert_eq!(client.hear(5).await, names(0, 5));
    hearing.abort();
}
