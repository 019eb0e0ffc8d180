//! Numbers, shares and ages as people read them.

use maud::{Markup, html};

/// `1,284`: every digit, grouped.
pub fn exact(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3 + 1);
    if number < 0 {
        out.push('−');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// In a list: in full up to 99,999, then `128k`, `1.3M`.
pub fn short(number: i64) -> String {
    match number {
        ..100_000 => exact(number),
        100_000..1_000_000 => format!("{}k", number / 1_000),
        1_000_000..10_000_000 => format!("{}.{}M", number / 1_000_000, number % 1_000_000 / 100_000),
        _ => format!("{}M", exact(number / 1_000_000)),
    }
}

/// `1 event`, `1,284 events`.
pub fn counted(number: i64, one: &str, many: &str) -> String {
    format!("{} {}", exact(number), if number == 1 { one } else { many })
}

/// A share of a whole: never 0% for what happened, never 100% for what did not always.
pub fn share(part: i64, whole: i64) -> String {
    if whole <= 0 || part <= 0 {
        return "0%".into();
    }
    if part >= whole {
        return "100%".into();
    }
    let percent = part as f64 * 100.0 / whole as f64;
    match percent {
        p if p < 0.01 => "<0.01%".into(),
        p if p < 1.0 => format!("{p:.2}%"),
        p if p > 99.0 => ">99%".into(),
        p => format!("{p:.0}%"),
    }
}

/// `812 bytes`, `4.1 KB`, `312 MB`, `1.8 GB`: by thousands, rounded down.
pub fn bytes(bytes: i64) -> String {
    let (unit, name) = match bytes {
        ..1_000 => return counted(bytes, "byte", "bytes"),
        1_000..1_000_000 => (1_000, "KB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        1_000_000_000..1_000_000_000_000 => (1_000_000_000, "GB"),
        _ => (1_000_000_000_000, "TB"),
    };
    match bytes / unit {
        whole @ ..10 => format!("{whole}.{} {name}", bytes % unit * 10 / unit),
        whole => format!("{} {name}", exact(whole)),
    }
}

/// Bytes as people type them: `500000000`, `500 MB`, `1.5 GB`; by thousands.
pub fn parse_bytes(text: &str) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].trim_end_matches("ytes").trim_end_matches('b') {
        "" => 1.0,
        "k" => 1e3,
        "m" => 1e6,
        "g" => 1e9,
        "t" => 1e12,
        _ => return None,
    };
    let number: f64 = digits.replace([',', ' '], "").parse().ok()?;
    let bytes = number * unit;
    (0.0..=1e15).contains(&bytes).then_some(bytes as i64)
}

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// One unit, rounded down: `now`, `2 min`, `3 h`, `4 d`, `5 wk`, `8 mo`, `2 y`.
pub fn age(elapsed_ms: i64) -> String {
    match elapsed_ms {
        elapsed if elapsed < MINUTE_MS => "now".into(),
        elapsed if elapsed < HOUR_MS => format!("{} min", elapsed / MINUTE_MS),
        elapsed if elapsed < DAY_MS => format!("{} h", elapsed / HOUR_MS),
        elapsed if elapsed < 7 * DAY_MS => format!("{} d", elapsed / DAY_MS),
        elapsed if elapsed < 60 * DAY_MS => format!("{} wk", elapsed / (7 * DAY_MS)),
        elapsed if elapsed < 730 * DAY_MS => format!("{} mo", elapsed * 12 / (365 * DAY_MS)),
        elapsed => format!("{} y", elapsed / (365 * DAY_MS)),
    }
}

/// A count in a list, with its exact value for machines and on hover.
pub fn data(number: i64) -> Markup {
    let text = short(number);
    let title = (text.len() < 6 && number >= 100_000).then(|| exact(number));
    html! { data value=(number) title=[title] { (text) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_and_shortened() {
        for (number, long, brief) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (99_999, "99,999", "99,999"),
            (128_400, "128,400", "128k"),
            (1_349_000, "1,349,000", "1.3M"),
            (-1_234, "−1,234", "−1,234"),
            (i64::MAX, "9,223,372,036,854,775,807", "9,223,372,036,854M"),
        ] {
            assert_eq!((exact(number).as_str(), short(number).as_str()), (long, brief));
        }
    }

    #[test]
    fn bytes_are_told_and_read() {
        for (number, told) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (4_190, "4.1 KB"),
            (312_900_000, "312 MB"),
            (1_890_000_000, "1.8 GB"),
            (40_000_000_000_000, "40 TB"),
        ] {
            assert_eq!(bytes(number), told);
        }
        for (typed, number) in [
            ("500000000", Some(500_000_000)),
            ("1,500 bytes", Some(1_500)),
            ("500 MB", Some(500_000_000)),
            ("1.5gb", Some(1_500_000_000)),
            ("2 k", Some(2_000)),
            ("-1", None),
            ("much", None),
            ("5 xb", None),
            ("nan", None),
            ("", None),
        ] {
            assert_eq!(parse_bytes(typed), number, "{typed}");
        }
    }

    #[test]
    fn a_share_is_never_rounded_to_nothing_or_all() {
        for (part, whole, expected) in [
            (0, 10, "0%"),
            (1, 1_000_000, "<0.01%"),
            (1, 300, "0.33%"),
            (71, 100, "71%"),
            (9_999, 10_000, ">99%"),
            (3, 3, "100%"),
            (1, 0, "0%"),
        ] {
            assert_eq!(share(part, whole), expected, "{part} of {whole}");
        }
    }

    #[test]
    fn ages_have_one_unit() {
        for (elapsed_ms, expected) in [
            (-5, "now"),
            (59_999, "now"),
            (120_000, "2 min"),
            (3 * HOUR_MS, "3 h"),
            (6 * DAY_MS, "6 d"),
            (36 * DAY_MS, "5 wk"),
            (250 * DAY_MS, "8 mo"),
            (800 * DAY_MS, "2 y"),
        ] {
            assert_eq!(age(elapsed_ms), expected);
        }
    }
}
