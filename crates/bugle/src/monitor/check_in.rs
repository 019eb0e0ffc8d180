//! A check-in: what an SDK or a URL says of one run of a job, as it is read and as the journal keeps it.
//!
//! The journal's form ([`CheckIn::to_bytes`], the item's body) is this type as JSON; fields may be added, none changes its
//! meaning. Reading is lenient: only a check-in without slug or status says nothing. Texts are scrubbed before anything is
//! made of them, since a secret inside of a slug could not be told any more.

use super::schedule::{CRONTAB_BYTES_MAX, INTERVAL_MAX, Schedule, Unit};
use super::{Config, MINUTES_MAX, SLUG_BYTES_MAX, THRESHOLD_MAX};
use bugle_event::EventId;
use bugle_event::scrub::Scrubber;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The largest check-in, in bytes of JSON: real ones are under 1 KiB.
pub const CHECK_IN_BYTES_MAX: usize = 16 << 10;
/// The longest run, in ms: a year.
const DURATION_MS_MAX: f64 = 366.0 * 86_400_000.0;
/// The longest name of an environment, in bytes.
const ENVIRONMENT_BYTES_MAX: usize = 64;
/// The environment of a check-in that names none.
const ENVIRONMENT: &str = "production";
/// The monitor of a check-in whose slug was a secret and nothing else.
const SCRUBBED: &str = "filtered";

/// What is said of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// It has begun.
    InProgress,
    /// It ended well.
    Ok,
    /// It ended badly.
    Error,
}

impl Said {
    /// By the protocol's word.
    pub fn parse(word: &str) -> Option<Said> {
        match word.trim() {
            "in_progress" => Some(Said::InProgress),
            "ok" => Some(Said::Ok),
            "error" => Some(Said::Error),
            _ => None,
        }
    }
}

/// One check-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckIn {
    /// The run; none: the newest that is in progress.
    pub id: Option<String>,
    /// The monitor.
    pub slug: String,
    /// What is said.
    pub said: Said,
    /// How long the run took, in ms.
    pub duration_ms: Option<i64>,
    /// Where.
    pub environment: String,
    /// The trace that the run belongs to.
    pub trace_id: Option<String>,
    /// What is wanted of the monitor, if that was said.
    pub config: Option<Config>,
}

impl CheckIn {
    /// Reads the body of an item; `None` when it names no monitor or no status that there is.
    pub fn read(body: &[u8], scrubber: &Scrubber) -> Option<CheckIn> {
        let Ok(Value::Object(map)) = serde_json::from_slice(body) else { return None };
        CheckIn::of(&map, map.get("monitor_slug")?.as_str()?, scrubber)
    }

    /// From its fields, of the monitor with this slug.
    pub fn of(map: &Map<String, Value>, slug: &str, scrubber: &Scrubber) -> Option<CheckIn> {
        let text = |key: &str| map.get(key).and_then(Value::as_str);
        let id = |text: &str| EventId::parse(text).map(|id| id.to_string());
        let trace = map.get("contexts").and_then(|contexts| contexts.pointer("/trace/trace_id"));
        Some(CheckIn {
            id: text("check_in_id").and_then(id),
            slug: slug_of(&scrubber.text(slug)).or_else(|| slug_of(slug).map(|_| SCRUBBED.into()))?,
            said: Said::parse(text("status")?)?,
            duration_ms: map.get("duration").and_then(duration_ms),
            environment: environment(
                &scrubber.field("environment", text("environment").unwrap_or_default()).unwrap_or_default(),
            ),
            trace_id: trace.and_then(Value::as_str).and_then(id),
            config: map.get("monitor_config").and_then(Value::as_object).map(|map| config(map, scrubber)),
        })
    }

    /// As the journal keeps it.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// From the journal.
    pub fn from_bytes(bytes: &[u8]) -> Option<CheckIn> {
        serde_json::from_slice(bytes).ok()
    }
}

/// `[a-z0-9_-]`, at most 50: whatever else comes is a dash, and dashes do not repeat.
fn slug_of(text: &str) -> Option<String> {
    let mut slug = String::new();
    for c in text.trim().chars() {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9' | '_') => slug.push(c),
            _ if slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
        if slug.len() >= SLUG_BYTES_MAX {
            break;
        }
    }
    let slug = slug.trim_matches('-');
    (!slug.is_empty()).then(|| slug.to_string())
}

fn environment(text: &str) -> String {
    let text = text.trim();
    let is_plain = text.len() <= ENVIRONMENT_BYTES_MAX && !text.contains(|c: char| c.is_control() || c == '/');
    if is_plain && !text.is_empty() { text.to_string() } else { ENVIRONMENT.to_string() }
}

/// Seconds, with or without a fraction, as a number or in a text.
fn duration_ms(value: &Value) -> Option<i64> {
    let seconds = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    let ms = seconds * 1000.0;
    (0.0..=DURATION_MS_MAX).contains(&ms).then(|| ms.round() as i64)
}

