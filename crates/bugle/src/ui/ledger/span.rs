//! The spans of time that the ledger shows, cut into slices of whole hours, since it is kept by the hour.

use crate::outcome::HOUR_MS;

/// A span that ends now. The present, unfinished slice is part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Span {
    /// 24 hours, by the hour.
    #[default]
    Day,
    /// 7 days in slices of 3 hours.
    Week,
    /// 30 days in slices of 12 hours.
    Month,
    /// 90 days, by the day.
    Quarter,
}

impl Span {
    /// All of them, shortest first.
    pub const ALL: [Span; 4] = [Span::Day, Span::Week, Span::Month, Span::Quarter];

    /// As it stands in an address.
    pub fn as_str(self) -> &'static str {
        match self {
            Span::Day => "24h",
            Span::Week => "7d",
            Span::Month => "30d",
            Span::Quarter => "90d",
        }
    }

    /// From an address.
    pub fn parse(text: &str) -> Option<Span> {
        Span::ALL.into_iter().find(|span| span.as_str() == text)
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Span::Day => "24 hours",
            Span::Week => "7 days",
            Span::Month => "30 days",
            Span::Quarter => "90 days",
        }
    }

    /// The length of a slice, in hours.
    pub fn slice_hours(self) -> i64 {
        match self {
            Span::Day => 1,
            Span::Week => 3,
            Span::Month => 12,
            Span::Quarter => 24,
        }
    }

    /// How many slices it has.
    pub fn slices(self) -> usize {
        match self {
            Span::Day => 24,
            Span::Week => 56,
            Span::Month => 60,
            Span::Quarter => 90,
        }
    }

    /// Its first slice, in slices since 1970.
    pub fn first_slice(self, now_ms: i64) -> i64 {
        now_ms.div_euclid(HOUR_MS * self.slice_hours()) - self.slices() as i64 + 1
    }

    /// Its first hour, since 1970.
    pub fn since_hour(self, now_ms: i64) -> i64 {
        self.first_slice(now_ms) * self.slice_hours()
    }

    /// Where one of its slices begins, Unix ms.
    pub fn slice_ms(self, now_ms: i64, at: usize) -> i64 {
        (self.first_slice(now_ms) + at as i64) * self.slice_hours() * HOUR_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_ends_with_the_slice_of_now() {
        let now_ms = 1_795_000_123_456;
        for span in Span::ALL {
            let end_ms = span.slice_ms(now_ms, span.slices());
            assert!(end_ms > now_ms && end_ms - span.slice_hours() * HOUR_MS <= now_ms, "{span:?}");
            assert_eq!(Span::parse(span.as_str()), Some(span));
            let hours = span.slice_hours() * span.slices() as i64;
            assert!(span.words().starts_with(&(if hours == 24 { hours } else { hours / 24 }).to_string()));
        }
        assert_eq!(Span::parse("14d"), None);
    }
}
