//! Moments on a page: always a `<time>` in UTC, which the script turns into the reader's own zone.
//!
//! `data-as` tells the script how the text is written (`age`, `clock`, `when`, `day`), so that it can write the same in
//! another zone and let ages grow.

use super::number::age;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

const DAY_MS: i64 = 86_400_000;

/// `just now`, `2 min ago`, `3 h ago`; from a week on a date.
pub fn ago(at_ms: i64, now_ms: i64) -> Markup {
    let elapsed_ms = now_ms - at_ms;
    if elapsed_ms >= 7 * DAY_MS {
        return day(at_ms, now_ms);
    }
    let text = match age(elapsed_ms) {
        text if text == "now" => "just now".into(),
        text => format!("{text} ago"),
    };
    time(at_ms, "age", &text)
}

/// `02:12:31` within a day, `18 Nov 14:21` this year, `12 Mar 2026` before.
pub fn clock(at_ms: i64, now_ms: i64) -> Markup {
    let format = match now_ms - at_ms {
        ..DAY_MS => "%H:%M:%S",
        elapsed if elapsed < 300 * DAY_MS => "%-d %b %H:%M",
        _ => "%-d %b %Y",
    };
    time(at_ms, "clock", &utc(at_ms, format))
}

/// `14:00` today, `18 Nov 14:00` before: for what is counted by the hour.
pub fn hour(at_ms: i64, now_ms: i64) -> Markup {
    let is_today = at_ms.div_euclid(DAY_MS) == now_ms.div_euclid(DAY_MS);
    time(at_ms, "when", &utc(at_ms, if is_today { "%H:%M" } else { "%-d %b %H:%M" }))
}

/// `18 Nov`, with the year when it is not close.
pub fn day(at_ms: i64, now_ms: i64) -> Markup {
    let format = if now_ms - at_ms < 300 * DAY_MS { "%-d %b" } else { "%-d %b %Y" };
    time(at_ms, "day", &utc(at_ms, format))
}

/// In UTC, by a `strftime` format. Times beyond what a calendar holds become 1970.
pub fn utc(at_ms: i64, format: &str) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

fn time(at_ms: i64, manner: &str, text: &str) -> Markup {
    let machine = utc(at_ms, "%Y-%m-%dT%H:%M:%S%.3fZ");
    let exact = utc(at_ms, "%-d %b %Y %H:%M:%S UTC");
    html! { time datetime=(machine) data-as=(manner) title=(exact) { (text) } }
}

/// A length: `21 ms`, `4.2 s`, `61 min`.
pub fn length(length_ms: i64) -> String {
    match length_ms.unsigned_abs() {
        ms @ ..100 => format!("{ms} ms"),
        ms @ ..1_000 => format!("{:.2} s", ms as f64 / 1e3),
        ms @ ..100_000 => format!("{:.1} s", ms as f64 / 1e3),
        ms @ ..6_000_000 => format!("{} min", ms / 60_000),
        ms => format!("{} h", ms / 3_600_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_by_their_distance() {
        let now_ms = 1_795_000_000_000;
        let text = |markup: Markup| {
            let text = markup.into_string();
            text[text.find('>').map_or(0, |at| at + 1)..].trim_end_matches("</time>").to_string()
        };
        assert_eq!(text(ago(now_ms - 5_000, now_ms)), "just now");
        assert_eq!(text(ago(now_ms + 9_000, now_ms)), "just now", "a clock that runs ahead");
        assert_eq!(text(ago(now_ms - 3_700_000, now_ms)), "1 h ago");
        assert_eq!(text(ago(now_ms - 8 * DAY_MS, now_ms)), "10 Nov");
        assert_eq!(text(clock(now_ms - 2_000, now_ms)), "11:06:38");
        assert_eq!(text(clock(now_ms - 2 * DAY_MS, now_ms)), "16 Nov 11:06");
        assert_eq!(text(hour(now_ms - 3_600_000, now_ms)), "10:06");
        assert_eq!(text(hour(now_ms - 12 * 3_600_000, now_ms)), "17 Nov 23:06", "yesterday says so");
        assert_eq!(text(day(now_ms - 400 * DAY_MS, now_ms)), "14 Oct 2025");
        assert!(clock(i64::MAX, now_ms).into_string().contains("1970"));
    }

    #[test]
    fn lengths_have_one_unit() {
        for (ms, expected) in
            [(-18, "18 ms"), (400, "0.40 s"), (4_200, "4.2 s"), (3_660_000, "61 min"), (-7_200_000, "2 h")]
        {
            assert_eq!(length(ms), expected);
        }
    }
}
