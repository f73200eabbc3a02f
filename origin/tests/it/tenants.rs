//! Each route of the document, with another shop's credentials over this shop's things.
//!
//! The routes come from the document itself, so a new one is walked without anybody remembering it. Whatever
//! a request can name a thing by is filled with this shop's: ids in the path, emails and ids in the query, and
//! each text and number of the example body.

use footfall::shops::{Role, Shop};
use footfall_shared::identity::Trust;
use serde_json::{Value, json};

use crate::support::build::{
    browser_id, email_hash, event, from_browser, from_device, known, order, send, take,
};
use crate::support::{Client, Credential, Door, Reply, Tenant, TestShop, doors, on_both};

/// The customer whom B asks for.
const EMAIL: &str = "aurelia@example.com";
/// A customer whom B never names.
const HIDDEN: &str = "benedetta@example.com";

/// What shop A has.
struct Belongings {
    /// Every name by which a thing of A can be asked for.
    names: Vec<String>,
    /// Texts that occur in A's data only: no answer to B holds one that B did not send with the request.
    marks: Vec<String>,
}

async fn furnish(world: &TestShop) -> Belongings {
    buy(world, EMAIL, "Aurelia", 1).await;
    buy(world, HIDDEN, "Benedetta", 11).await;
    let shop = world.shop();
    let seen = from_device(
        known(event(shop, "evt-of-a"), EMAIL, Trust::Verified),
        shop,
        "a",
    );
    send(&world.edge(), &[from_browser(seen, "a")]).await;
    world.person(Role::Support).await;
    let owner = world.admin();
    let bundle = format!("/wp-json/wg/v1/intelligence/bundle?customer_email={EMAIL}");
    let bundle = world.backend().get(&bundle).await.expect(200);
    let mut names = vec![
        EMAIL.to_owned(),
        "evt-of-a".into(),
        shop.slug.clone(),
        shop.id.to_string(),
        bundle["bundle"]["offer_id"].to_string(),
    ];
    let mut list = async |path: &str, list: &str, id: &str| {
        let reply = owner.get(path).await.expect(200);
        let listed = [&reply[list], &reply["data"][list]]
            .into_iter()
            .find_map(Value::as_array)
            .unwrap();
        assert!(!listed.is_empty(), "{path}: {reply}");
        names.extend(
            listed
                .iter()
                .map(|one| one[id].as_str().unwrap().to_owned()),
        );
    };
    list("/api/keys", "keys", "id").await;
    list("/api/users", "users", "id").await;
    list(
        "/api/devices?customer_email=aurelia@example.com",
        "devices",
        "hash",
    )
    .await;
    let mut marks = marks(shop, &world.tenant);
    marks.extend(names.iter().filter(|name| name.len() > 10).cloned());
    Belongings { names, marks }
}

/// A history for which an offer is due, of goods that only A has.
async fn buy(world: &TestShop, email: &str, name: &str, first: u64) {
    let orders = [40, 30, 20].into_iter().zip(first..).map(|(days, id)| {
        let customer = json!({"email": email, "first_name": name, "last_name": "Aquila"});
        let items = json!([{"product_id": 44, "name": "Astrolabe", "slug": "astrolabe", "quantity": 4, "unit_price": 14.95}]);
        order(id).days_ago(days).with("customer", customer).with("items", items)
    });
    take(&world.backend(), orders).await;
}

fn marks(shop: &Shop, tenant: &Tenant) -> Vec<String> {
    let (named, hidden) = (email_hash(shop, EMAIL), email_hash(shop, HIDDEN));
    let (salt, browser) = (shop.salt.reveal(), browser_id("a"));
    let texts = [
        EMAIL,
        HIDDEN,
        "Aurelia",
        "Benedetta",
        "Aquila",
        "Astrolabe",
        "evt-of-a",
        &tenant.admin.0,
        "support-person@demo.example",
        named.as_str(),
        hidden.as_str(),
        shop.id.as_str(),
        &salt,
        &shop.identity_secret,
        &browser,
    ];
    texts.map(str::to_owned).into()
}

/// What a request can name a thing of A by.
fn queries(door: &Door, belongings: &Belongings) -> Vec<String> {
    let mut queries = vec![String::new()];
    for name in &door.query {
        queries.extend(
            belongings
                .names
                .iter()
                .map(|value| format!("{name}={value}")),
        );
    }
    queries
}

/// The example body, and the same with one of its values after another replaced by each of A's names.
fn bodies(door: &Door, belongings: &Belongings) -> Vec<Option<Value>> {
    let Some(example) = &door.example else {
        return vec![None];
    };
    let mut bodies = vec![Some(example.clone())];
    for pointer in pointers(example, "") {
        for name in &belongings.names {
            let mut body = example.clone();
            *body.pointer_mut(&pointer).unwrap() =
                name.parse::<u64>().map_or(json!(name), Value::from);
            bodies.push(Some(body));
        }
    }
    bodies
}

