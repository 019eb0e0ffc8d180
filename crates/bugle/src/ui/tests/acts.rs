//! What people do on pages, and who hears of it.

use super::house::House;
use super::seed::{payment, simple};
use crate::live::Fact;
use crate::store::now_ms;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::Value;
use tower::ServiceExt;

async fn house_with(kinds: &[&str]) -> House {
    let mut house = House::new().await;
    let shop = house.project("Shop").await;
    let events = kinds.iter().map(|kind| simple(kind, "m", &format!("app.{kind}"), "error", now_ms() - 5_000, "u"));
    house.send(shop, events.collect()).await;
    house
}

#[tokio::test]
async fn resolving_is_told_and_taken_back() {
    let house = house_with(&["KeyError"]).await;
    let mut facts = house.app.live.listen();
    let answer = house.post("/issues/1/resolution", "").await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/issues/1"));
    assert!(matches!(facts.try_recv(), Ok(Fact::Changed { issue: 1, .. })));
    let toast =
        answer.headers[header::SET_COOKIE].to_str().expect("text").split(';').next().expect("a cookie").to_string();
    let cookies = format!("bugle_session={}; {toast}", house.session);
    let page = house.call(Request::get("/issues/1").header(header::COOKIE, cookies), "").await;
    assert!(
        page.page().contains("SHOP-1 resolved.")
            && page.has("value=\"reopen\"")
            && page.has("Resolved by Mara Lindqvist")
    );
    assert!(page.headers[header::SET_COOKIE].to_str().expect("text").contains("Max-Age=0"), "shown once");
    assert!(house.get("/issues?view=resolved").await.page().contains("KeyError"));
    house.post("/issues/1/resolution", "_method=DELETE").await;
    assert!(house.get("/issues").await.page().contains("KeyError"));
    assert!(house.get("/issues/1").await.page().contains("</b> reopened it."));
}

#[tokio::test]
async fn an_event_after_resolving_brings_it_back() {
    let mut house = House::new().await;
    let shop = house.project("Shop").await;
    house.send(shop, vec![payment(now_ms() - 9_000_000, 1)]).await;
    house.post("/issues/1/resolution", "").await;
    house.send(shop, vec![payment(now_ms() + 1_000, 2)]).await;
    let page = house.get("/issues/1").await;
    assert!(page.page().contains("Regressed") && page.has("Came back") && page.has("Mara Lindqvist had resolved it"));
    assert!(house.get("/issues?view=regressed").await.page().contains("PaymentError"));
}

