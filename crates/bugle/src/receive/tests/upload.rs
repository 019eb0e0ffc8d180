//! Attachments and crashes as SDKs send them: what is kept of them, what is answered, and that the books balance.

use super::*;
use crate::attachment::{self, Attachment};
use crate::crash::tests::{REPORT, archive, dump};
use crate::policy::Intake;
use crate::receive::attachment::ATTACHMENT_BYTES_MAX;
use axum::body::to_bytes;
use bugle_event::EventId;
use serde_json::{Value, json};

struct Told {
    status: StatusCode,
    text: String,
}

impl Server {
    /// Posts bytes to a path of the first project.
    async fn upload(&self, path: &str, kind: &str, body: Vec<u8>) -> Told {
        let mut request = Request::post(format!("/api/1/{path}")).header("content-type", kind);
        if !path.starts_with("unreal") {
            request = request.header("x-sentry-auth", format!("Sentry sentry_version=7, sentry_key={:032x}", 1));
        }
        let request = request.body(Body::from(body)).expect("a request");
        let (parts, body) = self.router.clone().oneshot(request).await.expect("answers").into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        assert_eq!(parts.headers["access-control-allow-origin"], "*");
        Told { status: parts.status, text: String::from_utf8(body.to_vec()).expect("text") }
    }

    async fn envelope(&self, body: Vec<u8>) -> Told {
        self.upload("envelope/", "application/x-sentry-envelope", body).await
    }

    async fn filed(&self) {
        self.until("everything is filed", |app| app.backlog() == 0).await;
    }

    async fn attachments(&self, id: u128) -> Vec<(Attachment, Vec<u8>)> {
        self.filed().await;
        let read = self.app.store.read(move |tx| {
            let mut found = Vec::new();
            for one in attachment::of_event(tx, 1, EventId(id.to_be_bytes()))? {
                let body = attachment::body(tx, &one)?.expect("is there");
                found.push((one, body));
            }
            Ok(found)
        });
        read.await.expect("reads")
    }

    async fn stored(&self, id: u128) -> Option<Value> {
        self.filed().await;
        let id = EventId(id.to_be_bytes());
        let event = self.app.store.read(move |tx| crate::event::of_project(tx, 1, id)).await.expect("reads");
        event.map(|event| serde_json::from_str(&event.json).expect("JSON"))
    }

    /// How many items of attachments met this fate.
    async fn fates(&self, outcome: &'static str, reason: &'static str) -> i64 {
        self.filed().await;
        let entries = self.app.door.ledger.take();
        self.write(move |tx| entries.write(tx)).await;
        let sql = "SELECT CAST(COALESCE(SUM(quantity), 0) AS BIGINT) FROM ledger \
                   WHERE category = 'attachment' AND outcome = $1 AND reason = $2";
        self.app.store.read(move |tx| tx.one(sql, bugle_db::params![outcome, reason])).await.expect("reads")
    }

    async fn checked(self) {
        self.filed().await;
        let report = self.app.store.read(crate::check::database).await.expect("reads");
        assert_eq!(report.found, Vec::<String>::new());
        self.app.assert_balanced();
        self.stop();
    }
}

async fn server(folder: &tempfile::TempDir) -> Server {
    let mut server = Server::new(folder.path(), Overrides::default(), 1).await;
    server.file();
    server
}

fn head(id: u128) -> Vec<u8> {
    format!("{{\"event_id\":\"{id:032x}\"}}\n").into_bytes()
}

fn add(envelope: &mut Vec<u8>, header: Value, payload: &[u8]) {
    let mut header = header;
    header["length"] = payload.len().into();
    envelope.extend(header.to_string().into_bytes());
    envelope.push(b'\n');
    envelope.extend(payload);
    envelope.push(b'\n');
}

fn attachment_of(name: &str) -> Value {
    json!({"type": "attachment", "filename": name, "content_type": "text/plain"})
}

pub(super) fn form(parts: &[(&str, Option<&str>, &[u8])]) -> (String, Vec<u8>) {
    let mut out = Vec::new();
    for (name, file, body) in parts {
        let file = file.map(|file| format!("; filename=\"{file}\"\r\nContent-Type: application/octet-stream"));
        out.extend(
            format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"{}\r\n\r\n", file.unwrap_or_default())
                .into_bytes(),
        );
        out.extend(*body);
        out.extend(b"\r\n");
    }
    out.extend(b"--B--\r\n");
    ("multipart/form-data; boundary=B".into(), out)
}

