//! When a job is due: a line of a crontab in a time zone, or every so often.

use super::crontab::Crontab;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// The longest crontab that is kept, in bytes.
pub const CRONTAB_BYTES_MAX: usize = 200;
/// The longest interval, in its unit.
pub const INTERVAL_MAX: i64 = 10_000;

/// A schedule. What cannot be understood is kept as it was said, so that a page can say so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// A line of a crontab.
    Crontab {
        /// The line.
        line: String,
        /// The name of a time zone; empty: UTC.
        zone: String,
    },
    /// Every so often.
    Interval {
        /// How many units.
        every: i64,
        /// Which.
        unit: Unit,
    },
}

/// A unit of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// 60 seconds.
    Minute,
    /// 60 minutes.
    Hour,
    /// 24 hours.
    Day,
    /// Seven days.
    Week,
    /// A calendar month, UTC.
    Month,
    /// A calendar year, UTC.
    Year,
}

const UNITS: [(Unit, &str); 6] = [
    (Unit::Minute, "minute"),
    (Unit::Hour, "hour"),
    (Unit::Day, "day"),
    (Unit::Week, "week"),
    (Unit::Month, "month"),
    (Unit::Year, "year"),
];

impl Unit {
    /// By its name.
    pub fn parse(name: &str) -> Option<Unit> {
        UNITS.iter().find(|(_, known)| *known == name).map(|(unit, _)| *unit)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        UNITS[self as usize].1
    }
}

impl Schedule {
    /// The first time it is due after a moment, Unix ms; both are whole minutes. `None` when it cannot be understood or is
    /// never due.
    pub fn next(&self, after_ms: i64) -> Option<i64> {
        let minute = Timestamp::from_millisecond(after_ms - after_ms.rem_euclid(60_000)).ok()?;
        match self {
            Schedule::Crontab { line, zone } => {
                let next = Crontab::read(line)?.next(&minute.to_zoned(time_zone(zone)?))?;
                Some(next.timestamp().as_millisecond())
            }
            Schedule::Interval { every, unit } => {
                let span = match unit {
                    Unit::Minute => Span::new().try_minutes(*every),
                    Unit::Hour => Span::new().try_hours(*every),
                    Unit::Day => Span::new().try_days(*every),
                    Unit::Week => Span::new().try_weeks(*every),
                    Unit::Month => Span::new().try_months(*every),
                    Unit::Year => Span::new().try_years(*every),
                };
                let next = minute.to_zoned(TimeZone::UTC).checked_add(span.ok()?).ok()?;
                (*every > 0).then(|| next.timestamp().as_millisecond())
            }
        }
    }

    /// Whether it says when something is due.
    pub fn is_understood(&self) -> bool {
        self.next(0).is_some()
    }

    /// For people: `0 3 * * * in Europe/Berlin`, `every 2 hours`.
    pub fn words(&self) -> String {
        match self {
            Schedule::Crontab { line, zone } if zone.is_empty() => format!("{line} in UTC"),
            Schedule::Crontab { line, zone } => format!("{line} in {zone}"),
            Schedule::Interval { every: 1, unit } => format!("every {}", unit.as_str()),
            Schedule::Interval { every, unit } => format!("every {every} {}s", unit.as_str()),
        }
    }
}

fn time_zone(name: &str) -> Option<TimeZone> {
    match name {
        "" | "UTC" => Some(TimeZone::UTC),
        name => TimeZone::get(name).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(schedule: &Schedule, after: &str) -> Option<String> {
        let after: Timestamp = after.parse().expect("a time");
        let next = Timestamp::from_millisecond(schedule.next(after.as_millisecond())?).expect("a time");
        Some(next.to_string())
    }

    #[test]
    fn intervals_count_from_the_minute_of_the_last_run() {
        let every = |every, unit| Schedule::Interval { every, unit };
        for (schedule, expected) in [
            (every(10, Unit::Minute), Some("2026-01-31T10:17:00Z")),
            (every(2, Unit::Hour), Some("2026-01-31T12:07:00Z")),
            (every(1, Unit::Week), Some("2026-02-07T10:07:00Z")),
            (every(1, Unit::Month), Some("2026-02-28T10:07:00Z")),
            (every(1, Unit::Year), Some("2027-01-31T10:07:00Z")),
            (every(0, Unit::Day), None),
            (every(-1, Unit::Day), None),
            (every(i64::MAX, Unit::Year), None),
        ] {
            assert_eq!(next(&schedule, "2026-01-31T10:07:42Z").as_deref(), expected, "{schedule:?}");
        }
    }

    #[test]
    fn a_crontab_is_read_in_its_zone() {
        let crontab = |line: &str, zone: &str| Schedule::Crontab { line: line.into(), zone: zone.into() };
        let after = "2026-07-01T10:07:42Z";
        assert_eq!(next(&crontab("0 3 * * *", ""), after).as_deref(), Some("2026-07-02T03:00:00Z"));
        assert_eq!(next(&crontab("0 3 * * *", "Europe/Berlin"), after).as_deref(), Some("2026-07-02T01:00:00Z"));
        assert_eq!(next(&crontab("0 3 * * *", "Nowhere/Else"), after), None);
        assert_eq!(next(&crontab("x", ""), after), None);
        assert!(!crontab("", "").is_understood());
    }
}
