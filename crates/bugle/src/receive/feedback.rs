//! Feedback as it comes: `user_report` and `feedback` items of envelopes, and what the embedded dialog and the API post
//! (protocol reference, sections 10.2 and 10.3).
//!
//! All forms become one ([`Said`]), scrubbed by the project's rules before the journal sees it.

use super::{EVENT_BYTES_MAX, OnItsWay, Parcel};
use crate::app::App;
use crate::feedback::Said;
use crate::outcome::{Category, Dialect, Outcome, Reason};
use crate::project::Key;
use crate::receive::reply::Refusal;
use crate::record::{Item, Kind, Sender};
use bugle_event::envelope;
use bugle_event::json::{Json, Object};
use bugle_event::scrub::Scrubber;
use bugle_event::{Event, EventId, dialect, json};

/// Feedback and the event that it is about.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    /// What is said.
    pub said: Said,
    /// About which error.
    pub event_id: Option<EventId>,
}

/// Reads an item of an envelope whose header has the id `envelope_id`.
///
/// # Errors
/// Why it is not taken. What says nothing is not.
pub fn read(item: &envelope::Item<'_>, envelope_id: Option<EventId>) -> Result<Told, Reason> {
    if item.payload.len() > EVENT_BYTES_MAX {
        return Err(Reason::TooLarge);
    }
    let (text, _) = dialect::text(item.payload);
    let Json::Object(json) = json::read(&text, &mut Vec::new()) else { return Err(Reason::Unreadable) };
    let told = if item.kind == "feedback" { of_event(&json, envelope_id) } else { of_report(&json, envelope_id) };
    if told.said.message.trim().is_empty() { Err(Reason::Unreadable) } else { Ok(told) }
}

/// The older form: about the event that it names, else the envelope's.
fn of_report(json: &Object<'_>, envelope_id: Option<EventId>) -> Told {
    let text = |name: &str| json.text(name).unwrap_or_default().to_string();
    let said = Said { name: text("name"), email: text("email"), message: text("comments"), ..Said::default() };
    Told { said, event_id: json.text("event_id").and_then(EventId::parse).or(envelope_id) }
}

/// The newer form is an event of its own, with its own id, by which screenshots belong to it.
fn of_event(json: &Object<'_>, envelope_id: Option<EventId>) -> Told {
    let empty = Object::default();
    let feedback = json.object("contexts").and_then(|contexts| contexts.object("feedback")).unwrap_or(&empty);
    let user = json.object("user").unwrap_or(&empty);
    let text = |found: Option<&str>| found.unwrap_or_default().to_string();
    let request = json.object("request").and_then(|request| request.text("url"));
    let own_id = envelope_id.or_else(|| json.text("event_id").and_then(EventId::parse));
    let said = Said {
        id: own_id.map(|id| id.to_string()).unwrap_or_default(),
        name: text(feedback.text("name").or(user.text("name")).or(user.text("username"))),
        email: text(feedback.text("contact_email").or(user.text("email"))),
        message: text(feedback.text("message")),
        url: text(feedback.text("url").or(request)),
    };
    Told { said, event_id: feedback.text("associated_event_id").and_then(EventId::parse) }
}

/// As the journal keeps it: cut, scrubbed.
pub fn item(told: Told, scrubber: &Scrubber, sender: Sender) -> Item {
    // Cut afterwards: half a secret could not be told any more.
    let said = scrubbed(told.said, scrubber).cut(told.event_id);
    // A struct of strings has no reason to fail; what it did not write would be refused by filing, with its outcome.
    let about = serde_json::to_string(&said).unwrap_or_default();
    Item { sender, kind: Kind::Feedback, event_id: told.event_id, about, body: Vec::new() }
}

/// Takes out what an event's scrubbing would take out of the same texts.
fn scrubbed(said: Said, scrubber: &Scrubber) -> Said {
    let mut feedback = Object::default();
    for (name, text) in
        [("message", &said.message), ("name", &said.name), ("contact_email", &said.email), ("url", &said.url)]
    {
        feedback.set(name, text.clone());
    }
    let (mut contexts, mut event) = (Object::default(), Event::default());
    contexts.set("feedback", feedback);
    event.json.set("contexts", contexts);
    scrubber.scrub(&mut event);
    let left = event.json.object("contexts").and_then(|contexts| contexts.object("feedback"));
    let text = |name: &str| left.and_then(|left| left.text(name)).unwrap_or_default().to_string();
    Said { id: said.id, name: text("name"), email: text("contact_email"), message: text("message"), url: text("url") }
}

