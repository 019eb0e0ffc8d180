//! The protocol's checklist of traps (section 21), one test for each row that has none elsewhere. `docs/sentry-traps.md`
//! says for every row where its tests are.

use super::browser::KEY;
use super::*;
use bugle_event::EventId;
use serde_json::{Value, json};
use std::io::Write;

const ENVELOPE: &str = "/api/1/envelope/";

impl Server {
    /// Sends an envelope with one event, whose id stands in the header; answers the status.
    async fn tell(&self, id: u128, event: &Value) -> u16 {
        let body = format!("{{\"event_id\":\"{id:032x}\"}}\n{{\"type\":\"event\"}}\n{event}\n");
        self.ask(to(ENVELOPE), body).await.status
    }

    /// The stored event.
    async fn kept(&self, id: u128) -> Value {
        self.settled().await;
        let id = EventId(id.to_be_bytes());
        let event = self.app.store.read(move |tx| crate::event::of_project(tx, 1, id)).await.expect("reads");
        serde_json::from_str(&event.expect("is stored").json).expect("JSON")
    }

    async fn issues(&self) -> i64 {
        self.settled().await;
        self.count("SELECT COUNT(*) FROM issues").await
    }
}

fn to(path: &str) -> axum::http::request::Builder {
    Request::post(format!("{path}?sentry_key={KEY}&sentry_version=7"))
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(body).expect("packs");
    writer.finish().expect("packs")
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(body).expect("packs");
    writer.finish().expect("packs")
}

fn error(kind: &str, value: &str, line: u32) -> Value {
    let frames = json!([
        { "function": "main", "module": "shop", "lineno": 1, "in_app": true },
        { "function": "order", "module": "shop.order", "lineno": 2, "in_app": true },
        { "function": "total", "module": "shop.cart", "lineno": 3, "in_app": true },
        { "function": "price", "module": "shop.price", "lineno": line, "in_app": true },
    ]);
    let one = json!({ "type": kind, "value": value, "stacktrace": { "frames": frames } });
    json!({ "platform": "python", "exception": { "values": [one] } })
}

#[tokio::test]
async fn s21_2_encodings_may_be_empty_odd_or_new_and_inflating_is_bounded() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::filing(folder.path(), Overrides::default()).await;
    let zstd = |body: &[u8]| zstd::bulk::compress(body, 1).expect("packs");
    let bodies: [(&str, Vec<u8>, u16); 9] = [
        ("", event(1).into(), 200),
        ("identity", event(2).into(), 200),
        ("UTF-8", event(3).into(), 200),
        ("GZIP", gzip(event(4).as_bytes()), 200),
        ("deflate", zlib(event(5).as_bytes()), 200),
        ("zstd", zstd(event(6).as_bytes()), 200),
        ("gzip", zstd(&vec![b' '; super::super::INFLATED_BYTES_MAX + 1]), 400),
        ("gzip", gzip(&vec![b' '; super::super::INFLATED_BYTES_MAX + 1]), 413),
        ("zstd", zstd(&vec![b' '; super::super::INFLATED_BYTES_MAX + 1]), 413),
    ];
    for (encoding, body, status) in bodies {
        let answer = server.ask(to(ENVELOPE).header("content-encoding", encoding), body).await;
        assert_eq!(answer.status, status, "{encoding:?}: {}", answer.text);
    }
    server.settled().await;
    assert_eq!(server.count("SELECT COUNT(*) FROM events").await, 6);
    server.stop();
}

#[tokio::test]
async fn s21_4_the_header_s_event_id_beats_the_payload_s_and_dashes_are_taken() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::filing(folder.path(), Overrides::default()).await;
    let dashed = |id: u128| EventId(id.to_be_bytes()).dashed();
    let payload = format!("{{\"event_id\":\"{}\",\"message\":\"m\"}}", dashed(2));
    for (header, expected) in [
        (format!("{{\"event_id\":\"{}\"}}", dashed(1).to_uppercase()), 1),
        ("{}".to_string(), 2),
        (format!("{{\"event_id\":\"{:032x}\"}}", 3), 3),
    ] {
        let answer = server.ask(to(ENVELOPE), format!("{header}\n{{\"type\":\"event\"}}\n{payload}\n")).await;
        assert_eq!((answer.status, answer.text), (200, format!("{{\"id\":\"{expected:032x}\"}}")), "{header}");
        assert_eq!(server.kept(expected).await["event_id"], format!("{expected:032x}"));
    }
    server.stop();
}

