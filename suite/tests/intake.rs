//! What the intake takes and what it refuses, in HTTP: credentials, encodings, bounds, limits, cross-origin
//! requests, broken events.

use serde_json::{Value, json};
use suite::door::{Answer, Request};
use suite::envelope::{self, exception, gzip, path, with_event, with_text};
use suite::rest::{summary, text};
use suite::{Bugle, Project};

const MIB: usize = 1 << 20;

/// How a body is encoded.
type Wrap = fn(&[u8]) -> Vec<u8>;

#[test]
fn credentials_in_every_form() {
    let bugle = Bugle::start();
    let project = bugle.project("Shop");
    let other = bugle.project("Other");
    let wrong = "f".repeat(32);
    let (to, key) = (path(&project), &project.key);
    let body = || with_event(&envelope::id(1), &exception("TillError", "stuck"));
    let status = |request: Request| request.send(bugle.address()).expect("an answer").status;

    let bearer = |key: &str| format!("Sentry sentry_key={key},sentry_version=7");
    assert_eq!(status(Request::post(&to, body()).key(key)), 200);
    assert_eq!(status(Request::post(&to, body()).header("Authorization", &bearer(key))), 200);
    assert_eq!(status(Request::post(format!("{to}?sentry_version=7&sentry_key={key}"), body())), 200);
    assert_eq!(status(Request::post(to.trim_end_matches('/'), body()).key(key)), 200, "without the last slash");
    let with_dsn = |dsn: &str| {
        let mut envelope = format!("{{\"dsn\":\"{dsn}\"}}\n").into_bytes();
        envelope.extend(body().split_inclusive(|byte| *byte == b'\n').skip(1).flatten());
        envelope
    };
    assert_eq!(status(Request::post(&to, with_dsn(&project.dsn))), 200, "the DSN in the envelope alone");
    assert_eq!(status(Request::post(&to, with_dsn(&project.dsn)).key(key)), 200, "both");
    assert_eq!(status(Request::post(&to, with_dsn(&other.dsn)).key(key)), 400, "one against the other");

    assert_eq!(status(Request::post(&to, body())), 401, "none");
    assert_eq!(status(Request::post(&to, body()).key(&wrong)), 403, "unknown");
    assert_eq!(status(Request::post(&to, body()).key(&other.key)), 403, "another project's");
    let two = Request::post(format!("{to}?sentry_key={wrong}"), body()).key(key);
    assert_eq!(status(two), 401, "two different ones");
}

#[test]
fn every_encoding() {
    let bugle = Bugle::start();
    let project = bugle.project("Shop");
    let wrapped: [(&str, Wrap); 8] = [
        ("gzip", gzip),
        ("gzip", |body| envelope::gzip_members(body, 3)),
        ("deflate", envelope::zlib),
        ("deflate", envelope::raw_deflate),
        ("br", envelope::brotli),
        ("zstd", envelope::zstd),
        ("identity", <[u8]>::to_vec),
        ("", <[u8]>::to_vec),
    ];
    for (n, (encoding, wrap)) in wrapped.iter().enumerate() {
        let id = envelope::id(n as u64);
        let body = wrap(&with_event(&id, &exception("TillError", "stuck")));
        let answer = post(&bugle, &project, body, encoding);
        assert_eq!((answer.status, &answer.json()), (200, &json!({"id": id})), "{n} {encoding}");
    }
    let plain = envelope::send(&bugle, &project, with_event(&envelope::id(100), &exception("TillError", "stuck")));
    assert_eq!(plain.status, 200);
    bugle.rest().await_events(&project, wrapped.len() as u64 + 1);
}

#[test]
fn what_cannot_be_read_is_refused_with_what_and_where() {
    let bugle = Bugle::start();
    let project = bugle.project("Shop");
    let cut = gzip(&with_event(&envelope::id(1), &exception("TillError", "stuck")));
    let truncated = cut[..cut.len() / 2].to_vec();
    let too_long = b"{}\n{\"type\":\"event\",\"length\":1000}\n{}\n".to_vec();
    for (name, body, encoding) in [
        ("not gzip", b"plain".to_vec(), "gzip"),
        ("a cut gzip", truncated, "gzip"),
        ("not zstd", b"plain".to_vec(), "zstd"),
        ("no JSON in the header", b"hello\n".to_vec(), ""),
        ("no JSON in an item's header", b"{}\nhello\n".to_vec(), ""),
        ("a length beyond the end", too_long, ""),
    ] {
        let answer = post(&bugle, &project, body, encoding);
        assert_eq!(answer.status, 400, "{name}: {}", answer.text());
        let detail = answer.json()["detail"].as_str().unwrap_or_default().to_string();
        assert!(detail.len() > 10, "{name} says too little: {detail:?}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{name}");
    }
    let empty = Request::post(path(&project), "").key(&project.key).send(bugle.address()).expect("an answer");
    assert!(empty.status == 400, "an empty body: {}", empty.status);
    let framing = post(&bugle, &project, b"{}\n{\"type\":\"event\",\"length\":1000}\n{}\n".to_vec(), "");
    assert!(framing.text().contains(|c: char| c.is_ascii_digit()), "it says where: {}", framing.text());
    bugle.settle();
}

