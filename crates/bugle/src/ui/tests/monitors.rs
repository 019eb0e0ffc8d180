//! Monitors on their pages.

use super::house::{Answer, HOUR_MS, House};
use crate::monitor::check_in::CheckIn;
use crate::monitor::{filing, overdue};
use crate::outcome::{Category, Dialect};
use crate::record::{Item, Kind, Sender};
use crate::store::now_ms;
use axum::http::StatusCode;
use bugle_event::scrub::Scrubber;

impl House {
    /// Files a check-in that came some time ago.
    pub(super) async fn check_in(&self, project: i64, ago_ms: i64, said: &str) {
        let check_in = CheckIn::read(said.as_bytes(), &Scrubber::default()).expect("a check-in");
        let (dialect, category, received_ms) = (Dialect::Sentry, Category::Monitor, now_ms() - ago_ms);
        let sender = Sender { dialect, category, project, key: 1, received_ms };
        let body = check_in.to_bytes();
        let item = Item { sender, kind: Kind::CheckIn, event_id: None, about: String::new(), body };
        self.app.store.write(move |tx| filing::file(tx, &item)).await.expect("is filed");
    }

    /// Finds what is overdue now.
    pub(super) async fn look(&self) {
        self.app.store.write(|tx| overdue::find(tx, now_ms())).await.expect("looks");
    }
}

/// Hourly jobs: one that is well, one that fails, one that has stopped.
pub(super) async fn jobs(house: &House, project: i64) {
    let config = r#""monitor_config":{"schedule":{"type":"interval","value":1,"unit":"hour"},"checkin_margin":5}"#;
    for back in (0..40).rev() {
        let ago_ms = back * HOUR_MS + 120_000;
        let well =
            format!("{{\"monitor_slug\":\"send-invoices\",\"status\":\"ok\",\"duration\":{},{config}}}", 12 + back % 5);
        house.check_in(project, ago_ms, &well).await;
        let status = if back < 2 || back == 17 { "error" } else { "ok" };
        let fails =
            format!("{{\"monitor_slug\":\"nightly-export\",\"status\":\"{status}\",\"duration\":340.5,{config}}}");
        house.check_in(project, ago_ms, &fails).await;
        if back >= 4 {
            let stopped =
                format!("{{\"monitor_slug\":\"sync-stock\",\"status\":\"ok\",\"environment\":\"staging\",{config}}}");
            house.check_in(project, ago_ms, &stopped).await;
        }
    }
    let begun = format!(
        "{{\"monitor_slug\":\"nightly-export\",\"status\":\"in_progress\",\"environment\":\"staging\",{config}}}"
    );
    house.check_in(project, 60_000, &begun).await;
    house.look().await;
}

fn place(answer: &Answer, text: &str) -> usize {
    answer.text.find(text).unwrap_or_else(|| panic!("{text} is not there: {}", answer.text))
}

#[tokio::test]
async fn jobs_are_listed_with_their_runs_and_what_is_missing() {
    let house = House::new().await;
    let shop = house.project("Shop").await;
    let empty = house.get("/monitors?project=shop").await;
    assert!(empty.page().contains("No job has checked in") && empty.has("/cron/nightly-export/"));
    jobs(&house, shop).await;
    let list = house.get("/monitors").await;
    assert!(list.page().contains("3 jobs"));
    assert!(place(&list, ">sync-stock<") < place(&list, ">send-invoices<"), "those that fail first");
    assert!(list.has("The newest 30 runs: 30 OK") && list.has("The newest 30 runs: 27 OK, 3 missed"), "{}", list.text);
    let id = place(&list, "/monitors/1\"");
    assert!(list.text[id..].starts_with("/monitors/1\">send-invoices"));

    let one = house.get("/monitors/2").await;
    assert!(one.page().contains("every 1 hour") || one.has("every hour"));
    assert!(one.has("In progress") && one.has("5 min") && one.has("Failing"));
    let staging = house.get("/monitors/2?environment=staging").await;
    assert_eq!(staging.page().matches("In progress</span>").count(), 1);
    assert_eq!(house.get("/monitors/99").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_monitor_is_muted_and_deleted() {
    let house = House::new().await;
    let shop = house.project("Shop").await;
    house.check_in(shop, 1000, r#"{"monitor_slug":"<b>","status":"error"}"#).await;
    assert_eq!(house.post("/monitors/1/silence", "").await.location(), "/monitors/1");
    assert!(house.get("/monitors/1").await.page().contains("Unmute"));
    house.post("/monitors/1/silence", "_method=DELETE").await;
    assert!(!house.get("/monitors/1").await.page().contains("Unmute"));
    assert_eq!(house.post("/monitors/1", "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.post("/monitors/1", "_method=DELETE").await.location(), "/monitors");
    assert_eq!(house.get("/monitors/1").await.status, StatusCode::NOT_FOUND);
}

bugle_db::on_postgres_too![jobs_are_listed_with_their_runs_and_what_is_missing, a_monitor_is_muted_and_deleted,];
