//! What browsers send, and how: sites, the tunnel, the pixel, feedback, and the headers without which a page cannot read
//! the answer.

use super::*;
use crate::policy::browser::Wishes;
use crate::receive::tunnel;
use axum::body::to_bytes;
use axum::http::Method;
use axum::http::request::Builder;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bugle_db::params;

/// An answer with its body.
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Told {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}

impl Server {
    /// A server that files, with one project, whose tunnel is at `/tunnel`.
    pub(super) async fn filing(data: &Path, flags: Overrides) -> Server {
        let mut server = Server::new(data, flags, 1).await;
        server.file();
        let peer = MockConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1)));
        let tunnel = tunnel::router(server.app.config.tunnel_path.as_deref());
        server.router = crate::receive::router().merge(tunnel).layer(peer).with_state(server.app.clone());
        server
    }

    pub(super) async fn ask(&self, request: Builder, body: impl Into<Body>) -> Told {
        let request = request.body(body.into()).expect("a request");
        let (parts, body) = self.router.clone().oneshot(request).await.expect("answers").into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        let text = String::from_utf8_lossy(&body).into_owned();
        Told { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    /// Waits until everything is filed, then compares the books.
    pub(super) async fn settled(&self) {
        self.until("filed", |app| app.backlog() == 0).await;
        self.app.assert_balanced();
    }

    pub(super) async fn wish(&self, domains: &[&str], is_tunnelled: bool) {
        let allowed_domains = domains.iter().map(|domain| domain.to_string()).collect();
        let wishes = Wishes { allowed_domains, is_tunnelled, sdk_url: String::new() };
        self.write(move |tx| wishes.write(tx, 1)).await;
    }

    pub(super) async fn ledger(&self, outcome: &'static str, reason: &'static str) -> i64 {
        let sql = "SELECT CAST(COALESCE(SUM(quantity), 0) AS BIGINT) FROM ledger WHERE outcome = $1 AND reason = $2";
        self.write(move |tx| tx.one(sql, params![outcome, reason])).await
    }
}

pub(super) const KEY: &str = "00000000000000000000000000000001";

fn post(path: &str) -> Builder {
    Request::post(path)
}

fn authorized(path: &str) -> Builder {
    post(&format!("{path}?sentry_key={KEY}&sentry_version=7"))
}

#[tokio::test]
async fn s21_3_every_status_has_cors_headers_and_exposes_the_limits() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::filing(folder.path(), Overrides::default()).await;
    server.limit(1, quota(1)).await;
    let envelope = "/api/1/envelope/";
    let expected = [200, 429, 400, 401, 403, 413, 405];
    let answers = [
        server.ask(authorized(envelope), event(1)).await,
        server.ask(authorized(envelope), event(2)).await,
        server.ask(authorized(envelope), "no envelope").await,
        server.ask(post(envelope), event(3)).await,
        server.ask(authorized("/api/9/envelope/"), event(4)).await,
        server.ask(authorized(envelope).header("content-length", "99999999999"), event(5)).await,
        server.ask(Request::put(envelope), "").await,
    ];
    for (answer, status) in answers.iter().zip(expected) {
        assert_eq!(answer.status, status, "{}", answer.text);
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{status}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "cross-origin", "{status}");
        for exposed in ["x-sentry-error", "x-sentry-rate-limits", "retry-after"] {
            assert!(answer.header("access-control-expose-headers").contains(exposed), "{status} {exposed}");
        }
    }
    let preflight = server.ask(Request::builder().method(Method::OPTIONS).uri(envelope), "").await;
    assert_eq!((preflight.status, preflight.header("access-control-max-age")), (200, "3600"));
    assert!(preflight.header("access-control-allow-headers").contains("content-encoding"));
    server.settled().await;
    server.stop();
}

#[tokio::test]
async fn s21_1_an_envelope_is_read_whatever_its_content_type() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::filing(folder.path(), Overrides::default()).await;
    let kinds = [
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/json",
        "",
    ];
    for (n, kind) in kinds.iter().enumerate() {
        let answer =
            server.ask(authorized("/api/1/envelope/").header("content-type", *kind), event(n as u128 + 1)).await;
        assert_eq!(answer.status, 200, "{kind}: {}", answer.text);
    }
    server.settled().await;
    assert_eq!(server.count("SELECT COUNT(*) FROM events").await, kinds.len() as i64);
    server.stop();
}

