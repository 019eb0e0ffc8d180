//! Reports through the router, as browsers post them, and what is filed of them.

use crate::access::{Role, organization, user};
use crate::app::Shared;
use crate::config::{Config, Overrides};
use crate::process::Worker;
use crate::project;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::connect_info::MockConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use bugle_event::Event;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tower::ServiceExt;

const KEY: &str = "00000000000000000000000000000001";
const CSP: &str = r#"{"csp-report":{"document-uri":"https://shop.example/cart?token=s3cr3t-abcdef","violated-directive":"img-src 'self'",
    "effective-directive":"img-src","blocked-uri":"https://evil.example/a.png?token=s3cr3t-abcdef","script-sample":""}}"#;

struct Site {
    app: Shared,
    router: Router,
    worker: Option<Worker>,
    _folder: tempfile::TempDir,
}

impl Site {
    async fn new() -> Site {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let flags = Overrides { disk_free_bytes_min: Some(0), ..Overrides::default() };
        let config = Config::resolve(folder.path().into(), None, Overrides::default(), flags).expect("resolves");
        let (app, worker, _) = crate::serve::open(config).expect("opens");
        let peer = MockConnectInfo(SocketAddr::from(([203, 0, 113, 9], 1)));
        let router = crate::receive::router().layer(peer).with_state(app.clone());
        let made = app.store.write(|tx| {
            let acme = organization::create(tx, "Acme", None, 1)?.id;
            let owner = user::create(tx, "owner@acme.example", "Olga", "none", 1)?;
            user::add(tx, acme, owner, Role::Owner)?;
            project::create(tx, acme, "Shop", "", KEY, 1).map(drop)
        });
        made.await.expect("writes");
        Site { app, router, worker: Some(worker), _folder: folder }
    }

    async fn post(&self, path: &str, kind: &str, body: &str) -> (StatusCode, HeaderMap, String) {
        let mut request = Request::post(format!("/api/1/{path}")).header("user-agent", "Firefox/140.0");
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        let request = request.body(Body::from(body.to_string())).expect("a request");
        let (parts, body) = self.router.clone().oneshot(request).await.expect("answers").into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).expect("text"))
    }

    async fn status(&self, path: &str, kind: &str, body: &str) -> u16 {
        self.post(&format!("{path}?sentry_key={KEY}"), kind, body).await.0.as_u16()
    }

    /// Files what waits; the stored events.
    async fn filed(&mut self) -> Vec<String> {
        let worker = self.worker.take().expect("has not begun");
        let filing = std::thread::spawn(move || worker.run());
        let since = Instant::now();
        while self.app.backlog() > 0 {
            assert!(since.elapsed() < Duration::from_secs(20), "not filed within 20 s");
            tokio::task::yield_now().await;
        }
        self.app.door.journal.stop();
        self.app.door.backlog.stop();
        filing.join().expect("the worker ended well");
        let read = self.app.store.read(|tx| {
            let mut events = Vec::new();
            crate::event::each(tx, &crate::event::Selection::default(), 0, 100, |stored| events.push(stored.json))?;
            Ok(events)
        });
        read.await.expect("reads")
    }

    /// Sums of the ledger: category, outcome, reason, quantity.
    async fn books(&self) -> Vec<String> {
        let entries = self.app.door.ledger.take();
        let read = self.app.store.write(move |tx| {
            entries.write(tx)?;
            let sums = "SELECT category || ' ' || outcome || ' ' || reason || ' ' || CAST(SUM(quantity) AS TEXT) \
                        FROM ledger WHERE outcome <> 'received' GROUP BY category, outcome, reason ORDER BY 1";
            tx.query(sums, &[])?.iter().map(|row| row.get::<String>(0)).collect::<Result<Vec<_>, _>>()
        });
        read.await.expect("reads")
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.app.assert_balanced();
        }
    }
}