/// JSON pointers to every value that is no list and no object.
fn pointers(value: &Value, at: &str) -> Vec<String> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, field)| pointers(field, &format!("{at}/{name}")))
            .collect(),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items
                .flat_map(|(index, item)| pointers(item, &format!("{at}/{index}")))
                .collect()
        }
        _ => vec![at.to_owned()],
    }
}

/// A request as text, and what came of it.
struct Knock {
    sent: String,
    reply: Reply,
}

impl Knock {
    fn told(&self) -> String {
        String::from_utf8_lossy(&self.reply.bytes).into_owned()
    }

    /// What of A stands in the answer and did not stand in the request.
    fn leaks<'a>(&self, belongings: &'a Belongings) -> Option<&'a String> {
        let told = self.told();
        let mut marks = belongings.marks.iter();
        marks.find(|mark| told.contains(mark.as_str()) && !self.sent.contains(mark.as_str()))
    }
}

/// Every request that the walk makes at a door.
async fn knock(door: &Door, client: &Client, belongings: &Belongings) -> Vec<Knock> {
    let none = [String::new()];
    let ids = if door.path.contains('{') {
        &belongings.names[..]
    } else {
        &none[..]
    };
    let mut knocks = Vec::new();
    for id in ids {
        for query in queries(door, belongings) {
            for body in bodies(door, belongings) {
                let reply = door.knock(client, id, &query, body.as_ref()).await;
                let sent = format!("{id} {query} {}", body.unwrap_or_default());
                knocks.push(Knock { sent, reply });
            }
        }
    }
    knocks
}

/// The credentials of a shop that was made for this door: what it has, it has from no other door.
async fn strangers(world: &TestShop, number: usize) -> [Client; 3] {
    let neighbour = world.tenant_of(&format!("neighbour-{number}")).await;
    let (identifier, password) = &neighbour.admin;
    [
        world.client(Credential::Key(neighbour.publishable_key)),
        world.client(Credential::Key(neighbour.secret_key)),
        world.person_of(identifier, password).await,
    ]
}

/// Everything that A's own people and servers see of A.
async fn look(world: &TestShop) -> Vec<Value> {
    let (owner, server) = (world.admin(), world.backend());
    let profile = format!("/wp-json/wg/v1/intelligence/profile?customer_email={EMAIL}");
    let bundle = format!("/wp-json/wg/v1/intelligence/bundle?customer_email={EMAIL}");
    let devices = format!("/api/devices?customer_email={EMAIL}");
    let mut seen = Vec::new();
    for path in ["/api/keys", "/api/users", "/api/settings"] {
        seen.push(owner.get(path).await.expect(200)["data"].clone());
    }
    for path in ["/api/events", &devices, &profile, &bundle] {
        seen.push(server.get(path).await.expect(200));
    }
    seen
}

on_both! {
    async fn no_route_gives_or_changes_anything_of_another_shop(database) {
        let world = TestShop::start(database).await;
        let belongings = furnish(&world).await;
        let before = look(&world).await;
        for (number, door) in doors().iter().enumerate() {
            for client in strangers(&world, number).await {
                for knock in knock(door, &client, &belongings).await {
                    let about = format!("{} {} with {}: {} {}", door.method, door.path, knock.sent, knock.reply.status, knock.told());
                    assert!(knock.reply.status.as_u16() < 500, "{about}");
                    assert_eq!(knock.leaks(&belongings), None, "{about}");
                }
            }
        }
        assert_eq!(look(&world).await, before, "nothing of A has changed");
    }

    async fn the_walk_finds_what_it_looks_for_where_it_may(database) {
        let world = TestShop::start(database).await;
        let belongings = furnish(&world).await;
        let mut found = Vec::new();
        for door in doors().iter().filter(|door| door.method == "GET") {
            for client in [world.backend(), world.person_of(&world.tenant.admin.0, &world.tenant.admin.1).await] {
                let knocks = knock(door, &client, &belongings).await;
                found.extend(knocks.iter().filter_map(|knock| knock.leaks(&belongings)).map(|_| door.path.clone()));
            }
        }
        for path in [
            "/api/devices",
            "/api/events",
            "/api/keys",
            "/api/users",
            "/wp-json/wg/v1/intelligence/bundle",
            "/wp-json/wg/v1/intelligence/profile",
        ] {
            assert!(found.iter().any(|one| one == path), "{path} shows A its own: {found:?}");
        }
    }
}
