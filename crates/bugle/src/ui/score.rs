//! The score: one stave per issue on one shared time axis, releases as bar lines through all of them.
//!
//! A stave is one path in a view box of one unit per bucket, stretched to its column, so a row of 90 buckets costs a
//! kilobyte and no width is known here. Bars are linear from zero within a row; how high the loudest stands grows
//! with the order of magnitude, so a rare issue looks quiet. Charts have text and therefore no view box: x in per
//! cent, y in pixels.

use super::moment::utc;
use super::number::{counted, exact};
use crate::issue::series::Range;
use crate::release::Release;
use maud::{Markup, html};
use std::fmt::Write;

/// The foot of a stave's bars.
const FOOT: f64 = 21.0;
/// The foot of a chart's bars, in pixels.
const BASE: f64 = 112.0;
/// The highest bar of a chart, in pixels.
const HIGH: f64 = 90.0;

/// The span of time that a score shows.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    /// Which span.
    pub range: Range,
    /// Where it begins, Unix ms.
    pub since_ms: i64,
    /// How many buckets it has.
    pub buckets: usize,
}

impl Axis {
    /// The axis of `range` that ends now, for a series of so many buckets.
    pub fn of(range: Range, buckets: usize, now_ms: i64) -> Axis {
        Axis { range, since_ms: range.since_ms(now_ms), buckets: buckets.max(1) }
    }

    /// Where a moment lies, 0 to 1; `None` when it lies outside.
    fn place(&self, at_ms: i64) -> Option<f64> {
        let place = (at_ms - self.since_ms) as f64 / (self.range.step_ms() * self.buckets as i64) as f64;
        (0.0..1.0).contains(&place).then_some(place)
    }
}

/// In words: `24 hours`.
pub fn words(range: Range) -> &'static str {
    match range {
        Range::Day => "24 hours",
        Range::Fortnight => "14 days",
        Range::Quarter => "90 days",
    }
}

/// One issue's stave.
pub fn stave(axis: &Axis, series: &[i64], marks: &[&Release]) -> Markup {
    let total: i64 = series.iter().sum();
    let label = format!("{} in {}", counted(total, "event", "events"), words(axis.range));
    html! {
        svg.score viewBox={ "0 0 " (axis.buckets) " 24" } preserveAspectRatio="none" role="img" aria-label=(label) {
            path.base d={ "M0 21h" (axis.buckets) } {}
            @for mark in marks {
                @if let Some(place) = axis.place(mark.first_ms) {
                    path.mark d={ "M" (tenth(place * axis.buckets as f64)) " 0v24" } {}
                }
            }
            path.b2 d=(bars(series)) {}
        }
    }
}

fn bars(series: &[i64]) -> String {
    let peak = series.iter().copied().max().unwrap_or(0).max(1) as f64;
    let highest = (6.0 + 11.0 * peak.log10() / 3.0).min(FOOT - 1.0);
    let mut path = String::new();
    for (at, &count) in series.iter().enumerate().filter(|(_, count)| **count > 0) {
        let height = tenth((count as f64 / peak * highest).max(1.2));
        let _ = write!(path, "M{at} 21v-{height}h.8v{height}z");
    }
    path
}

