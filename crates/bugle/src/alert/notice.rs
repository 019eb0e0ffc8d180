//! What a message says, before any channel puts it into its own form.
//!
//! A [`Notice`] is plain data, complete in itself: it is written when the event is filed and may wait in the outbox
//! for a day, so it holds what was true then and needs no look-up later. Its texts come from events and are
//! untrusted; the channels escape and cut them. Fields may be added, with a default: rows written by an older
//! version are still read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::line::one_line;

/// Why a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// The first event of an issue.
    #[serde(rename = "new_issue")]
    New,
    /// An event of an issue that had been resolved.
    #[serde(rename = "regression")]
    Regressed,
    /// A person pressed "send a test".
    #[serde(rename = "test")]
    Test,
    /// 80% of a monthly quota is used.
    #[serde(rename = "quota_near")]
    QuotaNear,
    /// All of a monthly quota is used.
    #[serde(rename = "quota_reached")]
    QuotaReached,
    /// A project is held to what is usual for it.
    #[serde(rename = "spike")]
    Spike,
}

impl Cause {
    /// The stable word for it, in stored rows and in webhooks.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::New => "new_issue",
            Cause::Regressed => "regression",
            Cause::Test => "test",
            Cause::QuotaNear => "quota_near",
            Cause::QuotaReached => "quota_reached",
            Cause::Spike => "spike",
        }
    }
}

/// What is said of a limit instead of an issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitFacts {
    /// The limit, in events.
    pub events_max: i64,
    /// When it opens again, Unix milliseconds.
    pub opens_ms: i64,
    /// When this was so, Unix milliseconds.
    pub at_ms: i64,
}

/// The line of source in which the program stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrashLine {
    /// The source text of that line; empty where the event brought none, or the project keeps source out of messages.
    pub code: String,
    /// File and line: `payments/wallet.py:88`.
    pub place: String,
}

/// Everything a message says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Why it is sent.
    pub cause: Cause,
    /// The project as people call it.
    pub project_name: String,
    /// The project as addresses call it.
    pub project_slug: String,
    /// The issue's id; it never changes, so mail threads hang on it.
    pub issue_id: i64,
    /// The issue's id as people say it: `SHOP-12`.
    pub short_id: String,
    /// The exception's type; empty for a message.
    pub kind: String,
    /// The exception's text.
    pub text: String,
    /// Where it happened, in a word: a function or a route.
    #[serde(default)]
    pub culprit: Option<String>,
    /// The line in which it happened.
    #[serde(default)]
    pub crash: Option<CrashLine>,
    /// `fatal`, `error`, `warning`, `info` or `debug`.
    pub level: String,
    /// The environment of the event that made this speak.
    #[serde(default)]
    pub environment: Option<String>,
    /// Its release.
    #[serde(default)]
    pub release: Option<String>,
    /// Its platform.
    #[serde(default)]
    pub platform: Option<String>,
    /// Events of the issue so far.
    pub events: u64,
    /// Different people among them.
    pub people: u64,
    /// The issue's first event, Unix milliseconds.
    pub first_seen_ms: i64,
    /// Its newest, Unix milliseconds.
    pub last_seen_ms: i64,
    /// The name of who is to look at it.
    #[serde(default)]
    pub assignee: Option<String>,
    /// The issue's page.
    pub issue_url: String,
    /// The page on which this message can be changed or stopped.
    pub settings_url: String,
    /// One sentence: which setting made it speak, and why.
    pub because: String,
    /// The event that made it speak, 32 hexadecimal digits.
    pub event_id: String,
    /// What it says of a limit; then it is about no issue.
    #[serde(default)]
    pub limit: Option<LimitFacts>,
}

/// The longest title a message shows; whole texts are on the issue's page.
const TITLE_CHARS_MAX: usize = 300;
/// The longest short fact: a release, an environment, a name.
const FACT_CHARS_MAX: usize = 120;

impl Notice {
    /// `KeyError: 'postalCode'`, on one line; whichever half there is.
    pub fn title(&self) -> String {
        let (kind, text) = (one_line(&self.kind, TITLE_CHARS_MAX), one_line(&self.text, TITLE_CHARS_MAX));
        match (kind.is_empty(), text.is_empty()) {
            (false, false) => one_line(&format!("{kind}: {text}"), TITLE_CHARS_MAX),
            (false, true) => kind,
            (true, false) => text,
            (true, true) => "No text".to_owned(),
        }
    }

    /// What happened, before the title is said: `Came back in 4.18.2`.
    pub fn headline(&self) -> String {
        let what = match self.cause {
            Cause::New => "New issue",
            Cause::Regressed => "Came back",
            Cause::Test => return "Test message".to_owned(),
            Cause::QuotaNear => return "Quota nearly used".to_owned(),
            Cause::QuotaReached => return "Quota used up".to_owned(),
            Cause::Spike => return "Held back in a spike".to_owned(),
        };
        match &self.release {
            Some(release) => format!("{what} in {}", one_line(release, FACT_CHARS_MAX)),
            None => what.to_owned(),
        }
    }

