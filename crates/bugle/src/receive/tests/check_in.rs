//! Check-ins as SDKs and cron lines send them.

use super::{Answer, Overrides, Server};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use tower::ServiceExt;

impl Server {
    async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_string())).expect("a request");
        let (parts, _) = self.router.clone().oneshot(request).await.expect("answers").into_parts();
        Answer { status: parts.status, headers: parts.headers }
    }

    async fn words(&self, sql: &'static str) -> Vec<String> {
        let read = move |tx: &mut bugle_db::Tx<'_>| tx.query(sql, &[])?.iter().map(|row| row.get(0)).collect();
        self.app.store.read(read).await.expect("reads")
    }
}

const KEY: &str = "00000000000000000000000000000001";
const RUNS: &str = "SELECT m.slug || ' ' || c.environment || ' ' || c.status || ' ' || CAST(COALESCE(c.duration_ms, 0) AS TEXT) \
                    FROM check_ins c JOIN monitors m ON m.id = c.monitor ORDER BY c.id";

#[tokio::test]
async fn check_ins_come_by_envelope_and_by_address() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut server = Server::new(folder.path(), Overrides::default(), 1).await;
    server.file();
    let envelope =
        |said: &str| format!("{{}}\n{{\"type\":\"check_in\"}}\n{{\"monitor_slug\":\"Nightly Job\",{said}}}\n");
    let id = "\"check_in_id\":\"83a7c03ed0a04e1b97e2e3b18d38f244\"";
    for said in [format!("{id},\"status\":\"in_progress\""), format!("{id},\"status\":\"ok\",\"duration\":1.5")] {
        assert_eq!(server.post(1, 1, envelope(&said)).await.status, StatusCode::OK);
    }
    let auth = ("x-sentry-auth", format!("Sentry sentry_key={KEY}"));
    let auth = [(auth.0, auth.1.as_str())];
    for (method, path, headers, body) in [
        (Method::GET, format!("/api/1/cron/backup/{KEY}/?status=ok&environment=dev&duration=2"), &[][..], ""),
        (Method::POST, format!("/api/1/cron/backup/{KEY}?status=error"), &[][..], ""),
        (Method::POST, "/api/1/cron/backup/?status=ok".into(), &auth[..], ""),
        (Method::GET, format!("/api/1/cron/backup?status=in_progress&sentry_key={KEY}"), &[][..], ""),
        (
            Method::POST,
            "/api/1/cron/weekly/".into(),
            &auth[..],
            r#"{"status":"ok","monitor_config":{"schedule":{"type":"interval","value":1,"unit":"week"}}}"#,
        ),
    ] {
        let answer = server.call(method, &path, headers, body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
    server.until("all are filed", |app| app.backlog() == 0).await;
    let expected = [
        "nightly-job production ok 1500",
        "backup dev ok 2000",
        "backup production error 0",
        "backup production ok 0",
        "backup production in_progress 0",
        "weekly production ok 0",
    ];
    assert_eq!(server.words(RUNS).await, expected);
    let expects = "SELECT m.slug FROM monitors m JOIN monitor_environments e ON e.monitor = m.id WHERE e.next_ms > 0";
    assert_eq!(server.words(expects).await, ["weekly"]);
    let stored = server.words("SELECT category || ' ' || outcome FROM ledger WHERE outcome = 'stored'").await;
    assert_eq!(stored, ["monitor stored"]);
    server.app.assert_balanced();
    server.stop();
}

#[tokio::test]
async fn a_check_in_that_says_nothing_is_refused_and_counted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::new(folder.path(), Overrides::default(), 2).await;
    for (path, status) in [
        (format!("/api/1/cron/backup/{KEY}/"), StatusCode::BAD_REQUEST),
        (format!("/api/1/cron/backup/{KEY}/?status=fine"), StatusCode::BAD_REQUEST),
        (format!("/api/2/cron/backup/{KEY}/?status=ok"), StatusCode::FORBIDDEN),
        ("/api/1/cron/backup/?status=ok".into(), StatusCode::UNAUTHORIZED),
        (format!("/api/1/cron/backup/{KEY}/?status=ok&sentry_key={:032x}", 2), StatusCode::UNAUTHORIZED),
        ("/api/1/cron/backup/nokey/?status=ok".into(), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(server.call(Method::GET, &path, &[], "").await.status, status, "{path}");
    }
    let long = "x".repeat(20 << 10);
    let answer = server.call(Method::POST, &format!("/api/1/cron/backup/{KEY}/?status=ok"), &[], &long).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    for payload in ["{}", "no json", &format!("{{\"monitor_slug\":\"{long}\",\"status\":\"ok\"}}")] {
        let envelope = format!("{{}}\n{{\"type\":\"check_in\"}}\n{payload}\n");
        assert_eq!(server.post(1, 1, envelope).await.status, StatusCode::OK, "an item is never a 4xx");
    }
    let entries = server.app.door.ledger.take();
    server.write(move |tx| entries.write(tx)).await;
    let refused = "SELECT CAST(SUM(quantity) AS BIGINT) FROM ledger WHERE category = 'monitor' AND outcome = 'invalid'";
    assert_eq!(server.count(refused).await, 6);
    assert_eq!(server.app.backlog(), 0);
    server.app.assert_balanced();
    server.stop();
}

#[tokio::test]
async fn a_check_in_by_address_is_never_answered_with_429() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let flags = Overrides { backlog_items_max: Some(0), ..Overrides::default() };
    let server = Server::new(folder.path(), flags, 1).await;
    let path = format!("/api/1/cron/backup/{KEY}/?status=ok");
    assert_eq!(server.call(Method::GET, &path, &[], "").await.status, StatusCode::ACCEPTED);
    let refused = server.call(Method::GET, &path, &[], "").await;
    assert_eq!((refused.status, refused.limits()), (StatusCode::ACCEPTED, ""), "too much waits to be filed");
    assert_eq!(server.app.backlog(), 1);
    let entries = server.app.door.ledger.take();
    server.write(move |tx| entries.write(tx)).await;
    let refused =
        "SELECT CAST(SUM(quantity) AS BIGINT) FROM ledger WHERE category = 'monitor' AND outcome = 'rate_limited'";
    assert_eq!(server.count(refused).await, 1);
    server.stop();
}
