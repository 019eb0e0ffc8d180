//! An attachment.

use super::date;
use crate::attachment::Attachment;
use bugle_event::id::hex;
use serde_json::{Value, json};

/// Alone and in lists.
pub fn attachment(attachment: &Attachment) -> Value {
    let mimetype = match attachment.content_type.as_str() {
        "" => "application/octet-stream",
        given => given,
    };
    json!({
        "id": attachment.id.to_string(),
        "event_id": attachment.event_id.to_string(),
        "type": attachment.kind,
        "name": attachment.name,
        "mimetype": mimetype,
        "dateCreated": date(attachment.received_ms),
        "size": attachment.bytes,
        "headers": { "Content-Type": mimetype },
        "sha1": hex(&attachment.sha1),
    })
}