    /// `12 events for 11 people`; the people only where events name any.
    pub fn tally(&self) -> String {
        let events = format!("{} {}", grouped(self.events), if self.events == 1 { "event" } else { "events" });
        match self.people {
            0 => events,
            1 => format!("{events} for 1 person"),
            people => format!("{events} for {} people", grouped(people)),
        }
    }

    /// What else is known, as label and value, in the order in which people ask.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        if let Some(limit) = &self.limit {
            return self.facts_of(limit);
        }
        let optional = [
            ("Environment", &self.environment),
            ("Release", &self.release),
            ("Platform", &self.platform),
            ("Assigned to", &self.assignee),
        ];
        let mut facts = vec![("So far", self.tally()), ("Level", one_line(&self.level, FACT_CHARS_MAX))];
        for (label, value) in optional {
            facts.extend(value.as_deref().map(|value| (label, one_line(value, FACT_CHARS_MAX))));
        }
        facts.push(("First seen", moment(self.first_seen_ms)));
        facts.push(("Last seen", moment(self.last_seen_ms)));
        facts
    }
}

impl Notice {
    fn facts_of(&self, limit: &LimitFacts) -> Vec<(&'static str, String)> {
        let events = format!("{} events", grouped(limit.events_max.max(0) as u64));
        let mut facts = match self.cause {
            Cause::Spike => vec![("At most", format!("{events} in ten minutes"))],
            _ => vec![("Quota", format!("{events} a month")), ("Opens again", moment(limit.opens_ms))],
        };
        facts.push(("At", moment(limit.at_ms)));
        facts
    }
}

/// `12 Mar 2026 14:21 UTC`: messages are read anywhere, so the zone is said.
fn moment(unix_ms: i64) -> String {
    match Timestamp::from_millisecond(unix_ms) {
        Ok(at) => at.strftime("%-d %b %Y %H:%M UTC").to_string(),
        Err(_) => "no data".to_owned(),
    }
}

/// `1,284`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A notice for the tests of every channel.
#[cfg(test)]
pub(crate) fn sample(cause: Cause) -> Notice {
    Notice {
        cause,
        project_name: "Shop API".into(),
        project_slug: "shop-api".into(),
        issue_id: 412,
        short_id: "SHOP-12".into(),
        kind: "KeyError".into(),
        text: "'postalCode' & <b>".into(),
        culprit: Some("payments.wallet.charge".into()),
        crash: Some(CrashLine {
            code: "postcode = contact[\"postalCode\"]".into(),
            place: "payments/wallet.py:88".into(),
        }),
        level: "error".into(),
        environment: Some("production".into()),
        release: Some("4.18.2".into()),
        platform: Some("python".into()),
        events: 1284,
        people: 11,
        first_seen_ms: 1_773_324_060_000,
        last_seen_ms: 1_779_157_260_000,
        assignee: None,
        issue_url: "https://bugle.example.com/issues/412".into(),
        settings_url: "https://bugle.example.com/projects/shop-api/settings#alerts".into(),
        because: "Sent because Shop API tells this address about issues that come back.".into(),
        event_id: "fc6d8c0c43fc4630ad850ee518f1b9d0".into(),
        limit: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_happened() {
        let notice = sample(Cause::Regressed);
        assert_eq!(notice.headline(), "Came back in 4.18.2");
        assert_eq!(notice.title(), "KeyError: 'postalCode' & <b>");
        assert_eq!(notice.tally(), "1,284 events for 11 people");
        assert!(notice.facts().contains(&("First seen", "12 Mar 2026 14:01 UTC".to_owned())), "{:?}", notice.facts());
    }

    #[test]
    fn missing_halves_leave_no_hole() {
        let mut notice = sample(Cause::New);
        (notice.kind, notice.release, notice.people, notice.events) = (String::new(), None, 0, 1);
        assert_eq!((notice.title().as_str(), notice.headline().as_str()), ("'postalCode' & <b>", "New issue"));
        assert_eq!(notice.tally(), "1 event");
        (notice.text, notice.last_seen_ms) = (" \n".into(), i64::MAX);
        assert_eq!(notice.title(), "No text");
        assert!(notice.facts().contains(&("Last seen", "no data".to_owned())));
    }

    #[test]
    fn it_survives_the_outbox() {
        let notice = sample(Cause::New);
        let stored = serde_json::to_value(&notice).unwrap();
        assert_eq!(stored["cause"], Cause::New.as_str());
        assert_eq!(serde_json::from_value::<Notice>(stored.clone()).unwrap(), notice);
        let mut older = stored;
        older.as_object_mut().unwrap().remove("assignee");
        assert_eq!(serde_json::from_value::<Notice>(older).unwrap(), notice);
    }

    #[test]
    fn digits_are_grouped() {
        let said: Vec<String> = [0, 999, 1000, 99_999, 1_234_567].into_iter().map(grouped).collect();
        assert_eq!(said, ["0", "999", "1,000", "99,999", "1,234,567"]);
    }
}
