//! People and bots: a bot is answered like anybody, and its events go to a lane of their own, which no figure
//! counts. The shop's people can look into that lane and say what they know better.
//!
//! The rule reads the user agent alone: a kept-up list (the crate isbot) and a few rules of our own for what it
//! misses. It is no defence against a bot that lies.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use footfall_shared::event::Event;
use isbot::Bots;

/// Longest user agent that is kept, in characters.
pub(super) const AGENT_CHARS_MAX: usize = 400;

/// Where an event is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    /// With everybody's.
    People,
    /// Nowhere.
    Bots,
}

impl Lane {
    /// As it is stored and written.
    #[must_use]
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Bots => "bots",
        }
    }

    /// Reads the name.
    #[must_use]
    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::People, Self::Bots]
            .into_iter()
            .find(|lane| lane.as_str() == text)
    }
}

/// What automation calls itself, in lower case, where the list has no name for it.
const AUTOMATION: [&str; 16] = [
    "headless",
    "selenium",
    "playwright",
    "puppeteer",
    "cypress",
    "phantomjs",
    "synthetics",
    "lighthouse",
    "nikto",
    "crawl",
    "scrap",
    "monitor",
    "preview",
    "archive",
    "agent/",
    "feed",
];
/// Only programs tell where to read about them.
const ADDRESSES: [&str; 4] = ["http://", "https://", "www.", "+http"];

static BOTS: LazyLock<Bots> = LazyLock::new(Bots::default);

/// Whether a user agent is a bot's, as far as it says so itself. An event without one is a person's: apps and
/// shops' servers often send none.
#[must_use]
pub(super) fn is_bot(agent: &str) -> bool {
    let lower = agent.to_lowercase();
    let names_itself = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    // Browsers stopped to call themselves compatible with the Internet Explorer.
    let compatible =
        lower.contains("(compatible;") && !names_itself(&["msie", "trident", "konqueror"]);
    names_itself(&AUTOMATION) || names_itself(&ADDRESSES) || compatible || BOTS.is_bot(agent)
}

/// The user agent that an event tells, `context.userAgent` of the Segment spec.
#[must_use]
pub(super) fn agent_of(event: &Event) -> Option<&str> {
    let agent = event.body.get("context")?.get("userAgent")?.as_str()?;
    let end = agent.char_indices().nth(AGENT_CHARS_MAX);
    let agent = end.map_or(agent, |(end, _)| &agent[..end]);
    (!agent.is_empty()).then_some(agent)
}

/// The lane of an event of this agent: as the shop's people decided, else by the rule.
#[must_use]
pub(super) fn lane_of(agent: Option<&str>, decided: &BTreeMap<String, Lane>) -> Lane {
    let Some(agent) = agent else {
        return Lane::People;
    };
    let by_rule = || {
        if is_bot(agent) {
            Lane::Bots
        } else {
            Lane::People
        }
    };
    decided.get(agent).copied().unwrap_or_else(by_rule)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const CHROME: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

    #[test]
    fn what_says_that_it_is_a_bot_is_one() {
        for agent in [
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "curl/8.5.0",
            "python-requests/2.32",
            &CHROME.replace("Chrome", "HeadlessChrome"),
            "Mozilla/5.0 (compatible; jobhunter/1.0)",
        ] {
            assert!(is_bot(agent), "{agent}");
        }
        for agent in [
            CHROME,
            "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
        ] {
            assert!(!is_bot(agent), "{agent}");
        }
    }

    #[test]
    fn what_people_decide_goes_before_the_rule() {
        let decided = BTreeMap::from([
            ("curl/8.5.0".to_owned(), Lane::People),
            (CHROME.to_owned(), Lane::Bots),
        ]);
        assert_eq!(lane_of(Some("curl/8.5.0"), &decided), Lane::People);
        assert_eq!(lane_of(Some(CHROME), &decided), Lane::Bots);
        assert_eq!(lane_of(Some("curl/8.6.0"), &decided), Lane::Bots);
        assert_eq!(lane_of(None, &decided), Lane::People);
    }

    /// The two sources disagree with each other, so no rule is right on both: what is asked is that hardly a
    /// browser is taken for a bot, and that most bots are found.
    #[test]
    fn on_real_user_agents_few_browsers_are_taken_for_bots_and_most_bots_are_found() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/user-agents");
        let Ok(browsers) = std::fs::read_to_string(data.join("isbot_browsers.txt")) else {
            eprintln!("skipped: ../shared/data/user-agents is not here");
            return;
        };
        let crawlers = std::fs::read_to_string(data.join("isbot_crawlers.txt")).unwrap();
        let known = std::fs::read_to_string(data.join("crawler-user-agents.json")).unwrap();
        let known: serde_json::Value = serde_json::from_str(&known).unwrap();
        let known: Vec<&str> = known
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|one| one["instances"].as_array().unwrap())
            .map(|one| one.as_str().unwrap())
            .collect();
        let share = |agents: &[&str]| {
            let bots = agents.iter().filter(|agent| is_bot(agent)).count();
            bots * 1000 / agents.len()
        };
        let lines = |text: &'static str| text.lines().collect::<Vec<_>>();
        let (browsers, crawlers) = (lines(browsers.leak()), lines(crawlers.leak()));
        let (wrong, found, found_known) = (share(&browsers), share(&crawlers), share(&known));
        eprintln!("measured: {wrong} ‰ of browsers, {found} ‰ and {found_known} ‰ of bots");
        assert!(wrong <= 30, "{wrong} ‰ of the browsers are taken for bots");
        assert!(found >= 725, "{found} ‰ of isbot's crawlers are found");
        assert!(
            found_known >= 895,
            "{found_known} ‰ of the known crawlers are found"
        );
    }
}
