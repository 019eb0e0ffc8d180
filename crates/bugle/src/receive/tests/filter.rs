//! Filters as SDKs meet them: they do not notice.

use super::browser::KEY;
use super::*;
use crate::filter;
use bugle_event::EventId;
use bugle_event::filter::{Legacy, Rule, Settings};
use serde_json::json;

/// An event of a developer's machine.
fn local(id: u128) -> String {
    format!(
        "{{\"event_id\":\"{id:032x}\"}}\n{{\"type\":\"event\"}}\n\
         {{\"message\":\"hello\",\"level\":\"error\",\"request\":{{\"url\":\"http://localhost:3000/\"}}}}\n"
    )
}

impl Server {
    async fn switch(&self, project: i64, settings: Settings) {
        self.write(move |tx| filter::set_settings(tx, project, &settings)).await;
    }

    /// Posts and answers status and body.
    async fn answer(&self, body: String) -> (StatusCode, String) {
        let request = Request::post("/api/1/envelope/")
            .header("x-sentry-auth", format!("Sentry sentry_version=7, sentry_key={:032x}", 1))
            .body(Body::from(body))
            .expect("a request");
        let (parts, body) = self.router.clone().oneshot(request).await.expect("answers").into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
        (parts.status, String::from_utf8(body.to_vec()).expect("text"))
    }

    async fn write_books(&self) {
        let entries = self.app.door.ledger.take();
        self.write(move |tx| entries.write(tx)).await;
        let report = self.app.store.read(crate::check::database).await.expect("reads");
        assert_eq!(report.found, Vec::<String>::new());
    }
}

/// Protocol reference, section 21, row 6.
#[tokio::test]
async fn filtered_events_return_200_and_only_the_rate_limiter_gives_429() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::new(folder.path(), Overrides::default(), 2).await;
    let rate = Some(Rate { count: 3, window_s: 604_800 });
    server.limit(1, ProjectLimits { rate, month_events_max: Some(2), is_spike_protected: true }).await;
    server.app.door.limits.set_usual([(1, 4)].into());
    server.switch(1, Settings { localhost: true, ..Settings::default() }).await;
    for _ in 0..10 {
        let id = rand();
        let (status, body) = server.answer(local(id)).await;
        assert_eq!((status, body), (StatusCode::OK, format!("{{\"id\":\"{id:032x}\"}}")));
        let told = server.app.door.turned_away.find(1, EventId(id.to_be_bytes())).expect("is remembered");
        assert_eq!(told.0, Reason::FilterLocalhost);
    }
    let last = server.post(1, 1, local(rand())).await;
    assert_eq!((last.status, last.limits()), (StatusCode::OK, ""), "no limit is used up");
    assert_eq!(server.used(1), 0, "and no quota");
    assert_eq!(server.post(2, 2, local(rand())).await.status, StatusCode::OK, "another project takes it");
    assert_eq!(server.used(2), 1);
    let (taken, refused) = server.fill(1).await;
    assert_eq!((taken, refused.status), (2, StatusCode::TOO_MANY_REQUESTS));

    server.write_books().await;
    let filtered = "SELECT CAST(SUM(quantity) AS BIGINT) FROM ledger WHERE project = 1 AND outcome = 'filtered' \
                    AND reason = 'localhost' AND category = 'error'";
    assert_eq!(server.count(filtered).await, 11);
    assert_eq!(server.count("SELECT quantity FROM filter_drops WHERE filter = 'localhost'").await, 11);
    server.stop();
}

#[tokio::test]
async fn a_rate_limit_of_a_key_is_not_used_up_by_what_is_filtered() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let flags = Overrides { accepted_per_minute_max: Some(20), ..Overrides::default() };
    let server = Server::new(folder.path(), flags, 1).await;
    server
        .write(|tx| {
            let mut key = project::keys(tx, 1)?.remove(0);
            (key.rate_count, key.rate_window_s) = (Some(3), Some(604_800));
            project::update_key(tx, &key)
        })
        .await;
    server.switch(1, Settings { localhost: true, ..Settings::default() }).await;
    for _ in 0..40 {
        assert_eq!(server.post(1, 1, local(rand())).await.status, StatusCode::OK);
    }
    assert_eq!(server.fill(1).await.0, 3);
    server.stop();
}

