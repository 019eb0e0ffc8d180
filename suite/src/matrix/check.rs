//! What each feature must have become, by REST and on the page.
//!
//! A check is asked again until it is met or the time is over: a program has ended before its last event is filed. An
//! address that the server does not have is an answer at once.

use std::time::Duration;

use serde_json::Value;

use super::Feature;
use super::manifest::Manifest;
use crate::bugle::ORGANIZATION;
use crate::rest::{count, tag, text};
use crate::{Person, Project, Rest, wait};

/// How long what a program has sent may take to be seen. Filing takes a second at most.
const SEEN_WITHIN: Duration = Duration::from_secs(20);
/// What every flood is made of.
const FLOOD_EVENTS: u64 = 500;
/// The bytes of receipt.txt, "two cups of tea".
const RECEIPT: &str = "two cups of tea";

/// What is looked at, and by whom.
pub struct Evidence<'w> {
    /// A script.
    pub rest: &'w Rest,
    /// A person.
    pub owner: &'w Person,
    /// Where the program reports.
    pub project: &'w Project,
    /// What the program is.
    pub manifest: &'w Manifest,
}

/// Waits until a feature is as it must be; the error says what it is instead.
pub fn await_feature(feature: Feature, evidence: &Evidence<'_>) -> Result<(), String> {
    let look = || match feature {
        Feature::Handled => handled(evidence),
        Feature::Unhandled => unhandled(evidence),
        Feature::Chained => chained(evidence),
        Feature::Group => group(evidence),
        Feature::User => user(evidence),
        Feature::Tags => tags(evidence),
        Feature::Breadcrumbs => breadcrumbs(evidence),
        Feature::Attachment => attachment(evidence),
        Feature::Feedback => feedback(evidence),
        Feature::Session => session(evidence),
        Feature::Oversize => oversize(evidence),
        Feature::Flood => flood(evidence),
        Feature::Checkin => checkin(evidence),
        Feature::Quiet => Ok(()),
    };
    // Nothing comes of asking again for an address that is not there.
    wait::within(SEEN_WITHIN, || match look() {
        Err(why) if why.starts_with(NOT_THERE) => Ok(Err(why)),
        other => other.map(Ok),
    })?
}

const NOT_THERE: &str = "no such address";

/// Whether the SDK's log is on and has no complaint.
pub fn is_quiet(manifest: &Manifest, heard: &str) -> Result<(), String> {
    if !heard.contains(&manifest.speaks) {
        return Err(format!("its debug log is off: no {:?} in what it printed", manifest.speaks));
    }
    let complains = |line: &&str| manifest.complaints.iter().any(|complaint| line.contains(complaint.as_str()));
    match heard.lines().find(complains) {
        Some(line) => Err(format!("it complains: {}", line.chars().take(400).collect::<String>())),
        None => Ok(()),
    }
}

/// The name and version that the SDK gives in its events.
pub fn sdk_name(rest: &Rest, project: &Project) -> String {
    let issues = rest.issues(project);
    let Some(issue) = issues.first() else { return String::new() };
    let sdk = &rest.latest(text(issue, "id"))["sdk"];
    match (sdk["name"].as_str(), sdk["version"].as_str()) {
        (Some(name), Some(version)) => format!("{name} {version}"),
        _ => "gives no name".into(),
    }
}

fn handled(evidence: &Evidence<'_>) -> Result<(), String> {
    let event = evidence.event("order 42 cannot be priced")?;
    that(tag(&event, "handled") != Some("no"), || "it is said to be unhandled".into())?;
    evidence.page_shows("order 42 cannot be priced", &["order 42 cannot be priced"])
}

fn unhandled(evidence: &Evidence<'_>) -> Result<(), String> {
    let event = evidence.event("the basket fell over")?;
    let mark = tag(&event, "handled");
    that(!evidence.manifest.says_unhandled || mark == Some("no"), || format!("the tag `handled` is {mark:?}"))?;
    evidence.page_shows("the basket fell over", &["the basket fell over"])
}

