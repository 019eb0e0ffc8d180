//! The ledger over time: one bar per slice, stored at its foot and every other outcome above it.
//!
//! Told apart by more than colour: grey, ink, brass, hollow, striped. Each outcome is one path in a view box of one
//! unit per slice, stretched to the width, so that 90 slices of five outcomes stay within a few kilobytes. The same
//! numbers stand below as a table.

use super::tally::Tally;
use super::{Ledger, words};
use crate::outcome::HOUR_MS;
use crate::ui::ledger::span::Span;
use crate::ui::moment::utc;
use crate::ui::number::{counted, exact};
use crate::ui::score::{gridlines, round_up, tenth};
use maud::{Markup, html};
use std::fmt::Write;

/// Outcomes with the class that draws each, from the foot of a bar upwards.
const LAYERS: [(&str, &str); 5] =
    [("stored", "b1"), ("discarded", "b2"), ("rate_limited", "b3"), ("invalid", "b4"), ("filtered", "b5")];
/// The foot of the bars, in pixels.
const BASE: f64 = 112.0;
/// The highest bar, in pixels.
const HIGH: f64 = 90.0;

/// The part of the page.
pub fn part(ledger: &Ledger) -> Markup {
    let (tally, span) = (&ledger.tally, ledger.asked.span);
    let totals = totals(tally, span);
    let layers: Vec<_> = LAYERS.iter().filter(|(outcome, _)| tally.series.contains_key(*outcome)).collect();
    let top = round_up(totals.iter().copied().max().unwrap_or(0).max(1));
    html! {
        section.part #over-time {
            header { h2 { "Over time" } small { "last " (span.words()) } }
            div {
                svg.chart height="134" role="img" aria-label=(finding(ledger, &totals)) {
                    defs { pattern #stripes width="1" height="3" patternUnits="userSpaceOnUse" { path.b2 d="M0 0h1v1.4H0z" {} } }
                    line.base x1="0" x2="100%" y1=(BASE) y2=(BASE) {}
                    @for line in gridlines(top) {
                        @let y = BASE - tenth(line as f64 / top as f64 * HIGH);
                        line.grid x1="0" x2="100%" y1=(y) y2=(y) {}
                        text x="0" y=(y - 4.0) { (exact(line)) }
                    }
                    svg width="100%" height=(BASE) viewBox={ "0 0 " (span.slices()) " " (BASE) } preserveAspectRatio="none" {
                        @for (outcome, class, path) in stacked(tally, span, top) {
                            path class=(class) fill=[(outcome == "filtered").then_some("url(#stripes)")] d=(path) {}
                        }
                    }
                    (times(span, ledger.now_ms))
                }
                p.key {
                    @for (outcome, class) in layers {
                        span {
                            svg aria-hidden="true" { rect class=(class) fill=[(*outcome == "filtered").then_some("url(#stripes)")] width="12" height="10" {} }
                            (words::outcome(outcome).0.to_lowercase())
                        }
                    }
                }
                (table(ledger, &totals))
            }
        }
    }
}

fn totals(tally: &Tally, span: Span) -> Vec<i64> {
    (0..span.slices()).map(|at| tally.series.values().map(|series| series[at]).sum()).collect()
}

/// Outcome, class and path of each layer. What happened is at least a pixel high.
fn stacked(tally: &Tally, span: Span, top: i64) -> Vec<(&'static str, &'static str, String)> {
    let mut feet = vec![BASE; span.slices()];
    let mut layers = Vec::new();
    for (outcome, class) in LAYERS {
        let Some(series) = tally.series.get(outcome) else { continue };
        let mut path = String::new();
        for (at, &count) in series.iter().enumerate().filter(|(_, count)| **count > 0) {
            let height = tenth((count as f64 / top as f64 * HIGH).max(1.0));
            let foot = tenth(feet[at]);
            let _ = write!(path, "M{at}.1 {foot}v-{height}h.8v{height}z");
            feet[at] = foot - height;
        }
        layers.push((outcome, class, path));
    }
    layers
}

