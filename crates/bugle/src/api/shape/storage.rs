//! What something takes on the disk, and what a project may keep: fields of Bugle's own.

use crate::storage::Size;
use crate::storage::bounds::{Bounds, Own};
use serde_json::{Value, json};

/// The size of an issue or a project.
pub fn size(size: Size) -> Value {
    json!({ "bytes": size.bytes(), "events": size.events })
}

/// The size of a project, what it keeps (0: any number), and what of it is the project's own.
pub fn project(now: Size, own: Own, server: Bounds) -> Value {
    let bounds = server.with(own);
    json!({
        "bytes": now.bytes(),
        "events": now.events,
        "retentionDays": bounds.retention_days,
        "issueCapPerHour": bounds.issue_cap_per_hour,
        "issueEventsMax": bounds.issue_events_max,
        "bytesMax": bounds.bytes_max,
        "own": {
            "retentionDays": own.retention_days,
            "issueCapPerHour": own.issue_cap_per_hour,
            "issueEventsMax": own.issue_events_max,
            "bytesMax": own.bytes_max,
        },
    })
}
