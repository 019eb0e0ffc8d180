//! No byte of a secret reaches the disk: an envelope with one in every place that an SDK has, and a search of everything
//! that is kept afterwards.
//!
//! Every secret is a marker made up for the run and the name of its place, so what is left of any is found by one search
//! and says which it was. What cannot be known as a secret, an ordinary word under a harmless key, is not in the list.
//! Payloads are compressed on disk, where a search of raw bytes would miss them, so each is read back, too.

mod doors;

use super::*;
use crate::event;
use std::fs;

/// A card number that its own shape tells; a check that is no marker.
const CARD: &str = "4012 8888 8888 1881";

/// The event; `§place` becomes a secret.
const EVENT: &str = r#"{
  "message":{"message":"login with password=%s","formatted":"login with password=§formatted","params":["§formatted","token=§param"]},
  "release":"password=§release","dist":"token=§dist","environment":"secret=§environment","level":"error","logger":"app?token=§logger","server_name":"db password=§server","transaction":"/reset?token=§transaction",
  "fingerprint":["secret: §fingerprint"],"modules":{"lib":"https://jo:§module@host/x"},
  "user":{"id":"7","data":{"password":"§user-data"},"api_key":"§user-key"},
  "tags":{"auth_token":"§tag","note":"password=§tag-text"},
  "extra":{"secret":"§extra","nested":"{\"a\":\"{\\\"password\\\":\\\"§json-in-json\\\"}\"}","env":{"AWS_SECRET_ACCESS_KEY":"§env"},
    "dsn":"postgres://jo:§url-auth@db/shop","pem":"-----BEGIN RSA PRIVATE KEY-----\n§pem\n-----END RSA PRIVATE KEY-----",
    "bearer":"Bearer §bearer1","list":["--password","§argument"],"pair":["token","§pair"],"field":{"name":"X-Api-Key","value":"§named"},
    "password=§key":1,"card":"4012 8888 8888 1881","cardnumber":4012888888881881,"ssn":"078-05-1120","otp":"§otp"},
  "contexts":{"auth":{"user":"§context"},"state":{"value":{"token":"§state"}},"trace":{"trace_id":"4c79f60c11214eb38604f4ae0781bfb2","span_id":"fa90fdead5f74052","data":{"api_key":"§trace"}}},
  "request":{"url":"https://jo:§url-user@shop.example/login?token=§url","method":"POST","query_string":"token=§query&page=2",
    "cookies":"sessionid=§cookie; theme=dark","headers":{"Authorization":"Basic §basic","X-Api-Key":"§header","Cookie":"session=§cookie-header","Set-Cookie":"a=§set-cookie"},
    "data":"user=jo&password=§form","env":{"HTTP_AUTHORIZATION":"§request-env"}},
  "breadcrumbs":[{"message":"POST password=§crumb","data":{"url":"https://x.example/?api_key=§crumb-url","headers":{"authorization":"§crumb-header"}}}],
  "threads":{"values":[{"id":1,"name":"worker password=§thread"}]},
  "exception":{"values":[{"type":"LoginError","value":"denied for token: §exception","mechanism":{"type":"x","data":{"secret":"§mechanism"}},
    "stacktrace":{"frames":[{"function":"login","module":"shop.auth","filename":"auth.py","lineno":3,"context_line":"password = '§source'","pre_context":["token = \"§source-before\""],
      "vars":{"password":"'§var'","self":"Login(password='§repr')","headers":{"Authorization":"§var-header"}}}]}}]},
  "_meta":{"extra":{"x":{"":{"val":"password=§meta"}}}},
  "unknown":{"private_key":"§unknown"},"errors":[{"type":"invalid_data","name":"y","value":"password=§problem"}]}"#;