#[tokio::test]
async fn attachments_come_with_before_and_after_their_event() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = server(&folder).await;
    let mut before = head(7);
    add(&mut before, attachment_of("early.txt"), b"early\n");
    let told = server.envelope(before.clone()).await;
    assert_eq!((told.status, told.text.as_str()), (StatusCode::OK, "{}"));
    assert_eq!(server.attachments(7).await[0].1, b"early\n");
    let mut with = head(7);
    add(&mut with, attachment_of("../../etc/passwd\u{7}"), &b"line\n".repeat(500));
    add(&mut with, json!({"type": "event"}), b"{\"message\":\"hello\"}");
    add(&mut with, json!({"type": "attachment", "length": 0}), b"");
    assert_eq!(server.envelope(with).await.text, format!("{{\"id\":\"{:032x}\"}}", 7));
    let (kind, body) = form(&[("a", Some("late.bin"), &[0, 159, 146, 150])]);
    let told = server.upload(&format!("events/{:032x}/attachments/", 7), &kind, body).await;
    assert_eq!((told.status, told.text.as_str()), (StatusCode::CREATED, ""));
    assert!(server.stored(7).await.is_some());
    let found = server.attachments(7).await;
    let names: Vec<&str> = found.iter().map(|(one, _)| one.name.as_str()).collect();
    assert_eq!(names, ["early.txt", "../../etc/passwd", "attachment", "late.bin"]);
    assert_eq!(found[1].1, b"line\n".repeat(500));
    assert_eq!((found[1].0.bytes, found[1].0.kind.as_str()), (2_500, "event.attachment"));
    assert_eq!(bugle_event::id::hex(&found[0].0.sha1), "1907a738b5352710a86af4d1abc9f136531894b5");

    server.envelope(before).await;
    assert_eq!(server.attachments(7).await.len(), 4, "sent again, kept once");
    assert_eq!(server.fates("invalid", "duplicate").await, 1);
    assert_eq!(server.fates("stored", "").await, 4);
    server.checked().await;
}

#[tokio::test]
async fn an_attachment_shares_the_fate_of_its_event() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = server(&folder).await;
    let with = |id: u128, event: &[u8]| {
        let mut envelope = head(id);
        add(&mut envelope, json!({"type": "event"}), event);
        add(&mut envelope, attachment_of("a.txt"), b"a");
        envelope
    };
    let large = format!("{{\"message\":\"{}\"}}", "x".repeat(crate::receive::EVENT_BYTES_MAX));
    let told = server.envelope(with(1, large.as_bytes())).await;
    assert_eq!(told.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(server.fates("invalid", "too_large").await, 1);
    server.limit(1, quota(1)).await;
    assert_eq!(server.envelope(with(2, b"{}")).await.status, StatusCode::OK);
    assert_eq!(server.envelope(with(3, b"{}")).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(server.fates("rate_limited", "project_quota").await, 1);
    let kept =
        [server.attachments(1).await.len(), server.attachments(2).await.len(), server.attachments(3).await.len()];
    assert_eq!(kept, [0, 1, 0]);
    let mut nobody = b"{}\n".to_vec();
    add(&mut nobody, attachment_of("a.txt"), b"a");
    assert_eq!(server.envelope(nobody).await.status, StatusCode::OK);
    assert_eq!(server.fates("invalid", "unreadable").await, 1, "no event to belong to");
    server.checked().await;
}

#[tokio::test]
async fn an_attachment_of_a_capped_event_is_not_kept() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let flags = Overrides { issue_cap_per_hour: Some(1), ..Overrides::default() };
    let mut server = Server::new(folder.path(), flags, 1).await;
    server.file();
    for id in 1..=2 {
        let mut envelope = head(id);
        add(&mut envelope, json!({"type": "event"}), b"{\"message\":\"hello\"}");
        add(&mut envelope, attachment_of("a.txt"), b"a");
        server.envelope(envelope).await;
    }
    assert_eq!((server.attachments(1).await.len(), server.attachments(2).await.len()), (1, 0));
    assert_eq!(server.fates("discarded", "issue_cap").await, 1);
    server.checked().await;
}