#[tokio::test]
async fn an_envelope_whose_dsn_contradicts_its_credentials_is_a_bad_request() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::filing(folder.path(), Overrides::default()).await;
    for (key, project, status) in [(KEY, 1, 200), (&*"f".repeat(32), 1, 400), (KEY, 2, 400)] {
        let body = format!("{{\"dsn\":\"https://{key}@anything.example/{project}\"}}\n{{\"type\":\"event\"}}\n{{}}\n");
        let answer = server.ask(authorized("/api/1/envelope/"), body).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    server.settled().await;
    server.stop();
}

#[tokio::test]
async fn only_pages_of_allowed_sites_send() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::filing(folder.path(), Overrides::default()).await;
    server.wish(&["*.shop.example", "*:3000"], false).await;
    let send = async |header: &str, value: &str| {
        let request = authorized("/api/1/envelope/").header(header, value);
        server.ask(request, event(rand())).await
    };
    for (header, value, status) in [
        ("origin", "https://www.shop.example", 200),
        ("origin", "http://localhost:3000", 200),
        ("referer", "https://shop.example/cart?a=b", 200),
        ("x-nothing", "x", 200),
        ("origin", "null", 200),
        ("origin", "https://evil.example", 403),
        ("referer", "https://evil.example/?shop.example", 403),
    ] {
        let answer = send(header, value).await;
        assert_eq!(answer.status, status, "{header} {value}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "the page may read why");
    }
    let both = authorized("/api/1/envelope/").header("origin", "https://evil.example");
    let both = server.ask(both.header("referer", "https://shop.example/"), event(rand())).await;
    assert_eq!(both.status, 403, "the origin counts where both are there");
    let preflight = Request::builder().method(Method::OPTIONS).uri("/api/1/envelope/");
    assert_eq!(server.ask(preflight.header("origin", "https://evil.example"), "").await.status, 200);

    server.wish(&[], false).await;
    assert_eq!(send("origin", "https://shop.example").await.status, 403, "an empty list refuses every page");
    assert_eq!(send("origin", "null").await.status, 403);
    assert_eq!(send("x-nothing", "x").await.status, 200, "and nothing else");
    server.settled().await;
    assert_eq!(server.ledger("invalid", "cors").await, 5);
    server.stop();
}

#[tokio::test]
async fn the_tunnel_takes_what_its_dsn_says_for_projects_that_opened_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::filing(folder.path(), Overrides::default()).await;
    let body = |key: &str, project: i64| {
        let id = rand();
        format!(
            "{{\"event_id\":\"{id:032x}\",\"dsn\":\"https://{key}@elsewhere.example/{project}\"}}\n{{\"type\":\"event\"}}\n{{}}\n"
        )
    };
    let closed = server.ask(post("/tunnel"), body(KEY, 1)).await;
    assert!(closed.status == 403 && closed.text.contains("tunnel is not open"), "{}", closed.text);
    server.wish(&["*"], true).await;
    for path in ["/tunnel", "/tunnel/", &format!("/tunnel?sentry_key={}", "f".repeat(32))] {
        let taken = server.ask(post(path).header("content-type", "text/plain"), body(KEY, 1)).await;
        assert_eq!(taken.status, 200, "{}", taken.text);
        assert_eq!(taken.header("access-control-allow-origin"), "*");
    }
    assert_eq!(server.ask(post("/tunnel"), body(&"f".repeat(32), 1)).await.status, 403, "an unknown key");
    assert_eq!(server.ask(post("/tunnel"), body(KEY, 2)).await.status, 403, "another project's");
    assert_eq!(server.ask(authorized("/tunnel"), event(1)).await.status, 401, "only the envelope's DSN counts");
    assert_eq!(server.ask(post("/tunnel"), "nothing").await.status, 400);
    server.settled().await;
    assert_eq!(server.count("SELECT COUNT(*) FROM events").await, 3);
    assert_eq!(server.ledger("invalid", "tunnel").await, 1);
    server.stop();
}

