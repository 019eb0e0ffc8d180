//! The table of reasons: by outcome, each reason in words, with the setting that decided it, examples, and numbers.

use super::tally::Fate;
use super::{Ledger, words};
use crate::issue::short_id;
use crate::outcome::{HOUR_MS, Reason};
use crate::ui::moment::hour;
use crate::ui::number::{counted, exact, share};
use maud::{Markup, html};

/// Outcomes in the order in which their reasons are listed.
const OUTCOMES: [&str; 4] = ["discarded", "rate_limited", "invalid", "filtered"];

/// The part of the page.
pub fn part(ledger: &Ledger) -> Markup {
    let tally = &ledger.tally;
    html! {
        section.part #reasons {
            header { h2 { "Reasons" } small { (counted(tally.discarded, "item", "items")) } }
            @if tally.dropped.is_empty() {
                p.say { "Nothing was discarded." }
            } @else {
                table.books {
                    caption.sr { "Discarded items by outcome and reason" }
                    (heads())
                    @for outcome in OUTCOMES { (reasons_of(ledger, outcome)) }
                    tfoot { tr {
                        td colspan="2" { "Discarded" } td.num { (exact(tally.discarded)) }
                        td.num.opt { (share(tally.discarded, tally.received)) } td.opt {} td.opt {}
                    } }
                }
            }
        }
    }
}

/// The heads of a table of reasons.
pub fn heads() -> Markup {
    html! {
        thead { tr {
            th scope="col" { "Outcome" } th scope="col" { "Reason" } th.num scope="col" { "Items" }
            th.num.opt scope="col" { "Share" } th.num.opt scope="col" { "First" } th.num.opt scope="col" { "Last" }
        } }
    }
}

fn reasons_of(ledger: &Ledger, outcome: &str) -> Markup {
    let fates: Vec<_> = ledger.tally.dropped.iter().filter(|fate| fate.outcome == outcome).collect();
    let (name, meaning) = words::outcome(outcome);
    html! {
        @if !fates.is_empty() {
            tbody {
                @for (at, fate) in fates.iter().enumerate() {
                    tr {
                        @if at == 0 { th scope="rowgroup" rowspan=(fates.len()) { (name) small { (meaning) } } }
                        td { (because(ledger, fate)) }
                        (numbers(fate, ledger.tally.received, ledger.now_ms))
                    }
                }
            }
        }
    }
}

/// Items, share, first and last hour.
pub fn numbers(fate: &Fate, received: i64, now_ms: i64) -> Markup {
    html! {
        td.num { (exact(fate.quantity)) }
        td.num.opt.dim { (share(fate.quantity, received)) }
        td.num.opt.dim { (hour(fate.hours.0 * HOUR_MS, now_ms)) }
        td.num.opt.dim { (hour(fate.hours.1 * HOUR_MS, now_ms)) }
    }
}

/// What did it, in words, with the setting and with examples where there are any.
fn because(ledger: &Ledger, fate: &Fate) -> Markup {
    let Some(reason) = Reason::parse(&fate.reason) else { return html! { (fate.reason) } };
    let (name, sentence) = words::reason(reason);
    let key = if let [(key, _)] = fate.keys[..] { Some(key) } else { None };
    let key = key.filter(|id| ledger.keys.iter().any(|key| key.id == *id));
    let setting = words::setting(reason, &ledger.project.slug, key)
        .filter(|(href, _)| ledger.is_owner() || !href.starts_with("/ledger"));
    html! {
        b { (name) } " " code.dim { (fate.reason) }
        p.because {
            (sentence)
            @if let Some((href, label)) = setting { " " a href=(href) { (label) } }
        }
        @match reason {
            Reason::IssueCap if !ledger.capped.0.is_empty() => p.fine {
                @for (at, capped) in ledger.capped.0.iter().enumerate() {
                    @if at > 0 { ", " }
                    a href={ "/issues/" (capped.issue) } { (short_id(&ledger.project.slug, capped.number)) } " " (exact(capped.events))
                }
                @if ledger.capped.1 > ledger.capped.0.len() as i64 { " and " (exact(ledger.capped.1 - ledger.capped.0.len() as i64)) " more" }
            },
            Reason::KeyQuota => p.fine {
                @for (at, (key, count)) in fate.keys.iter().take(3).enumerate() {
                    @if at > 0 { ", " } (ledger.key_name(*key)) " " (exact(*count))
                }
                @if fate.keys.len() > 3 { " and " (fate.keys.len() - 3) " more" }
            },
            Reason::Encoding | Reason::Framing | Reason::TooLarge if !ledger.heard.is_empty() => p.fine {
                a href="#told" { "What senders were told" }
            },
            _ if fate.categories.iter().any(|(category, _)| category != "error") => p.fine { (categories(fate)) },
            _ => ""
        }
    }
}

/// `1 session, 2 transactions`.
pub fn categories(fate: &Fate) -> String {
    let one = |(name, count): &(String, i64)| format!("{} {}", exact(*count), words::category(name, *count));
    fate.categories.iter().map(one).collect::<Vec<_>>().join(", ")
}
