//! Filters by REST: as Sentry's clients set them, and Bugle's own rules and dry runs.

use super::{Api, each, seed::event_id};
use bugle_event::Event;
use bugle_event::filter::{BUILT_IN, By};
use serde_json::{Value, json};

const FILTERS: &str = "/projects/acme/shop/filters/";
const RULES: &str = "/projects/acme/shop/filter-rules/";
const TRIALS: &str = "/projects/acme/shop/filter-trials/";

impl Api {
    /// What the door's snapshot makes of an event.
    fn judge(&self, event: &Value) -> Option<By> {
        let text = event.to_string();
        self.app.store.policy(1).filters.judge(&Event::stored(&text), None)
    }

    async fn active(&self, id: &str) -> Value {
        let list = self.get(FILTERS).await.json(200);
        list.as_array().expect("a list").iter().find(|one| one["id"] == id).expect("is there")["active"].clone()
    }
}

#[tokio::test]
async fn a_filter_is_switched_and_acts_at_once() {
    let api = Api::new();
    let list = api.get(FILTERS).await.json(200);
    assert_eq!(each(&list, "id"), BUILT_IN.map(|(_, id)| Value::from(id)));
    assert!(each(&list, "active").iter().all(|active| active == false), "nothing is on in a new project");
    let local = json!({ "request": { "url": "http://localhost/" } });
    assert_eq!(api.judge(&local), None);
    let path = format!("{FILTERS}localhost/");
    assert_eq!(api.call("PUT", &path, r#"{"active":true}"#).await.status, 204);
    assert!(api.judge(&local).is_some());
    api.call("PUT", &path, r#"{"active":false}"#).await;
    assert_eq!((api.judge(&local), api.active("localhost").await), (None, false.into()));

    let path = format!("{FILTERS}legacy-browsers/");
    api.call("PUT", &path, r#"{"subfilters":["ie","safari_pre_6"]}"#).await;
    assert_eq!(api.active("legacy-browsers").await, json!(["ie", "safari_pre_6"]));
    assert!(api.judge(&json!({ "contexts": { "browser": { "name": "IE", "version": "11.0" } } })).is_some());
    api.call("PUT", &path, r#"{"active":true}"#).await;
    assert_eq!(api.active("legacy-browsers").await, json!(["default"]));
    api.call("PUT", &path, r#"{"active":false}"#).await;
    assert_eq!(api.active("legacy-browsers").await, json!(false));
    for (path, body, status) in [
        ("legacy-browsers/", r#"{"subfilters":["netscape"]}"#, 400),
        ("ip-address/", r#"{"active":true}"#, 400),
        ("localhost/", r#"{"active":"maybe"}"#, 400),
        ("localhost/", r#"{}"#, 400),
        ("localhost/", r#"{"on":true}"#, 400),
        ("filtered-transaction/", r#"{"active":true}"#, 404),
    ] {
        api.call("PUT", &format!("{FILTERS}{path}"), body).await.detail(status);
    }
}

#[tokio::test]
async fn lists_are_options_of_the_project_and_act_at_once() {
    let api = Api::new();
    let path = "/projects/acme/shop/";
    let body = json!({ "options": {
        "filters:releases": "shop@1.*\n\n bad ", "filters:blacklisted_ips": "10.0.0.0/8", "filters:chunk-load-error": true,
        "filters:error_messages": ["*quota*"], "filters:react-hydration-errors": "1",
        "filters:csp_disallowed_sources": "data:" } });
    let project = api.call("PUT", path, &body.to_string()).await.json(200);
    let options = &project["options"];
    assert_eq!(options["filters:releases"], "shop@1.*\nbad");
    assert_eq!(options["filters:error_messages"], "*quota*");
    assert_eq!((&options["filters:chunk-load-error"], &options["filters:localhost"]), (&json!(true), &json!(false)));
    assert_eq!(options["filters:invalid-csp"], true, "a source is listed");
    assert_eq!(api.get(path).await.json(200)["options"], *options);
    assert!(api.judge(&json!({ "release": "shop@1.9" })).is_some());
    assert!(api.judge(&json!({ "user": { "ip_address": "10.9.9.9" } })).is_some());
    assert!(api.judge(&json!({ "logentry": { "formatted": "Over quota" } })).is_some());
    for body in [
        json!({ "filters:blacklisted_ips": "nowhere" }),
        json!({ "filters:releases": 7 }),
        json!({ "filters:unknown": true }),
        json!({ "filters:releases": "a*".repeat(50) }),
        json!({ "sentry:something": true }),
    ] {
        api.call("PUT", path, &json!({ "options": body }).to_string()).await.detail(400);
    }
    assert_eq!(api.get(path).await.json(200)["options"], *options, "a refused change changes nothing");
    let lifted = api.call("PUT", path, r#"{"options":{"filters:releases":""}}"#).await.json(200);
    assert_eq!(lifted["options"]["filters:releases"], "");
    assert_eq!(api.judge(&json!({ "release": "shop@1.9" })), None);
}

#[tokio::test]
async fn rules_are_made_changed_and_deleted() {
    let api = Api::new();
    let when = json!({ "all": [
        { "test": { "field": "release", "op": "glob", "values": ["shop@1.*"] } },
        { "not": { "any": [{ "test": { "field": "tag:plan", "op": "set" } }] } }] });
    let body = json!({ "name": "Old", "isActive": true, "when": when });
    let made = api.call("POST", RULES, &body.to_string()).await.json(201);
    assert_eq!((&made["id"], &made["dropped"], &made["lastDropped"]), (&"1".into(), &0.into(), &Value::Null));
    assert_eq!(made["when"]["all"][0], when["all"][0]);
    assert_eq!(api.judge(&json!({ "release": "shop@1.2" })), Some(By::Rule(1)));
    assert_eq!(api.judge(&json!({ "release": "shop@1.2", "tags": [["plan", "x"]] })), None);
    let one = format!("{RULES}1/");
    assert_eq!(api.get(&one).await.json(200), made);
    let mut changed = made.clone();
    changed["isActive"] = false.into();
    assert_eq!(api.call("PUT", &one, &changed.to_string()).await.json(200), changed, "what was read can be sent back");
    assert_eq!(api.judge(&json!({ "release": "shop@1.2" })), None);
    for body in [
        json!({ "name": "x", "isActive": true }),
        json!({ "name": "", "isActive": true, "when": when }),
        json!({ "name": "x", "isActive": true, "when": { "all": [] } }),
        json!({ "name": "x", "isActive": true, "when": { "test": { "field": "nothing", "op": "is", "values": ["x"] } } }),
        json!({ "name": "x", "isActive": true, "when": { "test": { "field": "url", "op": "regex", "values": ["x"] } } }),
        json!({ "name": "x", "isActive": true, "when": when, "more": 1 }),
    ] {
        api.call("POST", RULES, &body.to_string()).await.detail(400);
        api.call("PUT", &one, &body.to_string()).await.detail(400);
    }
    api.call("PUT", &format!("{RULES}9/"), &body.to_string()).await.detail(404);
    assert_eq!(api.call("DELETE", &one, "").await.status, 204);
    api.call("DELETE", &one, "").await.detail(404);
    assert_eq!(api.get(RULES).await.json(200), json!([]));
    assert_eq!(api.call("POST", RULES, &body.to_string()).await.json(201)["id"], "2", "never given twice");
    for n in 0..99 {
        let body = json!({ "name": format!("r{n}"), "isActive": true, "when": when });
        api.call("POST", RULES, &body.to_string()).await.json(201);
    }
    assert!(api.call("POST", RULES, &body.to_string()).await.detail(400).contains("100 rules"));
    let values: Vec<String> = (0..50).map(|n| n.to_string()).collect();
    let test = json!({ "test": { "field": "url", "op": "contains", "values": values } });
    let many = json!({ "name": "many", "isActive": true, "when": { "any": vec![test; 30] } });
    let mut refused = None;
    for id in 2..7 {
        let answer = api.call("PUT", &format!("{RULES}{id}/"), &many.to_string()).await;
        if answer.status != 200 {
            refused.get_or_insert((id, answer.detail(400)));
        }
    }
    let (id, detail) = refused.expect("too many values are refused");
    assert!(id == 5 && detail.contains("5000 values"), "{id}: {detail}");
}

#[tokio::test]
async fn a_dry_run_tells_numbers_issues_and_events() {
    let api = Api::new();
    let rule = json!({ "when": { "test": { "field": "platform", "op": "set" } } });
    let all = api.call("POST", TRIALS, &json!({ "rule": rule, "days": 14 }).to_string()).await.json(200);
    assert!(all["looked"].as_i64().is_some_and(|looked| looked > 0), "{all}");
    assert_eq!((&all["dropped"], &all["isWhole"]), (&all["looked"], &true.into()));
    let sum: i64 = each(&all["issues"], "dropped").iter().filter_map(Value::as_i64).sum();
    assert_eq!(Some(sum), all["dropped"].as_i64());
    assert!(
        each(&all["events"], "eventID").iter().all(|id| id.as_str().is_some_and(|id| id.len() == event_id(1).len()))
    );
    let none = api.call("POST", TRIALS, r#"{"filter":"chunk-load-error"}"#).await.json(200);
    assert_eq!((&none["dropped"], &none["days"]), (&0.into(), &7.into()));
    for body in [
        r#"{}"#,
        r#"{"filter":"nothing"}"#,
        r#"{"filter":"localhost","days":15}"#,
        r#"{"filter":"localhost","days":"many"}"#,
        r#"{"rule":{"when":{"all":[]}}}"#,
        r#"{"rule":[]}"#,
    ] {
        api.call("POST", TRIALS, body).await.detail(400);
    }
    api.call("POST", "/projects/acme/foreign/filter-trials/", r#"{"filter":"localhost"}"#).await.detail(404);
}

bugle_db::on_postgres_too![a_filter_is_switched_and_acts_at_once, a_dry_run_tells_numbers_issues_and_events];
