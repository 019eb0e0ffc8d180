//! Attachments as clients list, save and delete them.

use super::seed::event_id;
use super::{Api, NOW_MS, each};
use crate::attachment::{file, tests::item};
use bugle_event::EventId;

#[tokio::test]
async fn attachments_are_listed_saved_and_deleted() {
    let api = Api::new();
    api.write(|tx| {
        let id = EventId::parse(&event_id(2)).expect("an id");
        for (name, kind) in [("a.html", "text/html"), ("b.bin", "")] {
            file(tx, &item(1, id, name, kind, b"<script>alert(1)</script>", NOW_MS), |_| Ok(false))?;
        }
        let orphan = EventId([9; 16]);
        file(tx, &item(1, orphan, "early", "", b"x", NOW_MS), |_| Ok(false)).map(drop)
    });
    let path = format!("/projects/acme/shop/events/{}/attachments/", event_id(2));
    let list = api.get(&path).await.json(200);
    let expected = serde_json::json!({
        "id": "1", "event_id": event_id(2), "type": "event.attachment", "name": "a.html", "mimetype": "text/html",
        "dateCreated": "2026-08-01T12:00:00.000000Z", "size": 25, "headers": { "Content-Type": "text/html" },
        "sha1": "0707070707070707070707070707070707070707",
    });
    assert_eq!((&list[0], list.as_array().map(Vec::len)), (&expected, Some(2)));
    assert_eq!(api.get(&format!("{path}1/")).await.json(200), expected);
    assert_eq!(
        each(&api.get("/organizations/acme/issues/1/attachments/").await.json(200), "name"),
        ["b.bin", "a.html"]
    );
    let early = format!("/projects/acme/shop/events/{}/attachments/", EventId([9; 16]));
    assert_eq!(each(&api.get(&early).await.json(200), "name"), ["early"], "before its event");

    let saved = api.get(&format!("{path}1/?download=1")).await;
    assert_eq!((saved.status.as_u16(), saved.text.as_str()), (200, "<script>alert(1)</script>"));
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("content-disposition", "attachment; filename=\"a.html\""),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
    ] {
        assert_eq!(saved.header(name), value);
    }
    for nothing in ["3/", "x/", "1/?download=1"] {
        let other = path.replace("/shop/", if nothing.starts_with('1') { "/app/" } else { "/shop/" });
        api.get(&format!("{other}{nothing}")).await.detail(404);
    }
    assert_eq!(api.call("DELETE", &format!("{path}1/"), "").await.status, 204);
    assert_eq!(each(&api.get(&path).await.json(200), "name"), ["b.bin"]);
    assert_eq!(api.write(|tx| crate::storage::of_project(tx, 1)).attachments, 2);
    assert_eq!(api.call("DELETE", "/issues/1/", "").await.status.as_u16() / 100, 2);
    assert_eq!(api.write(|tx| crate::storage::of_project(tx, 1)).attachments, 1, "those of its events went with it");
}

#[tokio::test]
async fn a_project_says_whether_crash_reports_are_kept() {
    let api = Api::new();
    for (body, is_kept) in [("true", true), ("0", false), ("-1", true), ("null", false)] {
        let body = format!("{{\"storeCrashReports\":{body}}}");
        let changed = api.call("PUT", "/projects/acme/shop/", &body).await.json(200);
        assert_eq!(changed["storeCrashReports"], is_kept);
        assert_eq!(api.app.store.policy(1).intake.store_crash_reports, is_kept, "the door knows it");
    }
    assert!(
        api.call("PUT", "/projects/acme/shop/", "{\"storeCrashReports\":\"x\"}")
            .await
            .detail(400)
            .contains("true or false")
    );
}

bugle_db::on_postgres_too![attachments_are_listed_saved_and_deleted, a_project_says_whether_crash_reports_are_kept];
