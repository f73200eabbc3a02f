use footfall_shared::time::{DAY_MS, HOUR_MS};
use serde_json::json;

use crate::support::{EMAIL, Reply, World, entry, post, publishable, secret, with_offer};

const TRACK: &str = "/api/intelligence/track-customer";

fn limited(requests_per_hour: u32) -> World {
    let world = World::production().knows(with_offer(entry(30, 7)));
    world.origin.settings.borrow_mut().requests_per_hour = requests_per_hour;
    world
}

fn look_up(world: &World) -> Reply {
    world.get(&format!(
        "/api/intelligence/bundle?fingerprint=f&key={}",
        publishable()
    ))
}

fn standing(reply: &Reply) -> [&str; 3] {
    [
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
    ]
    .map(|name| reply.header(name).unwrap())
}

#[test]
fn each_reply_tells_how_its_caller_stands_and_the_last_but_one_is_refused() {
    let world = limited(2);
    let now = world.edge.now.get().get();
    let reset = ((now.div_euclid(HOUR_MS) + 1) * HOUR_MS / 1000).to_string();
    assert_eq!(standing(&look_up(&world)), ["2", "1", reset.as_str()]);
    let body = json!({"fingerprint": "f", "writeKey": publishable()});
    let second = world.post(TRACK, &body);
    assert_eq!(
        (second.status, standing(&second)),
        (200, ["2", "0", reset.as_str()])
    );
    for _ in 0..2 {
        let refused = look_up(&world);
        assert_eq!(
            (refused.status, refused.code()),
            (429, "rate_limit_exceeded")
        );
        assert_eq!(standing(&refused), ["2", "0", reset.as_str()]);
        let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert_eq!(wait, (HOUR_MS - now.rem_euclid(HOUR_MS)) / 1000 + 1);
    }
    world.later(HOUR_MS);
    assert_eq!(look_up(&world).status, 404);
}

#[test]
fn the_shops_own_routes_share_the_limit_and_its_server_has_none() {
    let world = limited(1);
    let path = format!(
        "/wp-json/wg/v1/intelligence/profile?customer_email={EMAIL}&key={}",
        publishable()
    );
    assert_eq!(world.get(&path).status, 200, "forwarded");
    assert_eq!(world.get(&path).status, 429);
    for _ in 0..3 {
        let mut request = footfall_edge::memory::request("GET", &path);
        request
            .headers
            .insert("x-api-key", secret().parse().unwrap());
        assert_eq!(world.send(request).status, 200);
    }
}

#[test]
fn a_limiter_that_is_broken_stops_nobody() {
    let world = limited(1);
    world.edge.limiter.broken.set(true);
    for number in 0..9 {
        let body = json!({"email": format!("p{number}@example.com"), "writeKey": publishable()});
        assert_eq!(world.post(TRACK, &body).status, 200);
    }
}

#[test]
fn one_address_may_claim_five_emails_a_day() {
    let world = World::production();
    let claim = |number: u32| {
        let body = json!({"email": format!("p{number}@example.com"), "writeKey": publishable()});
        world.post(TRACK, &body)
    };
    for number in [1, 2, 3, 4, 5, 1, 5] {
        assert_eq!(claim(number).status, 200, "{number}");
    }
    let refused = claim(6);
    assert_eq!((refused.status, refused.code()), (429, "too_many_emails"));
    assert!(refused.header("retry-after").is_some());
    let by_look_up = format!(
        "/api/intelligence/bundle?customer_email=p7@example.com&key={}",
        publishable()
    );
    assert_eq!(world.get(&by_look_up).code(), "too_many_emails");

    // An event is kept; only the email that came with it is not.
    let identify = json!({"userId": "u", "traits": {"email": "p8@example.com", "plan": "x"}});
    let mut request = post("/v1/identify", identify.to_string().into_bytes());
    request
        .headers
        .insert("x-api-key", publishable().parse().unwrap());
    assert_eq!(world.send(request).status, 200);
    let waiting = world.edge.outbox.waiting();
    let last = waiting.last().unwrap();
    assert!(last.contains("\"plan\"") && !last.contains("p8@"), "{last}");

    world.later(DAY_MS);
    assert_eq!(claim(6).status, 200);
}

#[test]
fn the_shops_server_may_name_any_number_of_customers() {
    let world = World::production();
    for number in 0..9 {
        let body = json!({"email": format!("p{number}@example.com"), "writeKey": secret()});
        assert_eq!(world.post(TRACK, &body).status, 200);
    }
}
