//! Live data: what is tracked at the edge is shown to who listens at the origin.

use futures_util::StreamExt as _;
use serde_json::Value;
use tokio_tungstenite::connect_async;

use crate::support::http::wait;
use crate::support::shop::message;
use crate::support::world::World;
use crate::support::{PATIENCE, unique};

#[test]
fn what_is_tracked_at_the_edge_is_shown_live_at_the_origin() {
    let (world, event) = (World::shared(), unique("Shown"));
    let origin = world.report().origin.replace("http://", "ws://");
    let mut socket = wait(async {
        let address = format!("{origin}/ws/realtime?topics=events");
        let (mut socket, _) = connect_async(address).await.unwrap();
        let hello = socket.next().await.unwrap().unwrap();
        assert!(hello.to_text().unwrap().contains("connected"), "{hello}");
        socket
    });
    let mut told = message(&unique("message"));
    told["event"] = event.as_str().into();
    world.edge().post("/v1/track", &told).expect(200);
    let found = async {
        loop {
            let message = socket.next().await.unwrap().unwrap();
            let message: Value =
                serde_json::from_str(message.to_text().unwrap()).unwrap_or_default();
            let events = message["events"].as_array().cloned().unwrap_or_default();
            if let Some(shown) = events.into_iter().find(|one| one["name"] == event.as_str()) {
                return shown;
            }
        }
    };
    let shown = wait(async { tokio::time::timeout(PATIENCE, found).await });
    assert_eq!(shown.expect("the event is shown")["type"], "track");
}
