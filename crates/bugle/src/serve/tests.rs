//! Several servers on one PostgreSQL database, each with a journal of its own.

use super::*;
use crate::access::organization;
use crate::alert::target::{self, Wanted};
use crate::app::Shared;
use crate::check;
use crate::config::Overrides;
use crate::issue::{self, Status, workflow};
use crate::process::Worker;
use crate::project;
use crate::seal;
use crate::store::{MIGRATIONS, now_ms};
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use bugle_db::{DbError, Tx};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Instant;
use tower::ServiceExt;

const CAP: i64 = 15;
const KEY: &str = "0123456789abcdef0123456789abcdef";

struct House {
    folder: tempfile::TempDir,
    app: Shared,
    worker: JoinHandle<()>,
}

fn config(folder: &Path, database: &str) -> Config {
    let flags = Overrides {
        database: Some(database.into()),
        public_url: Some("http://bugle.example".into()),
        allow_private_targets: Some(true),
        issue_cap_per_hour: Some(CAP),
        disk_free_bytes_min: Some(0),
        ..Overrides::default()
    };
    Config::resolve(folder.into(), None, Overrides::default(), flags).expect("resolves")
}

impl House {
    fn open(folder: tempfile::TempDir, database: &str) -> House {
        let (app, worker, _) = open(config(folder.path(), database)).expect("opens");
        let worker = std::thread::spawn(|| Worker::run(worker));
        House { folder, app, worker }
    }

    async fn send(&self, id: u32, message: &str) {
        let id = format!("{id:032x}");
        let event =
            format!("{{\"event_id\":\"{id}\",\"message\":\"{message}\",\"user\":{{\"id\":\"{}\"}}}}", &id[31..]);
        let body = format!("{{\"event_id\":\"{id}\"}}\n{{\"type\":\"event\"}}\n{event}\n");
        let mut request = Request::post("/api/1/envelope/")
            .header("x-sentry-auth", format!("Sentry sentry_version=7, sentry_key={KEY}"))
            .body(Body::from(body))
            .expect("a request");
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((Ipv4Addr::LOCALHOST, 1))));
        let answer = routes::router(Arc::clone(&self.app)).oneshot(request).await.expect("answers");
        assert_eq!(answer.status(), StatusCode::OK);
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    ) -> T {
        self.app.store.write(job).await.expect("writes")
    }

    async fn one(&self, sql: &'static str) -> i64 {
        self.app.store.read(move |tx| tx.one(sql, &[])).await.expect("a number")
    }
}

/// Until `what` holds; a minute is long enough for anything here.
async fn until(what: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !what().await {
        assert!(Instant::now() < deadline, "it takes too long");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A webhook's receiver: its address, and the ids of what arrived.
async fn receiver() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let arrived = Arc::<Mutex<Vec<String>>>::default();
    let kept = Arc::clone(&arrived);
    let app = axum::Router::new().fallback(move |headers: HeaderMap, _: Bytes| {
        let id = headers.iter().find(|(name, _)| name.as_str().contains("delivery"));
        kept.lock().expect("no panic").push(format!("{:?}", id.expect("a delivery has an id").1));
        std::future::ready("")
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, arrived)
}

async fn prepare(house: &House, url: String) {
    let seal = Arc::clone(&house.app.seal);
    let job = move |tx: &mut Tx<'_>| {
        let acme = organization::create(tx, "Acme", None, 1)?.id;
        project::create(tx, acme, "Shop", "python", KEY, 1)?;
        let wanted = Wanted::parse("webhook", &url, true).map_err(DbError::Abandoned)?;
        target::create(tx, &seal, 1, &wanted, 1).map(drop)
    };
    house.write(job).await;
}

#[test]
fn two_servers_on_one_database_count_exactly_and_tell_once() {
    bugle_db::trial::on_postgres(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        runtime.block_on(two_servers());
    });
}

