//! Feedback on pages, and the page of a project's browsers.

use super::house::{HOUR_MS, House};
use super::seed::{night, simple};
use crate::retention::{Retention, Round};
use crate::store::now_ms;
use axum::http::StatusCode;
use bugle_db::params;

const DAY_MS: i64 = 24 * HOUR_MS;

/// A row as filing leaves it.
pub(super) struct Row {
    pub(super) project: i64,
    pub(super) issue: Option<i64>,
    pub(super) at_ms: i64,
    pub(super) name: &'static str,
    pub(super) message: &'static str,
}

impl House {
    pub(super) async fn say(&self, row: Row) {
        let write = self.app.store.write(move |tx| {
            let id = tx.next_id("feedback")?;
            let event = match row.issue {
                Some(issue) => {
                    tx.first("SELECT event_id FROM events WHERE issue = $1 ORDER BY id DESC LIMIT 1", params![issue])?
                }
                None => None,
            };
            let event: Option<Vec<u8>> = event.map(|row| row.get(0)).transpose()?;
            let own = [&[9; 8][..], &id.to_be_bytes()].concat();
            tx.execute(
                "INSERT INTO feedback (id, project, feedback_id, event_id, issue, received_ms, name, email, message, url) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                params![
                    id, row.project, &own, event.as_deref(), row.issue, row.at_ms, row.name, "ada@customer.example",
                    row.message, "https://shop.example/cart?step=3"
                ],
            )
        });
        write.await.expect("writes");
    }
}

#[tokio::test]
async fn feedback_is_listed_and_stands_on_its_issue() {
    let mut house = House::new().await;
    assert!(house.get("/feedback").await.page().contains("Nobody has said anything"));
    let (shop, web) = (house.project("Shop").await, house.project("Web").await);
    let at_ms = now_ms();
    house.send(shop, vec![simple("KeyError", "'sku'", "cart.total", "error", at_ms - HOUR_MS, "u1")]).await;
    assert!(!house.get("/issues/1").await.page().contains("id=\"feedback\""), "no empty section");
    house.say(Row { project: shop, issue: Some(1), at_ms, name: "Ada <b>", message: "The cart\nwas empty" }).await;
    house.say(Row { project: web, issue: None, at_ms: at_ms - 1, name: "", message: "Too slow <script>" }).await;

    let all = house.get("/feedback").await;
    for part in
        ["Ada &lt;b&gt;", "The cart\nwas empty", "href=\"/issues/1\"", "Too slow &lt;script&gt;", "No error linked"]
    {
        assert!(all.page().contains(part), "{part}");
    }
    assert!(all.text.find("The cart") < all.text.find("Too slow"), "newest first");
    let one = house.get("/feedback?project=web").await;
    assert!(one.page().contains("Too slow") && !one.has("The cart"));
    let of_issue = house.get("/feedback?issue=1").await;
    assert!(of_issue.page().contains("The cart") && !of_issue.has("Too slow"));
    for strange in ["/feedback?project=theirs", "/feedback?issue=9", "/feedback?issue=x"] {
        assert_eq!(house.get(strange).await.status, StatusCode::NOT_FOUND, "{strange}");
    }
    let issue = house.get("/issues/1").await;
    assert!(issue.page().contains("Of this event") && issue.has("The cart") && issue.has("href=\"#feedback\""));
}

#[tokio::test]
async fn feedback_goes_with_its_project_s_days_and_with_its_project() {
    let house = House::new().await;
    let (shop, web) = (house.project("Shop").await, house.project("Web").await);
    house.post("/projects/shop/storage", "retention_days=7").await;
    for project in [shop, web] {
        for days in [1, 8, 91] {
            let at_ms = now_ms() - days * DAY_MS;
            house.say(Row { project, issue: None, at_ms, name: "", message: "x" }).await;
        }
    }
    let count = async |project: i64| -> i64 {
        let sql = "SELECT COUNT(*) FROM feedback WHERE project = $1";
        house.app.store.read(move |tx| tx.one(sql, params![project])).await.expect("reads")
    };
    let done = Retention::new(house.app.config.retention()).round(Round {
        db: house.app.store.blocking(),
        now_ms: now_ms(),
        lived_ms: DAY_MS,
        forget: &|_| (),
        has_filed: &|| true,
        breathe: &mut || true,
    });
    done.expect("removes");
    assert_eq!((count(shop).await, count(web).await), (1, 2));
    house.post("/projects/web", "_method=DELETE&slug=web").await;
    assert_eq!(count(web).await, 0);
}

