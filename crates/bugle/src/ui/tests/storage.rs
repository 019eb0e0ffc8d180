//! What a project keeps: pages say it, retention goes by it, and `bugle check` agrees afterwards.

use super::house::{HOUR_MS, House};
use super::seed::simple;
use crate::retention::{Done, Retention, Round};
use crate::store::now_ms;
use crate::{check, storage};
use axum::http::StatusCode;

const DAY_MS: i64 = 24 * HOUR_MS;

/// Events of one kind, one each `every_ms` until now.
fn events(kind: &str, count: i64, every_ms: i64) -> Vec<serde_json::Value> {
    let at = |back: i64| simple(kind, "m", &format!("app.{kind}"), "error", now_ms() - back * every_ms, "u1");
    (0..count).rev().map(at).collect()
}

impl House {
    /// A round of retention on a server that has lived long enough for its clock to be believed.
    fn retain(&self, retention: &mut Retention, now_ms: i64) -> Done {
        let done = retention.round(Round {
            db: self.app.store.blocking(),
            now_ms,
            lived_ms: DAY_MS,
            forget: &|ids| self.app.door.families.forget(ids),
            has_filed: &|| true,
            breathe: &mut || true,
        });
        let report = self.app.store.blocking().read_now(check::database).expect("reads");
        assert_eq!(report.found, Vec::<String>::new());
        done.expect("removes")
    }

    fn fresh(&self) -> Retention {
        Retention::new(self.app.config.retention())
    }

    fn one(&self, sql: &'static str) -> i64 {
        self.app.store.blocking().read_now(move |tx| tx.one(sql, &[])).expect("a number")
    }
}

