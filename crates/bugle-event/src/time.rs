//! Times as SDKs write them, to Unix milliseconds and back (Sentry protocol, "Event payload": general conventions).
//!
//! Read: Unix seconds as a number or in a string, and ISO 8601 / RFC 3339 with or without zone and fraction; no
//! zone means UTC. Milliseconds since the epoch are *not* guessed at: they land far in the future and are clamped
//! by [`crate::normalize`], as SDKs expect. Written: seconds with at most three decimals in events, RFC 3339 with
//! six in answers.

use crate::json::Json;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::borrow::Cow;

/// The time that `value` tells, in Unix milliseconds. `None` if it tells none.
pub fn read(value: &Json<'_>) -> Option<i64> {
    match value {
        Json::Number(_) => from_seconds(value.float()?),
        Json::Text(text) => parse(text),
        _ => None,
    }
}

/// The time that `text` tells, in Unix milliseconds. `None` if it tells none.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return from_seconds(seconds);
    }
    iso(text).or_else(|| iso(&respelled(text)?))
}

/// `unix_ms` as `2026-08-01T10:00:00.123000Z`: always six decimals, always UTC. Times beyond the year 9999 (or
/// before −9999) are shown as that limit.
pub fn rfc3339(unix_ms: i64) -> String {
    let limit = if unix_ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
    format!("{:.6}", Timestamp::from_millisecond(unix_ms).unwrap_or(limit))
}

/// `unix_ms` as JSON seconds with as many decimals as it takes, three at most.
pub fn seconds<'a>(unix_ms: i64) -> Json<'a> {
    let sign = if unix_ms < 0 { "-" } else { "" };
    let (whole, fraction) = (unix_ms.unsigned_abs() / 1000, unix_ms.unsigned_abs() % 1000);
    let text = match fraction {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{fraction:03}").trim_end_matches('0').to_string(),
    };
    Json::Number(Cow::Owned(text))
}

/// Milliseconds of `seconds`, if they are few enough for a float to be exact about them.
fn from_seconds(seconds: f64) -> Option<i64> {
    (seconds.abs() < 9e12).then(|| (seconds * 1000.0).round() as i64)
}

fn iso(text: &str) -> Option<i64> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.as_millisecond());
    }
    let instant = text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(instant.timestamp().as_millisecond())
}

/// Spellings beyond the standard, brought into it: fractions finer than nanoseconds, and a blank or a name
/// before the zone (`2026-08-01 10:00:00 UTC`, `… +0200`).
fn respelled(text: &str) -> Option<String> {
    if !text.is_ascii() || text.len() > 100 {
        return None;
    }
    let text = match text.strip_suffix("UTC").or_else(|| text.strip_suffix("GMT")) {
        Some(before) => format!("{}Z", before.trim_end()),
        None => text.replace(" +", "+").replace(" -", "-"),
    };
    let Some(point) = text.find('.') else { return Some(text) };
    let digits = text[point + 1..].bytes().take_while(u8::is_ascii_digit).count();
    Some(format!("{}{}", &text[..point + 1 + digits.min(9)], &text[point + 1 + digits..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_spelling_of_one_time_is_read() {
        for text in [
            "1785578400.123",
            " 1785578400.123 ",
            "2026-08-01T10:00:00.123Z",
            "2026-08-01T10:00:00.123456Z",
            "2026-08-01T10:00:00.123456789Z",
            "2026-08-01T10:00:00.123456789012Z",
            "2026-08-01T10:00:00.123",
            "2026-08-01 10:00:00.123",
            "2026-08-01T12:00:00.123+02:00",
            "2026-08-01T12:00:00.123+0200",
            "2026-08-01 12:00:00.123 +0200",
            "2026-08-01 10:00:00.123 UTC",
            "2026-08-01T10:00:00.123+00:00",
        ] {
            assert_eq!(parse(text), Some(1_785_578_400_123), "{text}");
        }
        assert_eq!(parse("2026-08-01"), Some(1_785_542_400_000));
        assert_eq!(read(&Json::Number("1785578400".into())), Some(1_785_578_400_000));
    }

    #[test]
    fn what_tells_no_time_is_none() {
        for text in ["", "yesterday", "NaN", "inf", "1e300", "2026-13-01T00:00:00Z", "é"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(read(&Json::Bool(true)), None);
    }

    #[test]
    fn written_with_six_decimals_or_as_few_as_it_takes() {
        assert_eq!(rfc3339(1_785_578_400_123), "2026-08-01T10:00:00.123000Z");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000000Z");
        assert!(rfc3339(i64::MAX).starts_with("9999-12-30T"), "{}", rfc3339(i64::MAX));
        for (ms, text) in [(1_785_578_400_120, "1785578400.12"), (5000, "5"), (-1500, "-1.5"), (7, "0.007")] {
            assert_eq!(seconds(ms).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(ms in -60_000_000_000_000i64..200_000_000_000_000) {
            prop_assert_eq!(read(&seconds(ms)), Some(ms));
            prop_assert_eq!(parse(&rfc3339(ms)), Some(ms));
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,40}|[0-9TZ:. +-]{0,40}") {
            let _ = parse(&text);
        }
    }
}
