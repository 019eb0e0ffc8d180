//! Outcomes and reasons in words that somebody understands who has never seen this page, each with the setting that
//! decided it.
//!
//! A new reason does not compile before it has its words here; [`setting`] is the one table of where a decision can
//! be changed.

use crate::outcome::{Category, Reason};
use crate::ui::address::encode;

/// An outcome as a heading, and what it means.
pub fn outcome(name: &str) -> (&'static str, &'static str) {
    match name {
        "stored" => ("Stored", "in the database"),
        "discarded" => ("Not kept", "nothing was wrong with it"),
        "rate_limited" => ("Refused", "a limit was reached"),
        "invalid" => ("Invalid", "could not be used"),
        "filtered" => ("Filtered", "by a rule of yours"),
        _ => ("Other", ""),
    }
}

/// A reason in a few words, and as sentences.
pub fn reason(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::None => ("stored", "It is in the database."),
        Reason::IssueCap => (
            "the issue had enough",
            "More events of one issue came in an hour than are kept of it. They count in its events, people, tags and \
             alerts, which stay exact; only their payloads are not there to be opened.",
        ),
        Reason::Unsupported => (
            "of a kind that is not kept",
            "Bugle keeps errors and messages, attachments, feedback, sessions and check-ins. Other kinds are taken, so that \
             SDKs stay calm, counted, and let go; where an SDK can be told so, it is asked not to send them.",
        ),
        Reason::Duplicate => (
            "came before",
            "An event with this id was there already: SDKs and their caches send again when they are not sure. The first \
             one counts, so nothing is missing.",
        ),
        Reason::KeyQuota => (
            "the key's limit",
            "The key may send only so many events in a span of time. The rest is refused before it is written, and the \
             SDK is told when to come back.",
        ),
        Reason::ProjectRateLimit => (
            "the project's limit",
            "The project may send only so many events in a span of time, over all its keys. The rest is refused before it is \
             written, and the SDK is told when to come back.",
        ),
        Reason::ProjectQuota => (
            "the project's quota",
            "The project's quota of the month was used up. The rest is refused until the next month, and the SDK is told so.",
        ),
        Reason::OrganizationQuota => (
            "the organization's quota",
            "The organization's quota of the month was used up. The rest is refused until the next month, and the SDK is \
             told so.",
        ),
        Reason::Spike => (
            "a spike",
            "The project sent far more than is usual for it, and is protected from that. What went beyond was refused, \
             and the SDK told when to come back.",
        ),
        Reason::AcceptedPerMinute => (
            "the server's minute was full",
            "The server takes only so many events in a minute, and this project had used its part of it.",
        ),
        Reason::OverloadShare => (
            "more than its part of the backlog",
            "Many events waited on the server, and this project had used its part of the room. Other projects were not held \
             back.",
        ),
        Reason::DiskFullShare => (
            "more than its part of the disk",
            "The server's disk was nearly full, and this project had used its part of the rest.",
        ),
        Reason::TooLarge => (
            "too large",
            "The request, the event or the item was larger than the server takes. The SDK should trim it.",
        ),
        Reason::Encoding => (
            "damaged on the way",
            "The compressed body could not be unpacked: it was cut short, or is not what its header says. A proxy in \
             between may have changed it.",
        ),
        Reason::Framing => (
            "not an envelope",
            "The body broke off, or does not have the form in which SDKs send. Whoever sent it may not be an SDK.",
        ),
        Reason::Unreadable => (
            "not what it says it is",
            "An item is not what it says it is, such as feedback without a word, or a session without a time.",
        ),
        Reason::NoKey => ("no key", "No key came with it, so nobody knows whose it is. Check that the SDK has a DSN."),
        Reason::BadCredentials => {
            ("contradictory keys", "Two different keys came with it, or one that is malformed. Copy the DSN anew.")
        }
        Reason::UnknownKey => {
            ("unknown key", "The key is not known, is switched off, or belongs to another project. Copy the DSN anew.")
        }
        Reason::Cors => {
            ("not from one of your sites", "A page sent it whose site is not among the project's allowed domains.")
        }
        Reason::Tunnel => ("not open for the tunnel", "It came by the tunnel, which this project has not opened."),
        Reason::Overload => (
            "too much at once",
            "More was waiting to be filed than the server allows. It was refused before it was written, and the SDK was \
             told to come back.",
        ),
        Reason::DiskFull => (
            "the disk was full",
            "The server's disk had less room than must remain. It was refused before it was written, and the SDK was \
             told to come back.",
        ),
        Reason::Timestamp => (
            "of another time",
            "A session claims to have begun in the future or more than five days ago. The clock of the device may be wrong.",
        ),
        Reason::InvalidRelease => (
            "no valid release",
            "A session counts for a release, and this one names none or one that may not be called so. Set the release \
             where the SDK is started.",
        ),
        Reason::ProjectGone => ("the project was deleted", "The project was deleted before the event was filed."),
        Reason::FilterReactHydration => {
            ("a filter: React hydration", "The filter for hydration errors of React is on for the project.")
        }
        Reason::FilterChunkLoad => {
            ("a filter: chunks", "The filter for chunks of a web app that could not be loaded is on for the project.")
        }
        Reason::FilterCsp => (
            "a filter: sources of reports",
            "The project does not want security reports about these sources, or about what browsers and extensions do.",
        ),
        Reason::FilterAddress => {
            ("a filter: addresses", "It came from an address that the project does not want events from.")
        }
        Reason::FilterRelease => ("a filter: releases", "It is of a release that the project does not want events of."),
        Reason::FilterMessage => ("a filter: messages", "Its message is one that the project does not want."),
        Reason::FilterLocalhost => {
            ("a filter: localhost", "It came from the machine of a developer, and the project filters those.")
        }
        Reason::FilterExtensions => {
            ("a filter: extensions", "It is of a browser extension, and the project filters those.")
        }
        Reason::FilterLegacyBrowsers => {
            ("a filter: old browsers", "It is of a browser that the project finds too old.")
        }
        Reason::FilterCrawlers => ("a filter: robots", "It is of a robot, and the project filters those."),
        Reason::FilterRule => ("a rule of the project", "A rule that somebody of the project wrote drops such events."),
        Reason::Privacy => {
            ("privacy", "The project keeps no such attachments, or a rule of its privacy takes them out.")
        }
        Reason::Quarantined => (
            "put aside",
            "Filing it failed in a way that would fail again. The record is kept with its error, and what stood behind \
             it went on.",
        ),
    }
}