pub(super) fn tenth(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// The axis above the score: round times below, releases above their bar line.
pub fn heads(axis: &Axis, marks: &[&Release]) -> Markup {
    html! {
        svg.chart aria-hidden="true" { (flags(axis, marks, 4.0, 36.0)) (times(axis, 31.0)) }
    }
}

/// Bars for releases, each with its name; of flags that would touch the later one stays.
fn flags(axis: &Axis, marks: &[&Release], top: f64, bottom: f64) -> Markup {
    let mut placed: Vec<(f64, &str)> =
        marks.iter().filter_map(|mark| Some((axis.place(mark.first_ms)?, mark.version.as_str()))).collect();
    placed.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut free_until = f64::MAX;
    html! {
        @for (place, version) in placed {
            @let x = format!("{:.1}%", place * 100.0);
            line.mark x1=(x) x2=(x) y1=(top) y2=(bottom) {}
            @if place + 0.18 < free_until {
                @let is_late = place > 0.65;
                text.flag x=(x) dx=(if is_late { -5 } else { 5 }) y=(top + 8.0) text-anchor=[is_late.then_some("end")] {
                    (short(version))
                }
                ({ free_until = if is_late { place - 0.18 } else { place }; html! {} })
            }
        }
    }
}

/// A version, short enough for a flag: without the package's name, at most 16 characters.
pub fn short(version: &str) -> String {
    let version = version.rsplit_once('@').map_or(version, |(_, version)| version);
    let is_hash = version.len() >= 20 && version.bytes().all(|byte| byte.is_ascii_hexdigit());
    match version.char_indices().nth(if is_hash { 8 } else { 16 }) {
        Some((end, _)) if is_hash => version[..end].to_string(),
        Some((end, _)) => format!("{}…", &version[..end]),
        None => version.to_string(),
    }
}

/// Round times along the axis; every other one is `.thin` and goes where it is narrow.
fn times(axis: &Axis, y: f64) -> Markup {
    const HOUR_MS: i64 = 3_600_000;
    let (step_ms, format, manner) = match axis.range {
        Range::Day => (4 * HOUR_MS, "%H:%M", "hour"),
        Range::Fortnight => (2 * 24 * HOUR_MS, "%-d %b", "date"),
        Range::Quarter => (14 * 24 * HOUR_MS, "%-d %b", "date"),
    };
    let first = axis.since_ms.div_euclid(step_ms) + 1;
    html! {
        @for (at, tick) in (first..first + 8).enumerate() {
            @if let Some(place) = axis.place(tick * step_ms).filter(|place| (0.03..0.97).contains(place)) {
                text class=[(at % 2 == 0).then_some("thin")] x=(format!("{:.1}%", place * 100.0)) y=(y) text-anchor="middle"
                    data-at=(tick * step_ms) data-as=(manner) { (utc(tick * step_ms, format)) }
            }
        }
    }
}

/// The chart of one issue's events.
pub fn chart(axis: &Axis, series: &[i64], marks: &[&Release]) -> Markup {
    let peak = series.iter().copied().max().unwrap_or(0).max(1);
    let top = round_up(peak);
    let height = |count: i64| tenth(count as f64 / top as f64 * HIGH);
    let width = 100.0 / axis.buckets as f64;
    html! {
        svg.chart height="134" role="img" aria-label=(finding(axis, series)) {
            line.base x1="0" x2="100%" y1=(BASE) y2=(BASE) {}
            @for line in gridlines(top) {
                line.grid x1="0" x2="100%" y1=(BASE - height(line)) y2=(BASE - height(line)) {}
                text x="0" y=(BASE - height(line) - 4.0) { (exact(line)) }
            }
            (flags(axis, marks, 2.0, BASE))
            g.b1 {
                @for (at, &count) in series.iter().enumerate().filter(|(_, count)| **count > 0) {
                    rect x=(format!("{:.2}%", width * (at as f64 + 0.1))) width=(format!("{:.2}%", width * 0.8))
                        y=(tenth(BASE - height(count).max(1.0))) height=(height(count).max(1.0)) {
                        title { (bucket_time(axis, at)) ": " (counted(count, "event", "events")) }
                    }
                }
            }
            (times(axis, 129.0))
        }
    }
}

/// The same numbers as a table, without empty buckets.
pub fn table(axis: &Axis, series: &[i64]) -> Markup {
    html! {
        details.fine {
            summary { "as a table" }
            table.books {
                caption.sr { "Events over " (words(axis.range)) }
                thead { tr { th scope="col" { "From (UTC)" } th.num scope="col" { "Events" } } }
                tbody {
                    @for (at, &count) in series.iter().enumerate().filter(|(_, count)| **count > 0) {
                        tr { th scope="row" { (bucket_time(axis, at)) } td.num { (exact(count)) } }
                    }
                }
            }
        }
    }
}

fn bucket_time(axis: &Axis, at: usize) -> String {
    let format = if axis.range == Range::Quarter { "%-d %b" } else { "%-d %b %H:%M" };
    utc(axis.since_ms + at as i64 * axis.range.step_ms(), format)
}

/// What the chart shows, in a sentence.
fn finding(axis: &Axis, series: &[i64]) -> String {
    let total: i64 = series.iter().sum();
    let Some((at, &most)) = series.iter().enumerate().max_by_key(|(at, count)| (**count, *at)) else {
        return "No events".into();
    };
    match total {
        0 => format!("No events in the last {}", words(axis.range)),
        total => format!(
            "{} in the last {}, most of them from {}: {}",
            counted(total, "event", "events"),
            words(axis.range),
            bucket_time(axis, at),
            exact(most)
        ),
    }
}

/// The next number that begins with 1, 2 or 5 and ends in zeros.
pub(super) fn round_up(peak: i64) -> i64 {
    let mut power = 1;
    loop {
        for step in [1, 2, 5] {
            if step * power >= peak {
                return step * power;
            }
        }
        power *= 10;
    }
}

pub(super) fn gridlines(top: i64) -> Vec<i64> {
    if top % 2 == 0 { vec![top / 2, top] } else { vec![top] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heights(series: &[i64]) -> Vec<f64> {
        bars(series).split('M').filter_map(|bar| bar.split_once("v-")?.1.split('h').next()?.parse().ok()).collect()
    }

    #[test]
    fn a_rare_issue_looks_quiet() {
        assert_eq!(heights(&[0, 1, 0]), [6.0]);
        assert_eq!(heights(&[1000, 500, 1]), [17.0, 8.5, 1.2]);
        assert_eq!(heights(&[i64::MAX / 4])[0], 20.0);
        assert_eq!(bars(&[0, 0]), "");
    }

    #[test]
    fn flags_that_would_touch_keep_the_later_one() {
        let now_ms = 1_780_000_000_000;
        let axis = Axis::of(Range::Day, 48, now_ms);
        let mark = |version: &str, hours: i64| Release {
            project: 1,
            version: version.into(),
            first_ms: now_ms - hours * 3_600_000,
        };
        let marks = [mark("a@1.0", 20), mark("a@1.1", 8), mark("a@1.2", 7), mark("old", 40)];
        let text = heads(&axis, &marks.iter().collect::<Vec<_>>()).into_string();
        assert_eq!(text.matches("class=\"mark\"").count(), 3, "{text}");
        assert!(text.contains(">1.0<") && text.contains(">1.2<") && !text.contains(">1.1<") && !text.contains("old"));
    }

    #[test]
    fn charts_say_what_they_show() {
        let axis = Axis::of(Range::Fortnight, 56, 1_780_000_000_000);
        let mut series = vec![0; 56];
        assert_eq!(finding(&axis, &series), "No events in the last 14 days");
        series[3] = 7;
        assert!(finding(&axis, &series).starts_with("7 events in the last 14 days, most of them from "));
        assert_eq!([1, 3, 7, 11, 78, 600].map(round_up), [1, 5, 10, 20, 100, 1000]);
    }

    #[test]
    fn versions_are_cut_for_flags() {
        assert_eq!(short("shop@4.18.2"), "4.18.2");
        assert_eq!(short("0123456789abcdef0123456789abcdef01234567"), "01234567");
        assert_eq!(short("a-very-long-name-of-a-version"), "a-very-long-name…");
    }
}
