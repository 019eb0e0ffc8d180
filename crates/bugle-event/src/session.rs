//! Sessions: what SDKs say about runs of a program that went well or badly (Sentry protocol, "Sessions and release health").
//!
//! Owns: how an update of one session and sums of many are read, and which are refused. Pure: whoever keeps them decides how they
//! are added up. Times are moved where the sender's clock is off, as those of events are; a session of the future or older than
//! five days is refused, since nobody looks for it where it claims to be.
//!
//! **How bad a session is** is one word, [`Severity`], the gravest that its updates have named. So updates may come in any order
//! and any number of times.

use crate::json::{self, Json, Object};
use crate::normalize::{CLOCK_DRIFT_MIN_MS, FUTURE_MAX_MS};
use crate::{release, time};

/// How long after its start a session is heard of, in ms: 5 days.
pub const AGE_MAX_MS: i64 = 5 * 24 * 60 * 60 * 1000;
/// Lines of sums in one item. SDKs send one for each minute, or person and minute, of the last few.
pub const LINES_MAX: usize = 10_000;
/// What one line may claim of one kind: more is a mistake or malice, and the sums must not overflow.
pub const COUNT_MAX: i64 = 1_000_000_000;
/// The longest id of a session or person that is looked at, in bytes. Ids are UUIDs.
const ID_BYTES_MAX: usize = 512;

/// How bad a session was. The order is how grave it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Severity {
    /// Nothing happened.
    #[default]
    Healthy = 0,
    /// Errors were reported.
    Errored = 1,
    /// One of them nothing had caught; the program went on.
    Unhandled = 2,
    /// It ended without a word, or hung.
    Abnormal = 3,
    /// It crashed.
    Crashed = 4,
}

impl Severity {
    /// All of them, the best first.
    pub const ALL: [Severity; 5] =
        [Severity::Healthy, Severity::Errored, Severity::Unhandled, Severity::Abnormal, Severity::Crashed];

    /// As the API and pages say it.
    pub fn as_str(self) -> &'static str {
        ["healthy", "errored", "unhandled", "abnormal", "crashed"][self as usize]
    }

    /// From a number that was kept.
    pub fn from_u8(number: u8) -> Option<Severity> {
        Severity::ALL.get(usize::from(number)).copied()
    }
}

/// Whose sessions they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    /// The release, a valid name.
    pub release: String,
    /// The environment, a valid name.
    pub environment: Option<String>,
    /// The user agent that the SDK has seen.
    pub user_agent: Option<String>,
}

/// One update of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// Its id, lower case and without dashes; `None`: the SDK gave none.
    pub sid: Option<String>,
    /// Who used the program.
    pub did: Option<String>,
    /// When the session began, Unix ms, by our clock.
    pub started_ms: i64,
    /// Whether it is the first update, with which the session is counted.
    pub is_init: bool,
    /// Whether the session has ended with it.
    pub is_final: bool,
    /// How bad it is so far.
    pub severity: Severity,
}

/// Sums of sessions that began at about the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When they began, Unix ms, by our clock.
    pub started_ms: i64,
    /// Who used the program, if they are one person's.
    pub did: Option<String>,
    /// How many, by severity. Each session stands in one of them.
    pub counts: [i64; 5],
}

/// What an item says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sessions {
    /// Of one.
    Update(Update),
    /// Of many.
    Sums(Vec<Line>),
}

/// Why an item is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invalid {
    /// It is not what it says it is, or has no start or an unknown status.
    Unreadable,
    /// It has more lines than [`LINES_MAX`].
    TooLarge,
    /// It has no release, or one that may not be called so.
    Release,
    /// It began more than a minute in the future or more than five days ago.
    Time,
}

/// When an item came, and what its sender's clock said, Unix ms.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// By our clock.
    pub received_ms: i64,
    /// By the sender's.
    pub sent_at_ms: Option<i64>,
}

