//! Spans of time as the API writes them: `statsPeriod=14d`, or `start` and `end` (protocol reference, section 18.1).

use super::ask::Ask;
use super::reply::Refusal;
use crate::issue::series::length_ms;

/// From and to, Unix ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Included.
    pub since_ms: i64,
    /// Not included.
    pub until_ms: i64,
}

/// The span that a request names; `None` when it names none.
pub fn asked(ask: &Ask) -> Result<Option<Span>, Refusal> {
    let given = |name: &str| ask.first(name).map(str::trim).filter(|text| !text.is_empty());
    let (start, end) = (given("start"), given("end"));
    if start.is_some() || end.is_some() {
        let since_ms = start.map_or(Ok(0), |text| instant("start", text))?;
        let until_ms = end.map_or(Ok(ask.now_ms), |text| instant("end", text))?;
        if since_ms >= until_ms {
            return Err(Refusal::Invalid("The start must come before the end.".into()));
        }
        return Ok(Some(Span { since_ms, until_ms }));
    }
    let Some(text) = given("statsPeriod") else { return Ok(None) };
    let length_ms = length_ms(text)
        .ok_or_else(|| Refusal::Invalid(format!("Invalid statsPeriod {text:?}. It must look like 24h, 14d or 30m.")))?;
    Ok(Some(Span { since_ms: ask.now_ms - length_ms, until_ms: ask.now_ms + 1 }))
}

fn instant(name: &str, text: &str) -> Result<i64, Refusal> {
    bugle_event::time::parse(text)
        .ok_or_else(|| Refusal::Invalid(format!("Invalid {name} {text:?}. It must look like 2026-08-01T10:00:00.")))
}
