//! What is usual for a project: the history that spike protection compares with.
//!
//! **The rule.** In any ten minutes ([`WINDOW_S`]) a project may send [`TIMES`] what its usual busiest hour brings whole,
//! and at least [`EVENTS_MIN`]. The usual busiest hour is the median, over the last seven days, of each day's busiest hour.
//!
//! Why so: the busiest hour of a day includes the nightly job that an average would not; the median of seven days does
//! not move when one or two of them were floods, so a flood does not become usual by lasting for a night. An increase
//! that stays is usual after four days. Ten minutes, because a refusal must not blind a project for long: after it the
//! door opens again and shows a sample of what goes on. The least is there so that small projects, whose hours vary by
//! large factors, are never hurt. A project younger than [`DAYS_MIN`] days has no history and is not held to any.

use super::month::COUNTED;
use bugle_db::{DbError, Tx, params};

/// The span in which a spike is looked for, in seconds.
pub const WINDOW_S: i64 = 600;
/// How many usual busiest hours may come in one span.
pub const TIMES: i64 = 2;
/// What any project may send in one span.
pub const EVENTS_MIN: i64 = 1_000;
/// Days that are looked at.
pub const DAYS: i64 = 7;
/// Days that a project must have been sending.
pub const DAYS_MIN: i64 = 3;

/// What a project may send in [`WINDOW_S`]; `None` while it has too little history. `hour` is the present one, since 1970,
/// and takes no part.
pub fn allowance(tx: &mut Tx<'_>, project: i64, hour: i64) -> Result<Option<i64>, DbError> {
    Ok(busiest_hour(tx, project, hour)?.map(|events| (events * TIMES).max(EVENTS_MIN)))
}

/// Events of the usual busiest hour.
pub fn busiest_hour(tx: &mut Tx<'_>, project: i64, hour: i64) -> Result<Option<i64>, DbError> {
    let sql = format!(
        "SELECT hour, CAST(SUM(quantity) AS BIGINT) FROM ledger WHERE project = $1 AND hour >= $2 AND hour < $3 \
         AND {COUNTED} GROUP BY hour"
    );
    let mut hours = Vec::new();
    for row in tx.query(&sql, params![project, hour - 24 * DAYS, hour])? {
        hours.push((row.get(0)?, row.get(1)?));
    }
    Ok(median_of_days(&hours, hour))
}

/// From (hour, events) of the days before `hour`. Days before the first event are not there yet, later ones without any
/// count as 0.
fn median_of_days(hours: &[(i64, i64)], hour: i64) -> Option<i64> {
    let days_ago = |at: i64| (hour - 1 - at) / 24;
    let oldest = hours.iter().map(|(at, _)| days_ago(*at)).max()?;
    if oldest + 1 < DAYS_MIN {
        return None;
    }
    let mut days = vec![0; oldest as usize + 1];
    for (at, events) in hours {
        let day = &mut days[days_ago(*at) as usize];
        *day = (*day).max(*events);
    }
    days.sort_unstable();
    Some(days[days.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_flood_is_not_usual_and_a_lasting_increase_is() {
        let hour = 500_000;
        let day = |ago: i64, events: i64| (hour - 24 * ago - 3, events);
        let quiet: Vec<(i64, i64)> = (0..7).map(|ago| day(ago, 100 + ago)).collect();
        assert_eq!(median_of_days(&quiet, hour), Some(103));
        let mut flooded = quiet.clone();
        flooded.extend((1..=12).map(|back| (hour - back, 1_000_000)));
        assert_eq!(median_of_days(&flooded, hour), Some(104), "one day of seven");
        let risen: Vec<(i64, i64)> = (0..7).map(|ago| day(ago, if ago < 4 { 900 } else { 100 })).collect();
        assert_eq!(median_of_days(&risen, hour), Some(900), "four days of seven");
    }

    #[test]
    fn a_nightly_job_is_part_of_the_day() {
        let hour = 500_000;
        let nights: Vec<(i64, i64)> =
            (0..7).flat_map(|ago| [(hour - 24 * ago - 5, 50_000), (hour - 24 * ago - 9, 20)]).collect();
        assert_eq!(median_of_days(&nights, hour), Some(50_000));
    }

    #[test]
    fn a_young_project_has_no_history() {
        let hour = 500_000;
        assert_eq!(median_of_days(&[], hour), None);
        assert_eq!(median_of_days(&[(hour - 1, 5), (hour - 40, 5)], hour), None, "two days");
        assert_eq!(median_of_days(&[(hour - 1, 5), (hour - 60, 7)], hour), Some(5), "the day between counts as 0");
    }
}