#[test]
fn bombs_and_giants_are_refused_without_their_memory() {
    let bugle = Bugle::start();
    let project = bugle.project("Shop");
    assert_eq!(envelope::send(&bugle, &project, with_event(&envelope::id(1), &exception("A", "b"))).status, 200);
    let before = bugle.peak_resident_bytes();

    let zeros = vec![b' '; 512 * MIB];
    let bombs = [
        ("gzip", gzip(&zeros)),
        ("deflate", envelope::zlib(&zeros)),
        ("br", envelope::brotli(&zeros)),
        ("zstd", envelope::zstd(&zeros)),
    ];
    drop(zeros);
    for (encoding, bomb) in bombs {
        let answer = post(&bugle, &project, bomb, encoding);
        assert_eq!(answer.status, 413, "{encoding}: {}", answer.text());
    }
    let giant = with_text(&envelope::id(2), &vec![b' '; 300 * MIB]);
    assert_eq!(envelope::send(&bugle, &project, giant).status, 413);
    let large_event = exception("Large", &"x".repeat(2 * MIB));
    let answer = envelope::send(&bugle, &project, with_event(&envelope::id(3), &large_event));
    assert_eq!(answer.status, 413, "an event over 1 MiB: {}", answer.text());

    let grown = bugle.peak_resident_bytes().saturating_sub(before);
    assert!(grown < 256 * MIB as u64, "grew by {} MiB", grown / MIB as u64);
    assert_eq!(envelope::send(&bugle, &project, with_event(&envelope::id(4), &exception("A", "b"))).status, 200);
    bugle.settle();
}

#[test]
fn a_key_over_its_limit_hears_when_to_come_again() {
    let bugle = Bugle::start();
    let project = bugle.project("Shop");
    let rest = bugle.rest();
    let keys = rest.get(&format!("/projects/shop/{}/keys/", project.slug));
    let id = text(&keys[0], "id").to_string();
    let limit = json!({"rateLimit": {"window": 3600, "count": 3}});
    rest.put(&format!("/projects/shop/{}/keys/{id}/", project.slug), &limit);

    let send = |n: u64| envelope::send(&bugle, &project, with_event(&envelope::id(n), &exception("A", "b")));
    let answers: Vec<Answer> = (0..5).map(send).collect();
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200, 200, 200, 429, 429]);
    let limited = &answers[3];
    let seconds: u64 = limited.header("retry-after").and_then(|s| s.parse().ok()).expect("Retry-After in seconds");
    assert!((1..=3600).contains(&seconds), "{seconds}");
    let limits = limited.header("x-sentry-rate-limits").expect("the header that SDKs obey");
    let parts: Vec<&str> = limits.split(',').next().unwrap_or_default().split(':').collect();
    assert!(parts[0].trim().parse::<u64>().is_ok_and(|s| s <= 3600), "{limits}");
    assert!(parts[1].is_empty() || parts[1].split(';').any(|category| category == "error"), "{limits}");
    assert_eq!(parts[2], "key", "{limits}");
    assert_eq!(limited.header("access-control-allow-origin"), Some("*"));

    rest.put(&format!("/projects/shop/{}/keys/{id}/", project.slug), &json!({"isActive": false}));
    assert_eq!(send(9).status, 403, "a key that was switched off");
    rest.await_events(&project, 3);
    bugle.settle();
}

#[test]
fn browsers_may_send_from_anywhere() {
    let bugle = Bugle::start();
    let project = bugle.project("Shop");
    let preflight = Request::bare("OPTIONS", path(&project))
        .header("Origin", "https://shop.example.com")
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "content-type,x-sentry-auth")
        .send(bugle.address())
        .expect("an answer");
    assert!((200..300).contains(&preflight.status), "{preflight:?}");
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
    let allowed = preflight.header("access-control-allow-headers").unwrap_or_default().to_lowercase();
    assert!(allowed.contains("x-sentry-auth") && allowed.contains("content-encoding"), "{allowed}");
    assert!(preflight.header("access-control-allow-methods").is_some_and(|methods| methods.contains("POST")));

    let body = || with_event(&envelope::id(1), &exception("A", "b"));
    let from = |request: Request| {
        request.header("Origin", "https://shop.example.com").send(bugle.address()).expect("an answer")
    };
    let answers = [
        from(Request::post(path(&project), body()).key(&project.key)),
        from(Request::post(path(&project), b"x".to_vec()).key(&project.key)),
        from(Request::post(path(&project), body())),
        from(Request::post(path(&project), body()).key(&"f".repeat(32))),
        from(Request::post(path(&project), vec![b'x'; 3 * MIB]).key(&project.key).header("Content-Encoding", "gzip")),
        from(Request::post("/api/4242/envelope/", body()).key(&project.key)),
    ];
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>()[..4], [200, 400, 401, 403]);
    for answer in &answers {
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{answer:?}");
        let exposed = answer.header("access-control-expose-headers").unwrap_or_default().to_lowercase();
        assert!(exposed.contains("x-sentry-rate-limits") && exposed.contains("retry-after"), "{answer:?}");
    }
}

