//! `/releases` and `/releases/{version}`: which versions there are, and how well each does.
//!
//! Project, environment and range stand in the address and every number obeys them ([`Asked`]). A version may contain anything but
//! slashes, and is one segment of the path. What has no sessions has no crash-free share: it is "–", never 100%.

mod chart;
mod list;
mod sheet;

use super::act::Fields;
use super::address::{encode, with_query};
use crate::app::Shared;
use crate::health::read::Scope;
use crate::health::{Counts, Severity};
use crate::issue::series::Range;
use crate::outcome::HOUR_MS;
use axum::Router;
use axum::routing::get;
use maud::{Markup, html};

/// Its addresses.
pub fn routes() -> Router<Shared> {
    Router::new().route("/releases", get(list::show)).route("/releases/{version}", get(sheet::show))
}

/// What a page is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Asked {
    /// The project's slug; empty: all.
    project: String,
    /// The environment; empty: all.
    environment: String,
    range: Range,
    /// A part of the version.
    q: String,
    /// Which page, from 1.
    page: i64,
}

impl Asked {
    /// Reads the parameters. What makes no sense is as if it were not there.
    fn read(fields: &Fields) -> Asked {
        Asked {
            project: fields.get("project").into(),
            environment: fields.get("environment").into(),
            range: Range::parse(fields.get("range")).unwrap_or(Range::Fortnight),
            q: fields.get("q").trim().chars().take(200).collect(),
            page: fields.get("page").parse().ok().filter(|page| (1..10_000).contains(page)).unwrap_or(1),
        }
    }

    fn query(&self, path: &str) -> String {
        let range = if self.range == Range::Fortnight { "" } else { self.range.as_str() };
        with_query(path, &[("project", &self.project), ("environment", &self.environment), ("range", range)])
    }

    /// The address of a page of the list.
    fn path(&self) -> String {
        let page = if self.page > 1 { self.page.to_string() } else { String::new() };
        with_query(&self.query("/releases"), &[("q", &self.q), ("page", &page)])
    }

    /// The address of one release, in the scope of this page.
    fn path_of(&self, version: &str) -> String {
        self.query(&format!("/releases/{}", encode(version)))
    }
}

/// A range in slots of whole hours, the last of which is the present one.
#[derive(Debug, Clone, Copy)]
struct Slots {
    range: Range,
    since_hour: i64,
    step_hours: i64,
    count: i64,
}

impl Slots {
    fn of(range: Range, now_ms: i64) -> Slots {
        let (step_hours, count) = match range {
            Range::Day => (1, 24),
            Range::Fortnight => (6, 56),
            Range::Quarter => (24, 90),
        };
        let last = now_ms.div_euclid(step_hours * HOUR_MS);
        Slots { range, since_hour: (last - count + 1) * step_hours, step_hours, count }
    }

    fn until_hour(&self) -> i64 {
        self.since_hour + self.count * self.step_hours
    }

    fn scope(&self, projects: Vec<i64>, environments: Option<Vec<i64>>) -> Scope {
        let (since_hour, until_hour) = (self.since_hour, self.until_hour());
        Scope { projects, releases: None, environments, since_hour, until_hour }
    }
}

/// A share without crashes: two decimals, never 100% where something crashed, "–" where there is nothing to say it of.
fn crash_free(counts: &Counts) -> String {
    let (total, crashed) = (counts.total(), counts.of(Severity::Crashed));
    match counts.crash_free() {
        None => "–".into(),
        Some(_) if crashed <= 0 => "100%".into(),
        Some(_) if crashed >= total => "0%".into(),
        // Rounded down, and not to nothing.
        Some(_) => {
            let hundredths = ((total - crashed) as i128 * 10_000 / i128::from(total)).max(1);
            format!("{}.{:02}%", hundredths / 100, hundredths % 100)
        }
    }
}

/// Links to the ranges.
fn ranges(asked: &Asked, path: impl Fn(&Asked) -> String) -> Markup {
    html! {
        span.ranges {
            @for range in [Range::Day, Range::Fortnight, Range::Quarter] {
                a href=(path(&Asked { range, page: 1, ..asked.clone() }))
                    aria-current=[(asked.range == range).then_some("true")] { (super::score::words(range)) }
            }
        }
    }
}

/// The choice of an environment, for a form.
fn environments(asked: &Asked, names: &[String]) -> Markup {
    html! {
        select name="environment" aria-label="Environment" {
            option value="" { "all environments" }
            @for name in names { option value=(name) selected[*name == asked.environment] { (name) } }
            @if !asked.environment.is_empty() && !names.contains(&asked.environment) {
                option value=(asked.environment) selected { (asked.environment) }
            }
        }
    }
}

/// Says that sets were full, if they were.
fn note(over: (i64, i64)) -> Markup {
    html! {
        @if over != (0, 0) {
            p.note {
                b { "These numbers are not exact. " }
                "More sessions and people came on a day than Bugle tells apart. What came beyond is counted without its ids, and people \
                 beyond are left out."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_never_claim_too_much() {
        let free = |total, crashed| crash_free(&Counts([total, 0, 0, 0, crashed]));
        assert_eq!(free(0, 0), "–");
        assert_eq!(free(0, 3), "–", "nothing to say it of");
        assert_eq!(free(10, 0), "100%");
        assert_eq!(free(10_000_000, 1), "99.99%");
        assert_eq!(free(214_080, 1_691), "99.21%");
        assert_eq!(free(1_000_000, 999_999), "0.01%");
        assert_eq!((free(3, 3), free(1, 3)), ("0%".into(), "0%".into()));
    }

    #[test]
    fn slots_end_with_the_present_hour() {
        for range in [Range::Day, Range::Fortnight, Range::Quarter] {
            let (now_ms, slots) = (1_780_000_123_456, Slots::of(range, 1_780_000_123_456));
            assert!(slots.until_hour() * HOUR_MS > now_ms, "{range:?}");
            assert!((slots.until_hour() - slots.step_hours) * HOUR_MS <= now_ms, "{range:?}");
        }
    }
}
