//! The ledger in sentences: what came, what was stored, and what became of the rest, the most first.
//!
//! Every number in it stands in a part below, every cause is named as it is: the issue, the key, its limit.

use super::tally::Fate;
use super::{Ledger, words};
use crate::issue::short_id;
use crate::outcome::Reason;
use crate::ui::address::encode;
use crate::ui::number::{counted, exact, share};
use maud::{Markup, html};

/// Causes that have a sentence of their own.
const CAUSES_MAX: usize = 4;
/// Keys or kinds that are named in one.
const NAMED_MAX: usize = 3;

/// The whole of it.
pub fn sentences(ledger: &Ledger) -> Markup {
    let tally = &ledger.tally;
    let (one, many) = if tally.is_events_only() { ("event", "events") } else { ("item", "items") };
    let (said, rest) = tally.dropped.split_at(tally.dropped.len().min(CAUSES_MAX));
    let rest_sum: i64 = rest.iter().map(|fate| fate.quantity).sum();
    html! {
        "In the last " (ledger.asked.span.words()) " "
        @if tally.received == 0 { "nothing" } @else { b { (counted(tally.received, one, many)) } }
        " arrived" (scope(ledger)) "."
        @if tally.received > 0 {
            " "
            @match (tally.stored, tally.discarded) {
                (_, 0) if tally.received == 1 => "It was stored; nothing was dropped.",
                (_, 0) => "All of them were stored; nothing was dropped.",
                (0, _) => "None was stored.",
                (stored, _) => { b { (exact(stored)) } " " (were(stored)) " stored (" (share(stored, tally.received)) ")." }
            }
            @for fate in said { " " b { (exact(fate.quantity)) } " " (cause(ledger, fate)) "." }
            @if rest_sum > 0 {
                " " (exact(rest_sum)) " more " (were(rest_sum)) " dropped for "
                (counted(rest.len() as i64, "other reason", "other reasons")) ", below."
            }
        }
        (never_sent(ledger))
    }
}

fn scope(ledger: &Ledger) -> Markup {
    html! {
        @if let Some(category) = &ledger.asked.filter.category { " of the category " (category) }
        @if let Some(key) = ledger.asked.filter.key { " by the key " (ledger.key_name(key)) }
    }
}

fn never_sent(ledger: &Ledger) -> Markup {
    let count: i64 = ledger.tally.client.iter().map(Fate::never_sent).sum();
    html! {
        @if count > 0 {
            " Beside that, SDKs report that they dropped " a href="#never-sent" { (exact(count)) } " before sending."
        }
    }
}

