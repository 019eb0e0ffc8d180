//! `legacy-browsers`: browsers that are too old, by the context `browser` of the event, which its SDK or the reading of its
//! user agent has filled in.

use super::field::browser;
use crate::event::Event;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// Browsers below these versions, when nothing more is said.
const USUAL: [(&str, u32); 5] = [("ie", 10), ("safari", 6), ("opera", 15), ("android", 4), ("opera_mini", 8)];

/// Each browser by the names that it goes by.
const NAMES: [(&str, &[&str]); 8] = [
    ("ie", &["ie", "internet explorer", "ie mobile"]),
    ("safari", &["safari", "mobile safari"]),
    ("opera", &["opera", "opera mobile"]),
    ("opera_mini", &["opera mini"]),
    ("android", &["android", "android browser"]),
    ("firefox", &["firefox", "firefox mobile"]),
    ("chrome", &["chrome", "google chrome", "chrome mobile"]),
    ("edge", &["edge", "microsoft edge", "edge mobile"]),
];

/// One set of browsers, under the name that Sentry has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct Legacy(&'static (&'static str, &'static str, u32, u32));

/// Name, browser, from which version on, below which one.
static SETS: [(&str, &str, u32, u32); 18] = [
    ("default", "", 0, 0),
    ("ie", "ie", 0, 12),
    ("safari", "safari", 0, 16),
    ("opera", "opera", 0, 100),
    ("opera_mini", "opera_mini", 0, 35),
    ("android", "android", 0, 4),
    ("firefox", "firefox", 0, 111),
    ("chrome", "chrome", 0, 111),
    ("edge", "edge", 0, 111),
    ("ie_pre_9", "ie", 0, 9),
    ("ie9", "ie", 9, 10),
    ("ie10", "ie", 10, 11),
    ("ie11", "ie", 11, 12),
    ("safari_pre_6", "safari", 0, 6),
    ("opera_pre_15", "opera", 0, 15),
    ("opera_mini_pre_8", "opera_mini", 0, 8),
    ("android_pre_4", "android", 0, 4),
    ("edge_pre_79", "edge", 0, 79),
];

impl Legacy {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Legacy> {
        SETS.iter().map(Legacy)
    }

    /// By its name.
    pub fn find(name: &str) -> Option<Legacy> {
        SETS.iter().find(|set| set.0 == name).map(Legacy)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.0.0
    }

    /// What it is, for people.
    pub fn words(self) -> String {
        let (_, browser, from, below) = *self.0;
        let browser = match browser {
            "" => return "Internet Explorer below 10, Safari below 6, Opera below 15, Opera Mini below 8, Android below 4".into(),
            "ie" => "Internet Explorer",
            "safari" => "Safari",
            "opera" => "Opera",
            "opera_mini" => "Opera Mini",
            "android" => "Android Browser",
            "firefox" => "Firefox",
            "chrome" => "Chrome",
            _ => "Edge",
        };
        if from > 0 { format!("{browser} {from}") } else { format!("{browser} below {below}") }
    }

    fn holds(self, name: &str, version: u32) -> bool {
        match *self.0 {
            ("default", ..) => USUAL.iter().any(|(browser, below)| *browser == name && version < *below),
            (_, browser, from, below) => browser == name && (from..below).contains(&version),
        }
    }
}

impl TryFrom<String> for Legacy {
    type Error = String;

    fn try_from(name: String) -> Result<Legacy, String> {
        Legacy::find(&name).ok_or_else(|| format!("There is no set of browsers {name:?}."))
    }
}

impl<'de> Deserialize<'de> for Legacy {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Legacy, D::Error> {
        Legacy::try_from(String::deserialize(reader)?).map_err(D::Error::custom)
    }
}

impl From<Legacy> for String {
    fn from(legacy: Legacy) -> String {
        legacy.name().into()
    }
}

/// Whether the event's browser is in one of the sets. One without a version is in none.
pub(super) fn is_legacy(event: &Event<'_>, sets: &[Legacy]) -> bool {
    let Some(context) = browser(event) else { return false };
    let (Some(name), Some(version)) = (context.text("name"), context.text("version")) else { return false };
    is_in(name, version, sets)
}

/// Whether a browser of this name and version is in one of the sets.
pub(super) fn is_in(name: &str, version: &str, sets: &[Legacy]) -> bool {
    let name = name.to_lowercase();
    let Some((browser, _)) = NAMES.iter().find(|(_, names)| names.contains(&name.as_str())) else { return false };
    let digits = version.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().is_ok_and(|version| sets.iter().any(|set| set.holds(browser, version)))
}
