//! Monitors by REST.

use super::{Api, each};
use crate::monitor::check_in::CheckIn;
use crate::monitor::{filing, overdue};
use crate::outcome::{Category, Dialect};
use crate::record::{Item, Kind, Sender};
use bugle_event::scrub::Scrubber;
use serde_json::{Value, json};

const AT_MS: i64 = 1_785_578_400_000;

impl Api {
    fn say(&self, minute: i64, said: &str) {
        let check_in = CheckIn::read(said.as_bytes(), &Scrubber::default()).expect("a check-in");
        let (dialect, category, received_ms) = (Dialect::Sentry, Category::Monitor, AT_MS + minute * 60_000);
        let sender = Sender { dialect, category, project: 1, key: 1, received_ms };
        let body = check_in.to_bytes();
        let item = Item { sender, kind: Kind::CheckIn, event_id: None, about: String::new(), body };
        self.write(move |tx| filing::file(tx, &item));
    }
}

#[tokio::test]
async fn monitors_and_check_ins_are_read_in_sentry_s_shape() {
    let api = Api::new();
    assert_eq!(api.get("/organizations/acme/monitors/").await.json(200), json!([]));
    api.say(
        0,
        r#"{"monitor_slug":"nightly","status":"ok","duration":2,"check_in_id":"83a7c03ed0a04e1b97e2e3b18d38f244",
            "monitor_config":{"schedule":{"type":"crontab","value":"0 * * * *"},"checkin_margin":5}}"#,
    );
    api.say(1, r#"{"monitor_slug":"hourly","status":"in_progress","environment":"dev","monitor_config":{"schedule":{"type":"interval","value":2,"unit":"hour"}}}"#);
    api.write(|tx| overdue::find(tx, AT_MS + 66 * 60_000));
    let list = api.get("/organizations/acme/monitors/").await;
    assert!(list.header("link").contains("rel=\"next\"; results=\"false\""));
    let list = list.json(200);
    assert_eq!(each(&list, "slug"), ["hourly", "nightly"]);
    assert_eq!(list[1]["config"]["schedule"], "0 * * * *");
    assert_eq!(list[0]["config"]["schedule"], json!([2, "hour"]));
    assert_eq!(list[1]["environments"][0]["status"], "error");
    assert_eq!(list[1]["project"]["slug"], "shop");
    assert_eq!(each(&api.get("/organizations/acme/monitors/?environment=dev").await.json(200), "slug"), ["hourly"]);
    let one = api.get("/organizations/acme/monitors/nightly/").await.json(200);
    assert_eq!(one["environments"][0]["nextCheckIn"], "2026-08-01T12:00:00.000000Z");

    let runs = api.get("/organizations/acme/monitors/nightly/checkins/").await.json(200);
    assert_eq!(each(&runs, "status"), ["missed", "ok"]);
    assert_eq!((&runs[1]["duration"], &runs[0]["duration"]), (&2000.into(), &Value::Null));
    assert_eq!(runs[1]["id"], "83a7c03e-d0a0-4e1b-97e2-e3b18d38f244");
    assert_eq!(runs[0]["expectedTime"], "2026-08-01T11:00:00.000000Z");
    let page = api.get("/organizations/acme/monitors/nightly/checkins/?per_page=1").await;
    assert!(page.header("link").contains("rel=\"next\"; results=\"true\""));
    api.get("/organizations/acme/monitors/none/").await.detail(404);
}