async fn two_servers() {
    let folders = [0, 1].map(|_| tempfile::tempdir().expect("a temporary folder"));
    let database = bugle_db::trial::url_for(folders[0].path(), MIGRATIONS).expect("a database");
    let [first, second] = folders;
    let one = House::open(first, &database);
    let refused = open(config(second.path(), &database)).err().expect("has another key").to_string();
    assert!(refused.contains("Copy its secret.key"), "{refused}");
    std::fs::copy(one.folder.path().join(seal::FILE), second.path().join(seal::FILE)).expect("copies");
    let other = House::open(second, &database);
    let (url, arrived) = receiver().await;
    prepare(&one, url).await;
    until(async || other.app.store.refresh().await.is_ok() && other.app.store.keys().get(KEY).is_some()).await;

    let (stop, stopped) = watch::channel(false);
    let deliveries = [&one, &other].map(|house| {
        let app = Arc::clone(&house.app);
        let (sender, bell) = (Arc::clone(&app.sender), Arc::clone(&app.bell));
        tokio::spawn(delivery::run(app, sender, bell, stopped.clone()))
    });
    // One issue beyond its cap and one that both have never seen, on both servers at once; some events come to both.
    for id in 1..=60 {
        let house = if id % 2 == 0 { &one } else { &other };
        house.send(id, "the same again").await;
        if id % 10 == 0 {
            tokio::join!(one.send(1_000 + id, "a second one"), other.send(1_000 + id, "a second one"));
        }
    }
    let is_filed = async || one.app.backlog() == 0 && other.app.backlog() == 0;
    until(is_filed).await;
    assert_eq!(one.one("SELECT COUNT(*) FROM issues").await, 2);
    assert_eq!(one.one("SELECT events FROM issues WHERE title = 'the same again'").await, 60);
    assert_eq!(one.one("SELECT events FROM issues WHERE title = 'a second one'").await, 6);
    assert_eq!(one.one("SELECT quantity FROM ledger WHERE reason = 'duplicate'").await, 6);
    assert_eq!(one.one("SELECT COUNT(*) FROM journals WHERE filed = 36").await, 2);
    // The hour may have changed meanwhile.
    assert!(one.one("SELECT MAX(kept) FROM issue_hours").await == CAP);
    let rows = one.one("SELECT COUNT(*) FROM events").await;
    assert_eq!(rows, one.one("SELECT CAST(SUM(kept + rare) AS BIGINT) FROM issue_hours").await);

    let resolve = |tx: &mut Tx<'_>| {
        let id = tx.one("SELECT id FROM issues WHERE title = 'a second one'", &[])?;
        let issue = issue::get(tx, 1, id)?.ok_or_else(|| DbError::Failed("no issue".into()))?;
        workflow::set_status(tx, &issue, Status::Resolved, None, now_ms() - 1)
    };
    assert!(one.write(resolve).await);
    tokio::join!(one.send(2_001, "a second one"), other.send(2_002, "a second one"));
    until(is_filed).await;
    let has_left = async || one.one("SELECT COUNT(*) FROM outbox WHERE state <> 'sent'").await == 0;
    until(has_left).await;
    assert_eq!(one.one("SELECT regressions FROM issues WHERE title = 'a second one'").await, 1);
    let arrived = arrived.lock().expect("no panic").clone();
    assert_eq!(arrived.len(), 3, "two new issues and a regression: {arrived:?}");
    assert_eq!(arrived.iter().collect::<BTreeSet<_>>().len(), 3);

    stop.send_replace(true);
    for delivery in deliveries {
        delivery.await.expect("ends");
    }
    for house in [one, other] {
        // What came in is counted where it is filed, what was refused at the door each second.
        duty::write_books(&house.app).await;
        let report = check::report(house.folder.path(), &house.app.store).expect("checks");
        assert!(report.agrees, "{:?}", report.found);
        house.app.door.journal.stop();
        house.app.door.backlog.stop();
        house.worker.join().expect("no panic");
    }
}
