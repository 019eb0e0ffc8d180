//! Sessions from an SDK's envelope to what the API says of them.

use super::*;
use crate::access::token;
use serde_json::{Value, json};

/// A server with one project, its worker at work, and a token of its owner.
async fn open(folder: &tempfile::TempDir) -> (Server, String) {
    let mut server = Server::new(folder.path(), Overrides::default(), 1).await;
    server.file();
    let token = server.write(|tx| Ok(token::create(tx, 1, 1, "tests", &[], 1)?.1)).await;
    (server, token)
}

/// An envelope of these items, each with its type.
fn envelope(items: &[(&str, Value)]) -> String {
    let lines = items.iter().map(|(kind, body)| format!("{{\"type\":\"{kind}\"}}\n{body}\n"));
    format!("{{}}\n{}", lines.collect::<String>())
}

fn ago(minutes: i64) -> String {
    bugle_event::time::rfc3339(now_ms() - minutes * 60_000)
}

fn session(sid: &str, fields: Value) -> (&'static str, Value) {
    let mut body = json!({
        "sid": sid, "did": format!("person of {sid}"), "started": ago(10),
        "attrs": { "release": "shop@1.0", "environment": "production" },
    });
    for (key, value) in fields.as_object().expect("fields") {
        body[key] = value.clone();
    }
    ("session", body)
}

async fn send(server: &Server, items: &[(&str, Value)]) {
    let answer = server.post(1, 1, envelope(items)).await;
    assert_eq!(answer.status, StatusCode::OK);
    server.until("filed", |app| app.backlog() == 0).await;
}

async fn ask(server: &Server, token: &str, path: &str) -> Value {
    call(server, token, "GET", path, "", 200).await
}

async fn call(server: &Server, token: &str, method: &str, path: &str, body: &str, status: u16) -> Value {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/0/organizations/acme{path}"))
        .header("authorization", format!("Bearer {token}"))
        .body(Body::from(body.to_string()))
        .expect("a request");
    let router = crate::api::router().with_state(server.app.clone());
    let response = router.oneshot(request).await.expect("answers");
    let got = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
    assert_eq!(got, status, "{path}: {text}");
    if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") }
}

async fn totals(server: &Server, token: &str, query: &str) -> Vec<(Value, Value)> {
    let fields =
        "field=sum(session)&field=count_unique(user)&field=crash_free_rate(session)&field=crash_free_rate(user)";
    let fields = if query.contains("field=") { "" } else { fields };
    let answer = ask(server, token, &format!("/sessions/?{fields}&{query}")).await;
    let groups = answer["groups"].as_array().expect("groups").clone();
    groups.into_iter().map(|group| (group["by"].clone(), group["totals"].clone())).collect()
}

fn numbers(sessions: i64, people: i64, free: Value, people_free: Value) -> Value {
    json!({
        "sum(session)": sessions, "count_unique(user)": people,
        "crash_free_rate(session)": free, "crash_free_rate(user)": people_free,
    })
}

