//! The pages of releases.

use super::house::{HOUR_MS, House};
use super::seed;
use crate::store::now_ms;
use axum::http::StatusCode;
use serde_json::{Value, json};

fn session(sid: &str, status: &str, release: &str) -> (&'static str, Value) {
    let started = (now_ms() - HOUR_MS) as f64 / 1e3;
    let attrs = json!({ "release": release, "environment": "production" });
    ("session", json!({ "sid": sid, "did": sid, "init": true, "started": started, "status": status, "attrs": attrs }))
}

#[tokio::test]
async fn releases_are_listed_with_how_they_do() {
    let mut house = House::new().await;
    let shop = house.project("Shop API").await;
    assert!(house.get("/releases").await.page().contains("No release was heard of"));
    let mut items: Vec<_> = (0..7).map(|at| session(&at.to_string(), "exited", "shop@1.0+5")).collect();
    items.push(session("7", "crashed", "shop@1.0+5"));
    house.sessions(shop, &items).await;
    let event = json!({
        "timestamp": now_ms() / 1000, "logentry": { "formatted": "no sessions" }, "release": "shop@0.9", "tags": [["release", "shop@0.9"]],
    });
    house.send(shop, vec![event]).await;
    let answer = house.get("/releases").await;
    let page = answer.page();
    for part in ["2 releases", ">1.0 (5)<", "87.50%", "100%", "adopted", "/releases/shop%401.0%2B5?project=shop-api"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let row = page.split("<tr>").find(|row| row.contains(">0.9<")).expect("its row");
    assert!(!row.contains('%') || row.matches('%').count() == row.matches("%40").count(), "no data is no share: {row}");
    assert_eq!(row.matches("–").count(), 5, "{row}");
    assert!(house.get("/releases?q=nothing").await.page().contains("No release has “nothing” in its name"));
    assert!(house.get("/releases?q=0.9").await.page().contains("1 release with “0.9”"));
    assert!(house.get("/releases?environment=staging").await.page().contains("No release was heard of"));
    assert!(house.get("/releases?environment=production").await.page().contains("1 release heard"));
    assert!(page.contains("aria-current=\"page\">Releases<"), "the navigation says where it is");
}

/// §21.22: versions in addresses contain `@`, `+`, `%` and anything but slashes.
#[tokio::test]
async fn a_release_has_a_page_under_any_name() {
    let mut house = House::new().await;
    let shop = house.project("Shop API").await;
    let version = "<b>my.app@1.0+5 %2F é?#\"";
    house.sessions(shop, &[session("a", "exited", version), session("b", "crashed", version)]).await;
    let event = json!({
        "timestamp": now_ms() / 1000, "logentry": { "formatted": "it broke" }, "release": version, "environment": "production",
        "tags": [["release", version]],
    });
    house.send(shop, vec![event]).await;
    let path = format!("/releases/{}", crate::ui::address::encode(version));
    assert!(house.get("/releases").await.page().contains(&path), "the list leads there");
    let answer = house.get(&format!("{path}?range=24h&environment=production")).await;
    let page = answer.page();
    for part in ["1 of its 2 sessions", "50.00%", "it broke", "1 issue first seen in it", "1 issue with events in it"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<b>my.app"), "names are text");
    assert_eq!(house.get("/releases/nothing").await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.get(&format!("{path}?project=other")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_release_says_nothing_of_runs_it_has_not_heard_of() {
    let mut house = House::new().await;
    let shop = house.project("Shop API").await;
    seed::releases(&mut house, shop).await;
    let answer = house.get("/releases/9ec79c33ec9942ab8353589fcb2e04dc").await;
    assert!(answer.page().contains("how many runs went well is not known") && !answer.has("100%"));
    let answer = house.get("/releases/shop.api%404.18.2").await;
    assert!(answer.page().contains("staging") && answer.has("as a table") && answer.has("crashed"));
    assert!(answer.page().len() < 60_000, "{}", answer.text.len());
    let found = house.app.store.read(crate::check::database).await.expect("reads").found;
    assert_eq!(found, [""; 0]);
}

#[tokio::test]
async fn releases_of_others_are_not_shown() {
    let world = super::world().await;
    world.another_organization().await;
    let announce =
        |tx: &mut bugle_db::Tx<'_>| crate::release::announce(tx, 2, "theirs@1", &Default::default(), now_ms());
    world.app.store.write(announce).await.expect("writes");
    let mut owner = world.owner().await;
    assert!(!owner.get("/releases").await.body.contains("theirs"));
    assert_eq!(owner.get("/releases/theirs%401").await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.stranger().get("/releases").await.status, StatusCode::SEE_OTHER);
}

bugle_db::on_postgres_too![
    releases_are_listed_with_how_they_do,
    a_release_has_a_page_under_any_name,
    a_release_says_nothing_of_runs_it_has_not_heard_of,
    releases_of_others_are_not_shown,
];