#[tokio::test]
async fn issues_are_given_commented_archived_and_deleted() {
    let house = house_with(&["KeyError", "OSError"]).await;
    house.post("/issues/1/assignment", "assignee=2").await;
    house.post("/issues/1/comments", "text=%3Cb%3Elook%3C%2Fb%3E%0Athere").await;
    let page = house.get("/issues/1").await;
    assert!(page.page().contains("assigned it to <b>Tobias Okello</b>") && page.has("&lt;b&gt;look&lt;/b&gt;\nthere"));
    let refused = house.post("/issues/1/assignment", "assignee=77").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.has("Only a member of the organization"));
    assert_eq!(house.post("/issues/1/comments", "text=+").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    house.post("/issues/1/archival", "").await;
    assert!(house.get("/issues?view=archived").await.page().contains("KeyError"));
    assert!(house.get("/issues/1/deletion").await.page().contains("Delete SHOP-1 and its 1 event?"));
    assert_eq!(house.post("/issues/1", "").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(house.post("/issues/1", "_method=delete").await.location(), "/issues");
    assert_eq!(house.get("/issues/1").await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.get("/issues/2").await.status, StatusCode::OK);
}

#[tokio::test]
async fn many_are_changed_at_once() {
    let house = house_with(&["AError", "BError", "CError"]).await;
    let answer = house.post("/bulk", "issue=1&issue=2&issue=x&do=resolve&back=%2Fissues%3Fq%3Da").await;
    assert_eq!(answer.location(), "/issues?q=a");
    assert!(house.get("/issues?view=resolved").await.page().contains("2 issues with"));
    let answer = house.post("/bulk", "all=1&q=Error&view=resolved&do=reopen&back=%2F%2Fevil.example").await;
    assert_eq!(answer.location(), "/");
    assert!(house.get("/issues").await.page().contains("3 issues with"));
    house.post("/bulk", "all=1&do=assign:2").await;
    assert_eq!(house.get("/issues").await.page().matches("Assigned to Tobias Okello").count(), 3);
    assert_eq!(house.post("/bulk", "do=resolve").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(house.post("/bulk", "issue=1&do=explode").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn posts_from_other_sites_are_refused() {
    let house = house_with(&["KeyError"]).await;
    let cookie = format!("bugle_session={}", house.session);
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let request = Request::post("/issues/1/resolution").header(header::COOKIE, &cookie).header(name, value);
        let answer = house.call(request.header(header::HOST, "bugle.example"), "").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.has("Another site tried to send this form"));
    }
    let own =
        Request::post("/issues/1/resolution").header(header::COOKIE, &cookie).header("origin", "http://bugle.example");
    assert_eq!(house.call(own.header(header::HOST, "inner:8000"), "").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn nobody_sees_another_organization() {
    let mut house = house_with(&["KeyError"]).await;
    let session = house.app.store.write(|tx| {
        let other = crate::access::organization::create(tx, "Other", None, 0)?.id;
        let zoe = crate::access::user::create(tx, "zoe@other.example", "Zoe", "x", 0)?;
        crate::access::user::add(tx, other, zoe, crate::access::Role::Owner)?;
        crate::access::session::start(tx, zoe, now_ms())
    });
    house.session = session.await.expect("a session");
    for path in ["/issues/1", "/issues/1/events", "/issues/1/events/newest.json", "/issues/1/deletion", "/SHOP-1"] {
        assert_eq!(house.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["/issues/1/resolution", "/issues/1/assignment", "/issues/1/comments", "/issues/1"] {
        let answer = house.post(path, "text=a&assignee=3&_method=delete").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    house.post("/bulk", "issue=1&do=resolve").await;
    let status: String =
        house.app.store.read(|tx| tx.one("SELECT status FROM issues WHERE id = 1", &[])).await.expect("is there");
    assert_eq!(status, "unresolved");
}

#[tokio::test]
async fn open_pages_hear_what_changes() {
    let mut house = house_with(&["KeyError"]).await;
    let request = Request::get("/stream").header(header::COOKIE, format!("bugle_session={}", house.session));
    let request = request.body(Body::empty()).expect("a request");
    let answer = house.router.clone().oneshot(request).await.expect("answers");
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut body = answer.into_body().into_data_stream();
    let heard = tokio::spawn(async move {
        let mut text = String::new();
        while !text.contains("\n\n") {
            let chunk = tokio_stream::StreamExt::next(&mut body).await.expect("more").expect("bytes");
            text.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
        text
    });
    // The stream listens from its first poll on; telling until it has heard needs no clock.
    while !heard.is_finished() {
        house.app.live.tell(Fact::Changed { organization: 99, project: 1, issue: 5 });
        house.send(1, vec![simple("KeyError", "m", "app.KeyError", "error", now_ms(), "v")]).await;
        tokio::task::yield_now().await;
    }
    let text = heard.await.expect("ends");
    let data = text.lines().find_map(|line| line.strip_prefix("data: ")).expect("data");
    let fact: Value = serde_json::from_str(data).expect("JSON");
    assert_eq!((&fact["fact"], &fact["issue"]), (&"issue".into(), &1.into()));
}

bugle_db::on_postgres_too![
    resolving_is_told_and_taken_back,
    an_event_after_resolving_brings_it_back,
    issues_are_given_commented_archived_and_deleted,
    many_are_changed_at_once,
    posts_from_other_sites_are_refused,
    nobody_sees_another_organization,
    open_pages_hear_what_changes,
];
