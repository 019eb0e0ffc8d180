//! Brings an event in canonical shape to its final form: complete, bounded and labelled (Sentry protocol,
//! "Normalisation").
//!
//! Pure: what is known about the request is in [`Arrival`], and nothing else is looked at. The order of the steps
//! is in [`normalize`]. Each one leaves alone what is right already; what it changes about somebody's data it tells
//! in a [`Problem`], and the last step moves the problems into the event.
//!
//! Normalising twice is normalising once. Times are the delicate part of that: they move only in an event that has
//! no `received` yet, which no reader of a dialect lets in.

mod agents;
mod bag;
mod limits;
mod mechanism;
mod names;
mod platform;
mod stacks;
mod tags;
mod times;

pub use limits::{BagLimit, EXTRA_BYTES_MAX, LIMITS, Limits, TextLimit};
pub use stacks::{FRAMES_IN_DETAIL_MAX, FRAMES_NEWEST, FRAMES_OLDEST};
pub use times::{CLOCK_DRIFT_MIN_MS, FUTURE_MAX_MS, PAST_MAX_MS};

use crate::Event;
use crate::id::EventId;
use crate::json::{Json, Object};
use crate::meta;
use crate::path::Path;
use crate::problem::{Cut, PROBLEMS_MAX, Problem};
use std::net::IpAddr;

/// The most breadcrumbs an event keeps: the newest.
pub const BREADCRUMBS_MAX: usize = 100;

/// What the request tells about an event, besides its payload.
#[derive(Debug, Clone)]
pub struct Arrival<'x> {
    /// When it came, Unix milliseconds.
    pub received_ms: i64,
    /// The sender's clock when it sent, Unix milliseconds: the envelope's `sent_at`, else `sentry_timestamp`.
    pub sent_at_ms: Option<i64>,
    /// The id it goes by: the envelope's, else its own ([`event_id_of`]), else a random one.
    pub event_id: EventId,
    /// The SDK as it signed in, `name/version`.
    pub client: Option<&'x str>,
    /// Where it came from.
    pub client_ip: Option<IpAddr>,
}

/// The event's own id, if it has one that can be read.
pub fn event_id_of(event: &Event<'_>) -> Option<EventId> {
    event.text("event_id").and_then(EventId::parse)
}

/// Normalises `event` in place.
pub fn normalize(event: &mut Event<'_>, arrival: &Arrival<'_>) {
    identify(event, arrival.event_id);
    times::settle(event, arrival);
    names::settle(event);
    default_attributes(event);
    platform::name_systems(event);
    mechanism::name_numbers(event);
    sdk_from_client(event, arrival.client);
    settle_user_ip(event, arrival.client_ip);
    agents::settle(event);
    keep_newest_breadcrumbs(event);
    stacks::bound(event);
    limits::apply(event);
    tags::settle(event);
    store_problems(event);
}

fn identify(event: &mut Event<'_>, id: EventId) {
    let id = id.to_string();
    if event.text("event_id") != Some(&id) {
        event.json.set("event_id", id);
    }
}

/// Level, platform and type. A type is believed only where it cannot be inferred.
fn default_attributes(event: &mut Event<'_>) {
    for (key, default) in [("level", "error"), ("platform", "other")] {
        if event.text(key).is_none() {
            event.json.set(key, default);
        }
    }
    let kind = match event.text("type") {
        Some("transaction" | "feedback") => return,
        _ if event.json.has("csp") => "csp",
        _ if event.json.has("expectct") => "expectct",
        _ if event.json.has("expectstaple") => "expectstaple",
        _ if event.json.has("hpkp") => "hpkp",
        _ if event.json.has("exception") => "error",
        _ => "default",
    };
    if event.text("type") != Some(kind) {
        event.json.set("type", kind);
    }
}