/// Round times along the axis; every other one goes where it is narrow.
fn times(span: Span, now_ms: i64) -> Markup {
    let (step_hours, format, manner) = match span {
        Span::Day => (4, "%H:%M", "hour"),
        Span::Week => (24, "%-d %b", "date"),
        Span::Month => (5 * 24, "%-d %b", "date"),
        Span::Quarter => (14 * 24, "%-d %b", "date"),
    };
    let (since_ms, step_ms) = (span.slice_ms(now_ms, 0), step_hours * HOUR_MS);
    let length_ms = span.slice_ms(now_ms, span.slices()) - since_ms;
    let first = since_ms.div_euclid(step_ms) + 1;
    html! {
        @for (at, tick_ms) in (first..first + 8).map(|tick| tick * step_ms).enumerate() {
            @let place = (tick_ms - since_ms) as f64 / length_ms as f64;
            @if (0.03..0.97).contains(&place) {
                text class=[(at % 2 == 0).then_some("thin")] x=(format!("{:.1}%", place * 100.0)) y="129"
                    text-anchor="middle" data-at=(tick_ms) data-as=(manner) { (utc(tick_ms, format)) }
            }
        }
    }
}

fn slice_time(ledger: &Ledger, at: usize) -> String {
    let format = if ledger.asked.span == Span::Quarter { "%-d %b" } else { "%-d %b %H:%M" };
    utc(ledger.asked.span.slice_ms(ledger.now_ms, at), format)
}

/// What the chart shows, in a sentence.
fn finding(ledger: &Ledger, totals: &[i64]) -> String {
    let total: i64 = totals.iter().sum();
    let most = totals.iter().enumerate().max_by_key(|(at, count)| (**count, *at)).filter(|(_, count)| **count > 0);
    match most {
        None => format!("Nothing came in the last {}", ledger.asked.span.words()),
        Some((at, most)) => format!(
            "{} in the last {}, most of them from {}: {}, of all {} were stored",
            counted(total, "item", "items"),
            ledger.asked.span.words(),
            slice_time(ledger, at),
            exact(*most),
            exact(ledger.tally.stored),
        ),
    }
}

fn table(ledger: &Ledger, totals: &[i64]) -> Markup {
    let series: Vec<_> =
        LAYERS.iter().filter_map(|(outcome, _)| Some((*outcome, ledger.tally.series.get(*outcome)?))).collect();
    html! {
        @if !series.is_empty() {
            details.fine {
                summary { "as a table" }
                table.books {
                    caption.sr { "Items by time and outcome" }
                    thead { tr {
                        th scope="col" { "From (UTC)" }
                        @for (outcome, _) in &series { th.num scope="col" { (words::outcome(outcome).0) } }
                    } }
                    tbody {
                        @for (at, _) in totals.iter().enumerate().filter(|(_, count)| **count > 0) {
                            tr {
                                th scope="row" { (slice_time(ledger, at)) }
                                @for (_, counts) in &series { td.num { (exact(counts[at])) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_stand_on_each_other_and_none_is_too_small_to_see() {
        let mut tally = Tally::default();
        let mut series = |outcome: &str, count: i64| {
            let mut counts = vec![0; Span::Day.slices()];
            counts[3] = count;
            tally.series.insert(outcome.into(), counts);
        };
        series("stored", 500);
        series("discarded", 1);
        series("filtered", 499);
        let layers = stacked(&tally, Span::Day, 1_000);
        let paths: Vec<_> = layers.iter().map(|(outcome, _, path)| (*outcome, path.as_str())).collect();
        assert_eq!(
            paths,
            [
                ("stored", "M3.1 112v-45h.8v45z"),
                ("discarded", "M3.1 67v-1h.8v1z"),
                ("filtered", "M3.1 66v-44.9h.8v44.9z"),
            ]
        );
    }
}