/// Further items, each with its head.
const ITEMS: &[(&str, &str)] = &[
    (
        r#"{"type":"session"}"#,
        r#"{"sid":"§session","did":"token=§session-did","attrs":{"release":"password=§session-release"}}"#,
    ),
    (
        r#"{"type":"client_report"}"#,
        r#"{"discarded_events":[{"reason":"password=§report","category":"error","quantity":1}]}"#,
    ),
    (r#"{"type":"check_in"}"#, r#"{"check_in_id":"§checkin","monitor_slug":"password=§checkin-slug","status":"ok"}"#),
    (
        r#"{"type":"attachment","filename":"password=§filename.txt","content_type":"text/plain"}"#,
        "password=§attachment",
    ),
    (r#"{"type":"user_report"}"#, r#"{"name":"jo","email":"jo@x.example","comments":"my password: §report-text"}"#),
    (r#"{"type":"transaction"}"#, r#"{"transaction":"/x?token=§performance"}"#),
    (r#"{"type":"password=§item-type"}"#, "x"),
];

#[tokio::test]
async fn no_byte_of_a_secret_is_left_anywhere() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut server = Server::new(folder.path(), Overrides::default(), 1).await;
    server.file();
    let marker = marker();
    let planted = |text: &str| planted(text, &marker);
    let event = planted(&EVENT.replace('\n', " "));
    let mut envelope = format!(
        "{}\n{{\"type\":\"event\"}}\n{event}\n",
        planted(
            r#"{"event_id":"c1f0e4b0411111111111111111111111","sdk":{"name":"sentry.x","version":"password=§sdk"},"trace":{"trace_id":"4c79f60c11214eb38604f4ae0781bfb2","public_key":"1","user_id":"password=§trace-header"},"password":"§envelope"}"#
        )
    );
    for (head, body) in ITEMS {
        envelope.push_str(&format!("{}\n{}\n", planted(head), planted(body)));
    }
    assert!(envelope.matches(&marker).count() > 60, "{}", envelope.matches(&marker).count());
    assert_eq!(server.post(1, 1, envelope).await.status, StatusCode::OK);
    let since = Instant::now();
    while server.count("SELECT COUNT(*) FROM events").await == 0 {
        assert!(since.elapsed() < Duration::from_secs(20), "not filed within 20 s");
        tokio::task::yield_now().await;
    }

    let stored = server.app.store.read(|tx| event::list_of_project(tx, 1, 0, 10)).await.expect("reads");
    for event in &stored {
        let left = left_in(event.json.as_bytes(), &marker);
        assert!(left.is_empty(), "in the event:\n{}", left.join("\n"));
        // Scrubbing that empties the event would pass every search.
        for kept in ["LoginError", "shop.example", "\"theme\"", "page", "jo", "\"login\""] {
            assert!(event.json.contains(kept), "{kept} is gone: {}", event.json);
        }
    }
    on_disk(folder.path(), &marker, "while it runs");
    server.stop();
    on_disk(folder.path(), &marker, "after it has stopped");
}

fn marker() -> String {
    format!("pl4nt{}", &crate::access::random::hex32()[..12])
}

fn planted(text: &str, marker: &str) -> String {
    text.replace('§', &format!("{marker}-"))
}

/// Fails if a secret is in any file, the write-ahead logs among them.
fn on_disk(directory: &Path, marker: &str, when: &str) {
    for entry in fs::read_dir(directory).expect("can be read").flatten() {
        let Ok(bytes) = fs::read(entry.path()) else { continue };
        let left = left_in(&bytes, marker);
        assert!(left.is_empty(), "in {} {when}:\n{}", entry.path().display(), left.join("\n"));
    }
}

fn left_in(bytes: &[u8], marker: &str) -> Vec<String> {
    let mut found = Vec::new();
    for needle in [marker, CARD, "4012888888881881", "078-05-1120"] {
        for (at, window) in bytes.windows(needle.len()).enumerate() {
            if window == needle.as_bytes() {
                let around = &bytes[at.saturating_sub(60)..(at + needle.len() + 30).min(bytes.len())];
                found.push(String::from_utf8_lossy(around).escape_debug().to_string());
            }
        }
    }
    found
}
