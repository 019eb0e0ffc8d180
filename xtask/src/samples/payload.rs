//! What a file of the folder is, told by its bytes, and how an SDK would send it.

use bugle_event::json::{self, Json};

/// How a payload is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An envelope, as it is.
    Envelope,
    /// One event, by the store endpoint.
    Event,
    /// A browser's report about a policy.
    Report,
    /// A list of reports of the Reporting API.
    Reports,
    /// A crash dump, by the minidump endpoint.
    Minidump,
    /// A crash report of Apple's, as an attachment.
    AppleReport,
    /// A crash of the Unreal Engine.
    Unreal,
}

impl Kind {
    /// As the report names it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Envelope => "envelope",
            Kind::Event => "event",
            Kind::Report | Kind::Reports => "report",
            Kind::Minidump => "minidump",
            Kind::AppleReport => "apple",
            Kind::Unreal => "unreal",
        }
    }

    /// What `bytes` are; `None` when they are nothing that an SDK sends.
    pub fn of(bytes: &[u8]) -> Option<Kind> {
        const ZLIB: &[u8] = &[0x78];
        match bytes {
            [b'M', b'D', b'M', b'P', ..] | [b'P', b'M', b'D', b'M', ..] => return Some(Kind::Minidump),
            _ if bytes.starts_with(ZLIB) => return Some(Kind::Unreal),
            _ if bytes.starts_with(b"Incident Identifier") => return Some(Kind::AppleReport),
            _ => {}
        }
        if is_envelope(bytes) {
            return Some(Kind::Envelope);
        }
        let text = std::str::from_utf8(bytes).ok()?;
        match json::read_whole(text.trim_start_matches('\u{feff}')).ok()? {
            Json::Object(object) if REPORTS.iter().any(|key| object.has(key)) => Some(Kind::Report),
            Json::Object(object) if EVENT.iter().any(|key| object.has(key)) => Some(Kind::Event),
            Json::Array(list) if list.iter().any(|one| one.object().is_some_and(|one| one.has("body"))) => {
                Some(Kind::Reports)
            }
            _ => None,
        }
    }

    /// The path below a project's address, the content type, and the body.
    pub fn request(self, bytes: Vec<u8>, key: &str) -> (String, &'static str, Vec<u8>) {
        let path = |path: &str| format!("{path}?sentry_key={key}");
        match self {
            Kind::Envelope => (path("envelope/"), "application/x-sentry-envelope", bytes),
            Kind::Event => (path("store/"), "application/json", bytes),
            Kind::Report => (path("security/"), "application/csp-report", bytes),
            Kind::Reports => (path("security/"), "application/reports+json", bytes),
            Kind::Minidump => (path("minidump/"), "application/x-dmp", bytes),
            Kind::Unreal => (format!("unreal/{key}/"), "application/octet-stream", bytes),
            Kind::AppleReport => {
                let mut body = b"{}\n".to_vec();
                let length = bytes.len();
                let header = format!(
                    "{{\"type\":\"attachment\",\"attachment_type\":\"event.applecrashreport\",\
                     \"filename\":\"crash.txt\",\"length\":{length}}}\n"
                );
                body.extend(header.into_bytes());
                body.extend(bytes);
                (path("envelope/"), "application/x-sentry-envelope", body)
            }
        }
    }
}

/// Keys that only a policy's report has.
const REPORTS: [&str; 4] = ["csp-report", "expect-ct-report", "expect-staple-report", "known-pins"];
/// Keys of which an event has at least one.
const EVENT: [&str; 16] = [
    "exception",
    "sentry.interfaces.Exception",
    "message",
    "logentry",
    "sentry.interfaces.Message",
    "stacktrace",
    "sentry.interfaces.Stacktrace",
    "threads",
    "platform",
    "event_id",
    "contexts",
    "breadcrumbs",
    "request",
    "sentry.interfaces.Http",
    "template",
    "csp",
];

/// A line of JSON, and then one that has a type; or a header alone.
fn is_envelope(bytes: &[u8]) -> bool {
    let line = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).ok()?.trim();
        json::read_whole(text).ok()?.object().map(|object| (object.has("type"), object.is_empty()))
    };
    let mut lines = bytes.splitn(3, |byte| *byte == b'\n');
    let Some((_, is_empty)) = lines.next().and_then(line) else { return false };
    match lines.next() {
        Some(second) if !second.trim_ascii().is_empty() => line(second).is_some_and(|(has_type, _)| has_type),
        _ => is_empty,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_bytes() {
        for (bytes, kind) in [
            (&b"MDMP\x93\xa7"[..], Some(Kind::Minidump)),
            (b"{}\n{\"type\":\"event\"}\n{}", Some(Kind::Envelope)),
            (b"{\"message\":\n\"x\"}", Some(Kind::Event)),
            (b"{\"csp-report\":{}}", Some(Kind::Report)),
            (b"[{\"type\":\"csp-violation\",\"body\":{}}]", Some(Kind::Reports)),
            (b"Incident Identifier: 1", Some(Kind::AppleReport)),
            (b"{\"name\":\"a package\"}", None),
            (b"plain text", None),
        ] {
            assert_eq!(Kind::of(bytes), kind, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