#[tokio::test]
async fn crash_free_numbers_are_exact() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (server, token) = open(&folder).await;
    assert_eq!(totals(&server, &token, "statsPeriod=1d").await, [(json!({}), numbers(0, 0, json!(null), json!(null)))]);

    let crash = session("a", json!({ "init": true, "status": "crashed", "errors": 1 }));
    send(&server, std::slice::from_ref(&crash)).await;
    assert_eq!(totals(&server, &token, "statsPeriod=1d").await[0].1, numbers(1, 1, json!(0.0), json!(0.0)));
    let begin = session("b", json!({ "init": true }));
    let errored = session("b", json!({ "errors": 2 }));
    let exited = session("b", json!({ "errors": 2, "status": "exited", "duration": 7.5 }));
    send(&server, &[begin]).await;
    send(&server, &[errored, exited.clone()]).await;
    send(&server, &[crash, exited]).await;
    assert_eq!(
        totals(&server, &token, "statsPeriod=1d").await[0].1,
        numbers(2, 2, json!(0.5), json!(0.5)),
        "again is nothing"
    );
    let sums = json!({
        "aggregates": [
            { "started": ago(70), "exited": 95, "errored": 1, "crashed": 1 }, { "started": ago(5), "exited": 1 },
        ],
        "attrs": { "release": "shop@1.0", "environment": "staging" },
    });
    send(&server, &[("sessions", sums)]).await;
    assert_eq!(totals(&server, &token, "statsPeriod=1d").await[0].1, numbers(100, 2, json!(0.98), json!(0.5)));
    let by_status = totals(&server, &token, "field=sum(session)&groupBy=session.status&statsPeriod=1d").await;
    let count = |status: &str| {
        by_status.iter().find(|(by, _)| by["session.status"] == status).expect("is there").1["sum(session)"].clone()
    };
    assert_eq!(
        ["healthy", "errored", "unhandled", "abnormal", "crashed"].map(count),
        [96, 2, 0, 0, 2].map(Value::from)
    );
    let by = totals(
        &server,
        &token,
        "field=sum(session)&groupBy=release&groupBy=environment&groupBy=project&statsPeriod=1d",
    );
    assert_eq!(
        by.await,
        [
            (json!({ "release": "shop@1.0", "environment": "production", "project": 1 }), json!({ "sum(session)": 2 })),
            (json!({ "release": "shop@1.0", "environment": "staging", "project": 1 }), json!({ "sum(session)": 98 })),
        ]
    );
    for (query, sessions) in [
        ("environment=production", 2),
        ("query=environment:staging", 98),
        ("query=!environment:staging%20release:shop@1.0", 2),
        ("query=release:%22shop@2.0%22", 0),
        ("query=session.status:crashed", 2),
        ("start=2020-01-01T00:00:00&end=2020-01-02T00:00:00", 0),
    ] {
        let found = totals(&server, &token, &format!("field=sum(session)&statsPeriod=1d&{query}")).await;
        assert_eq!(found[0].1["sum(session)"], sessions, "{query}");
    }
    let answer =
        ask(&server, &token, "/sessions/?field=sum(session)&field=count_unique(user)&statsPeriod=2d&interval=1h").await;
    let series = |field: &str| {
        let points = answer["groups"][0]["series"][field].as_array().expect("points");
        (points.len(), points.iter().filter_map(Value::as_i64).sum::<i64>())
    };
    assert_eq!(answer["intervals"].as_array().map(Vec::len), Some(49));
    assert_eq!((series("sum(session)"), series("count_unique(user)")), ((49, 100), (49, 2)));
    for wrong in [
        "",
        "field=p50(session.duration)",
        "field=sum(session)&groupBy=colour",
        "field=sum(session)&query=x:y",
        "field=crash_rate(session)&groupBy=session.status",
        "field=sum(session)&statsPeriod=9y",
    ] {
        call(&server, &token, "GET", &format!("/sessions/?{wrong}"), "", 400).await;
    }
    server.stop();
}

#[tokio::test]
async fn what_is_no_session_is_invalid_and_says_why() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (server, _) = open(&folder).await;
    let old = session("a", json!({ "init": true, "started": ago(6 * 24 * 60) }));
    let future = session("a", json!({ "init": true, "started": ago(-5) }));
    let nameless = session("a", json!({ "init": true, "attrs": { "release": "a/b" } }));
    let odd = session("a", json!({ "status": "odd" }));
    send(&server, &[old, future, nameless, odd, ("session", json!([])), ("sessions", json!({}))]).await;
    let good = session("a", json!({ "init": true }));
    send(&server, &vec![good; 103]).await;
    let entries = server.app.door.ledger.take();
    server.write(move |tx| entries.write(tx)).await;
    let ledger = |tx: &mut Tx<'_>| {
        let sql = "SELECT outcome, reason, CAST(SUM(quantity) AS BIGINT) FROM ledger WHERE category = 'session' \
                   GROUP BY outcome, reason ORDER BY 1, 2";
        let rows = tx.query(sql, &[])?;
        rows.iter()
            .map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .collect::<Result<Vec<(String, String, i64)>, _>>()
    };
    let expected = [
        ("invalid", "invalid_release", 1),
        ("invalid", "timestamp", 2),
        ("invalid", "too_large", 3),
        ("invalid", "unreadable", 3),
        ("received", "", 109),
        ("stored", "", 100),
    ];
    assert_eq!(server.write(ledger).await, expected.map(|(outcome, reason, n)| (outcome.into(), reason.into(), n)));
    assert_eq!(server.count("SELECT CAST(SUM(sessions) AS BIGINT) FROM session_hours").await, 1);
    server.stop();
}

#[tokio::test]
async fn sessions_go_through_when_the_quota_of_events_is_used_up_and_no_id_is_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (server, token) = open(&folder).await;
    server.limit(1, quota(1)).await;
    assert_eq!(server.fill(1).await.0, 1);
    let answer = server.post(1, 1, envelope(&[session("secret-session-id", json!({ "init": true }))])).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.limits().contains("project_quota"), "the limit is told all the same");
    let bytes: Vec<u8> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .flat_map(|file| std::fs::read(file.expect("a file").path()).unwrap_or_default())
        .collect();
    assert!(bytes.windows(8).any(|part| part == b"shop@1.0"), "the release is there");
    assert!(!bytes.windows(11).any(|part| part == b"person of s" || part == b"secret-sess"), "ids are hashed");
    server.until("filed", |app| app.backlog() == 0).await;
    assert_eq!(totals(&server, &token, "statsPeriod=1d").await[0].1, numbers(1, 1, json!(1.0), json!(1.0)));
    server.stop();
}

