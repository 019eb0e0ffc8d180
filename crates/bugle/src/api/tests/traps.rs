//! The rows of the protocol's checklist of traps (section 21) that concern the API. `docs/sentry-traps.md` says for every
//! row where its tests are.

use super::{Api, seed};
use crate::config::{Config, Overrides};
use crate::serve;
use axum::body::Body;
use axum::http::Request;
use serde_json::Value;
use tower::ServiceExt;

/// Bugle takes no source maps and debug files yet. A build that uploads some must be told so in JSON, at once and for good.
#[tokio::test]
async fn s21_18_uploads_of_source_maps_are_answered_with_a_404_in_json() {
    let api = Api::new();
    for (method, path) in [
        ("POST", "/organizations/acme/artifactbundle/assemble/"),
        ("POST", "/organizations/acme/releases/shop@1.0/files/"),
        ("GET", "/organizations/acme/releases/shop@1.0/files/"),
        ("POST", "/organizations/acme/releases/shop@1.0/assemble/"),
        ("GET", "/projects/acme/shop/artifact-lookup/?debug_id=0"),
        ("POST", "/projects/acme/shop/files/difs/assemble/"),
        ("POST", "/projects/acme/shop/files/dsyms/"),
        ("GET", "/projects/acme/shop/files/dsyms/"),
        ("POST", "/projects/acme/shop/releases/shop@1.0/files/"),
    ] {
        let detail = api.call(method, path, "SYSB").await.detail(404);
        assert!(detail.contains("nothing at this address"), "{method} {path}: {detail}");
    }
}

/// As above: without this answer, clients upload nothing.
#[tokio::test]
async fn s21_19_chunk_upload_is_answered_with_a_404_in_json() {
    let api = Api::new();
    for method in ["GET", "POST"] {
        api.call(method, "/organizations/acme/chunk-upload/", "").await.detail(404);
    }
}

/// Everything in an answer that strict decoders look at. Releases and projects in them have ids in numbers, all else in text.
fn strict(json: &Value, place: &str) {
    match json {
        Value::Array(list) => list.iter().for_each(|one| strict(one, place)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let place = format!("{place} {name}");
                let is_date = ["dateCreated", "dateReceived", "dateReleased", "firstSeen", "lastSeen", "dateAdded"];
                match (name.as_str(), value) {
                    ("id", value) if place.contains("elease") => assert!(value.is_i64(), "{place}: {value}"),
                    ("id" | "groupID", value) if !value.is_null() => {
                        assert!(value.is_string(), "{place}: {value}");
                    }
                    (name, Value::String(date)) if is_date.contains(&name) => {
                        assert!(date.ends_with('Z'), "{place}: {date}");
                    }
                    (name, value) if is_date.contains(&name) => assert!(value.is_null(), "{place}: {value}"),
                    // What an SDK sent keeps its own types.
                    ("entries" | "_meta" | "context" | "contexts" | "user", _) => {}
                    (_, value) => strict(value, &place),
                }
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn s21_20_answers_are_shaped_for_strict_decoders_and_lists_are_linked() {
    let api = Api::new();
    let release = r#"{"version":"shop@1.0","projects":["shop"]}"#;
    api.call("POST", "/organizations/acme/releases/", release).await;
    for list in [
        "/organizations/",
        "/projects/",
        "/organizations/acme/projects/",
        "/organizations/acme/members/",
        "/organizations/acme/teams/",
        "/organizations/acme/issues/?query=",
        "/organizations/acme/releases/",
        "/organizations/acme/monitors/",
        "/organizations/acme/user-feedback/",
        "/projects/acme/shop/issues/?query=",
        "/projects/acme/shop/events/",
        "/projects/acme/shop/keys/",
        "/projects/acme/shop/user-feedback/",
        "/projects/acme/shop/releases/",
        "/issues/1/events/",
        "/issues/1/hashes/",
        "/issues/1/notes/",
        "/issues/1/attachments/",
    ] {
        let answer = api.get(list).await;
        let json = answer.json(200);
        assert!(json.is_array(), "{list}");
        strict(&json, list);
        for rel in ["rel=\"previous\"; results=\"", "rel=\"next\"; results=\""] {
            assert!(answer.header("link").contains(rel), "{list} has no {rel}: {:?}", answer.headers);
        }
    }
    for one in ["/organizations/acme/", "/projects/acme/shop/", "/issues/1/", "/issues/1/events/latest/", "/users/me/"]
    {
        strict(&api.get(one).await.json(200), one);
    }
    let issue = api.get("/issues/1/").await.json(200);
    assert!(issue["count"].is_string() && issue["userCount"].is_i64(), "{issue}");
    let previous = api.get("/organizations/acme/releases/shop@1.0/previous-with-commits/").await;
    assert_eq!(previous.json(200), serde_json::json!({}));
    let wrong = api.call("PUT", "/issues/1/", "{").await;
    assert_eq!(wrong.header("content-type"), "application/json", "errors too");
}

/// Clients look into organization tokens for an address. Bugle's hold none, so that they need no new one.
#[tokio::test]
async fn s21_21_a_token_holds_no_address_and_outlives_a_new_public_url() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut token = None;
    for address in ["https://old.example", "https://new.example/bugle"] {
        let flags = Overrides { public_url: Some(address.into()), ..Default::default() };
        let config = Config::resolve(folder.path().into(), None, Overrides::default(), flags).expect("resolves");
        let (app, _worker, _setup) = serve::open(config).expect("opens");
        let token: &String =
            token.get_or_insert_with(|| app.store.blocking().write_now(seed::seed).expect("is seeded"));
        let plain = token.strip_prefix("sntryu_").expect("the prefix of a person's token");
        assert!(plain.len() == 64 && plain.bytes().all(|byte| byte.is_ascii_hexdigit()), "no claims are in it");
        let router = crate::api::router().with_state(app.clone());
        let request = Request::get("/api/0/users/me/").header("authorization", format!("Bearer {token}"));
        let answer = router.oneshot(request.body(Body::empty()).expect("a request")).await.expect("answers");
        assert_eq!(answer.status(), 200, "{address}");
        app.door.journal.stop();
    }
}

/// The numbers of the checklist.
const TRAPS: std::ops::RangeInclusive<usize> = 1..=24;

#[test]
fn every_trap_of_the_checklist_has_a_test_where_the_table_says() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let table = std::fs::read_to_string(root.join("docs/sentry-traps.md")).expect("the table");
    let mut found = Vec::new();
    for line in table.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" |").map(str::trim).collect();
        let Ok(trap) = cells[0].parse::<usize>() else { continue };
        let [_, _, test, place] = cells[..] else { panic!("four cells: {line}") };
        let name = format!("fn {}(", test.trim_matches('`'));
        let code = std::fs::read_to_string(root.join(place)).unwrap_or_else(|error| panic!("{place}: {error}"));
        let at = code.find(&name).unwrap_or_else(|| panic!("{place} has no {name}"));
        let before = code[..at].trim_end().lines().rev().take(3).collect::<String>();
        assert!(before.contains("test]") || code[at..].starts_with("fn") && before.contains("proptest"), "{name}");
        found.push(trap);
    }
    found.dedup();
    assert_eq!(found, TRAPS.collect::<Vec<_>>(), "every row, in order");
}
