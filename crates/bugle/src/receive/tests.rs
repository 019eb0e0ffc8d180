//! Limits as SDKs meet them: envelopes through the router, with a worker that files them or, where a backlog is wanted,
//! without.

mod address;
mod browser;
mod check_in;
mod embed;
mod filter;
mod secrets;
mod sessions;
mod traps;
mod upload;

use crate::access::{Role, organization, user};
use crate::app::{App, Shared};
use crate::config::{Config, Overrides};
use crate::limit::watch::Watch;
use crate::limit::{self, Month, ProjectLimits, Rate};
use crate::outcome::{Account, Category, Entries, HOUR_MS, Outcome, Reason};
use crate::process::Worker;
use crate::project;
use crate::receive::closed::Use;
use crate::store::now_ms;
use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::MockConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use bugle_db::{DbError, Tx};
use std::net::SocketAddr;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tower::ServiceExt;

/// A server on a directory. Project n has the key n, which is n in hex digits.
struct Server {
    app: Shared,
    router: Router,
    worker: Option<Worker>,
    filing: Option<JoinHandle<()>>,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    fn limits(&self) -> &str {
        self.header("x-sentry-rate-limits")
    }
}

impl Server {
    fn open(data: &Path, flags: Overrides) -> Server {
        let flags = Overrides { disk_free_bytes_min: Some(0), smtp_url: Some("smtp://127.0.0.1:1".into()), ..flags };
        let config = Config::resolve(data.into(), None, Overrides::default(), flags).expect("resolves");
        let (app, worker, _) = crate::serve::open(config).expect("opens");
        let peer = MockConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1)));
        let router = super::router().layer(peer).with_state(app.clone());
        Server { app, router, worker: Some(worker), filing: None }
    }

    /// With an organization and some projects.
    async fn new(data: &Path, flags: Overrides, projects: i64) -> Server {
        let server = Server::open(data, flags);
        server
            .write(move |tx| {
                let acme = organization::create(tx, "Acme", None, 1)?.id;
                let owner = user::create(tx, "owner@acme.example", "Olga", "none", 1)?;
                user::add(tx, acme, owner, Role::Owner)?;
                for n in 1..=projects {
                    project::create(tx, acme, &format!("Shop {n}"), "", &format!("{n:032x}"), 1)?;
                }
                Ok(())
            })
            .await;
        server
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    ) -> T {
        self.app.store.write(job).await.expect("writes")
    }

    async fn limit(&self, project: i64, limits: ProjectLimits) {
        self.write(move |tx| limit::set_project(tx, project, &limits)).await;
    }

    /// Lets the worker file.
    fn file(&mut self) {
        let worker = self.worker.take().expect("has not begun");
        self.filing = Some(std::thread::spawn(move || worker.run()));
    }

    /// As a process that ends; what waits stays in the journal.
    fn stop(self) {
        self.app.door.journal.stop();
        self.app.door.backlog.stop();
        if let Some(filing) = self.filing {
            filing.join().expect("the worker ended well");
        }
    }

    async fn post(&self, key: i64, project: i64, body: String) -> Answer {
        let request = Request::post(format!("/api/{project}/envelope/"))
            .header("x-sentry-auth", format!("Sentry sentry_version=7, sentry_key={key:032x}"))
            .body(Body::from(body))
            .expect("a request");
        let (parts, _) = self.router.clone().oneshot(request).await.expect("answers").into_parts();
        Answer { status: parts.status, headers: parts.headers }
    }

    /// Sends an event of its own.
    async fn send(&self, project: i64) -> Answer {
        self.post(project, project, event(rand())).await
    }

    /// Sends until an event is refused; how many were taken, and the refusal.
    async fn fill(&self, project: i64) -> (i64, Answer) {
        for taken in 0..500 {
            let answer = self.send(project).await;
            if answer.status != StatusCode::OK {
                return (taken, answer);
            }
        }
        panic!("nothing limits it");
    }

    fn used(&self, project: i64) -> i64 {
        self.app.door.limits.used_of_month(&self.app.store.limits(), project, 1, now_ms()).0
    }

    async fn count(&self, sql: &'static str) -> i64 {
        self.app.store.read(move |tx| tx.one(sql, &[])).await.expect("reads")
    }

    async fn until(&self, what: &str, is_so: impl Fn(&App) -> bool) {
        let since = Instant::now();
        while !is_so(&self.app) {
            assert!(since.elapsed() < Duration::from_secs(20), "not within 20 s: {what}");
            tokio::task::yield_now().await;
        }
    }
}

