//! Customer management over many customers.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use footfall_shared::experiment::seed::Seed;
use serde_json::json;

use crate::http::{Connection, request};
use crate::report::{Figure, Target};
use crate::world::World;

/// Connections that create.
const SENDERS: u32 = 16;
/// Times that each list is asked for.
const QUESTIONS: usize = 60;

const FIRST: [&str; 20] = [
    "Ada", "Bob", "Carla", "Dev", "Elif", "Femke", "Goran", "Hana", "Ivo", "Jun", "Kofi", "Lena",
    "Milan", "Noor", "Omar", "Priya", "Quentin", "Rosa", "Sven", "Tuva",
];
const LAST: [&str; 20] = [
    "Abbas", "Berg", "Castro", "Dahl", "Evans", "Fischer", "Garcia", "Hansen", "Ito", "Jansen",
    "Khan", "Lopez", "Meyer", "Novak", "Okafor", "Patel", "Quispe", "Rossi", "Smith", "Tanaka",
];
const PROFESSIONS: [&str; 20] = [
    "Engineer",
    "Nurse",
    "Teacher",
    "Baker",
    "Pilot",
    "Architect",
    "Carpenter",
    "Lawyer",
    "Designer",
    "Farmer",
    "Chemist",
    "Driver",
    "Editor",
    "Gardener",
    "Electrician",
    "Surgeon",
    "Analyst",
    "Plumber",
    "Musician",
    "Translator",
];
const PLACES: [&str; 20] = [
    "Amsterdam",
    "Berlin",
    "Chicago",
    "Delft",
    "Eindhoven",
    "Ghent",
    "Hamburg",
    "Istanbul",
    "Jakarta",
    "Kyoto",
    "Lagos",
    "Madrid",
    "Nairobi",
    "Oslo",
    "Porto",
    "Quito",
    "Rotterdam",
    "Seattle",
    "Tampa",
    "Utrecht",
];
const BUDGETS: [&str; 6] = [
    "under_20k",
    "20k_40k",
    "40k_60k",
    "60k_80k",
    "80k_120k",
    "120k_plus",
];
const NOTES: [&str; 8] = [
    "wants to compare monthly payments before deciding",
    "asked for a test drive next week",
    "was sent by a colleague who bought last year",
    "worries about reliability and warranty",
    "prefers hybrid technology and low consumption",
    "needs room for three children and a dog",
    "looks for a second car for the city",
    "will decide together with the family",
];

/// Creates customers, then lists and searches them.
///
/// # Errors
/// When something does not answer.
pub fn measure(world: &World, database: &str, customers: u32) -> anyhow::Result<Vec<Figure>> {
    let begun = Instant::now();
    let created = std::thread::scope(|scope| -> anyhow::Result<u32> {
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| scope.spawn(move || create(world, customers, sender)))
            .collect();
        let created = senders.into_iter().map(|sender| {
            sender
                .join()
                .map_err(|_| anyhow::anyhow!("a sender panicked"))?
        });
        created.sum()
    })?;
    ensure!(created == customers, "created {created} of {customers}");
    let mut figures = vec![Figure::against(
        format!("customers created one by one on {database}"),
        f64::from(created) / begun.elapsed().as_secs_f64(),
        "/s",
        Target::AtLeast(2_000.0),
    )];
    for query in [
        "",
        "?personality_type=D&budget_range=40k_60k",
        "?search=engineer",
        "?search=engin%20seattle",
        "?search=smith%20warranty&personality_type=D&budget_range=40k_60k",
        "?search=customer4711x",
        "?search=family&limit=100&offset=1000",
    ] {
        figures.push(ask(world, database, query)?);
    }
    Ok(figures)
}

fn bearer(world: &World) -> String {
    format!("Bearer {}", world.secret_key)
}

fn create(world: &World, customers: u32, sender: u32) -> anyhow::Result<u32> {
    let mut origin = Connection::open(world.origin)?;
    let bearer = bearer(world);
    let mut created = 0;
    for n in (0..customers).filter(|n| n % SENDERS == sender) {
        let of = |what: &str, list: &[&'static str]| {
            let seed = Seed::of(&["customers", what, &n.to_string()]);
            list[seed.below(list.len() as u32) as usize]
        };
        let body = json!({
            "name": format!("{} {} customer{n}x", of("first", &FIRST), of("last", &LAST)),
            "email": format!("customer{n}@example.com"),
            "demographics": {"age": 20 + n % 60, "profession": of("profession", &PROFESSIONS), "location": of("place", &PLACES)},
            "personality_assessment": {"type": of("type", &["D", "I", "S", "C"])},
            "decision_factors": {"primary": ["value", "safety"]},
            "buying_context": {"budget_range": of("budget", &BUDGETS)},
            "notes": of("notes", &NOTES),
        });
        let body = serde_json::to_vec(&body)?;
        let call = request(
            "POST",
            "/api/v1/customers",
            &[("Authorization", &bearer)],
            &body,
        );
        origin.call(&call).context("a customer was not created")?;
        created += 1;
    }
    Ok(created)
}

fn ask(world: &World, database: &str, query: &str) -> anyhow::Result<Figure> {
    let bearer = bearer(world);
    let target = format!("/api/v1/customers{query}");
    let question = request("GET", &target, &[("Authorization", &bearer)], &[]);
    let mut origin = Connection::open(world.origin)?;
    let mut times: Vec<Duration> = Vec::with_capacity(QUESTIONS);
    for _ in 0..QUESTIONS {
        let asked = Instant::now();
        origin.call(&question).with_context(|| target.clone())?;
        times.push(asked.elapsed());
    }
    times.sort_unstable();
    Ok(Figure::against(
        format!("GET {target} on {database}: p95"),
        times[QUESTIONS * 95 / 100].as_secs_f64() * 1000.0,
        "ms",
        Target::AtMost(50.0),
    ))
}