#[tokio::test]
async fn s21_5_items_of_any_type_are_200_and_cost_the_error_beside_them_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::filing(folder.path(), Overrides::default()).await;
    let kinds = [
        "transaction",
        "log",
        "otel_log",
        "replay_event",
        "replay_recording",
        "replay_video",
        "profile",
        "profile_chunk",
        "span",
        "statsd",
        "metric_buckets",
        "trace_metric",
        "form_data",
        "hologram",
    ];
    for (n, kind) in kinds.iter().enumerate() {
        let id = n as u128 + 1;
        for odd in ["{}", "\u{0}\u{1} no JSON"] {
            let length = odd.len();
            let item = format!("{{\"type\":\"{kind}\",\"length\":{length}}}\n{odd}\n");
            let body = event(id).replacen('\n', &format!("\n{item}"), 1);
            assert_eq!(server.ask(to(ENVELOPE), body).await.status, 200, "{kind}");
        }
        assert_eq!(server.kept(id).await["logentry"]["formatted"], "hello", "{kind}");
        assert_eq!(server.ask(to(ENVELOPE), format!("{{}}\n{{\"type\":\"{kind}\"}}\n{{}}\n")).await.status, 200);
    }
    server.settled().await;
    assert_eq!(server.ledger("discarded", "unsupported").await, 3 * kinds.len() as i64);
    server.stop();
}

#[tokio::test]
async fn s21_7_what_cannot_be_filed_now_waits_in_the_journal_and_nothing_is_503() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let flags = || Overrides { backlog_items_max: Some(3), ..Overrides::default() };
    let server = Server::new(folder.path(), flags(), 1).await;
    for _ in 0..3 {
        assert_eq!(server.send(1).await.status, StatusCode::OK, "nobody files");
    }
    let refused = server.send(1).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "SDKs obey this one, and drop what a 503 meets");
    assert!(!refused.limits().is_empty() && !refused.header("retry-after").is_empty());
    server.stop();
    let mut server = Server::open(folder.path(), flags());
    server.file();
    server.until("what waited is filed", |app| app.backlog() == 0).await;
    assert_eq!(server.count("SELECT COUNT(*) FROM events").await, 3);
    assert_eq!(server.send(1).await.status, StatusCode::OK);
    server.stop();
}

#[tokio::test]
async fn s21_8_exceptions_and_frames_stay_oldest_first_and_the_last_one_names_the_issue() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::filing(folder.path(), Overrides::default()).await;
    let cause = error("KeyError", "sku", 7)["exception"]["values"][0].clone();
    let last = error("CheckoutFailed", "no price", 9)["exception"]["values"][0].clone();
    let sent = json!({ "platform": "python", "exception": { "values": [cause, last] } });
    assert_eq!(server.tell(1, &sent).await, 200);
    let kept = server.kept(1).await;
    let of = |path: &str| kept.pointer(path).and_then(Value::as_str).map(str::to_string).expect(path);
    assert_eq!([of("/exception/values/0/type"), of("/exception/values/1/type")], ["KeyError", "CheckoutFailed"]);
    let frames = "/exception/values/1/stacktrace/frames";
    assert_eq!([of(&format!("{frames}/0/function")), of(&format!("{frames}/3/function"))], ["main", "price"]);
    let named = server.write(|tx| {
        let row = tx.first("SELECT kind, title, culprit FROM issues", &[])?.expect("an issue");
        Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.get::<String>(2)?))
    });
    let (kind, title, culprit) = named.await;
    assert_eq!((kind.as_str(), title.as_str()), ("CheckoutFailed", "no price"));
    assert!(culprit.contains("price"), "where it was thrown: {culprit}");
    server.stop();
}

