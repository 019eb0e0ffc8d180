//! Attachments and crashes on pages: listed, previewed, saved, gone with their events.

use super::house::{HOUR_MS, House};
use super::seed::simple;
use crate::crash::tests::dump;
use crate::crash::{self, MINIDUMP, Part};
use crate::retention::{Retention, Round};
use crate::store::now_ms;
use axum::http::StatusCode;
use bugle_event::EventId;

const DAY_MS: i64 = 24 * HOUR_MS;
/// The first event that a house sends.
const FIRST: EventId = EventId([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
/// As much of a PNG as makes one.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\nnothing behind";

/// A project with an event of three files.
pub(super) async fn house() -> House {
    let mut house = House::new().await;
    let shop = house.project("Shop").await;
    house.send(shop, vec![simple("KeyError", "m", "app.pay", "error", now_ms(), "u1")]).await;
    let files: [(&str, &str, &[u8]); 3] = [
        ("shop.log", "text/plain", b"<b>last</b> words"),
        ("page.png", "image/png", PNG),
        ("x.png", "image/png", b"<svg onload=a>"),
    ];
    house.attach(shop, FIRST, &files).await;
    house
}

#[tokio::test]
async fn attachments_are_listed_previewed_and_saved() {
    let house = house().await;
    let page = house.get("/issues/1").await;
    let text = page.page();
    for part in ["3 files", "shop.log", "&lt;b&gt;last&lt;/b&gt; words", "/attachments/2/image"] {
        assert!(text.contains(part), "{part}");
    }
    let path = format!("/issues/1/events/{FIRST}/attachments");
    for (file, kind, disposition) in [
        ("1", "application/octet-stream", "attachment; filename=\"shop.log\""),
        ("2", "application/octet-stream", "attachment; filename=\"page.png\""),
        ("3/image", "application/octet-stream", "attachment; filename=\"x.png\""),
    ] {
        let answer = house.call_raw(&format!("{path}/{file}")).await;
        assert_eq!(answer.0, StatusCode::OK);
        assert!(answer.1["content-type"] == kind && answer.1["content-disposition"] == disposition, "{:?}", answer.1);
        assert_eq!(answer.1["content-security-policy"], "default-src 'none'; sandbox");
        assert_eq!(answer.1["x-content-type-options"], "nosniff");
    }
    let image = house.call_raw(&format!("{path}/2/image")).await;
    assert!(image.1["content-type"] == "image/png" && image.2 == PNG);
    assert_eq!(house.get(&format!("{path}/9")).await.status, StatusCode::NOT_FOUND);
    let stranger = axum::http::Request::get(format!("{path}/1"));
    assert_eq!(house.call(stranger, "").await.status, StatusCode::SEE_OTHER, "only members save files");
    assert!(house.get("/projects/shop/storage").await.page().contains("Attachments"));
}

#[tokio::test]
async fn attachments_go_with_their_event_and_by_their_own_age() {
    let mut house = house().await;
    house.attach(1, EventId([8; 16]), &[("early", "", b"x")]).await;
    let now_ms = now_ms();
    let retain = |days: i64| {
        let mut retention = Retention::new(house.app.config.retention());
        let done = retention.round(Round {
            db: house.app.store.blocking(),
            now_ms: now_ms + days * DAY_MS,
            lived_ms: days.max(1) * DAY_MS,
            forget: &|ids| house.app.door.families.forget(ids),
            has_filed: &|| true,
            breathe: &mut || true,
        });
        done.expect("removes");
        let report = house.app.store.blocking().read_now(crate::check::database).expect("reads");
        assert_eq!(report.found, Vec::<String>::new());
        house.app.store.blocking().read_now(|tx| tx.one::<i64>("SELECT COUNT(*) FROM attachments", &[])).expect("reads")
    };
    assert_eq!(retain(0), 4);
    assert_eq!(retain(89), 4);
    assert_eq!(retain(92), 0, "the event's and the one without");
}

#[tokio::test]
async fn a_minidump_looks_like_a_crash() {
    let mut house = House::new().await;
    let shop = house.project("Shop").await;
    let event = crash::event(b"{}", &[Part { kind: MINIDUMP.into(), body: dump() }]);
    house.receive(shop, &[std::str::from_utf8(&event).expect("text")]).await;
    let page = house.get("/issues/1").await;
    let text = page.page();
    for part in [
        "EXCEPTION_ACCESS_VIOLATION_READ",
        "at 0x45",
        "shop.exe",
        "not handled, by minidump",
        "crashed, current",
        "worker",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    if let Ok(folder) = std::env::var("BUGLE_GALLERY") {
        super::gallery::write(std::path::Path::new(&folder), "crash", &page);
    }
}

#[tokio::test]
async fn a_project_says_on_its_page_whether_crash_reports_are_kept() {
    let house = house().await;
    let is_on = || house.app.store.policy(1).intake.store_crash_reports;
    let page = house.get("/projects/shop/intake").await;
    assert!(!page.page().contains(" checked") && !is_on());
    assert_eq!(house.post("/projects/shop/intake", "store_crash_reports=on").await.location(), "/projects/shop/intake");
    let page = house.get("/projects/shop/intake").await;
    assert!(page.page().contains(" checked") && is_on());
    if let Ok(folder) = std::env::var("BUGLE_GALLERY") {
        super::gallery::write(std::path::Path::new(&folder), "intake", &page);
        super::gallery::write(std::path::Path::new(&folder), "attachments", &house.get("/issues/1").await);
    }
    house.post("/projects/shop/intake", "").await;
    assert!(!is_on());
}

bugle_db::on_postgres_too![attachments_go_with_their_event_and_by_their_own_age];
