//! What pages show.

use super::house::{HOUR_MS, House, elements};
use super::seed::{night, payment, simple};
use crate::store::now_ms;
use axum::http::{Request, StatusCode};
use serde_json::json;

#[tokio::test]
async fn strangers_are_sent_to_the_gate() {
    let house = House::new().await;
    let answer = house.call(Request::get("/issues?q=a%20b"), "").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.location(), "/session?next=%2Fissues%3Fq%3Da%2520b");
    let act = house.call(Request::post("/issues/1/resolution"), "").await;
    assert_eq!(act.status, StatusCode::UNAUTHORIZED);
    assert!(act.has("nothing was saved"));
    assert_eq!(house.get("/").await.location(), "/issues");
}

#[tokio::test]
async fn an_inbox_waits_then_shows_what_came() {
    let mut house = House::new().await;
    assert!(house.get("/issues").await.page().contains("There is no project yet."));
    let shop = house.project("Shop").await;
    assert!(house.get("/issues").await.page().contains("Waiting for the first event."));
    house.send(shop, vec![simple("KeyError", "'sku'", "cart.total", "error", now_ms() - HOUR_MS, "u1")]).await;
    let page = house.get("/issues").await;
    for part in
        ["<b>KeyError</b> 'sku'", "SHOP-1", "cart.total", "1 h ago", "New", "1 issue with events in the last 14 days"]
    {
        assert!(page.page().contains(part), "{part}");
    }
    assert!(page.has("received <b>1</b> = stored <b>1</b> + discarded <b>0</b> + backlog <b>0</b>"));
}

