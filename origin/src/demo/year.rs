//! A year of sessions in the demo shop: visitors with their own chances, shown what the kit chooses, told to the log like
//! any edge would tell them.
//!
//! What they do follows from a few true effects (who comes from where, which content they see, how fast a page loads), so
//! that what the analytics, the lifts and the shop's own model find can be compared with what is put in here. Chance
//! comes from names alone: each demo shop has the same year.

use footfall_shared::event::{Device, Event, EventKind, value_of};
use footfall_shared::experiment::choice::draw;
use footfall_shared::experiment::seed::Seed;
use footfall_shared::id::EventId;
use footfall_shared::journey::content::decide::{Choosing, Decided, Decision, Whom, built_in};
use footfall_shared::journey::content::{Kit, Purpose, Seen, Slot};
use footfall_shared::journey::event::{
    Conversion, Happening, Measured, Numbered, Persona, StageChange, Start, Touch,
};
use footfall_shared::journey::observed::PriceReaction;
use footfall_shared::journey::reducer::fold;
use footfall_shared::journey::session::Session;
use footfall_shared::journey::stage::Stage;
use footfall_shared::money::{Currency, MinorUnits};
use footfall_shared::text::InvalidField;
use footfall_shared::time::{DAY_MS, HOUR_MS, UtcMillis};
use serde_json::{Map, json};

use super::people::PRODUCTS;
use crate::shops::Shop;

/// How long ago the year begins.
pub(super) const DAYS: i64 = 365;
/// Parts of a thousand of a chance.
const WHOLE: u32 = 1000;

/// Where visitors come from: the source, its part of a hundred, and how likely they are to go on, in percent of others.
const SOURCES: [(&str, u32, u32); 5] = [
    ("google", 340_000, 110),
    ("tiktok", 240_000, 75),
    ("direct", 180_000, 120),
    ("newsletter", 120_000, 150),
    ("instagram", 120_000, 85),
];
/// Who they are.
const PERSONAS: [(&str, u32, u32); 4] = [
    ("NightOwl", 400_000, 110),
    ("TechEarlyAdopter", 250_000, 95),
    ("RemoteDad", 200_000, 105),
    ("GiftHunter", 150_000, 80),
];
/// On what.
const DEVICES: [(&str, u32, u32); 3] = [
    ("mobile", 580_000, 85),
    ("desktop", 340_000, 125),
    ("tablet", 80_000, 100),
];
/// What content is worth, in percent of the neutral one: what the lifts should find.
const EFFECTS: [(&str, u32); 6] = [
    ("seen_on_tiktok", 125),
    ("roasted_tuesday", 112),
    ("night_owls", 96),
    ("guarantee", 118),
    ("few_left", 108),
    ("compare", 110),
];
/// How likely a visitor of average is to go on from each stage, in thousandths.
const GO_ON: [(Stage, u32); 3] = [
    (Stage::Awareness, 480),
    (Stage::Consideration, 520),
    (Stage::Decision, 420),
];

/// Chance, by names.
struct Chance(String);

impl Chance {
    fn below(&self, what: &str, bound: u32) -> u32 {
        Seed::of(&["a year", &self.0, what]).below(bound)
    }

    fn happens(&self, what: &str, permille: u32) -> bool {
        self.below(what, WHOLE) < permille
    }

    fn one_of<const N: usize>(
        &self,
        what: &str,
        list: &[(&'static str, u32, u32); N],
    ) -> (&'static str, u32) {
        let parts = list.map(|(_, part, _)| part);
        let (name, _, percent) = list[draw(&parts, self.below(what, 1_000_000))];
        (name, percent)
    }
}

/// What a visitor bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Purchase {
    /// The visitor's number.
    pub(super) visitor: u32,
    /// When.
    pub(super) at: UtcMillis,
    /// Products and pieces.
    pub(super) lines: Vec<(u64, u64)>,
}

/// A visitor on the way.
struct Visitor<'a> {
    shop: &'a Shop,
    kit: &'a Kit,
    number: u32,
    name: String,
    session: Session,
    at: UtcMillis,
    received_at: UtcMillis,
    events: Vec<Event>,
    purchases: Vec<Purchase>,
    /// In percent of the average.
    percent: u32,
}