fn rand() -> u128 {
    u128::from_str_radix(&crate::access::random::hex32(), 16).expect("hex")
}

fn event(id: u128) -> String {
    format!("{{\"event_id\":\"{id:032x}\"}}\n{{\"type\":\"event\"}}\n{{\"message\":\"hello\",\"level\":\"error\"}}\n")
}

const SESSION: &str = "{}\n{\"type\":\"session\"}\n{\"sid\":\"1\"}\n";

fn quota(events: i64) -> ProjectLimits {
    ProjectLimits { month_events_max: Some(events), ..ProjectLimits::default() }
}

#[tokio::test]
async fn a_used_up_quota_is_told_on_every_answer_and_refuses_events_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut server = Server::new(folder.path(), Overrides::default(), 2).await;
    server.file();
    server.limit(1, quota(3)).await;
    for _ in 0..2 {
        let answer = server.send(1).await;
        assert_eq!((answer.status, answer.limits(), answer.header("retry-after")), (StatusCode::OK, "", ""));
    }
    let last = server.send(1).await;
    let is_told = |answer: &Answer| {
        let parts: Vec<&str> = answer.limits().split(':').collect();
        let rest_s = (Month::at(now_ms()).until_ms - now_ms()) / 1000;
        let after_s: i64 = parts[0].parse().expect("seconds");
        assert!((after_s - rest_s).abs() <= 20, "until the month ends: {after_s}, {rest_s}");
        assert_eq!(parts[1..], ["error;default", "project", "project_quota"]);
        assert_eq!(answer.header("retry-after"), parts[0]);
    };
    assert_eq!(last.status, StatusCode::OK, "the last event is taken, and told that it was the last");
    is_told(&last);
    let refused = server.send(1).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    is_told(&refused);
    let session = server.post(1, 1, SESSION.into()).await;
    assert_eq!(session.status, StatusCode::OK, "an error quota does not stop other categories");
    is_told(&session);
    let unreadable = server.post(1, 1, "no envelope".into()).await;
    assert_eq!(unreadable.status, StatusCode::BAD_REQUEST);
    is_told(&unreadable);
    assert_eq!(server.send(2).await.limits(), "", "the other project has no quota");
    let mixed = format!("{}{{\"type\":\"session\"}}\n{{\"sid\":\"1\"}}\n", event(rand()));
    assert_eq!(server.post(1, 1, mixed).await.status, StatusCode::TOO_MANY_REQUESTS, "part of it was refused");

    let entries = server.app.door.ledger.take();
    server.write(move |tx| entries.write(tx)).await;
    let refused = "SELECT CAST(SUM(quantity) AS BIGINT) FROM ledger WHERE outcome = 'rate_limited' \
                   AND reason = 'project_quota' AND category = 'error'";
    assert_eq!(server.count(refused).await, 2);
    server.limit(1, quota(4)).await;
    assert_eq!(server.fill(1).await.0, 1, "a larger quota acts at once");
    server.stop();
}