#[tokio::test]
async fn the_inbox_is_narrowed_by_its_address() {
    let mut house = House::new().await;
    night(&mut house).await;
    for (query, expected) in [
        ("", 16),
        ("q=level:warning", 2),
        ("q=timed+out", 1),
        ("environment=staging&q=PaymentError", 0),
        ("project=shop-web", 0),
        ("view=resolved", 0),
        ("q=is:resolved", 0),
        ("q=is:unresolved+level:debug", 1),
        ("view=mine", 0),
        ("q=!level:error&range=90d", 6),
    ] {
        let answer = house.get(&format!("/issues?{query}")).await;
        assert_eq!(
            answer.page().matches("<li data-issue").count()
                + answer.page().matches("<li class=\"quiet\" data-issue").count(),
            expected,
            "{query}"
        );
    }
    assert!(house.get("/issues?q=levle:error").await.page().contains("level:error"));
    assert_eq!(house.get("/issues?project=nope").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn pages_keep_their_budget() {
    let mut house = House::new().await;
    night(&mut house).await;
    let many = (0..60)
        .map(|at| simple(&format!("Error{at}"), "m", &format!("app.f{at}"), "error", now_ms() - at * 60_000, ""));
    house.send(1, many.collect()).await;
    for path in ["/issues", "/issues/1", "/issues/1/events"] {
        let answer = house.get(path).await;
        let page = answer.page();
        assert!(elements(page) <= 3_000, "{path} has {} elements", elements(page));
        assert!(page.len() <= 250 << 10, "{path} has {} bytes", page.len());
    }
    assert!(house.get("/issues").await.page().contains("1–50 of 76"));
    assert_eq!(house.get("/issues?page=2").await.page().matches("name=\"issue\"").count(), 26);
}

#[tokio::test]
async fn an_issue_shows_its_event() {
    let mut house = House::new().await;
    let shop = house.project("Shop").await;
    let now = now_ms();
    house.send(shop, vec![payment(now - 2 * HOUR_MS, 1), payment(now - HOUR_MS, 2), payment(now - 60_000, 3)]).await;
    let answer = house.get("/issues/1").await;
    for part in [
        "<b>PaymentError</b> wallet token could not be read",
        "payments/wallet.py:88",
        "New: first seen",
        "2 in a chain",
        "billing_from_token",
        "4 frames in django, gunicorn",
        "30 of 37",
        "https://shop.example.com/checkout/pay",
        "class=\"gone\"",
        "64.90 EUR",
        "cut from 212 KB to 16 KB",
        "Why these are one issue",
        "apple_pay",
        "First seen",
        "django 6.0",
    ] {
        assert!(answer.page().contains(part), "{part}");
    }
    let middle = format!("/issues/1/events/{:032x}", (2u128 << 96) | 1);
    let answer = house.get(&middle).await;
    assert!(answer.page().contains("rel=\"prev\"") && answer.has("rel=\"next\""));
    let raw: serde_json::Value = serde_json::from_str(&house.get(&format!("{middle}.json")).await.text).expect("JSON");
    assert_eq!(raw["extra"]["attempt"], 2);
    let text = house.get("/issues/1/events/oldest.md").await;
    assert!(text.has("## PaymentError: wallet token") && text.has("> payments/wallet.py:88 in billing_from_token"));
    assert!(house.get("/issues/1/events").await.page().matches("<tr>").count() == 4);
    assert_eq!(house.get("/SHOP-1").await.location(), "/issues/1");
    for missing in ["/SHOP-2", "/issues/9", "/issues/1/events/0", "/issues/1/events/newest.exe", "/nothing"] {
        assert_eq!(house.get(missing).await.status, StatusCode::NOT_FOUND, "{missing}");
    }
}

#[tokio::test]
async fn hostile_events_stay_text() {
    let mut house = House::new().await;
    let shop = house.project("Shop").await;
    let evil = "\"><script>alert(1)</script><img src=x onerror=alert(1)>";
    let mut event = payment(now_ms() - 1000, 1);
    for key in ["transaction", "release", "environment", "server_name", "logger", "platform", "level", "dist"] {
        event[key] = evil.into();
    }
    event["user"] = json!({ "id": evil, "email": evil });
    event["tags"] = json!([[evil, evil], ["browser", evil]]);
    event["contexts"] =
        json!({ evil: { evil: evil }, "deep": { "a": { "b": { "c": { "d": { "e": { "f": 1 } } } } } } });
    event["breadcrumbs"] =
        json!({ "values": [{ "category": evil, "message": evil, "level": evil, "timestamp": 1e300 }] });
    event["exception"]["values"][0] = json!({ "type": evil, "value": evil.repeat(500), "mechanism": { "type": evil, "handled": false },
        "stacktrace": { "frames": vec![json!({ "function": evil, "filename": evil, "context_line": evil, "lineno": i64::MAX, "in_app": true,
            "vars": { evil: vec![evil; 20] } }); 300] } });
    event["modules"] = (0..5_000).map(|at| (format!("m{at}"), json!(evil))).collect::<serde_json::Map<_, _>>().into();
    event["extra"] = (0..5_000).map(|at| (format!("k{at}"), json!(evil))).collect::<serde_json::Map<_, _>>().into();
    house.send(shop, vec![event]).await;
    for path in ["/issues", "/issues/1", "/issues/1/events", "/issues/1/deletion"] {
        let answer = house.get(path).await;
        assert!(!answer.page().contains("<script>alert") && !answer.has("<img"), "{path}");
        assert!(elements(&answer.text) <= 3_000, "{path} has {} elements", elements(&answer.text));
        assert!(answer.text.len() < 2 << 20, "{path} has {} bytes", answer.text.len());
    }
}

#[tokio::test]
async fn assets_are_named_by_their_content() {
    let house = House::new().await;
    let page = house.get("/issues").await;
    let paths = page.text.split('"').filter(|part| part.starts_with("/assets/"));
    let mut count = 0;
    for path in paths {
        let answer = house.call(Request::get(path), "").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(answer.headers["cache-control"].to_str().expect("text").contains("immutable"));
        count += 1;
    }
    assert_eq!(count, 6);
    assert_eq!(house.call(Request::get("/assets/tokens-0.css"), "").await.status, StatusCode::NOT_FOUND);
}

bugle_db::on_postgres_too![
    strangers_are_sent_to_the_gate,
    an_inbox_waits_then_shows_what_came,
    the_inbox_is_narrowed_by_its_address,
    pages_keep_their_budget,
    an_issue_shows_its_event,
    hostile_events_stay_text,
    assets_are_named_by_their_content,
];