#[tokio::test]
async fn a_rule_acts_at_once_and_counts_by_its_number() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::new(folder.path(), Overrides::default(), 1).await;
    let rule = |is_active: bool, id: i64| {
        let when = json!({ "test": { "field": "url", "op": "contains", "values": ["LOCALHOST"] } });
        let rule = json!({ "id": id, "name": "Ours", "isActive": is_active, "when": when });
        serde_json::from_value::<Rule>(rule).expect("a rule")
    };
    let on = rule(true, 0);
    server.write(move |tx| filter::save_rule(tx, 1, on)).await;
    let (_, body) = server.answer(local(rand())).await;
    assert!(body.contains("\"id\""));
    assert_eq!(server.app.door.journal.last(), 0, "nothing of it is written");
    let off = rule(false, 1);
    server.write(move |tx| filter::save_rule(tx, 1, off)).await;
    server.answer(local(rand())).await;
    assert_eq!(server.app.door.journal.last(), 1);
    server.write_books().await;
    assert_eq!(server.count("SELECT quantity FROM filter_drops WHERE filter = 'rule:1'").await, 1);
    server.stop();
}

#[tokio::test]
async fn a_rule_sees_what_scrubbing_would_remove() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::new(folder.path(), Overrides::default(), 1).await;
    let when = json!({ "test": { "field": "message", "op": "contains", "values": ["4111 1111"] } });
    let rule = json!({ "name": "Cards", "isActive": true, "when": when });
    let rule: Rule = serde_json::from_value(rule).expect("a rule");
    server.write(move |tx| filter::save_rule(tx, 1, rule)).await;
    server.answer(event(rand()).replace("hello", "card 4111 1111 1111 1111")).await;
    assert_eq!(server.app.door.journal.last(), 0);
    server.stop();
}

#[tokio::test]
async fn attachments_go_with_a_filtered_event_and_the_rest_stays() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::new(folder.path(), Overrides::default(), 1).await;
    server.switch(1, Settings { localhost: true, ..Settings::default() }).await;
    let company = "\n{\"type\":\"attachment\",\"filename\":\"a.txt\",\"length\":2}\nhi\n{\"type\":\"session\"}\n";
    let started = bugle_event::time::rfc3339(now_ms());
    let session = format!(
        "{{\"sid\":\"{}\",\"init\":true,\"started\":\"{started}\",\"attrs\":{{\"release\":\"a@1\"}}}}",
        "1".repeat(32)
    );
    server.answer(local(rand()).trim_end().to_string() + company + &session).await;
    assert_eq!(server.app.door.journal.last(), 1, "the session");
    server.write_books().await;
    let attachments = "SELECT quantity FROM ledger WHERE outcome = 'filtered' AND category = 'attachment'";
    assert_eq!(server.count(attachments).await, 1);
    let drops = "SELECT CAST(SUM(quantity) AS BIGINT) FROM filter_drops";
    assert_eq!(server.count(drops).await, 1, "events alone are counted there");
    server.stop();
}

const CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
const EXPLORER: &str = "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko";
const GOOGLEBOT: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

/// Wants no old browsers and no robots.
fn picky() -> Settings {
    let legacy_browsers = ["default", "ie"].into_iter().filter_map(Legacy::find).collect();
    Settings { legacy_browsers, crawlers: true, ..Settings::default() }
}

#[tokio::test]
async fn old_browsers_and_robots_are_known_by_their_user_agent() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::filing(folder.path(), Overrides::default()).await;
    server.switch(1, picky()).await;
    let safari = |version: &str| {
        format!(
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_6_8) AppleWebKit/534 (KHTML, like Gecko) Version/{version} Safari/534"
        )
    };
    let cases = [
        (EXPLORER.to_string(), Some(Reason::FilterLegacyBrowsers)),
        (safari("5.1.10"), Some(Reason::FilterLegacyBrowsers)),
        (safari("17.4"), None),
        (GOOGLEBOT.into(), Some(Reason::FilterCrawlers)),
        (CHROME.into(), None),
    ];
    for (agent, expected) in &cases {
        let id = rand();
        let headers =
            json!({ "message": "m", "platform": "javascript", "request": { "headers": { "User-Agent": agent } } });
        let envelope = format!("{{\"event_id\":\"{id:032x}\"}}\n{{\"type\":\"event\"}}\n{headers}\n");
        assert_eq!(server.answer(envelope).await.0, StatusCode::OK);
        let told = server.app.door.turned_away.find(1, EventId(id.to_be_bytes())).map(|told| told.0);
        assert_eq!(told, *expected, "{agent}");
    }
    let report = json!({ "csp-report": { "document-uri": "https://shop.example/", "violated-directive": "img-src",
        "blocked-uri": "https://elsewhere.example/a.png" } });
    for agent in [GOOGLEBOT, CHROME] {
        let request = Request::post(format!("/api/1/security/?sentry_key={KEY}"));
        let request = request.header("content-type", "application/csp-report").header("user-agent", agent);
        assert_eq!(server.ask(request, report.to_string()).await.status, 200);
    }
    server.settled().await;
    assert_eq!(server.count("SELECT COUNT(*) FROM events").await, 3);
    server.write_books().await;
    assert_eq!(server.ledger("filtered", "legacy-browsers").await, 2);
    assert_eq!(server.ledger("filtered", "web-crawlers").await, 2);
    server.stop();
}

