//! Feedback, as clients know it under the name of user reports.

use super::date;
use crate::feedback::Feedback;
use serde_json::{Value, json};

/// In a list.
pub fn feedback(one: &Feedback) -> Value {
    let event = one.event_id.map(|id| id.to_string());
    json!({
        "id": one.id.to_string(),
        "eventID": event,
        "name": one.name,
        "email": one.email,
        "comments": one.message,
        "url": one.url,
        "dateCreated": date(one.received_ms),
        "user": null,
        "event": { "id": event, "eventID": event },
        "projectSlug": one.project.0,
        "issue": one.issue.as_ref().map(|issue| json!({
            "id": issue.id.to_string(), "title": issue.title, "metadata": { "type": issue.kind },
        })),
    })
}