#[tokio::test]
async fn a_quota_survives_a_restart_filed_or_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut server = Server::new(folder.path(), Overrides::default(), 1).await;
    server.limit(1, quota(9)).await;
    server.file();
    for _ in 0..4 {
        server.send(1).await;
    }
    server.until("filed", |app| app.backlog() == 0).await;
    server.stop();
    let server = Server::open(folder.path(), Overrides::default());
    assert_eq!(server.used(1), 4, "what was filed");
    for _ in 0..3 {
        server.send(1).await;
    }
    server.stop();
    let mut server = Server::open(folder.path(), Overrides::default());
    assert_eq!((server.used(1), server.app.door.guard.backlog().0), (7, 3), "and what waits");
    let (taken, refused) = server.fill(1).await;
    assert_eq!(taken, 2);
    assert!(refused.limits().contains("project_quota"));
    server.file();
    server.until("all are filed", |app| app.backlog() == 0 && app.door.guard.backlog() == (0, 0)).await;
    assert_eq!((server.used(1), server.count("SELECT COUNT(*) FROM events").await), (9, 9));
    server.stop();
}

#[tokio::test]
async fn a_repeat_gives_its_place_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut server = Server::new(folder.path(), Overrides::default(), 1).await;
    server.limit(1, quota(3)).await;
    for _ in 0..3 {
        assert_eq!(server.post(1, 1, event(7)).await.status, StatusCode::OK);
    }
    assert_eq!(server.send(1).await.status, StatusCode::TOO_MANY_REQUESTS, "nobody knows yet that they are one");
    server.file();
    server.until("the repeats are known", |_| server.used(1) == 1).await;
    assert_eq!(server.fill(1).await.0, 2);
    server.stop();
}

#[tokio::test]
async fn keys_of_a_project_and_projects_of_an_organization_share_what_is_theirs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::new(folder.path(), Overrides::default(), 2).await;
    server.write(|tx| project::create_key(tx, 1, "other", &format!("{:032x}", 9), 1)).await;
    let rate = Some(Rate { count: 3, window_s: 604_800 });
    server.limit(1, ProjectLimits { rate, ..ProjectLimits::default() }).await;
    assert_eq!(server.post(9, 1, event(1)).await.status, StatusCode::OK);
    let (taken, refused) = server.fill(1).await;
    assert_eq!(taken, 2);
    assert!(refused.limits().ends_with(":error;default:project:project_rate_limit"), "{}", refused.limits());
    assert_eq!(server.post(9, 1, event(2)).await.status, StatusCode::TOO_MANY_REQUESTS);

    server.write(|tx| limit::set_organization(tx, 1, Some(5))).await;
    let (taken, refused) = server.fill(2).await;
    assert_eq!(taken, 2, "3 are the first project's");
    assert!(refused.limits().ends_with(":error;default:organization:organization_quota"), "{}", refused.limits());
    let both = server.send(1).await;
    let seconds = |limit: &str| limit.trim().split(':').next().and_then(|s| s.parse::<i64>().ok()).expect("seconds");
    let longest = both.limits().split(',').map(seconds).max().expect("limits");
    assert_eq!(both.limits().split(',').count(), 2, "{}", both.limits());
    assert_eq!(both.header("retry-after"), longest.to_string());
    server.stop();
}

#[tokio::test]
async fn a_loud_project_leaves_a_quiet_one_its_part_of_the_backlog() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let flags = Overrides { backlog_items_max: Some(16), ..Overrides::default() };
    let mut server = Server::new(folder.path(), flags, 2).await;
    let (taken, refused) = server.fill(1).await;
    assert_eq!(taken, 12, "the common half and its part");
    assert!(refused.limits().ends_with(":error;default:organization:overload_share"), "{}", refused.limits());
    for _ in 0..4 {
        assert_eq!(server.send(2).await.status, StatusCode::OK);
    }
    assert_eq!(server.app.door.guard.backlog().0, 16);
    server.file();
    server.until("it was filed", |app| app.door.guard.backlog() == (0, 0)).await;
    assert_eq!(server.send(1).await.status, StatusCode::OK);
    server.stop();
}

#[tokio::test]
async fn a_minute_takes_so_many_of_a_loud_project_and_goes_on_for_others() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let flags = Overrides { accepted_per_minute_max: Some(20), ..Overrides::default() };
    let server = Server::new(folder.path(), flags, 2).await;
    let (_, refused) = server.fill(1).await;
    assert!(refused.limits().ends_with(":accepted_per_minute"), "{}", refused.limits());
    assert_eq!(server.send(2).await.status, StatusCode::OK);
    server.stop();
}