#[tokio::test]
async fn a_project_s_browsers_are_set_up_on_one_page() {
    let house = House::new().await;
    house.project("Shop").await;
    let page = house.get("/projects/shop/browser").await;
    for part in ["js-sdk-loader/", "proxy_pass http://bugle.example/tunnel;", ">*</textarea>", "error-page/?dsn=http"] {
        assert!(page.page().contains(part), "{part}");
    }
    let refused = house.post("/projects/shop/browser/sites", "domains=shop.example%0Aex*mple").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.has("ex*mple&quot; is no site") && refused.has("shop.example\nex*mple</textarea>"),
        "{}",
        refused.text
    );
    for (form, fields) in [
        ("sites", "domains=shop.example%0D%0A*.shop.example%0D%0A"),
        ("tunnel", "open=on"),
        ("loader", "sdk_url=https%3A%2F%2Fshop.example%2Fsdk.js"),
    ] {
        let answer = house.post(&format!("/projects/shop/browser/{form}"), fields).await;
        assert_eq!(answer.location(), "/projects/shop/browser", "{}", answer.text);
    }
    let policy = house.app.store.policy(1);
    assert!(policy.browser.is_tunnelled && policy.browser.allows("https://www.shop.example"));
    assert!(!policy.browser.allows("https://evil.example"), "acts at once");
    let page = house.get("/projects/shop/browser").await;
    assert!(page.page().contains("shop.example\n*.shop.example</textarea>") && page.has("shop.example/sdk.js"));
    let odd = house.post("/projects/shop/browser/loader", "sdk_url=javascript%3Aalert(1)").await;
    assert!(odd.status == StatusCode::UNPROCESSABLE_ENTITY && odd.has("must begin with https://"));
    assert_eq!(house.post("/projects/shop/browser/nothing", "").await.status, StatusCode::NOT_FOUND);
    house.post("/projects/shop/browser/sites", "domains=").await;
    assert!(!house.app.store.policy(1).browser.allows("https://shop.example"), "an empty list is kept as one");
}

/// Not a test: pages as files, to be looked at.
#[tokio::test]
#[ignore = "writes files for people to look at"]
async fn gallery_of_feedback() {
    let folder = std::path::PathBuf::from(std::env::var("BUGLE_GALLERY").expect("BUGLE_GALLERY names a folder"));
    let mut house = House::new().await;
    super::gallery::write(&folder, "feedback-none", &house.get("/feedback").await);
    night(&mut house).await;
    let at_ms = now_ms();
    for (issue, ago_ms, name, message) in [
        (
            Some(1),
            60_000,
            "Ada Lovelace",
            "I pressed pay and nothing happened.\nThen the page said that something went wrong, but my card was charged.",
        ),
        (Some(1), 4 * HOUR_MS, "", "No order number, no mail. Did you get my order?"),
        (Some(3), 9 * HOUR_MS, "Charles", "Export hangs for more than ten minutes, with any date range."),
        (None, 30 * HOUR_MS, "Grace H.", "A dark theme would be nice."),
    ] {
        house.say(Row { project: 1, issue, at_ms: at_ms - ago_ms, name, message }).await;
    }
    for (name, path) in
        [("feedback", "/feedback"), ("feedback-issue", "/issues/1"), ("browser", "/projects/shop-api/browser")]
    {
        super::gallery::write(&folder, name, &house.get(path).await);
    }
}

bugle_db::on_postgres_too![
    feedback_is_listed_and_stands_on_its_issue,
    feedback_goes_with_its_project_s_days_and_with_its_project,
];
