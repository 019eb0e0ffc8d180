//! Feedback by REST, and the sites whose pages may send.

use super::seed::{KEY, event_id};
use super::{Api, NOW_MS};
use bugle_db::params;
use serde_json::{Value, json};

const PATH: &str = "/projects/acme/shop/user-feedback/";

fn body() -> String {
    json!({ "event_id": event_id(1), "name": "Ada", "email": "ada@b.example", "comments": "It broke" }).to_string()
}

impl Api {
    fn waiting(&self) -> i64 {
        self.app.backlog()
    }
}

#[tokio::test]
async fn feedback_is_sent_with_a_dsn_or_a_token() {
    let api = Api::new();
    let dsn = |key: &str, project: i64| Some(format!("DSN https://{key}@bugle.example/{project}"));
    let sent = api.call_with("POST", PATH, &body(), dsn(KEY, 1).as_deref()).await.json(200);
    assert_eq!((&sent["eventID"], &sent["comments"]), (&event_id(1).into(), &"It broke".into()));
    assert_eq!(sent["dateCreated"], "2026-08-01T12:00:00.000000Z");
    api.call("POST", PATH, &body()).await.json(200);
    assert_eq!(api.waiting(), 2, "both are in the journal");
    for (authorization, status) in [
        (dsn(&"9".repeat(32), 1), 401),
        (dsn("nonsense", 1), 401),
        (dsn(&"a".repeat(32), 2), 404),
        (None, 401),
        (Some("Bearer nonsense".into()), 401),
    ] {
        api.call_with("POST", PATH, &body(), authorization.as_deref()).await.detail(status);
    }
    for odd in ["{}", "[]", r#"{"event_id":"x","comments":"y"}"#, &body().replace("It broke", " ")] {
        api.call_with("POST", PATH, odd, dsn(KEY, 1).as_deref()).await.detail(400);
        api.call("POST", PATH, odd).await.detail(400);
    }
    assert_eq!(api.waiting(), 2);
}

#[tokio::test]
async fn feedback_is_listed_in_the_words_of_clients() {
    let api = Api::new();
    api.write(|tx| {
        for (id, project, issue) in [(1, 1, Some(1)), (2, 2, None), (3, 3, None)] {
            let own = [id as u8; 16];
            tx.execute(
                "INSERT INTO feedback (id, project, feedback_id, event_id, issue, received_ms, name, email, message, url) \
                 VALUES ($1, $2, $3, $4, $5, $6, 'Ada', 'a@b.example', 'It broke', '')",
                params![id, project, &own, &1_u128.to_be_bytes(), issue, NOW_MS - 1_000 * id],
            )?;
        }
        Ok(())
    });
    let all = api.get("/organizations/acme/user-feedback/").await;
    assert!(all.header("link").contains("rel=\"next\"; results=\"false\""));
    let all = all.json(200);
    assert_eq!(super::each(&all, "id"), [Value::from("01".repeat(16)), "02".repeat(16).into()], "not another's");
    assert_eq!((&all[0]["comments"], &all[0]["issue"]["id"]), (&"It broke".into(), &"1".into()));
    assert_eq!((&all[0]["event"]["eventID"], &all[1]["issue"]), (&event_id(1).into(), &Value::Null));
    assert_eq!(api.get("/projects/acme/app/user-feedback/").await.json(200).as_array().map(Vec::len), Some(1));
    assert_eq!(api.get("/issues/1/user-reports/").await.json(200)[0]["name"], "Ada");
    assert_eq!(api.get("/issues/1/").await.json(200)["userReportCount"], 1);
    let path = format!("/projects/acme/shop/events/{}/", event_id(1));
    assert_eq!(api.get(&path).await.json(200)["userReport"]["email"], "a@b.example");
}

#[tokio::test]
async fn allowed_domains_are_a_field_of_the_project() {
    let api = Api::new();
    let path = "/projects/acme/shop/";
    assert_eq!(api.get(path).await.json(200)["allowedDomains"], json!(["*"]));
    let set = api.call("PUT", path, r#"{"allowedDomains":["shop.example"," *.b.example "]}"#).await.json(200);
    assert_eq!(set["allowedDomains"], json!(["shop.example", "*.b.example"]));
    assert!(!api.app.store.policy(1).browser.allows("https://evil.example"), "acts at once");
    for odd in [r#"{"allowedDomains":5}"#, r#"{"allowedDomains":[5]}"#, r#"{"allowedDomains":["a b"]}"#] {
        api.call("PUT", path, odd).await.detail(400);
    }
    let text = api.call("PUT", path, "{\"allowedDomains\":\"a.example\\n\\nb.example\"}").await.json(200);
    assert_eq!(text["allowedDomains"], json!(["a.example", "b.example"]));
    assert_eq!(api.call("PUT", path, r#"{"allowedDomains":[]}"#).await.json(200)["allowedDomains"], json!([]));
}

bugle_db::on_postgres_too![feedback_is_listed_in_the_words_of_clients, allowed_domains_are_a_field_of_the_project,];