/// §21.22: versions in paths contain `@`, `+` and more.
#[tokio::test]
async fn a_release_is_announced_and_found_under_any_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (server, token) = open(&folder).await;
    let version = "my.app@1.0+5 %é";
    let path = format!("/releases/{}/", crate::ui::address::encode(version));
    let body = json!({ "version": version, "projects": ["shop-1"], "url": "https://ci.example/5" }).to_string();
    let made = call(&server, &token, "POST", "/releases/", &body, 201).await;
    assert_eq!((&made["version"], &made["versionInfo"]["package"]), (&json!(version), &json!("my.app")));
    call(&server, &token, "POST", "/releases/", &body, 208).await;
    call(&server, &token, "POST", "/releases/", r#"{"version":"a/b","projects":["shop-1"]}"#, 400).await;
    call(&server, &token, "POST", "/releases/", r#"{"version":"1"}"#, 400).await;
    call(&server, &token, "POST", "/releases/", r#"{"version":"1","projects":["other"]}"#, 400).await;
    let done = call(&server, &token, "PUT", &path, r#"{"dateReleased":"2026-08-01T10:00:00Z"}"#, 200).await;
    assert_eq!(
        (&done["dateReleased"], &done["url"]),
        (&json!("2026-08-01T10:00:00.000000Z"), &json!("https://ci.example/5"))
    );
    call(&server, &token, "POST", &format!("{path}deploys/"), r#"{"environment":"production","name":"blue"}"#, 201)
        .await;
    call(&server, &token, "POST", &format!("{path}deploys/"), r#"{"name":"blue"}"#, 400).await;
    let deploys = ask(&server, &token, &format!("{path}deploys/")).await;
    assert_eq!((&deploys[0]["environment"], deploys.as_array().map(Vec::len)), (&json!("production"), Some(1)));
    assert_eq!(ask(&server, &token, &format!("{path}previous-with-commits/")).await, json!({}));
    assert_eq!(ask(&server, &token, &format!("{path}commits/")).await, json!([]));
    assert_eq!(ask(&server, &token, "/releases/?query=1.0%2B5").await[0]["version"], json!(version));
    assert_eq!(ask(&server, &token, "/releases/?query=nothing").await, json!([]));
    call(&server, &token, "GET", "/releases/none/", "", 404).await;
    call(&server, &token, "PUT", "/releases/none/", "{}", 404).await;
    call(&server, &token, "DELETE", &path, "", 204).await;
    call(&server, &token, "GET", &path, "", 404).await;
    server.stop();
}

#[tokio::test]
async fn a_release_has_its_health() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (server, token) = open(&folder).await;
    let other = json!({ "init": true, "attrs": { "release": "shop@0.9" } });
    let mut items: Vec<_> = (0..19).map(|at| session(&format!("s{at}"), json!({ "init": true }))).collect();
    items.push(session("t", other));
    items.push(session("s0", json!({ "status": "crashed", "errors": 1 })));
    send(&server, &items).await;
    let event = "{}\n{\"type\":\"event\"}\n{\"level\":\"error\",\"message\":\"m\",\"release\":\"shop@1.0\"}\n";
    assert_eq!(server.post(1, 1, event.into()).await.status, StatusCode::OK);
    server.until("filed", |app| app.backlog() == 0).await;
    let release = ask(&server, &token, "/releases/shop%401.0/?health=1").await;
    let health = &release["projects"][0]["healthData"];
    assert_eq!(
        (&health["totalSessions"], &health["sessionsCrashed"], &health["totalUsers"]),
        (&json!(19), &json!(1), &json!(19))
    );
    let free = health["crashFreeSessions"].as_f64().expect("a share");
    assert!((free - 100.0 * 18.0 / 19.0).abs() < 1e-9, "{free}");
    assert_eq!((&health["sessionsAdoption"], &health["totalProjectSessions24h"]), (&json!(95.0), &json!(20)));
    assert_eq!((&release["newGroups"], &release["adoptionStages"]["shop-1"]["stage"]), (&json!(1), &json!("adopted")));
    let day: i64 =
        health["stats"]["24h"].as_array().expect("a list").iter().filter_map(|point| point[1].as_i64()).sum();
    assert_eq!(day, 19);
    let list = ask(&server, &token, "/releases/?health=1&per_page=1").await;
    assert_eq!(list.as_array().map(Vec::len), Some(1));
    let old = ask(&server, &token, "/releases/shop%400.9/").await;
    assert_eq!(old["adoptionStages"]["shop-1"]["stage"], "low");
    assert_eq!(old["projects"][0]["healthData"], json!(null), "nobody has asked");
    call(&server, &token, "DELETE", "/releases/shop%400.9/", "", 400).await;
    server.stop();
}

bugle_db::on_postgres_too![
    crash_free_numbers_are_exact,
    a_release_is_announced_and_found_under_any_name,
    a_release_has_its_health,
];