/// `10,000 were counted, …`, from the verb on.
fn cause(ledger: &Ledger, fate: &Fate) -> Markup {
    let were = were(fate.quantity);
    let Some(reason) = Reason::parse(&fate.reason) else {
        return html! { (were) " dropped, reason " (fate.reason) };
    };
    html! {
        @match reason {
            Reason::IssueCap => {
                (were) " counted but the " (if fate.quantity == 1 { "payload" } else { "payloads" }) " not kept, because "
                (capped(ledger)) " passed the cap of " (exact(ledger.issue_cap_per_hour)) " an hour"
            }
            Reason::KeyQuota => { (were) " refused, because " (limited(ledger, fate)) }
            Reason::ProjectRateLimit => { (were) " refused, because the project reached its " (limits(ledger, "limit")) }
            Reason::ProjectQuota => { (were) " refused, because the project's " (limits(ledger, "quota")) " of the month was used up" }
            Reason::OrganizationQuota => {
                (were) " refused, because " a href="/settings#limits" { "the organization's quota" } " of the month was used up"
            }
            Reason::Spike => {
                (were) " refused, because it was far more than is usual for the project, which " (limits(ledger, "is protected"))
            }
            Reason::AcceptedPerMinute => {
                (were) " refused, because the project had used its part of what the server takes in a minute"
            }
            Reason::OverloadShare => {
                (were) " refused, because the project had used its part of the room for what waits to be filed"
            }
            Reason::DiskFullShare => {
                (were) " refused, because the server's disk was nearly full and the project had used its part of the rest"
            }
            Reason::Unsupported => { (were) " of kinds that Bugle does not keep (" (kinds(fate)) ")" }
            Reason::Duplicate => "had come before and changed nothing",
            Reason::TooLarge => { (were) " refused, because " (they(fate)) " larger than the server takes" }
            Reason::Encoding | Reason::Framing | Reason::Unreadable => "could not be read",
            Reason::Overload => { (were) " refused, because more was waiting to be filed than the server allows" }
            Reason::DiskFull => { (were) " refused, because the server's disk was nearly full" }
            Reason::BadCredentials | Reason::NoKey | Reason::UnknownKey => { (were) " refused for the key that came along" }
            Reason::Cors => { (were) " refused, because " (they(fate)) " of a site that the project does not allow" }
            Reason::Tunnel => { (were) " refused, because the project has not opened the tunnel" }
            Reason::Privacy => { (were) " taken out by the rules of the project's privacy" }
            Reason::Quarantined => { "could not be filed and " (were) " put aside on the server" }
            Reason::Timestamp => "claim to be of the future or more than five days old",
            Reason::InvalidRelease => "name no valid release",
            Reason::ProjectGone | Reason::None => { (were) " dropped" }
            Reason::FilterRule => {
                (were) " dropped by " a href={ "/projects/" (encode(&ledger.project.slug)) "/filters#rules" } { "rules of the project" }
            }
            filter @ (Reason::FilterReactHydration | Reason::FilterChunkLoad | Reason::FilterCsp | Reason::FilterAddress
            | Reason::FilterRelease | Reason::FilterMessage | Reason::FilterLocalhost | Reason::FilterExtensions
            | Reason::FilterLegacyBrowsers | Reason::FilterCrawlers) => {
                (were) " dropped by the filter "
                a href={ "/projects/" (encode(&ledger.project.slug)) "/filters#" (filter.as_str()) } { (filter.as_str()) }
            }
        }
    }
}

fn limits(ledger: &Ledger, name: &str) -> Markup {
    html! { a href={ "/projects/" (encode(&ledger.project.slug)) "/limits" } { (name) } }
}

fn were(count: i64) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

fn they(fate: &Fate) -> &'static str {
    if fate.quantity == 1 { "it was" } else { "they were" }
}

/// The issue or issues that were capped, the loudest by name.
fn capped(ledger: &Ledger) -> Markup {
    let (named, count) = &ledger.capped;
    html! {
        @match named.first() {
            None => "an issue",
            Some(loudest) => {
                "issue " a href={ "/issues/" (loudest.issue) } { (short_id(&ledger.project.slug, loudest.number)) }
                @match count - 1 {
                    ..=0 => "",
                    1 => " and one more",
                    others => { " and " (exact(others)) " others" }
                }
            }
        }
    }
}

/// The key or keys that were limited, with the limit of a single one.
fn limited(ledger: &Ledger, fate: &Fate) -> Markup {
    let settings = format!("/projects/{}/settings", encode(&ledger.project.slug));
    let [(id, _)] = fate.keys[..] else {
        return html! { (counted(fate.keys.len() as i64, "key", "keys")) " reached " a href={ (settings) "#keys" } { "their limits" } };
    };
    let key = ledger.keys.iter().find(|key| key.id == id);
    let limit = key.and_then(|key| Some((key.rate_count?, key.rate_window_s?)));
    let place = key.map_or("keys".to_string(), |key| format!("key-{}", key.id));
    html! {
        "the key " a href={ (settings) "#" (place) } { (ledger.key_name(id)) } " reached its limit"
        @if let Some((count, window_s)) = limit {
            " of " (counted(count, "event", "events")) " " (words::window(window_s))
        }
    }
}

fn kinds(fate: &Fate) -> String {
    let kind = |(name, count): &(String, i64)| format!("{} {}", exact(*count), words::category(name, *count));
    let mut named: Vec<String> = fate.categories.iter().take(NAMED_MAX).map(kind).collect();
    if fate.categories.len() > NAMED_MAX {
        named.push("others".into());
    }
    named.join(", ")
}
