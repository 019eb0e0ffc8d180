//! A server with two people whose issues come from real filing, asked through the router as a browser would.

use crate::access::{Role, organization, session, user};
use crate::app::Shared;
use crate::config::{Config, Overrides};
use crate::file::{Memory, Piece, Settings, Work, file};
use crate::outcome::{Category, Dialect};
use crate::process::digest::digest;
use crate::receive::event::{Context, understand};
use crate::receive::session::{Arrival, Used, understand as session_item};
use crate::record::{Record, Sender};
use crate::store::now_ms;
use crate::{payload, project, ui};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use bugle_event::{Event, EventId};
use serde_json::Value;
use tower::ServiceExt;

pub(super) const HOUR_MS: i64 = 3_600_000;

/// A server with an organization of two people, one of whom is signed in.
pub(super) struct House {
    pub(super) app: Shared,
    pub(super) router: Router,
    pub(super) session: String,
    memory: Memory,
    position: i64,
    _folder: tempfile::TempDir,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Drop for House {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.app.assert_balanced();
        }
    }
}

impl House {
    pub(super) async fn new() -> House {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let flags = Overrides { public_url: Some("http://bugle.example".into()), ..Default::default() };
        let config = Config::resolve(folder.path().into(), None, Overrides::default(), flags).expect("resolves");
        let router = ui::router(&config);
        let (app, _, _) = crate::serve::open(config).expect("opens");
        let session = app.store.write(|tx| {
            let acme = organization::create(tx, "Acme", None, 0)?.id;
            for (email, name, role) in [
                ("mara@acme.example", "Mara Lindqvist", Role::Owner),
                ("tobias@acme.example", "Tobias Okello", Role::Member),
            ] {
                let id = user::create(tx, email, name, "no password", 0)?;
                user::add(tx, acme, id, role)?;
            }
            session::start(tx, 1, now_ms())
        });
        let session = session.await.expect("is seeded");
        let memory = Memory::new(Settings {
            journal: app.journal,
            public_url: "http://bugle.example".into(),
            issue_cap_per_hour: 10_000,
            has_mail: true,
        });
        House { router: router.with_state(app.clone()), app, session, memory, position: 0, _folder: folder }
    }

    /// Makes a project and says its id.
    pub(super) async fn project(&self, name: &'static str) -> i64 {
        let key = format!("{:032x}", xxhash_rust::xxh3::xxh3_64(name.as_bytes()));
        self.app.store.write(move |tx| project::create(tx, 1, name, "python", &key, 0)).await.expect("a project").0.id
    }

    /// Files events as the pipeline does. Each has `timestamp` (Unix seconds) and gets an id of its own.
    pub(super) async fn send(&mut self, project: i64, events: Vec<Value>) {
        let mut batch = Vec::new();
        for mut json in events {
            self.position += 1;
            let event_id = EventId((u128::try_from(self.position).expect("positive") << 96 | 1).to_be_bytes());
            json["event_id"] = event_id.to_string().into();
            let text = json.to_string();
            let event = Event::stored(&text);
            let received_ms = event.timestamp_ms();
            let digest = digest(&event);
            let record = Record {
                dialect: Dialect::Sentry,
                category: Category::Error,
                project,
                key: 1,
                received_ms,
                event_id,
                exemplar: self.position,
                family: self.position,
                exemplar_body: payload::compress(text.as_bytes(), None).expect("compresses"),
                json_bytes: text.len() as u32,
                payload: payload::compress(text.as_bytes(), Some(text.as_bytes())).expect("compresses"),
            };
            batch.push(Piece::Event(Work { position: self.position, record, digest }));
        }
        self.file(batch).await;
    }

    /// Takes events in as the door does, from the bytes that an SDK sent: read, normalised, scrubbed.
    pub(super) async fn receive(&mut self, project: i64, payloads: &[&str]) {
        let key = self.app.store.read(move |tx| project::keys(tx, project)).await.expect("reads").remove(0);
        let (mut batch, policy) = (Vec::new(), self.app.store.policy(project));
        for payload in payloads {
            let context = Context {
                key: &key,
                policy: &policy,
                received_ms: now_ms(),
                sent_at_ms: None,
                event_id: None,
                client: None,
                client_ip: None,
                geography: None,
            };
            let ready = understand(payload.as_bytes(), &context, &self.app.door.families);
            let ready = ready.expect("is understood");
            self.position += 1;
            batch.push(Piece::Event(Work { position: self.position, record: ready.record, digest: ready.digest }));
        }
        self.file(batch).await;
    }

