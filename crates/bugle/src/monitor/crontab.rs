//! A line of a crontab: when it is due next.
//!
//! Five fields as cron reads them: lists, ranges, steps, names of months and days, Sunday as 0 or 7, the `@daily` kind of
//! names. If both day fields are restricted, either is enough. Beside changes of the clock it does as cron does: a job at
//! a fixed hour runs once, at the moment the clock jumps to when its time was left out, and the first time when the hour
//! comes twice; a job at every hour goes by the time that passes.

use jiff::civil::{Date, Time};
use jiff::{ToSpan, Zoned};

/// Days that are looked ahead: a 29 February that falls on a weekday of its own comes within 40 years, and a line that is
/// never due must end. Each costs under a microsecond.
const DAYS_MAX: usize = 41 * 366;

/// A line that was understood: which values each field allows, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crontab {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether the hour is `*` or `*/n`.
    is_every_hour: bool,
    /// Whether a day must fit both day fields, since one of them begins with `*`.
    needs_both: bool,
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Crontab {
    /// Reads a line; `None` when it cannot be understood.
    pub fn read(line: &str) -> Option<Crontab> {
        let line = match line.trim() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            line => line,
        };
        let mut fields = line.split_ascii_whitespace();
        let mut next = || fields.next();
        let (minute, hour, day, month, weekday) = (next()?, next()?, next()?, next()?, next()?);
        if next().is_some() {
            return None;
        }
        let weekdays = field(weekday, 0, 7, &WEEKDAYS)?;
        let is_star = |text: &str| text.starts_with(['*', '?']);
        Some(Crontab {
            minutes: field(minute, 0, 59, &[])?,
            hours: field(hour, 0, 23, &[])?,
            days: field(day, 1, 31, &[])?,
            months: field(month, 1, 12, &MONTHS)?,
            weekdays: (weekdays | (weekdays >> 7)) & 0x7f,
            is_every_hour: is_star(hour),
            needs_both: is_star(day) || is_star(weekday),
        })
    }

    /// The first time it is due after `after`, in the same zone.
    pub fn next(&self, after: &Zoned) -> Option<Zoned> {
        // The hour before the one that is looked at, on its day: what lies between was left out by the clock.
        let mut before = i32::from(after.hour());
        let mut at = after.checked_add(1.minute()).ok()?;
        if at.date() != after.date() {
            before = -1;
        }
        for _ in 0..DAYS_MAX {
            let date = at.date();
            if self.has_day(date) {
                while at.date() == date {
                    if let Some(found) = self.left_out(&at, before) {
                        return Some(found);
                    }
                    if let Some(found) = self.within_hour(&at) {
                        return Some(found);
                    }
                    before = i32::from(at.hour());
                    at = at.checked_add((60 - i64::from(at.minute())).minutes()).ok()?;
                }
            } else {
                at = date.tomorrow().ok()?.to_zoned(at.time_zone().clone()).ok()?;
            }
            before = -1;
        }
        None
    }

    fn has_day(&self, date: Date) -> bool {
        let month = has(self.months, date.month());
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        month && if self.needs_both { day && weekday } else { day || weekday }
    }

    /// The time in the hour of `at` and not before it.
    fn within_hour(&self, at: &Zoned) -> Option<Zoned> {
        if !has(self.hours, at.hour()) {
            return None;
        }
        let minute = (at.minute()..60).find(|minute| has(self.minutes, *minute))?;
        let found = at.checked_add(i64::from(minute - at.minute()).minutes()).ok()?;
        // The clock was changed within the hour: what comes then is looked at by itself.
        if found.minute() != minute || found.hour() != at.hour() {
            return None;
        }
        let first = found.datetime().to_zoned(found.time_zone().clone()).ok()?;
        (self.is_every_hour || first.timestamp() == found.timestamp()).then_some(found)
    }

    /// A time at a fixed hour that the clock has jumped over: as late as the jump is long.
    fn left_out(&self, at: &Zoned, before: i32) -> Option<Zoned> {
        if self.is_every_hour {
            return None;
        }
        let hour = (before + 1..i32::from(at.hour())).find(|hour| has(self.hours, *hour as i8))? as i8;
        let minute = (0..60).find(|minute| has(self.minutes, *minute))?;
        let found = at.date().to_datetime(Time::new(hour, minute, 0, 0).ok()?).to_zoned(at.time_zone().clone()).ok()?;
        (found >= *at).then_some(found)
    }
}

fn has(bits: u64, value: i8) -> bool {
    bits >> value & 1 == 1
}

/// One field: parts between commas, each `*`, `a`, `a-b`, with `/step` or without.
fn field(text: &str, least: u32, most: u32, names: &[&str]) -> Option<u64> {
    let mut bits = 0u64;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(number(step).filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let value = |text: &str| -> Option<u32> {
            let name = names.iter().position(|name| name.eq_ignore_ascii_case(text)).map(|at| at as u32 + least);
            name.or_else(|| number(text)).filter(|value| (least..=most).contains(value))
        };
        let (from, to) = match range {
            "*" | "?" => (least, if most == 7 { 6 } else { most }),
            range => match range.split_once('-') {
                Some((from, to)) => (value(from)?, value(to)?),
                // `5/15` is every 15 from 5 on.
                None => (value(range)?, if step.is_some() { most } else { value(range)? }),
            },
        };
        if from > to {
            return None;
        }
        (from..=to).step_by(step.unwrap_or(1) as usize).for_each(|value| bits |= 1 << value);
    }
    (bits != 0).then_some(bits)
}