#[tokio::test]
async fn s21_9_lists_objects_and_maps_of_every_form_are_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::filing(folder.path(), Overrides::default()).await;
    let (one, crumb, thread) =
        (json!({ "type": "KeyError", "value": "sku" }), json!({ "message": "b" }), json!({ "id": 1, "name": "main" }));
    let forms = [
        json!({ "exception": { "values": [one] }, "breadcrumbs": { "values": [crumb] }, "threads": { "values": [thread] },
            "tags": { "plan": "pro", "n": "7" }, "fingerprint": ["a", "7", "True"] }),
        json!({ "exception": [one], "breadcrumbs": [crumb], "threads": [thread],
            "tags": [["n", 7], ["plan", "pro"]], "fingerprint": ["a", 7, true] }),
        json!({ "exception": one, "breadcrumbs": { "values": [crumb] }, "threads": [thread],
            "tags": [["n", 7], ["plan", "pro"]], "fingerprint": ["a", 7, true] }),
    ];
    let mut kept = Vec::new();
    for (n, form) in forms.iter().enumerate() {
        assert_eq!(server.tell(n as u128 + 1, form).await, 200);
        let event = server.kept(n as u128 + 1).await;
        assert_eq!(event["errors"], Value::Null, "nothing is odd about {form}");
        let tags: Vec<_> = event["tags"].as_array().expect("pairs").iter().map(Value::to_string).collect();
        assert!(tags.contains(&r#"["n","7"]"#.to_string()), "{tags:?}");
        kept.push(["exception", "breadcrumbs", "threads", "tags", "fingerprint"].map(|name| event[name].clone()));
    }
    assert_eq!(kept[0][0]["values"][0]["type"], "KeyError");
    assert_eq!((&kept[1], &kept[2]), (&kept[0], &kept[0]));
    assert_eq!(server.issues().await, 1, "and one issue, by the fingerprint");
    server.stop();
}

#[tokio::test]
async fn s21_10_one_invalid_field_costs_itself_and_meta_stays() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::filing(folder.path(), Overrides::default()).await;
    let odd = [
        ("level", json!({ "a": 1 })),
        ("timestamp", json!("soon")),
        ("release", json!([1])),
        ("environment", json!("a/b")),
        ("user", json!(7)),
        ("request", json!(7)),
        ("tags", json!(7)),
        ("contexts", json!([1])),
        ("breadcrumbs", json!("x")),
        ("exception", json!(3)),
        ("fingerprint", json!({ "a": 1 })),
    ];
    for (n, (field, value)) in odd.into_iter().enumerate() {
        let id = n as u128 + 1;
        let mut sent =
            json!({ "message": "m", "extra": { "l": "cut" }, "_meta": { "extra": { "l": { "": { "len": 120 } } } } });
        sent[field] = value;
        assert_eq!(server.tell(id, &sent).await, 200, "{field}");
        let kept = server.kept(id).await;
        assert_eq!(kept["logentry"]["formatted"], "m", "{field}");
        assert_eq!(kept["_meta"]["extra"]["l"][""]["len"], 120, "{field}");
        let said = kept["errors"].as_array().is_some_and(|errors| !errors.is_empty());
        assert!(said, "it says what was odd: {field}, {kept}");
    }
    server.stop();
}

#[tokio::test]
async fn s21_11_clocks_are_set_only_above_55_minutes_and_times_are_clamped_not_refused() {
    const MINUTE_MS: i64 = 60_000;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::filing(folder.path(), Overrides::default()).await;
    // By the sender's clock: when it happened and when it was sent, from now; then when it happened for us.
    for (n, (happened, sent, expected)) in
        [(-54, -54, -54), (-56, -56, 0), (180, 180, 0), (-60 * 24 * 400, 0, 0), (60 * 24, 0, 0), (-30, 0, -30)]
            .into_iter()
            .enumerate()
    {
        let (id, now) = (n as u128 + 1, now_ms());
        let at = |minutes: i64| bugle_event::time::rfc3339(now + minutes * MINUTE_MS);
        let body = format!(
            "{{\"event_id\":\"{id:032x}\",\"sent_at\":\"{}\"}}\n{{\"type\":\"event\"}}\n{{\"timestamp\":\"{}\"}}\n",
            at(sent),
            at(happened)
        );
        assert_eq!(server.ask(to(ENVELOPE), body).await.status, 200);
        server.settled().await;
        let id = EventId(id.to_be_bytes());
        let event = server.app.store.read(move |tx| crate::event::of_project(tx, 1, id)).await.expect("reads");
        let off_ms = event.expect("is stored").timestamp_ms - (now + expected * MINUTE_MS);
        assert!((-1..MINUTE_MS).contains(&off_ms), "{happened} {sent}: {off_ms} ms from where it should be");
    }
    server.stop();
}

