//! The page: its parts in order, and the smaller tables among them.

use super::span::Span;
use super::tally::{Fate, Filter, Tally};
use super::{Ledger, chart, find, reasons, summary, words};
use crate::client_report;
use crate::outcome::{HOUR_MS, Reason};
use crate::ui::address::encode;
use crate::ui::moment::{ago, hour};
use crate::ui::number::{counted, exact, share};
use maud::{Markup, html};

/// Lines of what SDKs report; further ones are summed.
const CLIENT_MAX: usize = 24;

/// All of it.
pub fn whole(ledger: &Ledger) -> Markup {
    html! {
        (title(ledger))
        (equation(ledger))
        @if ledger.tally.received > 0 { (chart::part(ledger)) }
        (find::part(ledger))
        (reasons::part(ledger))
        (kept(ledger))
        (keys(ledger))
        (never_sent(ledger))
        (told(ledger))
        @if ledger.is_owner() {
            p.because { "What came without a valid key belongs to no project: " a href="/ledger" { "ledger of the server" } "." }
        }
    }
}

fn title(ledger: &Ledger) -> Markup {
    let (span, filter) = (ledger.asked.span, &ledger.asked.filter);
    html! {
        div.title {
            div {
                h1 { "What was dropped, and why" }
                p.lede { (summary::sentences(ledger)) }
            }
            nav.ranges aria-label="Range" {
                @for one in Span::ALL {
                    a href=(ledger.path(one, filter)) aria-current=[(one == span).then_some("true")] { (one.as_str()) }
                }
            }
        }
        (filters(ledger))
    }
}

/// By category, when there is more than one; keys are chosen in their own part.
fn filters(ledger: &Ledger) -> Markup {
    let (span, filter) = (ledger.asked.span, &ledger.asked.filter);
    let link = |category: Option<&String>, name: &str| {
        let wanted = Filter { category: category.cloned(), ..filter.clone() };
        html! { a href=(ledger.path(span, &wanted)) aria-current=[(*filter == wanted).then_some("true")] { (name) } }
    };
    html! {
        @if ledger.tally.categories.len() > 1 || filter.is_on() {
            nav.ranges aria-label="Category" {
                (link(None, "all categories"))
                @for category in &ledger.tally.categories { (link(Some(category), category)) }
                @if let Some(key) = filter.key {
                    a href=(ledger.path(span, &Filter { key: None, ..filter.clone() })) { "key " (ledger.key_name(key)) " ×" }
                }
            }
        }
    }
}

fn equation(ledger: &Ledger) -> Markup {
    let tally = &ledger.tally;
    // The journal does not know projects, keys or categories, so its part is shown where nothing is left out.
    let backlog = if ledger.asked.filter.is_on() { 0 } else { ledger.backlog };
    html! {
        @if tally.difference() != 0 { (unbalanced(tally.difference())) }
        section.part #balance {
            header { h2 { "Balance" } small { "last " (ledger.asked.span.words()) } }
            div {
                (figures(tally, backlog))
                @if backlog > 0 {
                    p.because { "The backlog is acknowledged, safe on disk and not yet filed. It is counted for the whole server." }
                }
                @if tally.received == 0 && !ledger.asked.filter.is_on() {
                    p.because {
                        "Nothing came in this time. "
                        a href={ "/projects/" (encode(&ledger.project.slug)) "/setup" } { "First steps" }
                        " show how programs report, and what was refused while you try."
                    }
                }
            }
        }
    }
}

/// The alarm when the books are wrong.
pub fn unbalanced(difference: i64) -> Markup {
    html! {
        p.note.bad {
            b { "The books do not balance: " (exact(difference)) " items are unaccounted for. " }
            "That is a mistake of Bugle's. " code { "bugle check" } " says more."
        }
    }
}

/// received = stored + discarded + backlog.
pub fn figures(tally: &Tally, backlog: i64) -> Markup {
    let figure = |name: &str, sign: &str, count: i64| {
        html! { div { dt { (name) } dd { @if !sign.is_empty() { i { (sign) } } (exact(count)) } } }
    };
    html! {
        dl.sum {
            (figure("received", "", tally.received + backlog))
            (figure("stored", "=", tally.stored))
            (figure("discarded", "+", tally.discarded))
            (figure("backlog", "+", backlog))
        }
    }
}