fn number(text: &str) -> Option<u32> {
    (text.len() <= 4 && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The next times after one, without seconds.
    fn next(line: &str, after: &str, count: usize) -> Vec<String> {
        let crontab = Crontab::read(line).expect("a crontab");
        let mut at: Zoned = after.parse().expect("a time");
        let mut times = Vec::new();
        for _ in 0..count {
            let Some(next) = crontab.next(&at) else { break };
            times.push(next.strftime("%Y-%m-%d %H:%M%:z").to_string());
            at = next;
        }
        times
    }

    #[test]
    fn fields_are_read_as_cron_reads_them() {
        let after = "2026-01-30T10:07:00[UTC]";
        for (line, expected) in [
            ("* * * * *", "2026-01-30 10:08+00:00"),
            ("*/15 * * * *", "2026-01-30 10:15+00:00"),
            ("5/20 * * * *", "2026-01-30 10:25+00:00"),
            ("7 10 * * *", "2026-01-31 10:07+00:00"),
            ("0 0 29 2 *", "2028-02-29 00:00+00:00"),
            ("0 9-17/4 * * mon-fri", "2026-01-30 13:00+00:00"),
            ("0 0 * * 7", "2026-02-01 00:00+00:00"),
            ("0 0 * * SUN", "2026-02-01 00:00+00:00"),
            ("0 0 13 * 5", "2026-02-06 00:00+00:00"),
            ("0 0 */2 * 5", "2026-02-13 00:00+00:00"),
            ("@weekly", "2026-02-01 00:00+00:00"),
            ("0 12 1 jan,JUL *", "2026-07-01 12:00+00:00"),
        ] {
            assert_eq!(next(line, after, 1), [expected], "{line}");
        }
        assert_eq!(next("0 0 31 2 *", after, 1), [""; 0], "never due");
        for line in ["", "* * * *", "* * * * * *", "60 * * * *", "* * 0 * *", "*/0 * * * *", "5-1 * * * *", "a * * * *"]
        {
            assert_eq!(Crontab::read(line), None, "{line}");
        }
    }

    #[test]
    fn a_fixed_hour_that_the_clock_leaves_out_runs_once() {
        let before = "2026-03-29T00:00:00[Europe/Berlin]";
        assert_eq!(next("30 2 * * *", before, 2), ["2026-03-29 03:30+02:00", "2026-03-30 02:30+02:00"]);
        let just_before = "2026-03-29T01:59:00[Europe/Berlin]";
        assert_eq!(next("30 2 * * *", just_before, 1), ["2026-03-29 03:30+02:00"]);
        assert_eq!(next("0 * * * *", "2026-03-29T01:00:00[Europe/Berlin]", 1), ["2026-03-29 03:00+02:00"]);
        // Here midnight itself is left out.
        let beirut = "2026-03-28T12:00:00[Asia/Beirut]";
        assert_eq!(next("0 0 * * *", beirut, 2), ["2026-03-29 01:00+03:00", "2026-03-30 00:00+03:00"]);
    }

    #[test]
    fn a_fixed_hour_that_comes_twice_runs_once_and_every_hour_twice() {
        let before = "2026-10-25T01:30:00[Europe/Berlin]";
        assert_eq!(next("30 2 * * *", before, 2), ["2026-10-25 02:30+02:00", "2026-10-26 02:30+01:00"]);
        let hours = ["2026-10-25 02:00+02:00", "2026-10-25 02:00+01:00", "2026-10-25 03:00+01:00"];
        assert_eq!(next("0 * * * *", before, 3), hours);
    }

    proptest! {
        #[test]
        fn what_is_next_fits_and_lies_ahead(
            minute in 0i8..60, hour in 0i8..24, at in 1_600_000_000i64..2_000_000_000,
            zone in proptest::sample::select(&["UTC", "Europe/Berlin", "America/St_Johns"]),
        ) {
            let after = jiff::Timestamp::from_second(at - at % 60).unwrap().in_tz(zone).unwrap();
            let daily = Crontab::read(&format!("{minute} {hour} * * *")).unwrap().next(&after).unwrap();
            prop_assert!(daily > after);
            prop_assert!((daily.timestamp().as_second() - after.timestamp().as_second()) <= 26 * 3600);
            let hourly = Crontab::read(&format!("{minute} * * * *")).unwrap().next(&after).unwrap();
            prop_assert!(hourly > after && hourly.minute() == minute);
        }

        #[test]
        fn no_line_breaks_it(line in "[-*/,?0-9a-zA-Z@ ]{0,30}") {
            if let Some(crontab) = Crontab::read(&line) {
                crontab.next(&"2026-01-30T10:07:00[UTC]".parse().unwrap());
            }
        }
    }
}