/// What one visitor does and buys, who comes on this day of the year.
pub(super) fn visitor(
    shop: &Shop,
    kit: &Kit,
    number: u32,
    day: UtcMillis,
    now: UtcMillis,
) -> Result<(Vec<Event>, Vec<Purchase>), InvalidField> {
    let chance = Chance(number.to_string());
    let (source, by_source) = chance.one_of("source", &SOURCES);
    let (persona, by_persona) = chance.one_of("persona", &PERSONAS);
    let (device, by_device) = chance.one_of("device", &DEVICES);
    let mut visitor = Visitor {
        shop,
        kit,
        number,
        name: format!("year-{number}"),
        session: Session::default(),
        at: day.plus(i64::from(chance.below("hour", 24)) * HOUR_MS / 2 + HOUR_MS * 10),
        received_at: now,
        events: Vec::new(),
        purchases: Vec::new(),
        percent: by_source * by_persona / 100 * by_device / 100,
    };
    visitor.happen(Happening::Started(Start {
        persona: Some(Persona {
            kind: persona.to_owned(),
            confidence_milli: 700 + u16::try_from(chance.below("confidence", 300)).unwrap_or(0),
        }),
        device: Some(device.to_owned()),
        source: Some(source.to_owned()),
        campaign: None,
        landing_page: Some("/".to_owned()),
        intent_milli: Some(u16::try_from(200 + chance.below("intent", 600)).unwrap_or(0)),
        locale: Some(
            if chance.happens("german", 300) {
                "de"
            } else {
                "en"
            }
            .to_owned(),
        ),
        returning: false,
    }))?;
    visitor.show(Purpose::Start, &Slot::AT_START)?;
    visitor.visit(&chance, "first")?;
    if chance.happens("comes back", 250) {
        let days = 1 + i64::from(chance.below("days", 20));
        visitor.at = visitor.at.plus(days * DAY_MS);
        visitor.percent = visitor.percent * 150 / 100;
        visitor.visit(&chance, "second")?;
    }
    // The year ends today.
    visitor.events.retain(|event| event.at < now);
    visitor.purchases.retain(|purchase| purchase.at < now);
    Ok((visitor.events, visitor.purchases))
}

/// What is bought: a roast and often one that goes with it, which the affinities should find.
fn basket(chance: &Chance, which: &str) -> Vec<(u64, u64)> {
    let of = |what: &str| format!("{which} {what}");
    let (first, second) = match chance.below(&of("roast"), 100) {
        0..45 => (44, 51),
        45..80 => (38, 62),
        80..95 => (62, 38),
        _ => (51, 44),
    };
    let pieces = 1 + u64::from(chance.below(&of("pieces"), 3));
    let mut lines = vec![(first, pieces)];
    if chance.happens(&of("goes with it"), 450) {
        lines.push((second, 1));
    }
    if chance.happens(&of("a box"), 80) {
        lines.push((334_999, 1));
    }
    lines
}

/// In minor units.
fn price_of(lines: &[(u64, u64)]) -> Result<i64, InvalidField> {
    let mut sum = MinorUnits::default();
    for (product, pieces) in lines {
        let price = PRODUCTS
            .iter()
            .find(|(id, ..)| id == product)
            .map_or("0", |(.., price)| *price);
        let price = MinorUnits::parse("price", price, Currency::EUR)?;
        sum = sum + price.times(u32::try_from(*pieces).unwrap_or(1));
    }
    Ok(sum.get())
}

