//! When it happened.
//!
//! Clocks of phones and browsers are hours off. Where a sender's clock differs from ours by enough to notice, all of
//! the event's times move by the difference, so that they stay in order among themselves. What is still in the
//! future, or older than anybody looks, is taken to have happened when it came.

use super::Arrival;
use crate::Event;
use crate::json::{Json, Object};
use crate::problem::Problem;
use crate::time;

/// From here on a difference between clocks is corrected; below, it may be the network or a queue on disk.
pub const CLOCK_DRIFT_MIN_MS: i64 = 55 * 60 * 1000;

/// How far ahead of its receipt an event may claim to have happened.
pub const FUTURE_MAX_MS: i64 = 60 * 1000;

/// How long before its receipt an event may claim to have happened: 90 days.
pub const PAST_MAX_MS: i64 = 90 * 24 * 60 * 60 * 1000;

/// Sets `received` and `timestamp` and moves times. An event that has been received before stays as it is.
pub(super) fn settle(event: &mut Event<'_>, arrival: &Arrival<'_>) {
    if event.json.has("received") {
        return;
    }
    let received_ms = arrival.received_ms;
    event.json.set("received", time::seconds(received_ms));
    let drift_ms = arrival.sent_at_ms.map_or(0, |sent_at_ms| received_ms.saturating_sub(sent_at_ms));
    if let Some(sent_at_ms) = arrival.sent_at_ms
        && drift_ms.saturating_abs() >= CLOCK_DRIFT_MIN_MS
    {
        let (sdk_time, server_time) = (time::rfc3339(sent_at_ms), time::rfc3339(received_ms));
        let detail =
            format!("The sender's clock said {sdk_time} at {server_time}. All times were moved by the difference.");
        Problem::note(&mut event.problems, "clock_drift", "", detail);
        shift(event, drift_ms);
    }
    let Some(timestamp_ms) = event.json.get("timestamp").and_then(time::read) else {
        event.json.set("timestamp", time::seconds(received_ms));
        return;
    };
    let (kind, claim) = match timestamp_ms.saturating_sub(received_ms) {
        ahead_ms if ahead_ms > FUTURE_MAX_MS => ("future_timestamp", "is in the future"),
        ahead_ms if ahead_ms < -PAST_MAX_MS => ("past_timestamp", "is more than 90 days ago"),
        _ => return,
    };
    let detail =
        format!("{} {claim}. All times were moved so that the event's is when it came.", time::rfc3339(timestamp_ms));
    Problem::note(&mut event.problems, kind, "timestamp", detail);
    shift(event, received_ms.saturating_sub(timestamp_ms));
}

fn shift(event: &mut Event<'_>, by_ms: i64) {
    move_timestamp(&mut event.json, by_ms);
    let crumbs = event.json.get_mut("breadcrumbs").and_then(|list| list.object_mut()?.get_mut("values"));
    if let Some(Json::Array(crumbs)) = crumbs {
        crumbs.iter_mut().filter_map(Json::object_mut).for_each(|crumb| move_timestamp(crumb, by_ms));
    }
}

fn move_timestamp(object: &mut Object<'_>, by_ms: i64) {
    if let Some(value) = object.get_mut("timestamp")
        && let Some(unix_ms) = time::read(value)
    {
        *value = time::seconds(unix_ms.saturating_add(by_ms));
    }
}
