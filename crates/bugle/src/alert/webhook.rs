//! The signed webhook: a notice as JSON, with proof of where it comes from. `docs/webhooks.md` is the contract.
//!
//! The signature covers the time and the exact bytes of the body, so a receiver can refuse what was altered and
//! what is old. Ids are strings, because JavaScript rounds large numbers. Keys are only ever added.

use jiff::Timestamp;
use ring::hmac;
use serde::Serialize;

use super::line::{code_line, one_line};
use super::notice::Notice;

/// The longest text in a body, in characters.
const TEXT_CHARS_MAX: usize = 2000;

/// A request ready to be sent.
#[derive(Debug, PartialEq, Eq)]
pub struct SignedRequest {
    /// In the order in which they are documented.
    pub headers: Vec<(&'static str, String)>,
    /// The bytes that were signed.
    pub body: Vec<u8>,
}

/// `notice` as the request of delivery `delivery_id`, sent at `now`. A retry has the same id and a new time.
pub fn signed_request(notice: &Notice, delivery_id: &str, secret: &str, now: Timestamp) -> SignedRequest {
    let body = serde_json::to_vec(&Body::of(notice, delivery_id, now)).expect("strings and numbers always serialise");
    let unix_s = now.as_second();
    let headers = vec![
        ("Content-Type", "application/json".to_owned()),
        ("Bugle-Delivery", delivery_id.to_owned()),
        ("Bugle-Timestamp", unix_s.to_string()),
        ("Bugle-Signature", signature(secret, unix_s, &body)),
    ];
    SignedRequest { headers, body }
}

/// `v1=` and the HMAC-SHA256, in hexadecimal digits, of the Unix time, a full stop and the body.
fn signature(secret: &str, unix_s: i64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let mut signing = hmac::Context::with_key(&key);
    signing.update(format!("{unix_s}.").as_bytes());
    signing.update(body);
    let mut text = String::from("v1=");
    for byte in signing.sign().as_ref() {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    cause: &'static str,
    sent_at: String,
    because: String,
    project: Project<'a>,
    issue: Issue<'a>,
    event: Event<'a>,
}

#[derive(Serialize)]
struct Project<'a> {
    slug: &'a str,
    name: String,
}

#[derive(Serialize)]
struct Issue<'a> {
    id: String,
    short_id: &'a str,
    url: &'a str,
    title: String,
    kind: String,
    text: String,
    culprit: Option<String>,
    level: String,
    assignee: Option<String>,
    events: u64,
    people: u64,
    first_seen: Option<String>,
    last_seen: Option<String>,
}

#[derive(Serialize)]
struct Event<'a> {
    id: &'a str,
    environment: Option<String>,
    release: Option<String>,
    platform: Option<String>,
    crash: Option<Crash>,
}

#[derive(Serialize)]
struct Crash {
    place: String,
    code: String,
}

impl<'a> Body<'a> {
    fn of(notice: &'a Notice, delivery_id: &'a str, now: Timestamp) -> Self {
        let bounded = |text: &str| one_line(text, TEXT_CHARS_MAX);
        let optional = |text: &Option<String>| text.as_deref().map(bounded);
        Body {
            id: delivery_id,
            cause: notice.cause.as_str(),
            sent_at: rfc3339(now),
            because: bounded(&notice.because),
            project: Project { slug: &notice.project_slug, name: bounded(&notice.project_name) },
            issue: Issue {
                id: notice.issue_id.to_string(),
                short_id: &notice.short_id,
                url: &notice.issue_url,
                title: notice.title(),
                kind: bounded(&notice.kind),
                text: bounded(&notice.text),
                culprit: optional(&notice.culprit),
                level: bounded(&notice.level),
                assignee: optional(&notice.assignee),
                events: notice.events,
                people: notice.people,
                first_seen: Timestamp::from_millisecond(notice.first_seen_ms).ok().map(rfc3339),
                last_seen: Timestamp::from_millisecond(notice.last_seen_ms).ok().map(rfc3339),
            },
            event: Event {
                id: &notice.event_id,
                environment: optional(&notice.environment),
                release: optional(&notice.release),
                platform: optional(&notice.platform),
                crash: notice
                    .crash
                    .as_ref()
                    .map(|crash| Crash { place: bounded(&crash.place), code: code_line(&crash.code, TEXT_CHARS_MAX) }),
            },
        }
    }
}