impl Clock {
    /// A sender's time by our clock; `None` when it is none that sessions may have.
    fn started_ms(&self, value: Option<&Json<'_>>) -> Result<i64, Invalid> {
        let said_ms = value.and_then(time::read).ok_or(Invalid::Unreadable)?;
        let drift_ms = self.sent_at_ms.map_or(0, |sent_at_ms| self.received_ms.saturating_sub(sent_at_ms));
        let is_off = drift_ms.saturating_abs() >= CLOCK_DRIFT_MIN_MS;
        let started_ms = if is_off { said_ms.saturating_add(drift_ms) } else { said_ms };
        let age_ms = self.received_ms.saturating_sub(started_ms);
        if (-FUTURE_MAX_MS..=AGE_MAX_MS).contains(&age_ms) { Ok(started_ms) } else { Err(Invalid::Time) }
    }
}

/// Reads an item of the type `session`.
///
/// # Errors
/// Why it is refused.
pub fn read_update(payload: &[u8], clock: Clock) -> Result<(Attributes, Sessions), Invalid> {
    let text = String::from_utf8_lossy(payload);
    let json = json::read_whole(&text).map_err(|_| Invalid::Unreadable)?;
    let session = json.object().ok_or(Invalid::Unreadable)?;
    let status = match session.get("status") {
        None | Some(Json::Null) => "ok",
        Some(status) => status.text().ok_or(Invalid::Unreadable)?,
    };
    let errors = session.get("errors").and_then(Json::int).unwrap_or(0);
    let reported = if errors > 0 { Severity::Errored } else { Severity::Healthy };
    let severity = match status {
        "ok" | "exited" => reported,
        "errored" => Severity::Errored,
        "unhandled" => Severity::Unhandled,
        "abnormal" => Severity::Abnormal,
        "crashed" => Severity::Crashed,
        _ => return Err(Invalid::Unreadable),
    };
    let attributes = attributes(session)?;
    let update = Update {
        sid: id(session.get("sid")),
        did: id(session.get("did")),
        started_ms: clock.started_ms(session.get("started"))?,
        is_init: session.get("init").and_then(Json::bool).unwrap_or(false),
        is_final: status != "ok",
        severity,
    };
    Ok((attributes, Sessions::Update(update)))
}

/// Reads an item of the type `sessions`. Lines of a time that sessions may not have are left out; if all are, so is the item.
///
/// # Errors
/// Why it is refused.
pub fn read_sums(payload: &[u8], clock: Clock) -> Result<(Attributes, Sessions), Invalid> {
    let text = String::from_utf8_lossy(payload);
    let json = json::read_whole(&text).map_err(|_| Invalid::Unreadable)?;
    let item = json.object().ok_or(Invalid::Unreadable)?;
    let said = item.get("aggregates").and_then(Json::array).ok_or(Invalid::Unreadable)?;
    if said.len() > LINES_MAX {
        return Err(Invalid::TooLarge);
    }
    let attributes = attributes(item)?;
    let (mut lines, mut refused) = (Vec::with_capacity(said.len()), None);
    for line in said {
        let Some(line) = line.object() else {
            refused = Some(Invalid::Unreadable);
            continue;
        };
        let count = |name: &str| line.get(name).and_then(Json::int).unwrap_or(0).clamp(0, COUNT_MAX);
        let counts = ["exited", "errored", "unhandled", "abnormal", "crashed"].map(count);
        match clock.started_ms(line.get("started")) {
            Ok(started_ms) => lines.push(Line { started_ms, did: id(line.get("did")), counts }),
            Err(why) => refused = Some(why),
        }
    }
    match refused {
        Some(why) if lines.is_empty() => Err(why),
        _ => Ok((attributes, Sessions::Sums(lines))),
    }
}