/// An event that does not name its SDK was sent by the one that signed in.
fn sdk_from_client(event: &mut Event<'_>, client: Option<&str>) {
    let Some((name, version)) = client.and_then(|client| client.split_once('/')) else { return };
    if name.is_empty() || event.json.object("sdk").is_some_and(|sdk| sdk.text("name").is_some()) {
        return;
    }
    if !matches!(event.json.get("sdk"), Some(Json::Object(_))) {
        event.json.set("sdk", Object::default());
    }
    if let Some(Json::Object(sdk)) = event.json.get_mut("sdk") {
        sdk.set("name", name.to_string());
        if !version.is_empty() {
            sdk.set("version", version.to_string());
        }
    }
}

/// The user's address: what `{{auto}}` stands for, or the sender's where the sender is the user's own device.
/// A server's address is nobody's, so for other platforms nothing is inferred unless the SDK asks for it.
fn settle_user_ip(event: &mut Event<'_>, client_ip: Option<IpAddr>) {
    let stated = event.json.object("user").and_then(|user| user.text("ip_address"));
    let inferred = match stated {
        Some("{{auto}}") => remote_addr(event).or(client_ip),
        Some(_) => return,
        None => client_ip.filter(|_| is_sender_the_user(event)),
    };
    match inferred {
        Some(ip) => {
            if !matches!(event.json.get("user"), Some(Json::Object(_))) {
                event.json.set("user", Object::default());
            }
            if let Some(Json::Object(user)) = event.json.get_mut("user") {
                user.set("ip_address", ip.to_string());
            }
        }
        None => {
            let user = event.json.get_mut("user").and_then(Json::object_mut);
            if user.is_some_and(|user| user.remove("ip_address").is_some() && user.is_empty()) {
                event.json.remove("user");
            }
        }
    }
}

fn remote_addr(event: &Event<'_>) -> Option<IpAddr> {
    event.json.object("request")?.object("env")?.text("REMOTE_ADDR")?.trim().parse().ok()
}

fn is_sender_the_user(event: &Event<'_>) -> bool {
    let settings = event.json.object("sdk").and_then(|sdk| sdk.object("settings"));
    match settings.and_then(|settings| settings.text("infer_ip")) {
        Some("auto") => true,
        Some("never") => false,
        _ => matches!(event.platform(), "javascript" | "cocoa" | "objc"),
    }
}

fn keep_newest_breadcrumbs(event: &mut Event<'_>) {
    let list = event.json.get_mut("breadcrumbs").and_then(|list| list.object_mut()?.get_mut("values"));
    let Some(Json::Array(crumbs)) = list else { return };
    let count = crumbs.len();
    let Some(gone @ 1..) = count.checked_sub(BREADCRUMBS_MAX) else { return };
    crumbs.drain(..gone);
    let (root, problems) = (Path::root("breadcrumbs"), &mut event.problems);
    let at = root.key("values");
    meta::move_notes(&mut event.json, &at.steps(), &(0..gone));
    meta::move_problems(problems, &at.steps(), &(0..gone));
    let detail = format!("Of {count} breadcrumbs the {BREADCRUMBS_MAX} newest were kept.");
    Problem::note_cut(problems, at, Cut::Entries(count), detail);
}

/// Moves the problems into `errors`, behind those that the SDK noted itself, and marks their places.
fn store_problems(event: &mut Event<'_>) {
    let problems = std::mem::take(&mut event.problems);
    problems.iter().for_each(|problem| meta::mark(&mut event.json, problem));
    let told = problems.iter().filter(|problem| !problem.detail.is_empty());
    if event.json.array("errors").len() <= PROBLEMS_MAX && told.clone().next().is_none() {
        return;
    }
    if !matches!(event.json.get("errors"), Some(Json::Array(_))) {
        event.json.set("errors", Vec::new());
    }
    if let Some(Json::Array(errors)) = event.json.get_mut("errors") {
        errors.extend(told.map(Problem::to_json));
        errors.truncate(PROBLEMS_MAX);
    }
}

#[cfg(test)]
mod tests;