/// Where the setting is that decided it: address and name. `key` is the one key that it happened to, if there is only
/// one and it is still there.
pub fn setting(reason: Reason, slug: &str, key: Option<i64>) -> Option<(String, &'static str)> {
    let key = key.map_or("keys".into(), |key| format!("key-{key}"));
    let project = |part: &str| format!("/projects/{}/settings#{part}", encode(slug));
    let limits = |part: &str| format!("/projects/{}/limits{part}", encode(slug));
    match reason {
        Reason::None | Reason::Duplicate | Reason::ProjectGone => None,
        Reason::KeyQuota => Some((project(&key), "Limit of the key")),
        Reason::ProjectRateLimit => Some((limits(""), "Limit of the project")),
        Reason::ProjectQuota => Some((limits(""), "Quota of the project")),
        Reason::OrganizationQuota => Some(("/settings#limits".into(), "Quota of the organization")),
        Reason::Spike => Some((limits(""), "Protection from spikes")),
        Reason::AcceptedPerMinute | Reason::OverloadShare | Reason::DiskFullShare => {
            Some((limits(""), "Parts of the server's limits"))
        }
        Reason::NoKey | Reason::BadCredentials | Reason::UnknownKey => Some((project("keys"), "Keys")),
        Reason::Cors | Reason::Tunnel => Some((format!("/projects/{}/browser", encode(slug)), "Browser")),
        Reason::IssueCap => Some((format!("/projects/{}/storage", encode(slug)), "Cap per issue")),
        Reason::Unsupported => Some(("/help/limits#kinds".into(), "What is kept")),
        Reason::TooLarge => Some(("/help/limits#sizes".into(), "Sizes")),
        Reason::Encoding | Reason::Framing | Reason::Unreadable | Reason::Timestamp | Reason::InvalidRelease => {
            Some(("/help/limits#sizes".into(), "What is read"))
        }
        Reason::Overload => Some(("/help/limits#backlog".into(), "Backlog")),
        Reason::DiskFull => Some(("/help/limits#disk".into(), "Free disk")),
        Reason::Privacy => Some((format!("/projects/{}/privacy", encode(slug)), "Privacy")),
        Reason::Quarantined => Some(("/ledger#quarantine".into(), "What was put aside")),
        Reason::FilterRule => Some((format!("/projects/{}/filters#rules", encode(slug)), "Rules of the project")),
        Reason::FilterReactHydration
        | Reason::FilterChunkLoad
        | Reason::FilterCsp
        | Reason::FilterAddress
        | Reason::FilterRelease
        | Reason::FilterMessage
        | Reason::FilterLocalhost
        | Reason::FilterExtensions
        | Reason::FilterLegacyBrowsers
        | Reason::FilterCrawlers => {
            Some((format!("/projects/{}/filters#{}", encode(slug), reason.as_str()), "Filters of the project"))
        }
    }
}

/// A category in words, for `count` of it.
pub fn category(name: &str, count: i64) -> &'static str {
    let (one, many) = match Category::of_report(name) {
        Some(Category::Error) => ("error", "errors"),
        Some(Category::Default) if name != "default" => ("item", "items"),
        Some(Category::Default) => ("message or other item", "messages and other items"),
        Some(Category::Transaction) => ("transaction", "transactions"),
        Some(Category::Span) => ("span", "spans"),
        Some(Category::Attachment) => ("attachment", "attachments"),
        Some(Category::Session) => ("session", "sessions"),
        Some(Category::Profile) => ("profile", "profiles"),
        Some(Category::Replay) => ("replay", "replays"),
        Some(Category::Monitor) => ("check-in", "check-ins"),
        Some(Category::Feedback) => ("feedback", "feedbacks"),
        Some(Category::Log) => ("log line", "log lines"),
        Some(Category::Metric) => ("metric", "metrics"),
        Some(Category::Security) => ("security report", "security reports"),
        Some(Category::ClientReport) => ("report of an SDK", "reports of SDKs"),
        None => ("item", "items"),
    };
    if count == 1 { one } else { many }
}

/// `a minute`, `an hour`, `90 s`: the span of a key's limit.
pub fn window(window_s: i64) -> String {
    match window_s {
        60 => "a minute".into(),
        3_600 => "an hour".into(),
        86_400 => "a day".into(),
        604_800 => "a week".into(),
        other => format!("in {other} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_sentence_and_most_a_setting() {
        for one in Reason::all() {
            let (name, sentence) = reason(one);
            assert!(!name.is_empty() && sentence.ends_with('.'), "{one:?}");
        }
        let without = Reason::all().filter(|one| setting(*one, "shop", None).is_none()).count();
        assert_eq!(without, 3, "there is nothing to set about what was stored, came twice, or has no project");
        assert_eq!(setting(Reason::KeyQuota, "a b", Some(4)).expect("one").0, "/projects/a%20b/settings#key-4");
    }
}