#[tokio::test]
async fn a_report_becomes_an_event_with_release_environment_and_address() {
    let mut site = Site::new().await;
    let path = format!("security/?sentry_key={KEY}&sentry_release=shop%404.1&sentry_environment=qa");
    let (status, headers, body) = site.post(&path, "application/csp-report", CSP).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, ""));
    assert_eq!(headers["access-control-allow-origin"], "*");
    let events = site.filed().await;
    let event = Event::stored(&events[0]);
    assert_eq!(event.message(), Some("Blocked 'image' from 'evil.example'"));
    assert_eq!(
        (event.text("release"), event.text("environment"), event.text("type")),
        (Some("shop@4.1"), Some("qa"), Some("csp"))
    );
    assert_eq!(event.user_ident().as_deref(), Some("ip:203.0.113.9"));
    assert_eq!(event.tag("effective-directive"), Some("img-src"));
    assert!(events[0].contains("Firefox/140.0") && !events[0].contains("s3cr3t"), "{}", events[0]);
    assert_eq!(site.books().await, ["security stored  1"]);
}

#[tokio::test]
async fn reports_of_one_host_are_one_issue() {
    let mut site = Site::new().await;
    for name in ["a", "b", "c"] {
        let body = CSP.replace("a.png", &format!("{name}.png"));
        assert_eq!(site.status("csp-report/", "application/json; charset=utf-8", &body).await, 200);
    }
    assert_eq!(site.status("csp-report", "application/csp-report", &CSP.replace("evil", "other")).await, 200);
    let pins = r#"{"hostname":"shop.example","port":443,"known-pins":["x"]}"#;
    assert_eq!(site.status("security", "application/json", pins).await, 200);
    site.filed().await;
    let issues = site.app.store.read(|tx| {
        let titles = "SELECT title || ' ' || CAST(events AS TEXT) FROM issues ORDER BY id";
        tx.query(titles, &[])?.iter().map(|row| row.get::<String>(0)).collect::<Result<Vec<_>, _>>()
    });
    let expected = [
        "Blocked 'image' from 'evil.example' 3",
        "Blocked 'image' from 'other.example' 1",
        "The certificates of 'shop.example' have none of the pinned keys 1",
    ];
    assert_eq!(issues.await.expect("reads"), expected);
}

#[tokio::test]
async fn a_list_is_one_event_for_each_and_the_rest_is_counted() {
    let mut site = Site::new().await;
    let body = r#"[{"type":"csp-violation","age":10,"url":"https://shop.example/","body":{"effectiveDirective":"script-src-elem","blockedURL":"inline"}},
        {"type":"csp-violation","body":{"effectiveDirective":"font-src","blockedURL":"https://f.example/x"}},{"type":"deprecation","body":{}},7]"#;
    assert_eq!(site.status("security/", "application/reports+json", body).await, 200);
    assert_eq!(
        site.status("nel/", "application/reports+json", r#"[{"type":"network-error"},{"type":"network-error"}]"#).await,
        200
    );
    assert_eq!(site.filed().await.len(), 2);
    assert_eq!(
        site.books().await,
        ["default discarded unsupported 2", "security discarded unsupported 2", "security stored  2"]
    );
}

#[tokio::test]
async fn what_is_no_report_is_refused_and_counted() {
    let site = Site::new().await;
    for (path, kind, body, expected) in [
        ("security/", "application/csp-report", "", 400),
        ("security/", "application/csp-report", "{", 400),
        ("security/", "application/json", "{\"a\":1}", 400),
        ("security/", "application/json", r#"{"csp-report":{"effective-directive":"nothing-src"}}"#, 400),
        ("security/", "text/html", CSP, 415),
        ("security/", "", CSP, 415),
        ("nel/", "application/reports+json", " ", 400),
    ] {
        assert_eq!(site.status(path, kind, body).await, expected, "{kind} {body}");
    }
    let (status, headers, body) = site.post("security/", "application/csp-report", CSP).await;
    assert_eq!(
        (status, headers["access-control-allow-origin"].to_str().ok()),
        (StatusCode::UNAUTHORIZED, Some("*")),
        "{body}"
    );
    assert_eq!(
        site.books().await,
        [
            "default invalid unreadable 1",
            "security invalid framing 2",
            "security invalid no_key 1",
            "security invalid unreadable 4"
        ]
    );
}