fn chained(evidence: &Evidence<'_>) -> Result<(), String> {
    let values = evidence.exceptions("order 42 cannot be priced")?;
    let at = |text: &str| values.iter().position(|value| value.contains(text));
    let (cause, outcome) = (at("no rate for GBP"), at("order 42 cannot be priced"));
    that(cause.is_some() && cause < outcome, || format!("the exceptions, oldest first, are {values:?}"))?;
    evidence.page_shows("order 42 cannot be priced", &["no rate for GBP"])
}

fn group(evidence: &Evidence<'_>) -> Result<(), String> {
    let values = evidence.exceptions("two deliveries failed")?;
    let has = |text: &str| values.iter().any(|value| value.contains(text));
    that(has("tea is late") && has("the cup is broken"), || format!("the exceptions are {values:?}"))?;
    evidence.page_shows("two deliveries failed", &["tea is late", "the cup is broken"])
}

fn user(evidence: &Evidence<'_>) -> Result<(), String> {
    let event = evidence.event("order 42 cannot be priced")?;
    let user = &event["user"];
    that(user["id"] == "u-7" && user["email"] == "mia@example.com", || format!("the user is {user}"))?;
    evidence.page_shows("order 42 cannot be priced", &["mia@example.com"])
}

fn tags(evidence: &Evidence<'_>) -> Result<(), String> {
    let event = evidence.event("order 42 cannot be priced")?;
    that(tag(&event, "wallet") == Some("apple_pay"), || format!("the tags are {}", event["tags"]))?;
    evidence.page_shows("order 42 cannot be priced", &["apple_pay"])
}

fn breadcrumbs(evidence: &Evidence<'_>) -> Result<(), String> {
    let event = evidence.event("order 42 cannot be priced")?;
    let crumbs = entry(&event, "breadcrumbs")["values"].as_array().cloned().unwrap_or_default();
    let has = crumbs.iter().any(|crumb| crumb["message"] == "basket opened");
    that(has, || format!("the breadcrumbs are {crumbs:?}"))?;
    evidence.page_shows("order 42 cannot be priced", &["basket opened"])
}

fn attachment(evidence: &Evidence<'_>) -> Result<(), String> {
    let event = evidence.event("the till printed nonsense")?;
    let path =
        format!("/projects/{ORGANIZATION}/{}/events/{}/attachments/", evidence.project.slug, text(&event, "eventID"));
    let files = list(evidence.ask(&path)?);
    let file = files.iter().find(|file| file["name"] == "receipt.txt");
    let Some(file) = file else { return Err(format!("the attachments are {files:?}")) };
    that(file["size"] == RECEIPT.len(), || format!("it is no file of {} bytes: {file}", RECEIPT.len()))
}

fn feedback(evidence: &Evidence<'_>) -> Result<(), String> {
    let path = format!("/projects/{ORGANIZATION}/{}/user-feedback/", evidence.project.slug);
    let said = list(evidence.ask(&path)?);
    let is_mia = |one: &&Value| one["comments"] == "the basket is empty again" && one["email"] == "mia@example.com";
    that(said.iter().any(|one| is_mia(&one)), || format!("the feedback is {said:?}"))
}

fn session(evidence: &Evidence<'_>) -> Result<(), String> {
    let path = format!(
        "/organizations/{ORGANIZATION}/sessions/?project={}&field=sum(session)&groupBy=session.status&groupBy=release\
         &statsPeriod=1d",
        evidence.project.id
    );
    let groups = list(evidence.ask(&path)?["groups"].take());
    let ours = groups.iter().filter(|group| group["by"]["release"] == "matrix@1.0.0");
    let sum: f64 = ours.filter_map(|group| group["totals"]["sum(session)"].as_f64()).sum();
    that(sum >= 1.0, || format!("the sessions are {groups:?}"))
}

