//! Filters as people set them: switches, rules, and what they would have dropped.

use super::house::{HOUR_MS, House};
use super::seed::simple;
use crate::filter::trial;
use crate::filter::{drops, rules, settings};
use crate::retention::Retention;
use crate::store::now_ms;
use axum::http::StatusCode;
use bugle_event::filter::{BuiltIn, By, Filters, Settings};
use serde_json::{Value, json};

const DAY_MS: i64 = 24 * HOUR_MS;
const PAGE: &str = "/projects/shop/filters";

/// Events of one kind, one each hour until now; every other one of a robot.
fn events(kind: &str, count: i64) -> Vec<Value> {
    let one = |back: i64| {
        let mut event = simple(kind, "m", &format!("app.{kind}"), "error", now_ms() - back * HOUR_MS, "u1");
        let agent = if back % 2 == 0 { "Googlebot/2.1" } else { "Mozilla/5.0 Firefox/140.0" };
        event["request"] = json!({ "headers": [["User-Agent", agent]] });
        event
    };
    (0..count).rev().map(one).collect()
}

impl House {
    async fn filters(&self) -> (Settings, Vec<String>) {
        let read = |tx: &mut bugle_db::Tx<'_>| Ok((settings(tx, 1)?, rules(tx, 1)?));
        let (settings, rules) = self.app.store.read(read).await.expect("reads");
        (settings, rules.list.into_iter().map(|rule| rule.name).collect())
    }
}

#[tokio::test]
async fn built_in_filters_are_switched_on_and_say_what_is_wrong() {
    let house = House::new().await;
    house.project("Shop").await;
    let page = house.get(PAGE).await;
    assert!(page.page().contains("There is no rule.") && page.has("dropped nothing yet") && !page.has(" checked"));
    assert!(house.get("/projects/shop/settings").await.has("/projects/shop/filters\""));
    let wrong = house.post(PAGE, "act=save&on=localhost&addresses=10.0.0.0/8%0D%0Anowhere&releases=1.*").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.has("&quot;nowhere&quot; is no address") && wrong.has("10.0.0.0/8\r\nnowhere") && wrong.has("1.*"));
    assert_eq!(house.filters().await.0, Settings::default());
    let form =
        "act=save&on=localhost&on=web-crawlers&addresses=10.0.0.0/8%0D%0A%0D%0A203.0.113.7&browsers=ie&browsers=safari";
    assert_eq!(house.post(PAGE, form).await.location(), PAGE);
    let saved = house.filters().await.0;
    assert!(saved.localhost && saved.crawlers && !saved.extensions);
    assert_eq!(saved.addresses, ["10.0.0.0/8", "203.0.113.7"]);
    assert_eq!(house.get(PAGE).await.page().matches(" checked").count(), 4);
    house.post(PAGE, "act=save").await;
    assert_eq!(house.filters().await.0, Settings::default(), "what is not sent is off");
}