#[tokio::test]
async fn what_is_usual_comes_from_the_ledger_and_holds_a_spike() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::new(folder.path(), Overrides::default(), 1).await;
    let mut entries = Entries::default();
    for day in 1..6 {
        let hour = now_ms() / HOUR_MS - 24 * day;
        let fate = Some((Outcome::Stored, Reason::None));
        entries.add(Account { project: 1, key: 1, hour, category: Category::Error, fate }, 4_000);
    }
    server.write(move |tx| entries.write(tx)).await;
    let mut watch = Watch::default();
    let spike = |server: &Server| -> Option<Use> {
        let key = server.app.store.keys().values().next().expect("a key").0.clone();
        let uses = server.app.door.limits.uses(&server.app.store.limits(), &key, now_ms());
        uses.into_iter().find(|one| one.reason == Reason::Spike)
    };
    watch.look(&server.app, now_ms()).await.expect("looks");
    assert_eq!(spike(&server), None, "nobody has asked for it");
    server.limit(1, ProjectLimits { is_spike_protected: true, ..ProjectLimits::default() }).await;
    watch.look(&server.app, now_ms()).await.expect("looks");
    assert_eq!(spike(&server).map(|one| one.max), Some(8_000), "twice its usual busiest hour");

    server.app.door.limits.set_usual([(1, 5)].into());
    let (_, refused) = server.fill(1).await;
    assert!(refused.limits().ends_with(":error;default:project:spike"), "{}", refused.limits());
    for _ in 0..2 {
        watch.look(&server.app, now_ms()).await.expect("looks");
    }
    assert_eq!(server.count("SELECT COUNT(*) FROM outbox WHERE cause = 'spike'").await, 1, "told once");
    server.stop();
}

#[tokio::test]
async fn a_quota_is_told_by_mail_at_80_percent_and_when_it_is_used_up_once_each() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::new(folder.path(), Overrides::default(), 1).await;
    server.limit(1, quota(10)).await;
    let mut watch = Watch::default();
    for taken in 1..=10 {
        server.send(1).await;
        watch.look(&server.app, now_ms()).await.expect("looks");
        let told = server.count("SELECT COUNT(*) FROM outbox WHERE cause LIKE 'quota%'").await;
        assert_eq!(told, i64::from(taken >= 8) + i64::from(taken >= 10), "after {taken} events");
    }
    Watch::default().look(&server.app, now_ms()).await.expect("looks");
    assert_eq!(server.count("SELECT COUNT(*) FROM outbox").await, 2, "a restart does not repeat it");
    let notices = server.app.store.read(|tx| {
        let rows = tx.query("SELECT notice FROM outbox ORDER BY id", &[])?;
        rows.iter().map(|row| row.get::<String>(0)).collect::<Result<Vec<_>, _>>()
    });
    let notices = notices.await.expect("reads");
    assert!(notices[0].contains("80%") && notices[1].contains("used up"), "{notices:?}");
    server.limit(1, quota(12)).await;
    watch.look(&server.app, now_ms()).await.expect("looks");
    assert_eq!(server.count("SELECT COUNT(*) FROM outbox").await, 3, "another quota is another warning: 10 of 12");
    server.stop();
}

#[tokio::test]
async fn who_hangs_up_before_the_answer_is_counted_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut server = Server::new(folder.path(), Overrides::default(), 1).await;
    tokio::select! {
        biased;
        _ = server.send(1) => panic!("the journal cannot have answered yet"),
        // The event is on its way, and nobody waits for what becomes of it any more.
        () = std::future::ready(()) => {}
    }
    server.file();
    let since = Instant::now();
    while server.count("SELECT COUNT(*) FROM events").await == 0 {
        assert!(since.elapsed() < Duration::from_secs(20), "the event is not filed within 20 s");
    }
    assert!(server.app.door.ledger.take().is_empty(), "nothing else is said to have become of it");
    server.stop();
}