/// The large one is kept as far as the SDK has trimmed it, or refused and counted; the next one is there.
fn oversize(evidence: &Evidence<'_>) -> Result<(), String> {
    evidence.event("after the long list")?;
    if evidence.manifest.drops_oversize || evidence.event("the list is too long").is_ok() {
        return Ok(());
    }
    let path = format!(
        "/organizations/{ORGANIZATION}/stats_v2/?groupBy=outcome&groupBy=reason&field=sum(quantity)&project={}\
         &statsPeriod=1d",
        evidence.project.id
    );
    let groups = list(evidence.ask(&path)?["groups"].take());
    let is_counted = |group: &&Value| {
        let reason = group["by"]["reason"].as_str().unwrap_or_default();
        group["by"]["outcome"] == "client_discard" || reason.contains("too_large")
    };
    that(groups.iter().any(|group| is_counted(&group)), || format!("neither kept nor counted: {groups:?}"))
}

fn flood(evidence: &Evidence<'_>) -> Result<(), String> {
    let issues = evidence.rest.issues(evidence.project);
    let ours = issues.iter().filter(|issue| {
        let title = issue["title"].as_str().unwrap_or_default();
        title.contains("the stock of tea is low") || title.contains("the stock of cups is low")
    });
    let sum: u64 = ours.map(count).sum();
    that(sum == FLOOD_EVENTS, || format!("{sum} of {FLOOD_EVENTS} events are counted"))
}

fn checkin(evidence: &Evidence<'_>) -> Result<(), String> {
    let monitors = list(evidence.ask(&format!("/organizations/{ORGANIZATION}/monitors/"))?);
    let is_ours = |monitor: &&Value| {
        monitor["slug"] == "nightly-close" && monitor["project"]["slug"] == evidence.project.slug.as_str()
    };
    let ours = monitors.iter().find(is_ours);
    let Some(ours) = ours else { return Err(format!("the monitors are {monitors:?}")) };
    let is_ok = list(ours["environments"].clone()).iter().any(|environment| environment["status"] == "ok");
    that(is_ok, || format!("the monitor is {ours}"))
}

impl Evidence<'_> {
    fn issue(&self, title: &str) -> Result<Value, String> {
        let issues = self.rest.issues(self.project);
        let found = issues.iter().find(|issue| issue["title"].as_str().is_some_and(|text| text.contains(title)));
        found.cloned().ok_or_else(|| format!("no issue says {title:?}: {:?}", crate::rest::summary(&issues)))
    }

    /// The newest event of the issue with that in its title.
    fn event(&self, title: &str) -> Result<Value, String> {
        Ok(self.rest.latest(text(&self.issue(title)?, "id")))
    }

    /// What the exceptions of that event say, with their types, the oldest first.
    fn exceptions(&self, title: &str) -> Result<Vec<String>, String> {
        let event = self.event(title)?;
        let values = entry(&event, "exception")["values"].as_array().cloned().unwrap_or_default();
        let word = |value: &Value| value.as_str().unwrap_or_default().to_string();
        Ok(values.iter().map(|one| format!("{}: {}", word(&one["type"]), word(&one["value"]))).collect())
    }

    /// Whether all of these can be read on the issue's page.
    fn page_shows(&self, title: &str, texts: &[&str]) -> Result<(), String> {
        let page = self.owner.get(&format!("/issues/{}", text(&self.issue(title)?, "id")));
        let seen = page.text();
        match texts.iter().find(|text| !seen.contains(**text)) {
            None => Ok(()),
            Some(missing) => Err(format!("the page ({}) does not show {missing:?}", page.status)),
        }
    }

    fn ask(&self, path: &str) -> Result<Value, String> {
        match self.rest.call("GET", path, None) {
            (200, body) => Ok(body),
            (404, _) => Err(format!("{NOT_THERE}: GET {path}")),
            (status, body) => Err(format!("GET {path}: {status} {body}")),
        }
    }
}

/// The data of one of an event's entries, null if it has none of that kind.
fn entry<'v>(event: &'v Value, kind: &str) -> &'v Value {
    const NONE: &Value = &Value::Null;
    let entries = event["entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    entries.iter().find(|entry| entry["type"] == kind).map_or(NONE, |entry| &entry["data"])
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}

fn that(is_so: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(why()) }
}