#[tokio::test]
async fn a_project_says_what_it_keeps_and_sees_what_it_takes() {
    let mut house = House::new().await;
    let shop = house.project("Shop").await;
    let page = house.get("/projects/shop/storage").await;
    assert!(page.page().contains("No event is kept.") && page.has("placeholder=\"90\"") && page.has("any number"));
    house.send(shop, events("KeyError", 30, HOUR_MS)).await;
    house.send(shop, events("TypeError", 3, HOUR_MS)).await;
    let page = house.get("/projects/shop/storage").await;
    let (first, second) = (page.page().find("/issues/1\""), page.page().find("/issues/2\""));
    assert!(first.is_some() && first < second, "the biggest stands first");
    assert!(page.has("<data value=\"33\">33</data>"), "{}", page.text);
    assert!(house.get("/issues/1").await.page().contains("on the disk, 30 events kept"));

    for (form, told) in [
        ("retention_days=0", "Days are 1 to 36500"),
        ("issue_cap_per_hour=some", "whole number, not &quot;some&quot;"),
        ("bytes_max=much", "such as 500 MB"),
    ] {
        let answer = house.post("/projects/shop/storage", form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(answer.has(told), "{form}: {}", answer.text);
    }
    let form = "retention_days=7&issue_cap_per_hour=&issue_events_max=1,000&bytes_max=1.5 GB";
    assert_eq!(house.post("/projects/shop/storage", form).await.location(), "/projects/shop/storage");
    let page = house.get("/projects/shop/storage").await;
    for kept in ["value=\"7\"", "value=\"1000\"", "value=\"1500000000\""] {
        assert!(page.page().contains(kept), "{kept}");
    }
}

#[tokio::test]
async fn a_project_s_own_cap_acts_with_the_next_batch() {
    let mut house = House::new().await;
    let (shop, web) = (house.project("Shop").await, house.project("Web").await);
    house.post("/projects/shop/storage", "issue_cap_per_hour=5").await;
    for project in [shop, web] {
        house.send(project, events("KeyError", 8, 1)).await;
    }
    assert_eq!(house.one("SELECT capped FROM issues WHERE project = 1"), 3);
    assert_eq!(house.one("SELECT capped FROM issues WHERE project = 2"), 0);
    house.post("/projects/shop/storage", "issue_cap_per_hour=").await;
    house.send(shop, events("KeyError", 8, 1)).await;
    assert_eq!(house.one("SELECT capped FROM issues WHERE project = 1"), 3);
}

#[tokio::test]
async fn each_project_keeps_its_own_days() {
    let mut house = House::new().await;
    let (shop, web) = (house.project("Shop").await, house.project("Web").await);
    for project in [web, shop] {
        house.send(project, events("KeyError", 20, DAY_MS)).await;
    }
    let mut retention = house.fresh();
    assert_eq!(house.retain(&mut retention, now_ms()).events, 0);
    house.post("/projects/shop/storage", "retention_days=7").await;
    let walk_ms = now_ms() - HOUR_MS;
    assert_eq!(house.retain(&mut retention, walk_ms).events, 12, "rows of another project stand before them");
    // An hour later, but on the same day.
    let later_ms = walk_ms + HOUR_MS.min(DAY_MS - 1 - walk_ms % DAY_MS);
    assert_eq!(house.retain(&mut retention, later_ms).events, 0, "the walk is made once a day");
    assert_eq!(house.retain(&mut retention, now_ms() + DAY_MS).events, 2);
    assert_eq!(house.one("SELECT events FROM issues WHERE project = 1"), 20);
    assert_eq!(house.one("SELECT expired FROM issues WHERE project = 1"), 14);
    assert_eq!(house.one("SELECT COUNT(*) FROM events WHERE project = 2"), 20);
    assert!(house.get("/issues/1").await.page().contains("20"));
}

#[tokio::test]
async fn an_issue_keeps_its_newest_events() {
    let mut house = House::new().await;
    let shop = house.project("Shop").await;
    house.send(shop, events("KeyError", 30, HOUR_MS)).await;
    house.send(shop, events("TypeError", 9, HOUR_MS)).await;
    house.post("/projects/shop/storage", "issue_events_max=10").await;
    let before_ms = house.one("SELECT CAST(MAX(timestamp_ms) AS BIGINT) FROM events WHERE issue = 1") - 10 * HOUR_MS;
    assert_eq!(house.retain(&mut house.fresh(), now_ms()).events, 20);
    assert_eq!(house.one("SELECT COUNT(*) FROM events WHERE issue = 1"), 10);
    assert!(house.one("SELECT CAST(MIN(timestamp_ms) AS BIGINT) FROM events WHERE issue = 1") > before_ms);
    assert_eq!(house.one("SELECT COUNT(*) FROM events WHERE issue = 2"), 9);
    assert_eq!(house.one("SELECT events FROM issues WHERE id = 1"), 30);
}

#[tokio::test]
async fn a_loud_project_pays_for_itself() {
    let mut house = House::new().await;
    let (quiet, loud) = (house.project("Quiet").await, house.project("Loud").await);
    house.send(quiet, events("KeyError", 20, DAY_MS)).await;
    house.send(loud, events("TypeError", 1_200, 1_000)).await;
    let sizes = house.app.store.blocking().read_now(storage::of_projects).expect("reads");
    let live = house.app.store.blocking().read_now(|tx| tx.live_bytes()).expect("reads");
    let all: i64 = sizes.values().map(|size| size.bytes()).sum();
    let mut settings = house.app.config.retention();
    // What must go is less than the loud one is ahead, and there are enough events to take it from.
    settings.store_bytes_max = live - all / 5;
    let mut retention = Retention::new(settings);
    let done = house.retain(&mut retention, now_ms());
    assert!(done.events > 20 && done.events < 1_200, "{done:?}");
    assert_eq!(house.one("SELECT COUNT(*) FROM events WHERE project = 1"), 20, "older, and not its fault");
    let oldest = house.one("SELECT CAST(MIN(id) AS BIGINT) FROM events WHERE project = 2");
    assert_eq!(oldest, 21 + done.events, "its oldest went");

    settings.store_bytes_max = all / 2;
    let done = house.retain(&mut Retention::new(settings), now_ms());
    assert!(done.is_over, "counters alone are more than this");
    assert!(house.one("SELECT COUNT(*) FROM events") > 0, "and events are not taken for them");
}

#[tokio::test]
async fn a_project_stays_within_its_own_bytes() {
    let mut house = House::new().await;
    let (shop, web) = (house.project("Shop").await, house.project("Web").await);
    for project in [shop, web] {
        house.send(project, events("KeyError", 100, 1_000)).await;
    }
    let size =
        |project| house.app.store.blocking().read_now(move |tx| storage::of_project(tx, project)).expect("reads");
    let max = size(shop).bytes() - size(shop).event_bytes() / 2;
    house.post("/projects/shop/storage", &format!("bytes_max={max}")).await;
    let done = house.retain(&mut house.fresh(), now_ms());
    assert!((45..60).contains(&done.events), "{done:?}");
    assert!(size(shop).bytes() <= max);
    assert_eq!(house.one("SELECT COUNT(*) FROM events WHERE project = 2"), 100);
}

#[tokio::test]
async fn disk_comes_back() {
    let mut house = House::new().await;
    let shop = house.project("Shop").await;
    house.send(shop, events("KeyError", 600, 1_000)).await;
    let mut retention = house.fresh();
    let pages = "SELECT page_count FROM pragma_page_count";
    let before = house.one(pages);
    let ahead_ms = now_ms() + 200 * DAY_MS;
    // The clock is believed after it was so for a while.
    for _ in 0..12 {
        house.retain(&mut retention, ahead_ms);
    }
    assert_eq!(house.one("SELECT COUNT(*) FROM events"), 0);
    assert_eq!(house.one("SELECT COUNT(*) FROM exemplars"), 0, "nothing needs them");
    assert_eq!(house.one("SELECT freelist_count FROM pragma_freelist_count"), 0);
    assert!(house.one(pages) < before / 2, "{} of {before} pages", house.one(pages));
    assert_eq!(house.one("SELECT events FROM issues"), 600);
}

#[tokio::test]
async fn a_clock_that_jumps_costs_no_events() {
    let mut house = House::new().await;
    let shop = house.project("Shop").await;
    house.send(shop, events("KeyError", 60, DAY_MS)).await;
    let (mut retention, now_ms) = (house.fresh(), now_ms());
    assert_eq!(house.retain(&mut retention, now_ms).reckoned_ms, now_ms);
    let done = house.retain(&mut retention, now_ms + 365 * DAY_MS);
    assert_eq!(
        (done.events, done.reckoned_ms),
        (0, now_ms + 24 * DAY_MS),
        "it has lived a day since, and follows slowly"
    );
    let done = house.retain(&mut house.fresh(), now_ms - DAY_MS);
    assert_eq!((done.events, done.reckoned_ms), (0, now_ms - DAY_MS), "and back at once");
}

#[tokio::test]
async fn an_exemplar_stays_while_anything_needs_it() {
    let mut house = House::new().await;
    let shop = house.project("Shop").await;
    let payload = |id: u8| format!("{{\"event_id\":\"{:032x}\",\"message\":\"m\"}}", u128::from(id));
    let payloads = [payload(1), payload(2)];
    house.receive(shop, &[&payloads[0]]).await;
    house.receive(shop, &[&payloads[1]]).await;
    let exemplars = house.one("SELECT COUNT(*) FROM exemplars");
    let mut retention = house.fresh();
    for days in [0, 10, 30, 60] {
        house.retain(&mut retention, now_ms() + days * DAY_MS);
        assert_eq!(house.one("SELECT COUNT(*) FROM exemplars"), exemplars, "after {days} days");
    }
    assert_eq!(house.one("SELECT COUNT(*) FROM events"), 2);
}

#[tokio::test]
async fn an_issue_that_is_deleted_takes_its_size_along() {
    let mut house = House::new().await;
    let shop = house.project("Shop").await;
    house.send(shop, events("KeyError", 5, 1_000)).await;
    house.send(shop, events("TypeError", 2, 1_000)).await;
    house.post("/issues/1", "_method=DELETE").await;
    let size = house.app.store.blocking().read_now(move |tx| storage::of_project(tx, shop)).expect("reads");
    assert_eq!((size.events, size.exemplars), (2, 7), "exemplars go with a round of retention");
    house.retain(&mut house.fresh(), now_ms());
}
