//! Attachments at the door: bounds, what goes with a dropped event, SHA-1, packing.
//!
//! Owns: the order in which an attachment is judged. An envelope that has too many, or one too large, is refused as a whole,
//! since its SDK can do better (protocol reference, 4.6); uploads by form lose only what is too much, since whoever sends
//! them is crashing and will not try again. What an event was dropped for is the outcome of its attachments too.
//!
//! **Memory.** Bodies are bounded before they come here (`BODY_BYTES_MAX`, `INFLATED_BYTES_MAX`), and so is the sum of the
//! attachments in them. They are packed one at a time.

use super::ledger::Received;
use super::reply::Refusal;
use super::{INFLATED_BYTES_MAX, Items, OnItsWay, Parcel};
use crate::app::App;
use crate::attachment::{About, pack};
use crate::outcome::{Category, Dialect, Outcome, Reason};
use crate::policy::Policy;
use crate::project::Key;
use crate::record::{self, Kind, Sender};
use axum::http::StatusCode;
use bugle_event::EventId;
use bugle_event::envelope::Envelope;
use std::borrow::Cow;

/// Attachments of one request, as Sentry has it.
pub const ATTACHMENTS_MAX: usize = 30;
/// One attachment, in bytes: a whole body as it may come uncompressed, and half of what one may unpack to. Beyond it a
/// batch of filing would take more memory than everything else.
pub const ATTACHMENT_BYTES_MAX: usize = INFLATED_BYTES_MAX / 2;
/// A name, in characters.
const NAME_CHARS_MAX: usize = 200;

/// What an SDK sends for a file that it uploaded before. Bugle has no such upload.
const REFERENCE: &str = "application/vnd.sentry.attachment-ref+json";

/// A file as it came.
#[derive(Debug, Clone)]
pub struct File<'b> {
    /// Its name.
    pub name: Cow<'b, str>,
    /// Its content type.
    pub content_type: Option<Cow<'b, str>>,
    /// Sentry's `attachment_type`.
    pub kind: Cow<'b, str>,
    /// Itself.
    pub body: Cow<'b, [u8]>,
}

/// The kind of a file that is nothing special.
pub const PLAIN: &str = "event.attachment";

/// The attachments of an envelope.
pub fn of_envelope<'e>(envelope: &'e Envelope<'_>) -> impl Iterator<Item = File<'e>> {
    envelope.items.iter().filter(|item| item.kind == "attachment").map(|item| File {
        name: item.headers.text("filename").unwrap_or("attachment").into(),
        content_type: item.headers.text("content_type").map(Cow::Borrowed),
        kind: item.headers.text("attachment_type").unwrap_or(PLAIN).into(),
        body: item.payload.into(),
    })
}

/// 413 when an envelope has more attachments, or a larger one, than it may. What was ready is given up.
pub(super) fn bounded(
    app: &App,
    key: &Key,
    received_ms: i64,
    envelope: &Envelope<'_>,
    items: &mut Items<'_>,
) -> Result<(), Refusal> {
    let count = of_envelope(envelope).count();
    let is_large = of_envelope(envelope).any(|file| file.body.len() > ATTACHMENT_BYTES_MAX);
    if count <= ATTACHMENTS_MAX && !is_large {
        return Ok(());
    }
    let receive = || app.door.ledger.receive(Some(key), Dialect::Sentry, Category::Attachment, received_ms);
    (0..count).for_each(|_| receive().refuse(Outcome::Invalid, Reason::TooLarge));
    items.forsake(Outcome::Invalid, Reason::TooLarge);
    let detail = match is_large {
        true => format!("An item of type attachment is larger than {ATTACHMENT_BYTES_MAX} bytes."),
        false => format!("The envelope has more than {ATTACHMENTS_MAX} items of type attachment."),
    };
    Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, detail))
}

/// Gives each file its fate, or puts it on its way. `event_id` is the event that they belong to.
pub(super) fn sort_out<'a, 'f>(
    app: &'a App,
    key: &Key,
    received_ms: i64,
    event_id: Option<EventId>,
    files: impl IntoIterator<Item = File<'f>>,
    items: &mut Items<'a>,
) {
    let policy = app.store.policy(key.project);
    for (at, file) in files.into_iter().enumerate() {
        let is_crash = crate::crash::is_part(&file.kind);
        // What an event was made of is in the event, and counts with it. A report itself is kept where that is wished.
        if is_crash && !(policy.intake.store_crash_reports && crate::crash::is_report(&file.kind)) {
            continue;
        }
        let received = app.door.ledger.receive(Some(key), Dialect::Sentry, Category::Attachment, received_ms);
        let is_reference = file.content_type.as_deref().is_some_and(|kind| kind.starts_with(REFERENCE));
        match (items.dropped, event_id) {
            (Some((outcome, reason)), _) => received.refuse(outcome, reason),
            (_, None) => received.refuse(Outcome::Invalid, Reason::Unreadable),
            _ if is_reference => received.refuse(Outcome::Discarded, Reason::Unsupported),
            _ if at >= ATTACHMENTS_MAX || file.body.len() > ATTACHMENT_BYTES_MAX => {
                received.refuse(Outcome::Invalid, Reason::TooLarge);
            }
            (None, Some(id)) => one(key, &policy, received_ms, id, file, received, items),
        }
    }
}

fn one<'a>(
    key: &Key,
    policy: &Policy,
    received_ms: i64,
    event_id: EventId,
    file: File<'_>,
    received: Received<'a>,
    items: &mut Items<'a>,
) {
    let content_type = file.content_type.as_deref().unwrap_or_default();
    let Some(body) = policy.attachment(&cut(&plain(&file.name)), content_type, &file.body) else {
        return received.refuse(Outcome::Filtered, Reason::Privacy);
    };
    let named = |text: &str| cut(&policy.scrubber.text(&plain(text)));
    let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &body);
    let (bytes, mut sha1) = (body.len() as i64, [0; 20]);
    sha1.copy_from_slice(digest.as_ref());
    let (body, is_packed) = pack(body);
    let (name, content_type, kind) = (named(&file.name), named(content_type), named(&file.kind));
    let about = About { name, content_type, kind, bytes, sha1, is_packed };
    let Ok(about) = serde_json::to_string(&about) else {
        return received.refuse(Outcome::Discarded, Reason::Quarantined);
    };
    let sender = Sender {
        dialect: Dialect::Sentry,
        category: Category::Attachment,
        project: key.project,
        key: key.id,
        received_ms,
    };
    let item = record::Item { sender, kind: Kind::Attachment, event_id: Some(event_id), about, body };
    items.ready.push(OnItsWay { received, place: None, parcel: Parcel::Item(Box::new(item)) });
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// Comes after scrubbing: half a secret could not be told any more.
fn cut(text: &str) -> String {
    text.chars().take(NAME_CHARS_MAX).collect()
}
