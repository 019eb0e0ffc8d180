//! Limits of a project.

use super::Api;
use serde_json::{Value, json};

const PATH: &str = "/projects/acme/shop/limits/";

#[tokio::test]
async fn limits_are_set_and_lifted() {
    let api = Api::new();
    let before = api.get(PATH).await.json(200);
    assert_eq!((&before["rateLimit"], &before["monthlyQuota"]), (&Value::Null, &Value::Null));
    assert_eq!(
        (&before["spikeProtection"], &before["monthEnds"]),
        (&false.into(), &"2026-09-01T00:00:00.000000Z".into())
    );
    let body = json!({ "rateLimit": { "window": 60, "count": 5 }, "monthlyQuota": 1000, "spikeProtection": true });
    let set = api.call("PUT", PATH, &body.to_string()).await.json(200);
    for (name, value) in body.as_object().expect("an object") {
        assert_eq!(&set[name], value, "{name}");
    }
    assert_eq!(api.app.store.limits().projects[&1].limits.month_events_max, Some(1_000), "acts at once");
    let lifted = api.call("PUT", PATH, r#"{"monthlyQuota": null}"#).await.json(200);
    assert_eq!((&lifted["monthlyQuota"], &lifted["rateLimit"]), (&Value::Null, &body["rateLimit"]), "the others stay");
}

#[tokio::test]
async fn what_makes_no_sense_changes_nothing() {
    let api = Api::new();
    for body in [
        r#"{"monthlyQuota": -1}"#,
        r#"{"monthlyQuota": "many"}"#,
        r#"{"rateLimit": {"count": 5}}"#,
        r#"{"rateLimit": {"count": 5, "window": 0}}"#,
        r#"{"spikeProtection": 1}"#,
        r#"{"quota": 1}"#,
    ] {
        api.call("PUT", PATH, body).await.detail(400);
    }
    assert_eq!(api.get(PATH).await.json(200)["rateLimit"], Value::Null);
}
