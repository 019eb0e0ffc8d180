//! The API as clients meet it: requests through the router against a real database, and the JSON they decode.

mod attachment;
mod auth;
mod event;
mod feedback;
mod filter;
mod issue;
mod limit;
mod monitor;
mod privacy;
mod project;
mod seed;
mod stats;
mod traps;
mod triage;

use crate::app::Shared;
use crate::config::{Config, Overrides};
use crate::serve;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use bugle_db::{DbError, Tx};
use serde_json::Value;
use tower::ServiceExt;

/// 2026-08-01T12:00:00Z: when every request of these tests is made.
pub(super) const NOW_MS: i64 = 1_785_585_600_000;

/// A server with the projects, issues and events of [`seed`], and a token of its owner.
struct Api {
    app: Shared,
    router: Router,
    token: String,
    _folder: tempfile::TempDir,
}

/// What came back.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Drop for Api {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.app.assert_balanced();
        }
    }
}

impl Api {
    fn new() -> Api {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let flags = Overrides { public_url: Some("https://bugle.example".into()), ..Default::default() };
        let config = Config::resolve(folder.path().into(), None, Overrides::default(), flags).expect("resolves");
        let (app, _worker, _setup) = serve::open(config).expect("opens");
        let token = app.store.blocking().write_now(seed::seed).expect("is seeded");
        let router = super::router_at(|| NOW_MS).with_state(app.clone());
        Api { app, router, token, _folder: folder }
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, "").await
    }

    /// Calls with the owner's token. `path` comes behind `/api/0`.
    async fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        self.call_with(method, path, body, Some(&format!("Bearer {}", self.token))).await
    }

    async fn call_with(&self, method: &str, path: &str, body: &str, authorization: Option<&str>) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("/api/0{path}"));
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let request = request.body(Body::from(body.to_string())).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("answers");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        let text = String::from_utf8(body.to_vec()).expect("UTF-8");
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// Runs `job` on the database, as other parts of the product would.
    fn write<T: Send + 'static>(&self, job: impl FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static) -> T {
        self.app.store.blocking().write_now(job).expect("writes")
    }
}

impl Answer {
    /// The JSON, after checking that the answer is one with this status.
    fn json(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/json");
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The sentence of an error with this status.
    fn detail(&self, status: u16) -> String {
        self.json(status)["detail"].as_str().unwrap_or_else(|| panic!("no detail: {}", self.text)).to_string()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}

/// JSON as it is kept in a reviewed snapshot.
fn pretty(json: &Value) -> String {
    serde_json::to_string_pretty(json).expect("writes")
}

/// The values of `key` in a list.
fn each(list: &Value, key: &str) -> Vec<Value> {
    list.as_array().expect("a list").iter().map(|one| one[key].clone()).collect()
}