#[tokio::test]
async fn too_many_or_too_large_attachments_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = server(&folder).await;
    let mut many = head(1);
    (0..31).for_each(|n| add(&mut many, attachment_of(&n.to_string()), b"a"));
    let mut large = head(2);
    add(&mut large, json!({"type": "event"}), b"{}");
    add(&mut large, attachment_of("a"), &vec![0; ATTACHMENT_BYTES_MAX + 1]);
    let large = zstd::bulk::compress(&large, 1).expect("packs");
    for body in [many, large] {
        let told = server.envelope(body).await;
        assert_eq!(told.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(told.text.contains("type attachment"), "{}", told.text);
    }
    let mut reference = head(3);
    let header = json!({"type": "attachment", "content_type": "application/vnd.sentry.attachment-ref+json"});
    add(&mut reference, header, b"{\"location\":\"/upload/1\"}");
    assert_eq!(server.envelope(reference).await.status, StatusCode::OK);
    assert_eq!(server.fates("discarded", "unsupported").await, 1);
    assert_eq!(server.fates("invalid", "too_large").await, 32);
    assert!(server.stored(2).await.is_none() && server.attachments(3).await.is_empty());
    for id in 0..4u128 {
        let parts: Vec<(&str, Option<&str>, &[u8])> = vec![("a", Some("a"), b"x"); 30];
        let (kind, body) = form(&parts);
        let told = server.upload(&format!("events/{:032x}/attachments/", id + 10), &kind, body).await;
        assert_eq!(told.status, StatusCode::CREATED);
    }
    for (path, kind, body) in [
        ("events/zz/attachments/", "multipart/form-data; boundary=B", &b"--B--\r\n"[..]),
        ("events/00000000000000000000000000000001/attachments/", "text/plain", b"x"),
        ("events/00000000000000000000000000000001/attachments/", "multipart/form-data; boundary=B", b"--B\r\nx"),
    ] {
        assert_eq!(server.upload(path, kind, body.into()).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    server.checked().await;
}

/// Row 15 of the checklist.
#[tokio::test]
async fn a_minidump_is_answered_in_text_with_a_dashed_uuid_and_never_with_429() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = server(&folder).await;
    let (kind, body) = form(&[
        ("sentry__1", None, br#"{"event_id":"0000000000000000000000000000000a","tags":{"#),
        ("sentry__2", None, br#""shop":"1"}}"#),
        ("guid", None, b"g-1"),
        ("upload_file_minidump", Some("m.dmp"), &dump()),
        ("view-hierarchy.json", Some("view-hierarchy.json"), b"{}"),
        ("shop.log", Some("shop.log"), b"last words"),
    ]);
    let told = server.upload("minidump/", &kind, body.clone()).await;
    assert_eq!((told.status, told.text.as_str()), (StatusCode::OK, "00000000-0000-0000-0000-00000000000a"));
    let event = server.stored(10).await.expect("an event");
    let exception = &event["exception"]["values"][0];
    assert_eq!(exception["type"], "EXCEPTION_ACCESS_VIOLATION_READ");
    assert_eq!((&event["sdk"]["name"], &event["extra"]["guid"]), (&json!("minidump.crashpad"), &json!("g-1")));
    assert_eq!(event["debug_meta"]["images"][0]["debug_id"], "9f8e7d6c-5b4a-3928-0102-030405060708-3");
    let found = server.attachments(10).await;
    let kinds: Vec<(&str, &str)> = found.iter().map(|(one, _)| (one.name.as_str(), one.kind.as_str())).collect();
    let expected = [("view-hierarchy.json", "event.view_hierarchy"), ("shop.log", "event.attachment")];
    assert_eq!(kinds, expected, "the dump itself is not kept");

    server.write(|tx| Intake::set_store_crash_reports(tx, 1, true)).await;
    let packed = zstd::bulk::compress(&dump(), 1).expect("packs");
    let told = server.upload("minidump", "application/x-dmp", packed).await;
    assert_eq!(told.status, StatusCode::OK);
    let id = EventId::parse(&told.text).filter(|id| id.dashed() == told.text).expect("a dashed id");
    let found = server.attachments(u128::from_be_bytes(id.0)).await;
    assert_eq!((found[0].0.kind.as_str(), found[0].1.as_slice()), ("event.minidump", &dump()[..]), "now it is");

    server.limit(1, quota(1)).await;
    let told = server.upload("minidump/", &kind, body).await;
    assert_eq!((told.status, told.text.len()), (StatusCode::OK, 36));
    for (kind, body) in [
        (kind.as_str(), form(&[("sentry", None, b"{}")]).1),
        ("application/octet-stream", b"MDMX".to_vec()),
        (kind.as_str(), b"--C".to_vec()),
    ] {
        assert_eq!(server.upload("minidump/", kind, body).await.status, StatusCode::BAD_REQUEST);
    }
    server.checked().await;
}

#[tokio::test]
async fn an_old_electron_puts_a_form_into_its_form() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = server(&folder).await;
    let (_, mut inner) = form(&[("upload_file_minidump", Some("m.dmp"), &dump()), ("ver", None, b"1")]);
    let text = String::from_utf8_lossy(&inner).into_owned();
    assert!(text.starts_with("--B"));
    for at in memchr::memmem::find_iter(&inner.clone(), b"--B").collect::<Vec<_>>() {
        inner[at + 2] = b'I';
    }
    let (kind, body) = form(&[("upload_file_minidump", Some("m.dmp"), &inner)]);
    let told = server.upload("minidump/", &kind, body).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.text);
    let id = EventId::parse(&told.text).expect("an id");
    let event = server.stored(u128::from_be_bytes(id.0)).await.expect("an event");
    assert_eq!(event["extra"]["ver"], "1");
    server.checked().await;
}

#[tokio::test]
async fn crash_reports_in_envelopes_make_an_event_or_join_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = server(&folder).await;
    let report = |kind: &str| json!({"type": "attachment", "filename": "crash", "attachment_type": kind});
    let mut alone = head(1);
    add(&mut alone, report("event.applecrashreport"), REPORT.as_bytes());
    assert_eq!(server.envelope(alone).await.text, format!("{{\"id\":\"{:032x}\"}}", 1));
    let mut beside = head(2);
    add(&mut beside, report("event.minidump"), &dump());
    add(&mut beside, json!({"type": "event"}), b"{\"release\":\"shop@2\",\"platform\":\"native\"}");
    add(&mut beside, attachment_of("a.txt"), b"a");
    assert_eq!(server.envelope(beside).await.status, StatusCode::OK);
    let mut broken = head(3);
    add(&mut broken, report("event.minidump"), b"MDMP and nothing behind it");
    assert_eq!(server.envelope(broken).await.status, StatusCode::OK, "what is inside is never a reason for a 4xx");
    let apple = server.stored(1).await.expect("an event");
    assert_eq!(apple["exception"]["values"][0]["type"], "EXC_BAD_ACCESS");
    let event = server.stored(2).await.expect("an event");
    assert_eq!(event["exception"]["values"][0]["type"], "EXCEPTION_ACCESS_VIOLATION_READ");
    assert_eq!(event["release"], "shop@2");
    let event = server.stored(3).await.expect("an event");
    assert_eq!(event["exception"]["values"][0]["type"], "Minidump");
    assert_eq!(server.attachments(2).await.len(), 1, "the file and not the dump");
    assert_eq!(server.count("SELECT COUNT(*) FROM events").await, 3);
    server.checked().await;
}

