//! The issue page over events as a real SDK sent them: `fixtures/bench`, captured from a Flask shop.

use super::house::{House, elements};
use axum::http::StatusCode;

const ENVELOPES: &str = include_str!("../../../../../fixtures/bench/envelopes.ndjson");

/// The events: the last of each envelope's three lines.
fn events() -> Vec<&'static str> {
    ENVELOPES.lines().skip(2).step_by(3).collect()
}

#[tokio::test]
async fn every_event_of_an_sdk_has_its_page() {
    let mut house = House::new().await;
    let shop = house.project("Shop").await;
    house.receive(shop, &events()).await;
    let ids: Vec<i64> = house
        .app
        .store
        .read(|tx| tx.query("SELECT id FROM issues ORDER BY id", &[])?.iter().map(|row| row.get(0)).collect())
        .await
        .expect("reads");
    assert!(ids.len() > 10, "{} issues", ids.len());
    for id in ids {
        let answer = house.get(&format!("/issues/{id}")).await;
        let page = answer.page();
        for part in
            ["class=\"pull\"", "<details class=\"frame\" open>", "id=\"breadcrumbs\"", "id=\"why\"", "id=\"people\""]
        {
            assert!(page.contains(part), "{part} of issue {id}");
        }
        assert!(elements(page) <= 3_000 && page.len() < 200 << 10, "{} elements, {} bytes", elements(page), page.len());
        assert!(!page.contains("[Filtered]"), "issue {id}: what was removed is a chip");
    }
}

#[tokio::test]
async fn a_frame_shows_its_line_and_its_variables() {
    let mut house = House::new().await;
    let shop = house.project("Shop").await;
    house.receive(shop, &events()[..1]).await;
    let answer = house.get("/issues/1").await;
    for part in [
        "<b>TypeError</b> 'NoneType' object is not iterable",
        "<i class=\"k\">return</i> dict(row)",
        "shop/catalog.py:19",
        "<code class=\"fn\">product</code>",
        "<dt>row</dt><dd><i class=\"n\">None</i></dd>",
        "<dt>sku</dt><dd><i class=\"s\">'MUG-100000'</i></dd>",
        "4 frames in flask",
        "not handled, by flask",
        "SELECT sku, title, cents, stock, grams FROM product WHERE sku = ?",
        "customer20000@mail.example",
        "sent as a context",
        "MUG-100000\" rel=\"noreferrer noopener\">",
        "or by the crash site and the message",
        "2 keys lead here",
        "sentry.python.flask 2.75.0",
    ] {
        assert!(answer.page().contains(part), "{part} in {}", answer.text);
    }
    assert_eq!(house.get("/issues/SHOP-1").await.location(), "/issues/1");
    assert_eq!(house.get("/issues/SHOP-2").await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.get("/issues/nothing").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_was_removed_before_storing_says_by_which_rule() {
    let mut house = House::new().await;
    let shop = house.project("Shop").await;
    let event = events()[0]
        .replacen("\"row\":", "\"card\":\"'4111 1111 1111 1111'\",\"password\":\"'hunter2'\",\"row\":", 1)
        .replacen("\"row\": ", "\"card\": \"'4111 1111 1111 1111'\", \"password\": \"'hunter2'\", \"row\": ", 1);
    house.receive(shop, &[&event]).await;
    let answer = house.get("/issues/1").await;
    assert!(!answer.page().contains("hunter2") && !answer.has("4111"));
    assert!(answer.has("by the rule “creditcard”") && answer.has("by the rule “password”"), "{}", answer.text);
}

bugle_db::on_postgres_too![
    every_event_of_an_sdk_has_its_page,
    a_frame_shows_its_line_and_its_variables,
    what_was_removed_before_storing_says_by_which_rule,
];