fn attributes(item: &Object<'_>) -> Result<Attributes, Invalid> {
    let attributes = item.object("attrs").or_else(|| item.object("attributes")).ok_or(Invalid::Release)?;
    let name = attributes.text("release").map(str::trim).filter(|name| release::is_release(name));
    let environment = attributes.text("environment").map(str::trim).filter(|name| release::is_environment(name));
    Ok(Attributes {
        release: name.ok_or(Invalid::Release)?.to_string(),
        environment: environment.map(str::to_string),
        user_agent: attributes.text("user_agent").map(str::to_string),
    })
}

/// An id as it is compared: UUIDs in one spelling. The UUID of zeros stands for nobody.
fn id(value: Option<&Json<'_>>) -> Option<String> {
    let text = match value? {
        Json::Number(number) => number.to_string(),
        value => value.text()?.trim().to_string(),
    };
    if text.bytes().all(|b| matches!(b, b'0' | b'-')) && text.bytes().filter(|b| *b == b'0').count() == 32 {
        return None;
    }
    let text = crate::EventId::parse(&text).map_or(text, |uuid| uuid.to_string());
    let end = (0..=ID_BYTES_MAX.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    (end > 0).then(|| text[..end].to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW_MS: i64 = 1_785_578_400_000;
    const CLOCK: Clock = Clock { received_ms: NOW_MS, sent_at_ms: Some(NOW_MS - 1_000) };

    fn update(json: &str) -> Result<Update, Invalid> {
        match read_update(json.as_bytes(), CLOCK)? {
            (_, Sessions::Update(update)) => Ok(update),
            odd => panic!("{odd:?}"),
        }
    }

    fn with(fields: &str) -> Result<Update, Invalid> {
        update(&format!(r#"{{"started":"2026-08-01T10:00:00Z","attrs":{{"release":"shop@1"}}{fields}}}"#))
    }

    #[test]
    fn an_update_is_read_with_its_defaults() {
        let bare = with("").expect("is read");
        let expected = Update {
            sid: None,
            did: None,
            started_ms: NOW_MS,
            is_init: false,
            is_final: false,
            severity: Severity::Healthy,
        };
        assert_eq!(bare, expected);
        let full = r#","sid":"9EC79C33-EC99-42AB-8353-589FCB2E04DC","did":7,"init":true,"status":"crashed","errors":2"#;
        let full = with(full).expect("is read");
        assert_eq!(full.sid.as_deref(), Some("9ec79c33ec9942ab8353589fcb2e04dc"));
        assert_eq!((full.did.as_deref(), full.is_init, full.severity), (Some("7"), true, Severity::Crashed));
        assert_eq!(with(r#","did":"00000000-0000-0000-0000-000000000000""#).expect("is read").did, None, "nobody");
    }

    #[test]
    fn errors_make_a_session_errored_whatever_its_status() {
        for (fields, severity) in [
            (r#","status":"exited""#, Severity::Healthy),
            (r#","status":"ok","errors":1"#, Severity::Errored),
            (r#","status":"exited","errors":3"#, Severity::Errored),
            (r#","status":"errored""#, Severity::Errored),
            (r#","status":"unhandled","errors":1"#, Severity::Unhandled),
            (r#","status":"abnormal""#, Severity::Abnormal),
            (r#","status":"crashed""#, Severity::Crashed),
        ] {
            assert_eq!(with(fields).expect("is read").severity, severity, "{fields}");
        }
        assert_eq!(with(r#","status":"odd""#), Err(Invalid::Unreadable));
    }

    #[test]
    fn what_nobody_looks_for_is_refused() {
        let started = |text: &str| {
            let update = update(&format!(r#"{{"started":"{text}","attrs":{{"release":"shop@1"}}}}"#));
            update.map(|update| update.started_ms)
        };
        assert_eq!(started("2026-08-01T10:01:00Z"), Ok(NOW_MS + 60_000));
        assert_eq!(started("2026-08-01T10:01:01Z"), Err(Invalid::Time), "the future");
        assert_eq!(started("2026-07-27T10:00:00Z"), Ok(NOW_MS - AGE_MAX_MS));
        assert_eq!(started("2026-07-27T09:59:59Z"), Err(Invalid::Time), "more than five days");
        assert_eq!(started("then"), Err(Invalid::Unreadable));
        for release in ["", "a/b", "latest"] {
            let json = format!(r#"{{"started":"2026-08-01T10:00:00Z","attrs":{{"release":"{release}"}}}}"#);
            assert_eq!(update(&json), Err(Invalid::Release), "{release}");
        }
        assert_eq!(update(r#"{"started":"2026-08-01T10:00:00Z"}"#), Err(Invalid::Release));
        assert_eq!(update("[]"), Err(Invalid::Unreadable));
        assert_eq!(update(r#"{"started":"#), Err(Invalid::Unreadable));
    }

    #[test]
    fn a_clock_that_is_off_is_put_right() {
        let json = r#"{"started":"2026-08-01T20:00:00Z","attrs":{"release":"shop@1","environment":"none"}}"#;
        let off = Clock { received_ms: NOW_MS, sent_at_ms: Some(NOW_MS + 10 * 3_600_000) };
        let (attributes, sessions) = read_update(json.as_bytes(), off).expect("is read");
        assert_eq!(attributes.environment, None, "no name that may be one");
        assert!(matches!(sessions, Sessions::Update(update) if update.started_ms == NOW_MS));
    }

    #[test]
    fn sums_are_read_line_by_line() {
        let json = r#"{"aggregates":[
            {"started":"2026-08-01T09:58:00Z","exited":7,"errored":2,"crashed":1,"abnormal":-3,"unhandled":"4"},
            {"started":"2026-08-01T09:59:00Z","did":"ada","exited":1e300},
            {"started":"2020-01-01T00:00:00Z","exited":9}, 7
        ],"attrs":{"release":"shop@1","environment":"production"}}"#;
        let (attributes, sessions) = read_sums(json.as_bytes(), CLOCK).expect("is read");
        assert_eq!(attributes.environment.as_deref(), Some("production"));
        let Sessions::Sums(lines) = sessions else { panic!("sums") };
        assert_eq!(lines.iter().map(|line| line.counts).collect::<Vec<_>>(), [[7, 2, 4, 0, 1], [0; 5]]);
        assert_eq!(lines[1].did.as_deref(), Some("ada"));
        let old = r#"{"aggregates":[{"started":"2020-01-01T00:00:00Z"}],"attrs":{"release":"shop@1"}}"#;
        assert_eq!(read_sums(old.as_bytes(), CLOCK), Err(Invalid::Time));
        assert_eq!(read_sums(b"{}", CLOCK), Err(Invalid::Unreadable));
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (read_update(&bytes, CLOCK), read_sums(&bytes, CLOCK));
        }

        #[test]
        fn what_is_taken_keeps_its_bounds(
            started in -1e13f64..1e13, errors in any::<i64>(), status in "ok|exited|crashed|errored|odd|",
            release in "[a-z@./]{0,12}", did in "\\PC{0,700}", sent_at_ms in proptest::option::of(any::<i64>()),
        ) {
            let did = Json::Text(did.into());
            let json = format!(
                r#"{{"started":{started},"errors":{errors},"status":"{status}","did":{did},"attrs":{{"release":"{release}"}}}}"#
            );
            let clock = Clock { received_ms: NOW_MS, sent_at_ms };
            if let Ok((attributes, Sessions::Update(update))) = read_update(json.as_bytes(), clock) {
                prop_assert!((NOW_MS - AGE_MAX_MS..=NOW_MS + FUTURE_MAX_MS).contains(&update.started_ms));
                prop_assert!(release::is_release(&attributes.release));
                prop_assert!(update.did.is_none_or(|did| !did.is_empty() && did.len() <= ID_BYTES_MAX));
            }
        }
    }
}
