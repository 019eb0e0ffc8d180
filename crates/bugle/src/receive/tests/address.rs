//! Whose address an event gets, from the connection to what is stored (Sentry protocol, 21.12).

use super::{Overrides, Server};
use crate::geography::tests::utrecht;
use crate::payload;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use tower::ServiceExt;

/// What is stored of the user of an event that came from 127.0.0.1 for 203.0.113.9, perhaps.
async fn user_of(flags: Overrides, event: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut server = Server::new(folder.path(), flags, 1).await;
    server.file();
    let request = Request::post("/api/1/envelope/")
        .header("x-sentry-auth", format!("Sentry sentry_key={:032x}", 1))
        .header("x-forwarded-for", "192.0.2.66, 203.0.113.9")
        .body(Body::from(format!("{{}}\n{{\"type\":\"event\"}}\n{event}\n")))
        .expect("a request");
    assert_eq!(server.router.clone().oneshot(request).await.expect("answers").status(), StatusCode::OK);
    server.until("it is filed", |app| app.backlog() == 0).await;
    let read = |tx: &mut bugle_db::Tx<'_>| {
        let exemplar: Vec<u8> = tx.one("SELECT body FROM exemplars", &[])?;
        Ok((exemplar, tx.one::<Vec<u8>>("SELECT payload FROM events", &[])?))
    };
    let (exemplar, body) = server.app.store.read(read).await.expect("reads");
    let exemplar = payload::expand(&exemplar, None).expect("expands");
    let json = payload::expand(&body, Some(&exemplar)).expect("expands");
    server.stop();
    let event: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    event["user"].to_string()
}

#[tokio::test]
async fn an_address_is_inferred_only_for_browsers_and_apple_and_only_behind_trusted_proxies() {
    let browser = r#"{"platform":"javascript","message":"m"}"#;
    let believed = r#"{"ip_address":"203.0.113.9"}"#;
    assert_eq!(user_of(Overrides::default(), browser).await, believed);
    assert_eq!(user_of(Overrides::default(), r#"{"platform":"cocoa","message":"m"}"#).await, believed);
    assert_eq!(user_of(Overrides::default(), r#"{"platform":"python","message":"m"}"#).await, "null");
    for proxies in ["", "10.0.0.0/8"] {
        let flags = Overrides { trusted_proxies: Some(proxies.into()), ..Overrides::default() };
        assert_eq!(
            user_of(flags, browser).await,
            r#"{"ip_address":"127.0.0.1"}"#,
            "nobody speaks for others: {proxies}"
        );
    }
}

#[tokio::test]
async fn a_place_is_told_by_the_operator_s_database() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("places.mmdb");
    std::fs::write(&path, utrecht()).expect("writes");
    let flags = Overrides { geo_database: Some(path), ..Overrides::default() };
    let user = user_of(flags, r#"{"platform":"javascript","message":"m"}"#).await;
    assert!(user.contains(r#""city":"Utrecht","country_code":"NL""#), "{user}");
}
