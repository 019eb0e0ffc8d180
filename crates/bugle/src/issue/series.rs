//! An issue's events over time, from the half-hour buckets that filing keeps.

use super::list::among;
use bugle_db::{DbError, Tx, params};
use std::collections::HashMap;

/// The length of a stored bucket, in milliseconds.
pub const BUCKET_MS: i64 = 30 * 60_000;

/// A span of time that pages show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Range {
    /// 24 hours in 48 half hours.
    #[default]
    Day,
    /// 14 days in 56 quarters of a day.
    Fortnight,
    /// 90 days in 90 days.
    Quarter,
}

impl Range {
    /// As it stands in an address: `24h`, `14d`, `90d`.
    pub fn as_str(self) -> &'static str {
        match self {
            Range::Day => "24h",
            Range::Fortnight => "14d",
            Range::Quarter => "90d",
        }
    }

    /// From an address.
    pub fn parse(text: &str) -> Option<Range> {
        match text {
            "24h" => Some(Range::Day),
            "14d" => Some(Range::Fortnight),
            "90d" => Some(Range::Quarter),
            _ => None,
        }
    }

    /// Stored buckets in one that is shown, and how many are shown.
    fn shape(self) -> (i64, usize) {
        match self {
            Range::Day => (1, 48),
            Range::Fortnight => (12, 56),
            Range::Quarter => (48, 90),
        }
    }

    /// Where the span that ends now begins, Unix ms. The last, unfinished bucket is part of it.
    pub fn since_ms(self, now_ms: i64) -> i64 {
        let (width, count) = self.shape();
        let last = now_ms.div_euclid(width * BUCKET_MS);
        (last - count as i64 + 1) * width * BUCKET_MS
    }

    /// The length of one shown bucket, in milliseconds.
    pub fn step_ms(self) -> i64 {
        self.shape().0 * BUCKET_MS
    }
}

/// Events per shown bucket for each of `issues`, oldest first, in one environment or all.
pub fn of(
    tx: &mut Tx<'_>,
    issues: &[i64],
    range: Range,
    environment: Option<i64>,
    now_ms: i64,
) -> Result<HashMap<i64, Vec<i64>>, DbError> {
    within(tx, issues, range, environment.as_slice(), now_ms)
}

/// Events per shown bucket for each of `issues`, oldest first, in these environments (none: in all).
pub fn within(
    tx: &mut Tx<'_>,
    issues: &[i64],
    range: Range,
    environments: &[i64],
    now_ms: i64,
) -> Result<HashMap<i64, Vec<i64>>, DbError> {
    let (width, count) = range.shape();
    let first = range.since_ms(now_ms) / BUCKET_MS;
    let sql = format!(
        "SELECT bucket, CAST(SUM(events) AS BIGINT) FROM issue_buckets WHERE issue = $1 AND bucket >= $2{} \
         GROUP BY bucket",
        among("environment", environments, " AND ")
    );
    let mut series: HashMap<i64, Vec<i64>> = issues.iter().map(|&issue| (issue, vec![0; count])).collect();
    for &issue in issues {
        let rows = tx.query(&sql, params![issue, first])?;
        let counts = series.entry(issue).or_default();
        for row in &rows {
            let at = (row.get::<i64>(0)? - first) / width;
            if let Some(slot) = counts.get_mut(at as usize) {
                *slot += row.get::<i64>(1)?;
            }
        }
    }
    Ok(series)
}

/// The length of `90s`, `30m`, `24h`, `14d` or `4w`, in milliseconds; at most ten years.
pub fn length_ms(text: &str) -> Option<i64> {
    let unit_ms = match text.bytes().last()? {
        b's' => 1_000,
        b'm' => 60_000,
        b'h' => 3_600_000,
        b'd' => 86_400_000,
        b'w' => 7 * 86_400_000,
        _ => return None,
    };
    let count = &text[..text.len() - 1];
    let count: i64 = count.bytes().all(|b| b.is_ascii_digit()).then(|| count.parse().ok())??;
    let length_ms = count.checked_mul(unit_ms)?;
    (1..=3_660 * 86_400_000).contains(&length_ms).then_some(length_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_ends_with_the_bucket_of_now() {
        let now_ms = 1_780_000_123_456;
        for range in [Range::Day, Range::Fortnight, Range::Quarter] {
            let (_, count) = range.shape();
            let since_ms = range.since_ms(now_ms);
            let end_ms = since_ms + range.step_ms() * count as i64;
            assert!(end_ms > now_ms && end_ms - range.step_ms() <= now_ms, "{range:?}");
            assert_eq!(Range::parse(range.as_str()), Some(range));
        }
    }

    #[test]
    fn lengths_are_bounded() {
        assert_eq!(length_ms("24h"), Some(86_400_000));
        assert_eq!(length_ms("2w"), length_ms("14d"));
        for none in ["", "h", "0d", "-1d", "1y", "1.5h", "9999999999999d", "14dé", "٣d"] {
            assert_eq!(length_ms(none), None, "{none}");
        }
    }
}