/// Broken JSON inside an event is never refused: what could be read is kept, and the page says what could not.
#[test]
fn a_broken_event_is_kept_as_far_as_it_can_be_read() {
    let bugle = Bugle::start();
    let project = bugle.project("Shop");
    let (rest, owner) = (bugle.rest(), bugle.owner());
    let head = r#""exception":{"values":[{"type":"TillError","value":"stuck"}]},"platform":"python""#;
    let broken: [(&str, Vec<u8>); 8] = [
        ("cut off", format!("{{{head},\"extra\":{{\"a\":[1,2").into_bytes()),
        ("bare NaN", format!("{{{head},\"extra\":{{\"a\":NaN,\"b\":-Infinity}}}}").into_bytes()),
        ("a lone surrogate", format!("{{{head},\"extra\":{{\"a\":\"\\ud83d!\"}}}}").into_bytes()),
        ("a byte order mark", format!("\u{feff}{{{head}}}").into_bytes()),
        ("the same key twice", format!("{{{head},\"level\":\"error\",\"level\":\"fatal\"}}").into_bytes()),
        ("wrong types", format!("{{{head},\"tags\":7,\"user\":[],\"level\":{{}},\"breadcrumbs\":\"x\"}}").into_bytes()),
        ("too deep", format!("{{{head},\"extra\":{{\"a\":{}1{}}}}}", "[".repeat(5000), "]".repeat(5000)).into_bytes()),
        ("not UTF-8", [format!("{{{head},\"extra\":{{\"a\":\"").as_bytes(), b"\xff\xfe", b"\"}}"].concat()),
    ];
    for (n, (name, event)) in broken.iter().enumerate() {
        let answer = envelope::send(&bugle, &project, with_text(&envelope::id(n as u64), event));
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
    }
    let issues = rest.await_events(&project, broken.len() as u64);
    assert_eq!(issues.len(), 1, "{:#?}", summary(&issues));
    assert!(text(&issues[0], "title").starts_with("TillError"), "{:#?}", summary(&issues));

    let problems = |n: usize| rest.stored(&project, &envelope::id(n as u64))["errors"].clone();
    for (n, (name, _)) in broken.iter().enumerate() {
        let listed = problems(n).as_array().map_or(0, Vec::len);
        let expected = !matches!(*name, "a byte order mark");
        assert!(!expected || listed > 0, "no problem is listed for {name}");
    }
    let id = envelope::id(0);
    let page = owner.page(&format!("/issues/{}/events/{id}", text(&issues[0], "id")));
    page.shows(&["TillError", "stuck", "Problems"]);
    bugle.settle();
}

/// Half an event without an exception, garbage, nothing at all: each is an event of its own kind, never a 5xx.
#[test]
fn strange_events_never_break_the_server() {
    let bugle = Bugle::start();
    let project = bugle.project("Shop");
    let strange: [&[u8]; 7] =
        [b"{}", b"null", b"[]", b"7", b"\"text\"", b"\x00\x01", b"{\"exception\":null,\"message\":null}"];
    for (n, event) in strange.iter().enumerate() {
        let answer = envelope::send(&bugle, &project, with_text(&envelope::id(n as u64), event));
        assert_eq!(answer.status, 200, "{event:?}: {}", answer.text());
    }
    let unknown =
        b"{}\n{\"type\":\"hologram\",\"length\":2}\n{}\n{\"type\":\"transaction\",\"length\":2}\n{}\n".to_vec();
    assert_eq!(envelope::send(&bugle, &project, unknown).status, 200);
    bugle.settle();
    let sum: u64 = bugle.rest().issues(&project).iter().map(suite::rest::count).sum();
    assert_eq!(sum, strange.len() as u64);
}

#[test]
fn the_store_endpoint_takes_a_bare_event() {
    let bugle = Bugle::start();
    let project = bugle.project("Old SDK");
    let mut event = exception("TillError", "stuck");
    event["event_id"] = Value::from(envelope::id(5));
    let request = Request::post(format!("/api/{}/store/", project.id), event.to_string()).key(&project.key);
    let answer = request.header("Content-Type", "application/json").send(bugle.address()).expect("an answer");
    assert_eq!((answer.status, answer.json()), (200, json!({"id": envelope::id(5)})));
    bugle.rest().await_events(&project, 1);
}

fn post(bugle: &Bugle, project: &Project, body: Vec<u8>, encoding: &str) -> Answer {
    let request = Request::post(path(project), body).key(&project.key).header("Content-Encoding", encoding);
    request.send(bugle.address()).expect("an answer")
}