impl Visitor<'_> {
    fn visit(&mut self, chance: &Chance, which: &str) -> Result<(), InvalidField> {
        let of = |what: &str| format!("{which} {what}");
        for (stage, kinds) in [
            (
                Stage::Awareness,
                ["landing_page_view", "product_gallery_swipe"],
            ),
            (
                Stage::Consideration,
                ["product_details", "comparison_table"],
            ),
            (Stage::Decision, ["cart_view", "checkout"]),
        ] {
            if stage > Stage::Awareness {
                self.happen(Happening::StageChanged(StageChange {
                    to: stage,
                    trigger: None,
                    measured: Measured::default(),
                    features: Vec::new(),
                    comparisons: Vec::new(),
                }))?;
                self.show(Purpose::Stage, &Slot::AT_STAGE)?;
            }
            let stage_of = |what: &str| of(&format!("{what} in {}", stage.as_str()));
            let slow = chance.happens(&stage_of("slow"), 180);
            let dear = stage == Stage::Consideration && chance.happens(&of("dear"), 220);
            let fails = stage == Stage::Decision && chance.happens(&of("fails"), 60);
            for kind in kinds {
                let seconds = 4 + chance.below(&stage_of(kind), 50);
                self.touch(
                    kind,
                    Measured {
                        dwell_ms: Some(seconds * 1000),
                        load_ms: Some(if slow { 3_800 } else { 700 }),
                        price_reaction: dear.then_some(PriceReaction::Negative),
                        errors: Some(fails),
                        ..Measured::default()
                    },
                )?;
                self.at = self.at.plus(i64::from(seconds) * 1000);
            }
            let average = GO_ON
                .iter()
                .find(|(of, _)| *of == stage)
                .map_or(0, |(_, part)| *part);
            let hindered = [(slow, 60), (dear, 55), (fails, 30)];
            let hindered = hindered.iter().filter(|(holds, _)| *holds);
            let likely = hindered.fold(average * self.percent / 100, |sum, (_, percent)| {
                sum * percent / 100
            });
            if !chance.happens(&stage_of("goes on"), likely.min(950)) {
                if chance.happens(&stage_of("hesitates"), 350) {
                    let leaving = Some(true);
                    self.touch(
                        "exit_intent",
                        Measured {
                            exit_intent: leaving,
                            ..Measured::default()
                        },
                    )?;
                }
                return Ok(());
            }
        }
        if chance.happens(&of("signs up"), 300) {
            self.convert(Conversion::EMAIL_SIGNUP, 0)?;
        }
        let lines = basket(chance, which);
        self.purchases.push(Purchase {
            visitor: self.number,
            at: self.at,
            lines: lines.clone(),
        });
        self.convert(Conversion::PURCHASE, price_of(&lines)?)
    }

    fn touch(&mut self, kind: &str, measured: Measured) -> Result<(), InvalidField> {
        self.happen(Happening::Touchpoint(Touch {
            kind: kind.to_owned(),
            page: None,
            interacted: kind.contains("swipe"),
            measured,
        }))
    }

    fn convert(&mut self, kind: &str, minor: i64) -> Result<(), InvalidField> {
        self.happen(Happening::Converted(Conversion {
            kind: kind.to_owned(),
            value: MinorUnits::new(minor),
            currency: self.shop.currency,
            funnel_step: None,
            influencer: None,
        }))
    }

    /// One step, numbered as an edge numbers it.
    fn happen(&mut self, what: Happening) -> Result<(), InvalidField> {
        let idle_ms = i64::from(self.shop.settings.session_idle_minutes) * 60_000;
        let begins = self.session.visit == 0 || self.session.is_over(self.at, idle_ms);
        let numbered = Numbered {
            seq: self.session.seq + 1,
            visit: self.session.visit + u32::from(begins),
            what,
        };
        let mut body =
            Map::from_iter([("context".to_owned(), json!({"library": {"name": "demo"}}))]);
        numbered.put_into(&mut body);
        let id = format!("{}-{}", self.name, numbered.seq);
        self.tell(&id, numbered.what.name(), body)?;
        let session = std::mem::take(&mut self.session);
        self.session = fold(session, &numbered, self.at);
        self.at = self.at.plus(1_500);
        Ok(())
    }

    /// What an edge would show, and what that is worth to this visitor.
    fn show(&mut self, purpose: Purpose, slots: &[Slot]) -> Result<(), InvalidField> {
        let choosing = Choosing {
            kit: self.kit,
            whom: Whom {
                shop: self.shop.id.as_str(),
                session: &self.name,
            },
            seen: Seen::of(&self.session),
            forbidden: &[],
            policy: &built_in,
        };
        let decisions: Vec<Decision> = choosing.slots(slots);
        if decisions.is_empty() {
            return Ok(());
        }
        let shown = decisions.iter().filter_map(|one| one.chosen.as_deref());
        for variant in shown {
            let effect = EFFECTS.iter().find(|(name, _)| *name == variant);
            self.percent = self.percent * effect.map_or(100, |(_, percent)| *percent) / 100;
        }
        let decided = Decided {
            purpose,
            on: self.session.seq,
            visit: self.session.visit,
            kit: self.kit.version,
            model: self.kit.model.version.clone(),
            forbidden: Vec::new(),
            decisions,
        };
        let body = Map::from_iter([
            ("context".to_owned(), json!({"library": {"name": "demo"}})),
            (Decided::BODY_KEY.to_owned(), value_of(&decided)),
        ]);
        let id = format!("dec_{}_{}", self.name, self.session.seq);
        self.tell(&id, Decided::EVENT, body)
    }

    fn tell(
        &mut self,
        id: &str,
        name: &str,
        body: Map<String, serde_json::Value>,
    ) -> Result<(), InvalidField> {
        self.events.push(Event {
            shop: self.shop.id.clone(),
            id: EventId::parse(id)?,
            kind: EventKind::Journey,
            name: Some(name.to_owned()),
            at: self.at,
            received_at: self.received_at,
            anonymous_id: None,
            user_id: None,
            session_id: Some(self.name.clone()),
            email: None,
            trust: None,
            device: Device::default(),
            body,
        });
        Ok(())
    }
}