#[tokio::test]
async fn the_pixel_is_an_image_whatever_becomes_of_its_event() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::filing(folder.path(), Overrides::default()).await;
    let json = "{\"message\":\"from an image \u{e9}\u{ff}\"}";
    // The same in zlib, as raven packed it.
    let (plain, packed) =
        (BASE64_STANDARD.encode(json), "eJyrVspNLS5OTE9VslJKK8rPVUhUKEhMzk5NUcjMBYnWAgDDmwuA".to_string());
    let raw = format!("/api/1/store/?sentry_version=4&sentry_key={KEY}&sentry_data=");
    for data in [crate::ui::address::encode(&plain), plain, packed] {
        let answer = server.ask(Request::get(format!("{raw}{data}")), "").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "image/gif"));
        assert!(
            answer.text.starts_with("GIF89a") && answer.header("x-sentry-error").is_empty(),
            "{:?}",
            answer.headers
        );
    }
    for odd in [raw.clone(), "/api/1/store/?sentry_data=e30=".into(), raw.replace(KEY, &"f".repeat(32))] {
        let answer = server.ask(Request::get(odd), "").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "image/gif"));
        assert!(!answer.header("x-sentry-error").is_empty());
    }
    server.settled().await;
    assert_eq!(server.count("SELECT COUNT(*) FROM events").await, 3);
    server.stop();
}

#[tokio::test]
async fn s21_14_feedback_comes_before_its_event_and_finds_its_issue() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::filing(folder.path(), Overrides::default()).await;
    let id = format!("{:032x}", 77);
    let old = format!(
        "{{\"event_id\":\"{id}\"}}\n{{\"type\":\"user_report\"}}\n{{\"event_id\":\"{id}\",\"name\":\"Ada\",\"email\":\"ada@b.example\",\
         \"comments\":\"I paid with password=hunter2hunter2\"}}\n"
    );
    let own = "c".repeat(32);
    let new = format!(
        "{{\"event_id\":\"{own}\"}}\n{{\"type\":\"feedback\"}}\n{{\"contexts\":{{\"feedback\":{{\"message\":\"No cart\",\
         \"associated_event_id\":\"{id}\"}}}}}}\n"
    );
    assert_eq!(server.ask(authorized("/api/1/envelope/"), old.clone()).await.status, 200);
    let answer = server.ask(authorized("/api/1/envelope/"), new.clone()).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, &*format!("{{\"id\":\"{own}\"}}")));
    server.settled().await;
    assert_eq!(server.count("SELECT COUNT(*) FROM feedback WHERE issue IS NULL").await, 2);
    server.ask(authorized("/api/1/envelope/"), event(77)).await;
    for again in [old, new] {
        server.ask(authorized("/api/1/envelope/"), again).await;
    }
    let empty = "{}\n{\"type\":\"user_report\"}\n{\"comments\":\"\"}\n";
    assert_eq!(server.ask(authorized("/api/1/envelope/"), empty).await.status, 200);
    server.settled().await;
    assert_eq!(server.count("SELECT COUNT(*) FROM feedback WHERE issue = 1").await, 2, "sent twice, kept once");
    assert_eq!((server.ledger("invalid", "duplicate").await, server.ledger("invalid", "unreadable").await), (2, 1));
    server.stop();
    for entry in std::fs::read_dir(folder.path()).expect("a folder") {
        let bytes = std::fs::read(entry.expect("a file").path()).expect("reads");
        assert!(memchr::memmem::find(&bytes, b"hunter2").is_none(), "a secret reached the disk");
    }
}

#[tokio::test]
async fn sdks_are_told_what_is_not_kept_unless_that_is_switched_off() {
    let body = "{}\n{\"type\":\"transaction\"}\n{}\n{\"type\":\"replay_event\"}\n{}\n";
    for (tell, expected) in [(None, "3600:transaction;replay:organization:unsupported"), (Some(false), "")] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let server = Server::filing(folder.path(), Overrides { tell_unsupported: tell, ..Overrides::default() }).await;
        let answer = server.ask(authorized("/api/1/envelope/"), body).await;
        assert_eq!((answer.status, answer.header("x-sentry-rate-limits")), (200, expected));
        server.settled().await;
        assert_eq!(server.ledger("discarded", "unsupported").await, 2);
        server.stop();
    }
}