#[tokio::test]
async fn s21_16_events_that_come_at_once_make_one_issue_with_all_their_keys() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::filing(folder.path(), Overrides::default()).await;
    let all = (0..24).map(|n| {
        let router = server.router.clone();
        let body = format!("{{}}\n{{\"type\":\"event\"}}\n{}\n", error("KeyError", &format!("sku {n}"), n));
        tokio::spawn(async move { router.oneshot(to(ENVELOPE).body(Body::from(body)).expect("a request")).await })
    });
    for sent in all.collect::<Vec<_>>() {
        assert_eq!(sent.await.expect("ends").expect("answers").status(), StatusCode::OK);
    }
    assert_eq!(server.issues().await, 1);
    let keys = "SELECT COUNT(*) FROM issue_keys WHERE issue = 1";
    let before = server.count(keys).await;
    // Another caller: the same site by another way, which the issue is found by from then on.
    let mut other = error("KeyError", "sku 99", 9);
    other["exception"]["values"][0]["stacktrace"]["frames"][0]["function"] = "job".into();
    server.tell(rand(), &other).await;
    assert_eq!(server.issues().await, 1);
    assert!(server.count(keys).await > before && before >= 1, "its other key is attached");
    assert_eq!(server.count("SELECT events FROM issues").await, 25);
    server.stop();
}

#[tokio::test]
async fn s21_17_values_and_line_numbers_make_no_issue_and_the_stack_beats_the_message() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::filing(folder.path(), Overrides::default()).await;
    let message = |text: &str| json!({ "message": text, "level": "error" });
    for text in ["no route to 10.0.0.1 in 17 ms", "no route to 192.168.7.33 in 2044 ms"] {
        server.tell(rand(), &message(text)).await;
    }
    assert_eq!(server.issues().await, 1, "messages are parameterised");
    server.tell(rand(), &message("no route to the shop")).await;
    assert_eq!(server.issues().await, 2, "what remains tells them apart");
    for (value, line) in [("'sku-1'", 7), ("'sku-1'", 70), ("something else altogether", 7)] {
        server.tell(rand(), &error("KeyError", value, line)).await;
    }
    assert_eq!(server.issues().await, 3, "line numbers and messages count for nothing beside a stack");
    let mut other = error("KeyError", "'sku-1'", 7);
    other["exception"]["values"][0]["stacktrace"]["frames"][3]["function"] = "discount".into();
    server.tell(rand(), &other).await;
    assert_eq!(server.issues().await, 4, "another place is another issue");
    server.stop();
}

#[tokio::test]
async fn s21_23_the_same_event_again_counts_once_in_each_project() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut server = Server::new(folder.path(), Overrides::default(), 2).await;
    server.file();
    for project in [1, 2, 1, 2, 1] {
        assert_eq!(server.post(project, project, event(7)).await.status, StatusCode::OK);
    }
    server.settled().await;
    assert_eq!(server.post(1, 1, event(7)).await.status, StatusCode::OK, "later too");
    server.settled().await;
    assert_eq!(server.count("SELECT COUNT(*) FROM events").await, 2);
    assert_eq!(server.count("SELECT CAST(SUM(events) AS BIGINT) FROM issues").await, 2);
    assert_eq!(server.ledger("invalid", "duplicate").await, 4);
    server.stop();
}