/// Takes feedback that came alone, and waits until it is durable.
pub async fn keep(app: &App, key: &Key, told: Told, received_ms: i64) -> Result<(), Refusal> {
    let category = Category::Feedback;
    let received = app.door.ledger.receive(Some(key), Dialect::Sentry, category, received_ms);
    if let Err((refusal, reason)) = app.door.guard.judge() {
        received.refuse(Outcome::RateLimited, reason);
        return Err(refusal);
    }
    let sender = Sender { dialect: Dialect::Sentry, category, project: key.project, key: key.id, received_ms };
    let item = item(told, &app.store.policy(key.project).scrubber, sender);
    app.door.keep(vec![OnItsWay { received, place: None, parcel: Parcel::Item(Box::new(item)) }]).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(kind: &'static str, payload: &str) -> Result<Told, Reason> {
        let item = envelope::Item { kind: kind.into(), headers: Object::default(), payload: payload.as_bytes() };
        read(&item, EventId::parse(&"e".repeat(32)))
    }

    #[test]
    fn both_forms_are_read() {
        let id = "d".repeat(32);
        let old =
            format!("{{\"event_id\":\"{id}\",\"name\":\"Ada\",\"email\":\"a@b.example\",\"comments\":\"It broke\"}}");
        let old = told("user_report", &old).expect("is read");
        assert_eq!(old.event_id, EventId::parse(&id));
        assert_eq!((&*old.said.name, &*old.said.email, &*old.said.message), ("Ada", "a@b.example", "It broke"));
        let bare = told("user_report", "{\"comments\":\"It broke\"}").expect("is read");
        assert_eq!(bare.event_id, EventId::parse(&"e".repeat(32)), "the envelope's");
        let new = format!(
            "{{\"contexts\":{{\"feedback\":{{\"message\":\"Help\",\"contact_email\":\"a@b.example\",\"name\":\"Ada\",\
             \"url\":\"https://shop.example/\",\"associated_event_id\":\"{id}\"}}}}}}"
        );
        let new = told("feedback", &new).expect("is read");
        assert_eq!((new.event_id, &*new.said.id), (EventId::parse(&id), &*"e".repeat(32)));
        assert_eq!((&*new.said.message, &*new.said.url), ("Help", "https://shop.example/"));
    }

    #[test]
    fn what_says_nothing_is_refused_with_a_reason() {
        for (kind, payload) in [
            ("user_report", "{}"),
            ("user_report", "{\"comments\":\" \"}"),
            ("user_report", "no JSON"),
            ("feedback", "{\"contexts\":{\"feedback\":[]}}"),
            ("feedback", "[1]"),
        ] {
            assert_eq!(told(kind, payload), Err(Reason::Unreadable), "{payload}");
        }
        let large = format!("{{\"comments\":\"{}\"}}", "x".repeat(EVENT_BYTES_MAX));
        assert_eq!(told("user_report", &large), Err(Reason::TooLarge));
    }

    #[test]
    fn a_secret_in_feedback_is_not_kept() {
        let said = Said {
            message: "I typed password=hunter2hunter2 and my card 4111 1111 1111 1111".into(),
            url: "https://shop.example/?token=abcdef123456&a=b".into(),
            email: "ada@b.example".into(),
            name: "Ada".into(),
            ..Said::default()
        };
        let said = scrubbed(said, &Scrubber::default());
        for secret in ["hunter2", "4111", "abcdef123456"] {
            assert!(!said.message.contains(secret) && !said.url.contains(secret), "{said:?}");
        }
        assert_eq!((&*said.name, &*said.email), ("Ada", "ada@b.example"));
        assert!(said.message.contains("I typed"));
    }

    proptest! {
        #[test]
        fn any_payload_is_answered(payload in "\\PC{0,60}|\\{\"comments\":\\PC{0,30}") {
            let _ = told("user_report", &payload);
            let _ = told("feedback", &payload);
        }
    }
}
