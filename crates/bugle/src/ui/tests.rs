//! A server without a socket, and browsers that keep cookies: how the tests of pages speak.

mod acts;
mod attachments;
mod feedback;
mod filters;
mod gallery;
mod house;
mod monitors;
mod pages;
mod privacy;
mod releases;
mod sdk;
mod seed;
mod shapes;
mod storage;

use crate::access::{Role, organization, password, random, user};
use crate::app::Shared;
use crate::config::{Config, Overrides};
use crate::project;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use bugle_db::{DbError, Tx};
use std::collections::BTreeMap;
use tower::ServiceExt;

/// The owner of a [`world`].
pub(crate) const EMAIL: &str = "owner@acme.example";
/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A server.
pub(crate) struct World {
    pub(crate) app: Shared,
    pub(crate) setup_secret: String,
    router: Router,
    _folder: tempfile::TempDir,
}

/// Without an owner.
pub(crate) async fn empty_world() -> World {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let flags = Overrides { public_url: Some("http://bugle.example".into()), ..Overrides::default() };
    let config = Config::resolve(folder.path().into(), None, Overrides::default(), flags).expect("resolves");
    let (app, _, setup_secret) = crate::serve::open(config).expect("opens");
    let router = super::router(&app.config).with_state(app.clone());
    World { app, setup_secret, router, _folder: folder }
}

/// With the organization Acme, its owner and the project Shop, which have the id 1 each.
pub(crate) async fn world() -> World {
    let world = empty_world().await;
    world.organization("Acme", EMAIL, "Shop").await;
    world
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.app.assert_balanced();
        }
    }
}

impl World {
    /// Another organization with its owner and the project Theirs, which have the id 2 each.
    pub(crate) async fn another_organization(&self) {
        self.organization("Other", "owner@other.example", "Theirs").await;
    }

    async fn organization(&self, name: &'static str, email: &'static str, project: &'static str) {
        let hash = password::hash_now(PASSWORD).expect("hashes");
        let job = move |tx: &mut Tx<'_>| -> Result<(), DbError> {
            let organization = organization::create(tx, name, None, 1)?.id;
            let owner = user::create(tx, email, "Olga", &hash, 1)?;
            user::add(tx, organization, owner, Role::Owner)?;
            project::create(tx, organization, project, "python", &random::hex32(), 1).map(drop)
        };
        self.app.store.write(job).await.expect("writes");
    }

    /// A browser that nobody has signed in with.
    pub(crate) fn stranger(&self) -> Browser {
        Browser { router: self.router.clone(), cookies: BTreeMap::new(), headers: Vec::new() }
    }

    /// A browser of the owner.
    pub(crate) async fn owner(&self) -> Browser {
        let mut browser = self.stranger();
        let answer = browser.post("/session", &[("email", EMAIL), ("password", PASSWORD)]).await;
        assert_eq!(answer.location(), "/");
        browser
    }

    /// Every row that settings pages may change.
    pub(crate) async fn everything(&self) -> Vec<String> {
        let read = |tx: &mut Tx<'_>| {
            let tables = [
                "organizations",
                "users",
                "members",
                "projects",
                "keys",
                "targets",
                "outbox",
                "tokens",
                "project_bounds",
                "project_options",
            ];
            let mut rows = Vec::new();
            for table in tables {
                rows.extend(tx.query(&format!("SELECT * FROM {table}"), &[])?.iter().map(|row| format!("{row:?}")));
            }
            Ok(rows)
        };
        self.app.store.read(read).await.expect("reads")
    }
}

/// A browser.
#[derive(Clone)]
pub(crate) struct Browser {
    router: Router,
    pub(crate) cookies: BTreeMap<String, String>,
    /// Sent along with everything.
    pub(crate) headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: String,
    headers: HeaderMap,
}

impl Browser {
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), Body::empty()).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let encode = super::address::encode;
        let pairs: Vec<String> = fields.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect();
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        self.send(request, Body::from(pairs.join("&"))).await
    }

    async fn send(&mut self, mut request: axum::http::request::Builder, body: Body) -> Answer {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request = request.header("host", "bugle.example").header("cookie", cookies.join("; "));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let answer = self.router.clone().oneshot(request.body(body).expect("a request")).await.expect("answers");
        let (parts, body) = answer.into_parts();
        for line in parts.headers.get_all("set-cookie") {
            let pair = line.to_str().expect("text").split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a cookie");
            self.cookies.insert(name.into(), value.into());
        }
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        let body = String::from_utf8(body.to_vec()).expect("UTF-8");
        Answer { status: parts.status, body, headers: parts.headers }
    }
}

impl Answer {
    /// A header's value; empty when there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// Where it leads.
    pub(crate) fn location(&self) -> &str {
        self.header("location")
    }
}