/// `2026-11-23T19:05:31.250Z`, always to the millisecond.
fn rfc3339(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use ring::digest::{Context, SHA256};
    use serde_json::Value;

    use super::*;
    use crate::alert::notice::{Cause, sample};

    /// HMAC as RFC 2104 writes it, from the bare hash: what a receiver without our library would do.
    fn hmac_sha256_hex(key: &[u8], message: &[u8]) -> String {
        let hash = |parts: &[&[u8]]| {
            let mut context = Context::new(&SHA256);
            parts.iter().for_each(|part| context.update(part));
            context.finish()
        };
        let shortened = hash(&[key]);
        let key = if key.len() > 64 { shortened.as_ref() } else { key };
        let pad = |with: u8| (0..64).map(|i| key.get(i).copied().unwrap_or(0) ^ with).collect::<Vec<u8>>();
        let inner = hash(&[&pad(0x36), message]);
        let outer = hash(&[&pad(0x5c), inner.as_ref()]);
        outer.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn now() -> Timestamp {
        "2026-11-23T19:05:31.25Z".parse().unwrap()
    }

    #[test]
    fn a_receiver_can_verify_it() {
        for secret in ["whsec_0123456789abcdef", &"long".repeat(40), ""] {
            let request = signed_request(&sample(Cause::New), "d-1", secret, now());
            let mut message = b"1795460731.".to_vec();
            message.extend_from_slice(&request.body);
            let expected = format!("v1={}", hmac_sha256_hex(secret.as_bytes(), &message));
            assert_eq!(request.headers[3], ("Bugle-Signature", expected));
            assert_eq!(request.headers[2], ("Bugle-Timestamp", "1795460731".to_owned()));
        }
    }

    #[test]
    fn the_signature_is_the_one_of_the_documentation() {
        // Computed with Python's hmac and Node's crypto; docs/webhooks.md shows it.
        let expected = "v1=894e9198bbf3f3bd7daa7395d3e8d40c5b4794c1ce635c77f473b953ab0d3c2c";
        assert_eq!(signature("whsec_example", 1_795_460_731, br#"{"id":"d-1"}"#), expected);
    }

    #[test]
    fn the_body_says_it_all() {
        let request = signed_request(&sample(Cause::Regressed), "d-1", "s", now());
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!((&body["id"], &body["cause"]), (&"d-1".into(), &"regression".into()));
        assert_eq!(body["sent_at"], "2026-11-23T19:05:31.250Z");
        assert_eq!(body["project"]["slug"], "shop-api");
        assert_eq!((&body["issue"]["id"], &body["issue"]["short_id"]), (&"412".into(), &"SHOP-12".into()));
        assert_eq!(body["issue"]["text"], "'postalCode' & <b>");
        assert_eq!((&body["issue"]["events"], &body["issue"]["assignee"]), (&1284.into(), &Value::Null));
        assert_eq!(body["event"]["crash"]["place"], "payments/wallet.py:88");
    }

    #[test]
    fn a_hostile_text_keeps_the_body_bounded() {
        let mut notice = sample(Cause::New);
        for field in
            [&mut notice.kind, &mut notice.text, &mut notice.because, &mut notice.level, &mut notice.project_name]
        {
            *field = "\"x\n".repeat(1 << 18);
        }
        for field in [&mut notice.culprit, &mut notice.release, &mut notice.environment, &mut notice.assignee] {
            *field = Some("\"x\n".repeat(1 << 18));
        }
        let request = signed_request(&notice, "d-1", "s", now());
        assert!(request.body.len() < 64 * 1024, "{} bytes", request.body.len());
        assert!(serde_json::from_slice::<Value>(&request.body).is_ok());
    }
}