    /// Takes items of sessions in as the door does: type and body. All must be valid.
    pub(super) async fn sessions(&mut self, project: i64, items: &[(&str, Value)]) {
        let (mut batch, policy) = (Vec::new(), self.app.store.policy(project));
        let arrival = Arrival { sent_at_ms: None, client_ip: None, filters: &policy.filters };
        for (kind, body) in items {
            self.position += 1;
            let (dialect, category) = (Dialect::Sentry, Category::Session);
            let sender = Sender { dialect, category, project, key: 1, received_ms: now_ms() };
            let body = body.to_string();
            let scrubber = bugle_event::scrub::Scrubber::default();
            let item = session_item(kind, body.as_bytes(), &scrubber, sender, arrival, &mut Used::default());
            let item = item.expect("is valid");
            batch.push(Piece::Item(self.position, Box::new(item)));
        }
        self.file(batch).await;
    }

    /// Files something of an event, as the pipeline does.
    pub(super) async fn attach(&mut self, project: i64, event_id: EventId, files: &[(&str, &str, &[u8])]) {
        let mut batch = Vec::new();
        for (name, content_type, file) in files {
            self.position += 1;
            let item = crate::attachment::tests::item(project, event_id, name, content_type, file, now_ms());
            batch.push(Piece::Item(self.position, Box::new(item)));
        }
        self.file(batch).await;
    }

    async fn file(&mut self, batch: Vec<Piece>) {
        let mut memory = std::mem::take(&mut self.memory);
        let done = self.app.store.write(move |tx| {
            let filed = file(tx, &mut memory, &batch, now_ms())?;
            Ok((filed, memory))
        });
        let (filed, memory) = done.await.expect("files");
        self.memory = memory;
        filed.facts.into_iter().for_each(|fact| self.app.live.tell(fact));
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        let cookie = format!("bugle_session={}", self.session);
        self.call(Request::get(path).header(header::COOKIE, cookie), "").await
    }

    /// Asks for a file: status, headers and bytes.
    pub(super) async fn call_raw(&self, path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
        let cookie = format!("bugle_session={}", self.session);
        let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).expect("a request");
        let (parts, body) = self.router.clone().oneshot(request).await.expect("answers").into_parts();
        (parts.status, parts.headers, to_bytes(body, usize::MAX).await.expect("a body").to_vec())
    }

    /// Sends a form from this site.
    pub(super) async fn post(&self, path: &str, form: &str) -> Answer {
        let request = Request::post(path)
            .header(header::COOKIE, format!("bugle_session={}", self.session))
            .header("sec-fetch-site", "same-origin");
        self.call(request, form).await
    }

    pub(super) async fn call(&self, request: axum::http::request::Builder, form: &str) -> Answer {
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.body(Body::from(form.to_string())).expect("a request");
        let (parts, body) = self.router.clone().oneshot(request).await.expect("answers").into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        let text = String::from_utf8(body.to_vec()).expect("UTF-8");
        Answer { status: parts.status, headers: parts.headers, text }
    }
}

impl Answer {
    pub(super) fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |value| value.to_str().expect("text"))
    }

    /// The page, after checking that it is one and allows no script of its own.
    pub(super) fn page(&self) -> &str {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        let policy = self.headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        for inline in [" style=\"", " onclick=", "<style", "<script>"] {
            assert!(!self.text.contains(inline), "{inline} in a page");
        }
        &self.text
    }

    pub(super) fn has(&self, part: &str) -> bool {
        self.text.contains(part)
    }
}

/// Elements of a page.
pub(super) fn elements(page: &str) -> usize {
    page.as_bytes().windows(2).filter(|pair| pair[0] == b'<' && pair[1].is_ascii_alphabetic()).count()
}
