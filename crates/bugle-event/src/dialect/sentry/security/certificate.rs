//! Reports about certificates: Expect-CT, Expect-Staple and pinned keys (HPKP).
//!
//! Browsers have given these up, but proxies, mail servers' gateways and old browsers still send them. One issue per kind
//! and host: what is wrong is wrong for the host, whichever of its certificates was served.

use super::pairs;
use crate::dialect::lenient;
use crate::json::{Json, Object};
use crate::path::Path;
use crate::problem::Problem;

/// The key that a report is wrapped in, and the key it is kept under. Reports about pins have no wrapper.
pub(super) const KINDS: [(Option<&str>, &str); 3] =
    [(Some("expect-ct-report"), "expectct"), (Some("expect-staple-report"), "expectstaple"), (None, "hpkp")];

/// Brings a report, whose keys are in snake case, into canonical shape.
pub(super) fn read(report: &mut Object<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) {
    report.retain(|key, value| {
        let at = &at.key(key);
        match key {
            "date_time"
            | "hostname"
            | "effective_expiration_date"
            | "noted_hostname"
            | "failure_mode"
            | "response_status"
            | "cert_status" => lenient::text(value, at, problems),
            "port" => lenient::whole(value, at, problems),
            "include_subdomains" | "test_report" => lenient::bool(value, at, problems),
            "served_certificate_chain" | "validated_certificate_chain" | "known_pins" => {
                lenient::list(value, at, problems, lenient::text)
            }
            _ => !value.is_null(),
        }
    });
}

/// The event of a report, which is in canonical shape.
pub(super) fn event<'b>(kind: &'static str, report: Json<'b>) -> Object<'b> {
    let own = |key: &str| report.object().and_then(|report| report.text(key)).map(str::to_string);
    let host = own("hostname").unwrap_or_else(|| "an unnamed host".into());
    let said = match kind {
        "expectct" => format!("Certificate transparency failed for '{host}'"),
        "expectstaple" => format!("Stapling of a certificate's status failed for '{host}'"),
        _ => format!("The certificates of '{host}' have none of the pinned keys"),
    };
    let port = report.object().and_then(|report| report.get("port")).map(ToString::to_string);
    let mut event = Object::default();
    let mut message = Object::default();
    message.set("formatted", said);
    event.set("logentry", message);
    event.set("logger", kind);
    event.set("culprit", host.clone());
    event.set("fingerprint", vec![Json::from(kind), Json::from(host.clone())]);
    event.set("tags", pairs(&[("hostname", Some(&*host)), ("port", port.as_deref())]));
    if let Some(at) = own("date_time") {
        event.set("timestamp", at);
    }
    event.set(kind, report);
    event
}