#[tokio::test]
async fn unreal_s_reporter_is_answered_with_an_id() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = server(&folder).await;
    let dump = dump();
    let log = b"[2026.04.01-10.20.30:123][  7]LogNet: Warning: lost";
    let archive = archive(&[("UEMinidump.dmp", &dump), ("Shop.log", log), ("CrashContext.runtime-xml", b"<a/>")]);
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packer, &archive).expect("packs");
    let path = format!("unreal/{:032x}/?UserID=player%201", 1);
    let told = server.upload(&path, "application/octet-stream", packer.finish().expect("packs")).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.text);
    let id = u128::from_be_bytes(EventId::parse(&told.text).expect("an id").0);
    let event = server.stored(id).await.expect("an event");
    assert_eq!(event["exception"]["values"][0]["type"], "EXCEPTION_ACCESS_VIOLATION_READ");
    assert_eq!(
        (&event["user"]["id"], &event["breadcrumbs"]["values"][0]["message"]),
        (&json!("player 1"), &json!("lost"))
    );
    let kinds: Vec<String> = server.attachments(id).await.into_iter().map(|(one, _)| one.kind).collect();
    assert_eq!(kinds, ["unreal.logs", "unreal.context"]);
    assert_eq!(server.upload(&path, "text/plain", b"nothing".into()).await.status, StatusCode::BAD_REQUEST);
    server.checked().await;
}