fn kept(ledger: &Ledger) -> Markup {
    let tally = &ledger.tally;
    html! {
        section.part #stored {
            header { h2 { "Stored" } small { (counted(tally.stored, "item", "items")) } }
            @if tally.kept.is_empty() {
                p.say { "Nothing was stored." }
            } @else { div {
                table.books {
                    caption.sr { "Stored items by category" }
                    thead { tr { th scope="col" { "Category" } th.num scope="col" { "Items" } th.num.opt scope="col" { "Share" } } }
                    tbody {
                        @for (category, count) in &tally.kept {
                            tr {
                                th scope="row" { (category) small { (words::category(category, 2)) } }
                                td.num { (exact(*count)) } td.num.opt.dim { (share(*count, tally.received)) }
                            }
                        }
                    }
                }
                p.because {
                    "Events are kept for " (counted(ledger.retention_days, "day", "days")) "; counts for ever. "
                    a href={ "/projects/" (encode(&ledger.project.slug)) "/storage" } { "Retention" }
                }
            } }
        }
    }
}

fn keys(ledger: &Ledger) -> Markup {
    let (span, filter) = (ledger.asked.span, &ledger.asked.filter);
    html! {
        @if !ledger.tally.keys.is_empty() {
            section.part #keys {
                header { h2 { "Keys" } small { "who sent it" } }
                table.books {
                    caption.sr { "Items by key" }
                    thead { tr {
                        th scope="col" { "Key" } th.num scope="col" { "Received" } th.num scope="col" { "Stored" }
                        th.num scope="col" { "Discarded" } th.opt scope="col" { "Most of that" }
                    } }
                    tbody {
                        @for sum in &ledger.tally.keys {
                            @let chosen = filter.key == Some(sum.key);
                            tr {
                                th scope="row" {
                                    a href=(ledger.path(span, &Filter { key: Some(sum.key), ..filter.clone() }))
                                        aria-current=[chosen.then_some("true")] { (ledger.key_name(sum.key)) }
                                }
                                td.num { (exact(sum.received)) } td.num { (exact(sum.stored)) } td.num { (exact(sum.discarded)) }
                                td.opt.dim {
                                    @if let Some((outcome, reason, count)) = &sum.most {
                                        (words::outcome(outcome).0) ": "
                                        (Reason::parse(reason).map_or(reason.as_str(), |reason| words::reason(reason).0))
                                        " " (exact(*count))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn never_sent(ledger: &Ledger) -> Markup {
    let client = &ledger.tally.client;
    let (listed, rest) = client.split_at(client.len().min(CLIENT_MAX));
    let rest_sum: i64 = rest.iter().map(Fate::never_sent).sum();
    let meaning = |reason: &str| client_report::KNOWN.iter().find(|(known, _)| *known == reason).map(|(_, said)| *said);
    html! {
        section.part #never-sent {
            header { h2 { "Never sent" } small { "the SDKs say" } }
            div {
                p.because {
                    "SDKs drop some items themselves and report how many. Those never came, so they are not part of the balance. \
                     The cure is in the program's own settings of its SDK."
                }
                @if client.is_empty() {
                    p.say { "No SDK has reported that it dropped anything." }
                } @else {
                    table.books {
                        caption.sr { "What SDKs report that they dropped, by reason" }
                        thead { tr {
                            th scope="col" { "Reason" } th.num scope="col" { "Items" } th.num.opt scope="col" { "Last report" }
                        } }
                        tbody {
                            @for fate in listed {
                                tr {
                                    td.says { code { (fate.reason) } " " span.because {
                                        @if let Some(said) = meaning(&fate.reason) { (said) " " }
                                        (reasons::categories(fate))
                                        @if fate.never_sent() < fate.quantity { " (which some SDKs count in bytes)" }
                                    } }
                                    td.num { (exact(fate.never_sent())) }
                                    td.num.opt.dim { (hour(fate.hours.1 * HOUR_MS, ledger.now_ms)) }
                                }
                            }
                            @if rest_sum > 0 {
                                tr { td { (exact(rest.len() as i64)) " other reasons" } td.num { (exact(rest_sum)) } td.opt {} }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn told(ledger: &Ledger) -> Markup {
    html! {
        @if !ledger.heard.is_empty() {
            section.part #told {
                header { h2 { "What senders were told" } small { "refused lately" } }
                div {
                    p.because { "The last answers that refused a request for this project, the newest first, since the server started." }
                    table.books {
                        caption.sr { "Refusals, newest first" }
                        thead { tr {
                            th scope="col" { "Answer" } th.num scope="col" { "Times" } th.num.opt scope="col" { "Last" }
                        } }
                        tbody {
                            @for attempt in &ledger.heard {
                                tr {
                                    td.says { code { (attempt.status) } " " (attempt.why) }
                                    td.num { (exact(attempt.times as i64)) }
                                    td.num.opt.dim { (ago(attempt.at_ms, ledger.now_ms)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