#[tokio::test]
async fn a_dry_run_says_how_many_and_which_and_changes_nothing() {
    let mut house = House::new().await;
    let (shop, web) = (house.project("Shop").await, house.project("Web").await);
    let nothing = house.post(PAGE, "act=try:web-crawlers&days=7").await;
    assert!(nothing.page().contains("there is nothing to try it on"));
    house.send(shop, events("KeyError", 40)).await;
    house.send(web, events("TypeError", 9)).await;
    house.send(shop, events("ValueError", 3)).await;
    let page = house.post(PAGE, "act=try:web-crawlers&days=14&releases=2.*").await;
    let text = page.page();
    assert!(text.contains("would have dropped <b>22</b> of <b>43</b> events (51%). Nothing was saved."), "{text}");
    assert!(text.contains("all events of the last 14 days"));
    let (first, second) = (text.find("<data value=\"20\">"), text.find("<data value=\"2\">"));
    assert!(first.is_some() && first < second, "by issue, the most first");
    assert!(text.contains("/issues/1/events/") && !text.contains("TypeError"), "only of this project");
    assert!(text.contains("2.*"), "what was typed stays");
    assert_eq!(house.filters().await, (Settings::default(), Vec::new()));
    let page = house.post(PAGE, "act=try:web-crawlers&days=1").await;
    assert!(page.page().contains("of <b>27</b> events"), "24 h and the three others: {}", page.text);
    let wrong = house.post(PAGE, "act=try:ip-address&addresses=x").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_dry_run_that_ends_early_says_so() {
    let mut house = House::new().await;
    let shop = house.project("Shop").await;
    house.send(shop, events("KeyError", 700)).await;
    let filters = || Filters::new(Settings { crawlers: true, ..Settings::default() }, &[]);
    let whole = trial::run(&house.app, shop, filters(), 14, now_ms()).await.expect("runs");
    assert_eq!((whole.looked, whole.dropped, whole.is_whole, whole.stored), (336, 168, true, 700), "14 days of hours");
    let cut = trial::run_within(&house.app, shop, filters(), 14, now_ms(), 100).await.expect("runs");
    assert!((100..300).contains(&cut.looked) && !cut.is_whole, "{cut:?}");
    let reached_ms = cut.reached_ms.expect("was somewhere");
    assert!((now_ms() - reached_ms - (cut.looked - 1) * HOUR_MS).abs() < HOUR_MS);
}

#[tokio::test]
async fn a_rule_is_written_tried_saved_switched_and_deleted_without_script() {
    let mut house = House::new().await;
    let shop = house.project("Shop").await;
    house.send(shop, events("KeyError", 6)).await;
    house.send(shop, events("ValueError", 4)).await;
    let (new, rules) = ("/projects/shop/filters/rules/new", "/projects/shop/filters/rules");
    assert!(house.get(new).await.page().contains("Add a condition"));
    let row = "field=error.type&tag=&negated=&op=is&values=keyerror";
    let more = house.post(rules, &format!("act=add&name=Keys&match=all&active=on&{row}")).await;
    assert_eq!(more.page().matches("name=\"values\"").count(), 2);
    assert!(more.has("value=\"error.type\" selected") && more.has(">keyerror</textarea>"));
    let two = format!("{row}&field=user_agent&tag=&negated=not&op=contains&values=googlebot");
    let fewer = house.post(rules, &format!("act=remove-0&name=Keys&match=all&active=on&{two}")).await;
    assert!(fewer.page().matches("name=\"values\"").count() == 1 && fewer.has(">googlebot</textarea>"));
    let tried = house.post(rules, &format!("act=try&days=7&name=Keys&match=all&{two}")).await;
    assert!(tried.page().contains("would have dropped <b>3</b> of <b>10</b>"), "{}", tried.text);
    let empty = house.post(rules, "act=save&name=Keys&match=all&field=url&tag=&negated=&op=is&values=").await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(empty.has("nothing to compare with"));
    assert_eq!(house.filters().await.1, Vec::<String>::new());

    let saved = house.post(rules, &format!("act=save&name=Keys&note=gone+by+May&match=all&active=on&{two}")).await;
    assert_eq!(saved.location(), "/projects/shop/filters#rules");
    let page = house.get(PAGE).await;
    let sentence = "Error type is “keyerror” and User agent never contains “googlebot”.";
    assert!(page.page().contains(sentence) && page.has("gone by May"), "{}", page.text);
    let one = "/projects/shop/filters/rules/1";
    assert!(house.get(one).await.page().contains(">keyerror</textarea>"));
    house.post(&format!("{one}/activity"), "_method=DELETE").await;
    assert!(house.get(PAGE).await.page().contains("switched off"));
    house.post(&format!("{one}/activity"), "").await;
    assert!(!house.get(PAGE).await.page().contains("switched off"));
    let json = house.post(one, &format!("act=json&name=Keys&match=all&active=on&{two}")).await;
    assert!(json.page().contains("&quot;googlebot&quot;") && json.has("name=\"json\""));
    assert_eq!(house.post(one, "_method=DELETE").await.location(), "/projects/shop/filters#rules");
    assert_eq!(house.get(one).await.status, StatusCode::NOT_FOUND);
    for path in ["/projects/shop/filters/rules/0", "/projects/shop/filters/rules/9"] {
        assert_eq!(
            house.post(path, &format!("act=save&name=Keys&match=all&{row}")).await.status,
            StatusCode::NOT_FOUND
        );
    }
    house.post(rules, &format!("act=save&name=Again&match=all&active=on&{row}")).await;
    assert_eq!(
        house.get("/projects/shop/filters/rules/2").await.status,
        StatusCode::OK,
        "a number is never given twice"
    );
}

#[tokio::test]
async fn what_was_dropped_stands_beside_its_filter_for_as_long_as_it_is_kept() {
    let house = House::new().await;
    house.project("Shop").await;
    let now_ms = now_ms();
    house
        .app
        .store
        .write(move |tx| {
            tx.execute(
                "INSERT INTO project_options (project, name, value) VALUES (1, 'filters', '{\"crawlers\":true}')",
                &[],
            )?;
            let mut sums = drops::Sums::default();
            for day in 0..200 {
                for _ in 0..10 {
                    sums.add(1, By::BuiltIn(BuiltIn::Crawlers), now_ms - 3 * 60_000 - day * DAY_MS);
                }
            }
            sums.write(tx)
        })
        .await
        .expect("writes");
    let page = house.get(PAGE).await;
    let told = "dropped <data value=\"140\">140 events</data> in 14 days, the last <time";
    assert!(page.page().contains(told) && page.has("3 min ago"), "{}", page.text);
    let db = house.app.store.blocking();
    Retention::new(house.app.config.retention())
        .round(crate::retention::Round {
            db,
            now_ms,
            lived_ms: DAY_MS,
            forget: &|_| {},
            has_filed: &|| true,
            breathe: &mut || true,
        })
        .expect("removes");
    let left: i64 = db.read_now(|tx| tx.one("SELECT COUNT(*) FROM filter_drops", &[])).expect("reads");
    assert!((drops::DAYS_KEPT..=drops::DAYS_KEPT + 2).contains(&left), "{left}");
}

bugle_db::on_postgres_too![
    a_dry_run_says_how_many_and_which_and_changes_nothing,
    what_was_dropped_stands_beside_its_filter_for_as_long_as_it_is_kept,
];
