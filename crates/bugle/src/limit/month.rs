//! Calendar months in UTC, by which quotas are counted, and what the ledger says was used in one.
//!
//! The ledger is written with the filing itself, so what it says survives a kill. It is kept by the hour, and months
//! begin with an hour.

use crate::outcome::HOUR_MS;
use bugle_db::{DbError, Tx, params};
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;

/// A calendar month in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    /// Months since January 1970.
    pub number: i64,
    /// Its first millisecond, Unix ms.
    pub from_ms: i64,
    /// The first of the next, Unix ms.
    pub until_ms: i64,
}

impl Month {
    /// The month of an instant. Times beyond what a calendar holds fall into January 1970.
    pub fn at(now_ms: i64) -> Month {
        let at = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC);
        let number = (i64::from(at.year()) - 1970) * 12 + i64::from(at.month()) - 1;
        Month { number, from_ms: begin_ms(number), until_ms: begin_ms(number + 1) }
    }

    /// Whether an instant lies in it.
    pub fn holds(&self, at_ms: i64) -> bool {
        (self.from_ms..self.until_ms).contains(&at_ms)
    }

    /// `November`.
    pub fn name(&self) -> String {
        let at = Timestamp::from_millisecond(self.from_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        at.to_zoned(TimeZone::UTC).strftime("%B").to_string()
    }
}

fn begin_ms(number: i64) -> i64 {
    let year = i16::try_from(1970 + number.div_euclid(12)).unwrap_or(1970);
    let month = i8::try_from(number.rem_euclid(12) + 1).unwrap_or(1);
    let begin = date(year, month, 1).to_zoned(TimeZone::UTC);
    begin.map_or(0, |begin| begin.timestamp().as_millisecond())
}

/// Which lines of the ledger use up a quota: [`super::is_counted`] in SQL, for events alone.
pub(super) const COUNTED: &str = "category IN ('error', 'default', 'security') \
     AND (outcome = 'stored' OR (outcome = 'discarded' AND reason = 'issue_cap'))";

/// Events of a project that were filed and use up the quota of this month.
pub fn used(tx: &mut Tx<'_>, project: i64, month: &Month) -> Result<i64, DbError> {
    let sql = format!(
        "SELECT CAST(COALESCE(SUM(quantity), 0) AS BIGINT) FROM ledger \
         WHERE project = $1 AND hour >= $2 AND hour < $3 AND {COUNTED}"
    );
    tx.one(&sql, params![project, month.from_ms / HOUR_MS, month.until_ms / HOUR_MS])
}

/// [`used`] of every project, with its organization: (project, organization, events).
pub fn used_by_all(tx: &mut Tx<'_>, month: &Month) -> Result<Vec<(i64, i64, i64)>, DbError> {
    let mut all = Vec::new();
    // One range of the ledger's key per project; asked for all at once it would read every month there ever was.
    for row in tx.query("SELECT id, organization FROM projects", &[])? {
        let project = row.get(0)?;
        all.push((project, row.get(1)?, used(tx, project, month)?));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_a_calendars_in_utc() {
        let november = Month::at(1_795_000_000_000);
        assert_eq!((november.name().as_str(), november.number), ("November", 56 * 12 + 10));
        assert_eq!((november.from_ms, november.until_ms), (1_793_491_200_000, 1_796_083_200_000));
        assert!(november.holds(november.from_ms) && !november.holds(november.until_ms));
        assert_eq!(Month::at(november.until_ms).name(), "December");
        assert_eq!(Month::at(Month::at(november.until_ms).until_ms).number, november.number + 2, "over the new year");
        assert_eq!(Month::at(i64::MAX).number, 0);
    }
}