#[tokio::test]
async fn sessions_of_robots_old_browsers_and_unwanted_releases_are_no_sessions() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::filing(folder.path(), Overrides::default()).await;
    server.switch(1, Settings { releases: vec!["old@*".into()], ..picky() }).await;
    let session = |agent: &str, release: &str| {
        let started = bugle_event::time::rfc3339(now_ms());
        let attrs = json!({ "release": release, "user_agent": agent });
        let one = json!({ "sid": format!("{:032x}", rand()), "init": true, "started": started, "attrs": attrs });
        format!("{{\"type\":\"session\"}}\n{one}\n")
    };
    let sums = json!({ "aggregates": [{ "started": bugle_event::time::rfc3339(now_ms()), "exited": 7 }],
        "attrs": { "release": "shop@1", "user_agent": GOOGLEBOT } });
    let items = [
        session(GOOGLEBOT, "shop@1"),
        session(EXPLORER, "shop@1"),
        session(CHROME, "old@1"),
        session(CHROME, "shop@1"),
        format!("{{\"type\":\"sessions\"}}\n{sums}\n"),
    ];
    assert_eq!(server.answer(format!("{{}}\n{}", items.concat())).await.0, StatusCode::OK);
    server.settled().await;
    server.write_books().await;
    assert_eq!(server.count("SELECT CAST(SUM(sessions) AS BIGINT) FROM session_hours").await, 1);
    let of = async |reason| server.ledger("filtered", reason).await;
    assert_eq!((of("web-crawlers").await, of("legacy-browsers").await, of("release-version").await), (2, 1, 1));
    assert_eq!(server.count("SELECT COUNT(*) FROM filter_drops").await, 0, "events alone are counted there");
    server.stop();
}

#[tokio::test]
async fn an_address_is_unwanted_where_a_trusted_proxy_names_it() {
    for (proxies, unwanted, is_dropped) in [
        (None, "203.0.113.0/24", true),
        (None, "192.0.2.66", false),
        (Some(""), "203.0.113.0/24", false),
        (Some(""), "127.0.0.1", true),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let flags = Overrides { trusted_proxies: proxies.map(str::to_string), ..Overrides::default() };
        let server = Server::filing(folder.path(), flags).await;
        server.switch(1, Settings { addresses: vec![unwanted.into()], ..Settings::default() }).await;
        let started = bugle_event::time::rfc3339(now_ms());
        let session = json!({ "sid": "1".repeat(32), "init": true, "started": started, "attrs": { "release": "a@1" } });
        let body = format!("{}{{\"type\":\"session\"}}\n{session}\n", event(rand()));
        let request = Request::post(format!("/api/1/envelope/?sentry_key={KEY}"));
        let request = request.header("x-forwarded-for", "192.0.2.66, 203.0.113.9");
        assert_eq!(server.ask(request, body).await.status, 200);
        server.settled().await;
        server.write_books().await;
        let dropped = server.ledger("filtered", "ip-address").await;
        assert_eq!(dropped, 2 * i64::from(is_dropped), "{unwanted} {proxies:?}: the event and the session");
        server.stop();
    }
}

#[tokio::test]
async fn drops_of_a_project_that_is_gone_hold_nothing_up() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::new(folder.path(), Overrides::default(), 1).await;
    server.switch(1, Settings { localhost: true, ..Settings::default() }).await;
    server.answer(local(rand())).await;
    server.write(|tx| project::delete(tx, 1)).await;
    server.write_books().await;
    assert_eq!(server.count("SELECT COUNT(*) FROM filter_drops").await, 0);
    server.stop();
}

bugle_db::on_postgres_too![
    filtered_events_return_200_and_only_the_rate_limiter_gives_429,
    drops_of_a_project_that_is_gone_hold_nothing_up,
];
