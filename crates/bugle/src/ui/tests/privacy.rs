//! What is scrubbed: set on pages, tried before it is saved, and true for the next event.

use super::house::House;
use crate::access::session;
use crate::store::now_ms;
use axum::http::{StatusCode, header};

const SWITCHES: &str = "act=save&scrub=on&defaults=on&binary=on";

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn what_a_project_scrubs_is_set_on_its_page_and_acts_at_once() {
    let mut house = House::new().await;
    let shop = house.project("Shop").await;
    let page = house.get("/projects/shop/privacy").await;
    assert!(page.page().contains("Privacy of Shop") && page.has("name=\"scrub\" value=\"on\" checked"));
    assert!(!page.has("name=\"addresses\" value=\"on\" checked"));

    let form = format!(
        "{SWITCHES}&addresses=on&sensitive=badge%0D%0A%20locker%20%0D%0A&safe=password&rules=&kind=email&selector=extra.**&method=mask"
    );
    assert_eq!(house.post("/projects/shop/privacy", &form).await.location(), "/projects/shop/privacy");
    let page = house.get("/projects/shop/privacy").await;
    for kept in
        ["badge\nlocker</textarea>", "password</textarea>", "@email:mask", "name=\"addresses\" value=\"on\" checked"]
    {
        assert!(page.page().contains(kept), "{kept}");
    }
    let event = r#"{"message":"from 10.0.0.1","extra":{"myBadge":"b1","password":"kept","mail":"jo@x.example"}}"#;
    house.receive(shop, &[event]).await;
    let stored = house.app.store.read(move |tx| crate::event::list_of_project(tx, shop, 0, 1)).await.expect("reads");
    let json = &stored[0].json;
    assert!(json.contains(r#""myBadge":"[Filtered]","password":"kept","mail":"************""#), "{json}");
    assert!(json.contains("from [ip]") && json.contains(r#"["@email:mask","m",0,12]"#), "{json}");
}

#[tokio::test]
async fn rules_are_tried_before_they_are_saved_and_nothing_pasted_is_kept() {
    let house = House::new().await;
    house.project("Shop").await;
    let before = revision(&house).await;
    let sample = r#"{"message":"login with password=hunter2xyz","extra":{"mail":"canary-jo@x.example"}}"#;
    let form = format!(
        "{}&kind=email&selector=extra.**&method=replace&sample={}",
        SWITCHES.replace("save", "try"),
        encoded(sample)
    );
    let answer = house.post("/projects/shop/privacy", &form).await;
    let page = answer.page();
    assert!(page.contains("By the form") && page.contains("By what is saved"), "{page}");
    assert!(page.contains("<code>extra.mail</code>") && page.contains("@email:replace"), "{page}");
    assert!(page.contains("<mark>hunter2xyz</mark>"), "the default rules show, too");
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(revision(&house).await, before, "nothing was written");
    assert!(!house.get("/projects/shop/privacy").await.has("canary-jo"));

    let nothing = house.post("/projects/shop/privacy", "act=try").await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(nothing.has("There is no event to try."));
}

#[tokio::test]
async fn an_event_that_came_can_be_tried() {
    let mut house = House::new().await;
    let shop = house.project("Shop").await;
    house
        .receive(shop, &[r#"{"event_id":"11111111111111111111111111111111","message":"m","extra":{"shoe":"size-42"}}"#])
        .await;
    let form = format!("{}&sensitive=shoe&event=11111111111111111111111111111111", SWITCHES.replace("save", "try"));
    let answer = house.post("/projects/shop/privacy", &form).await;
    assert!(
        answer.page().contains("<mark>size-42</mark>") && answer.has("By what is saved: nothing would go."),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn what_cannot_be_meant_comes_back_with_its_sentence() {
    let house = House::new().await;
    house.project("Shop").await;
    for (fields, told) in [
        (
            "rules=%7B%22rules%22%3A%7B%22a%22%3A%7B%22type%22%3A%22emial%22%7D%7D%7D",
            "rules.a.type &quot;emial&quot; is not known",
        ),
        ("kind=email", "says not where it is for"),
        ("kind=pattern&selector=**&pattern=(x&method=mask", "is no regular expression"),
        ("kind=email&selector=a..b&method=mask", "where a name belongs"),
        ("sensitive=--", "neither letter nor digit"),
    ] {
        for act in ["save", "try"] {
            let form = format!("{}&{fields}", SWITCHES.replace("save", act));
            let answer = house.post("/projects/shop/privacy", &form).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields}");
            assert!(answer.has(told), "{fields}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn an_organization_s_page_holds_for_its_projects_and_only_owners_change_it() {
    let mut house = House::new().await;
    let shop = house.project("Shop").await;
    let form = "act=save&scrub=on&defaults=on&binary=on&sensitive=badge";
    assert_eq!(house.post("/settings/privacy", form).await.location(), "/settings/privacy");
    house.post("/projects/shop/privacy", "act=save&safe=badge%0Apassword").await;
    let page = house.get("/projects/shop/privacy").await;
    assert!(page.page().contains("The organization requires the default rules"), "{}", page.text);
    house.receive(shop, &[r#"{"message":"m","extra":{"badge":"b1","password":"p1"}}"#]).await;
    let stored = house.app.store.read(move |tx| crate::event::list_of_project(tx, shop, 0, 1)).await.expect("reads");
    assert!(stored[0].json.contains(r#""badge":"[Filtered]","password":"[Filtered]""#), "{}", stored[0].json);

    house.session = house.app.store.write(|tx| session::start(tx, 2, now_ms())).await.expect("a session");
    let refused = house.post("/settings/privacy", "act=save").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(house.get("/settings/privacy").await.page().contains("Only an owner of Acme can change this."));
}

/// Rises with whatever is set.
async fn revision(house: &House) -> i64 {
    let read = house.app.store.read(|tx| tx.one("SELECT value FROM state WHERE name = 'revision'", &[]));
    read.await.expect("reads")
}