fn config(map: &Map<String, Value>, scrubber: &Scrubber) -> Config {
    let number = |key: &str| {
        let value = map.get(key)?;
        value.as_i64().or_else(|| value.as_f64().map(|number| number.ceil() as i64))
    };
    let minutes = |key: &str| number(key).map(|minutes| minutes.clamp(1, MINUTES_MAX));
    let runs = |key: &str| number(key).map(|runs| runs.clamp(1, THRESHOLD_MAX));
    let zone = map.get("timezone").and_then(Value::as_str).unwrap_or_default();
    Config {
        schedule: map.get("schedule").and_then(|schedule| schedule_of(schedule, zone, scrubber)),
        margin_min: minutes("checkin_margin"),
        runtime_min: minutes("max_runtime"),
        failures: runs("failure_issue_threshold"),
        recoveries: runs("recovery_threshold"),
    }
}

fn schedule_of(schedule: &Value, zone: &str, scrubber: &Scrubber) -> Option<Schedule> {
    let value = schedule.get("value")?;
    match schedule.get("type")?.as_str()? {
        "crontab" => {
            let (line, zone) = (scrubber.text(value.as_str()?.trim()), scrubber.text(zone.trim()));
            let is_short = line.len() <= CRONTAB_BYTES_MAX && zone.len() <= CRONTAB_BYTES_MAX;
            is_short.then_some(Schedule::Crontab { line, zone })
        }
        "interval" => {
            let every = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())?;
            let unit = Unit::parse(schedule.get("unit")?.as_str()?.trim())?;
            Some(Schedule::Interval { every: every.clamp(1, INTERVAL_MAX), unit })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(body: &str) -> Option<CheckIn> {
        CheckIn::read(body.as_bytes(), &Scrubber::default())
    }

    #[test]
    fn what_is_scrubbed_is_still_a_check_in() {
        let read = read(
            r#"{"monitor_slug":"job --password=hunter2","status":"ok","environment":"password=hunter2",
            "monitor_config":{"schedule":{"type":"crontab","value":"token=hunter2"},"timezone":"password=hunter2"}}"#,
        );
        let check_in = read.expect("a check-in");
        assert_eq!(check_in.slug, "job-password-filtered");
        assert_eq!(slug_of(&check_in.slug).as_deref(), Some("job-password-filtered"));
        assert_eq!(check_in.environment, "password=[Filtered]");
        assert!(!String::from_utf8_lossy(&check_in.to_bytes()).contains("hunter2"));
        let plain = super::CheckIn::read(
            br#"{"monitor_slug":"db-password-rotation","status":"ok","monitor_config":{"schedule":{"type":"crontab","value":"*/5 0,12 1-15 * 1"}}}"#,
            &Scrubber::default(),
        );
        let plain = plain.expect("a check-in");
        assert_eq!(plain.slug, "db-password-rotation", "a name is no secret");
        let schedule = plain.config.and_then(|config| config.schedule);
        assert_eq!(schedule.map(|schedule| schedule.words()).as_deref(), Some("*/5 0,12 1-15 * 1 in UTC"));
    }

    #[test]
    fn a_check_in_is_read_and_comes_back_from_the_journal() {
        let body = r#"{"check_in_id":"83a7c03e-d0a0-4e1b-97e2-e3b18d38f244","monitor_slug":"Nightly Export!","status":"in_progress",
            "duration":10.25,"environment":"staging","contexts":{"trace":{"trace_id":"8f431b7aa08441bbbd5a0100fd91f9fe"}},
            "monitor_config":{"schedule":{"type":"crontab","value":"0 * * * *"},"checkin_margin":5,"max_runtime":99999999,
            "timezone":"America/Los_Angeles","failure_issue_threshold":0,"owner":"team:x"}}"#;
        let read = read(body).expect("a check-in");
        assert_eq!((read.slug.as_str(), read.said), ("nightly-export", Said::InProgress));
        assert_eq!((read.duration_ms, read.environment.as_str()), (Some(10_250), "staging"));
        let config = read.config.clone().expect("a config");
        assert_eq!(config.schedule.as_ref().map(Schedule::words).as_deref(), Some("0 * * * * in America/Los_Angeles"));
        assert_eq!((config.margin_min, config.runtime_min, config.failures), (Some(5), Some(MINUTES_MAX), Some(1)));
        assert_eq!(CheckIn::from_bytes(&read.to_bytes()), Some(read));
    }

    #[test]
    fn what_is_missing_has_a_default_and_what_is_odd_says_nothing() {
        let least = read(r#"{"monitor_slug":"a","status":"ok","duration":-1,"environment":""}"#).expect("one");
        assert_eq!((least.id, least.duration_ms, least.environment.as_str()), (None, None, "production"));
        let nil = r#"{"monitor_slug":"a","status":"ok","check_in_id":"00000000000000000000000000000000"}"#;
        assert_eq!(read(nil).expect("one").id, None, "the nil id is the newest in progress");
        for odd in ["", "[]", r#"{"status":"ok"}"#, r#"{"monitor_slug":"a"}"#, r#"{"monitor_slug":"-","status":"ok"}"#]
        {
            assert_eq!(read(odd), None, "{odd}");
        }
        assert_eq!(read(r#"{"monitor_slug":"a","status":"done"}"#), None);
    }

    proptest! {
        #[test]
        fn slugs_are_plain_and_stay(text in "\\PC*") {
            if let Some(slug) = slug_of(&text) {
                prop_assert!(slug.len() <= SLUG_BYTES_MAX && slug.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
                prop_assert_eq!(slug_of(&slug), Some(slug.clone()));
            }
        }
    }
}
