//! Sessions over time: bars from zero, those that crashed as the darker part at the foot of each.

use super::Slots;
use crate::health::{Counts, Severity};
use crate::issue::series::Range;
use crate::outcome::HOUR_MS;
use crate::ui::moment::utc;
use crate::ui::number::{counted, exact};
use crate::ui::score::{gridlines, round_up, tenth, words};
use maud::{Markup, html};
use std::fmt::Write;

/// The foot of the bars, in pixels.
const BASE: f64 = 112.0;
/// The highest bar, in pixels.
const HIGH: f64 = 90.0;
/// The foot and the highest bar of a stave.
const FOOT: f64 = 21.0;

/// A release's stave in the list.
pub(super) fn stave(slots: &Slots, series: &[i64]) -> Markup {
    let total: i64 = series.iter().sum();
    let label = format!("{} in {}", counted(total, "session", "sessions"), words(slots.range));
    let top = series.iter().copied().max().unwrap_or(0).max(1);
    html! {
        svg.score viewBox={ "0 0 " (slots.count) " 24" } preserveAspectRatio="none" role="img" aria-label=(label) {
            path.base d={ "M0 21h" (slots.count) } {}
            path.b2 d=(bars(series, top, FOOT, FOOT - 4.0)) {}
        }
    }
}

/// The chart of one release.
pub(super) fn chart(slots: &Slots, series: &[Counts]) -> Markup {
    let totals: Vec<i64> = series.iter().map(Counts::total).collect();
    let crashed: Vec<i64> = series.iter().map(|counts| counts.of(Severity::Crashed)).collect();
    let top = round_up(totals.iter().chain(&crashed).copied().max().unwrap_or(0).max(1));
    html! {
        svg.chart height="134" role="img" aria-label=(finding(slots, &totals, &crashed)) {
            line.base x1="0" x2="100%" y1=(BASE) y2=(BASE) {}
            @for line in gridlines(top) {
                @let y = BASE - tenth(line as f64 / top as f64 * HIGH);
                line.grid x1="0" x2="100%" y1=(y) y2=(y) {}
                text x="0" y=(y - 4.0) { (exact(line)) }
            }
            svg width="100%" height=(BASE) viewBox={ "0 0 " (slots.count) " " (BASE) } preserveAspectRatio="none" {
                path.b1 d=(bars(&totals, top, BASE, HIGH)) {}
                path.b2 d=(bars(&crashed, top, BASE, HIGH)) {}
            }
            (times(slots))
        }
        p.key {
            span { svg aria-hidden="true" { rect.b1 width="12" height="10" {} } "sessions" }
            span { svg aria-hidden="true" { rect.b2 width="12" height="10" {} } "crashed" }
        }
        (table(slots, series))
    }
}

/// What happened is at least a pixel high.
fn bars(series: &[i64], top: i64, foot: f64, high: f64) -> String {
    let mut path = String::new();
    for (at, &count) in series.iter().enumerate().filter(|(_, count)| **count > 0) {
        let height = tenth((count as f64 / top as f64 * high).max(1.0));
        let _ = write!(path, "M{at}.1 {foot}v-{height}h.8v{height}z");
    }
    path
}

fn times(slots: &Slots) -> Markup {
    let (step_hours, format, manner) = match slots.range {
        Range::Day => (4, "%H:%M", "hour"),
        Range::Fortnight => (2 * 24, "%-d %b", "date"),
        Range::Quarter => (14 * 24, "%-d %b", "date"),
    };
    let first = slots.since_hour.div_euclid(step_hours) + 1;
    let length = (slots.until_hour() - slots.since_hour) as f64;
    html! {
        @for (at, hour) in (first..first + 8).map(|tick| tick * step_hours).enumerate() {
            @let place = (hour - slots.since_hour) as f64 / length;
            @if (0.03..0.97).contains(&place) {
                text class=[(at % 2 == 0).then_some("thin")] x=(format!("{:.1}%", place * 100.0)) y="129"
                    text-anchor="middle" data-at=(hour * HOUR_MS) data-as=(manner) { (utc(hour * HOUR_MS, format)) }
            }
        }
    }
}

fn slot_time(slots: &Slots, at: usize) -> String {
    let format = if slots.range == Range::Quarter { "%-d %b" } else { "%-d %b %H:%M" };
    utc((slots.since_hour + at as i64 * slots.step_hours) * HOUR_MS, format)
}

fn finding(slots: &Slots, totals: &[i64], crashed: &[i64]) -> String {
    let (total, crashes): (i64, i64) = (totals.iter().sum(), crashed.iter().sum());
    let most = crashed.iter().enumerate().max_by_key(|(at, count)| (**count, *at)).filter(|(_, count)| **count > 0);
    let sessions = counted(total, "session", "sessions");
    match most {
        None => format!("{sessions} in the last {}, none of which crashed", words(slots.range)),
        Some((at, most)) => format!(
            "{sessions} in the last {}, {} crashed, most of them from {}: {}",
            words(slots.range),
            exact(crashes),
            slot_time(slots, at),
            exact(*most)
        ),
    }
}

/// The same numbers as a table, without empty slots.
fn table(slots: &Slots, series: &[Counts]) -> Markup {
    html! {
        details.fine {
            summary { "as a table" }
            table.books {
                caption.sr { "Sessions over " (words(slots.range)) }
                thead { tr {
                    th scope="col" { "From (UTC)" }
                    th.num scope="col" { "Sessions" } th.num scope="col" { "Crashed" } th.num scope="col" { "Crash-free" }
                } }
                tbody {
                    @for (at, counts) in series.iter().enumerate().filter(|(_, counts)| !counts.is_empty()) {
                        tr {
                            th scope="row" { (slot_time(slots, at)) }
                            td.num { (exact(counts.total())) } td.num { (exact(counts.of(Severity::Crashed))) }
                            td.num { (super::crash_free(counts)) }
                        }
                    }
                }
            }
        }
    }
}
