//! Scripts in other people's pages: the feedback dialog and the loader, as browsers ask for them.

use super::browser::KEY;
use super::*;
use axum::http::Method;

const DIALOG: &str = "/api/embed/error-page/";

fn dsn(key: &str) -> String {
    crate::ui::address::encode(&format!("https://{key}@bugle.example/1"))
}

fn address(rest: &str) -> String {
    format!("{DIALOG}?dsn={}&eventId={}{rest}", dsn(KEY), "e".repeat(32))
}

#[tokio::test]
async fn the_dialog_s_script_holds_what_a_page_says_as_data_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::filing(folder.path(), Overrides::default()).await;
    let evil = crate::ui::address::encode("</script><img src=x>\"});alert(1);//'`\u{2028}");
    let answer = server.ask(Request::get(address(&format!("&title={evil}&name=Ada&evil={evil}&onLoad=x"))), "").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/javascript; charset=utf-8"));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let data = answer.text.lines().last().expect("a line");
    let json = data.trim_start_matches("})(").trim_end_matches(");");
    let json: serde_json::Value = serde_json::from_str(json).expect("one JSON value");
    assert_eq!(json["title"], "</script><img src=x>\"});alert(1);//'`\u{2028}");
    assert!(!data.contains(['<', '>', '\'', '`', '\u{2028}', '&']), "{data}");
    assert_eq!((&json["name"], &json["evil"], &json["onLoad"]), (&"Ada".into(), &().into(), &().into()));
    let endpoint = json["endpoint"].as_str().expect("an address");
    assert!(endpoint.contains(DIALOG) && endpoint.contains(&"e".repeat(32)), "{endpoint}");
    let long = server.ask(Request::get(address(&format!("&title={}", "x".repeat(5_000)))), "").await;
    assert!(long.text.contains(&"x".repeat(500)) && !long.text.contains(&"x".repeat(501)));
    server.stop();
}

#[tokio::test]
async fn s21_24_loader_and_dialog_never_break_a_page() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::filing(folder.path(), Overrides::default()).await;
    let other = "f".repeat(32);
    for path in [
        DIALOG.to_string(),
        "/api/embed/error-page".into(),
        format!("{DIALOG}?dsn=nonsense&eventId=1"),
        format!("{DIALOG}?dsn={}&eventId={}", dsn(&other), "e".repeat(32)),
        format!("{DIALOG}?dsn={}", dsn(KEY)),
        "/js-sdk-loader/nonsense".into(),
        format!("/js-sdk-loader/{other}.min.js"),
    ] {
        let answer = server.ask(Request::get(&path), "").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/javascript; charset=utf-8"), "{path}");
        assert!(answer.text.starts_with("/* Bugle: "), "{path}: {}", answer.text);
        assert!(!answer.text.contains("nonsense"));
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
    server.wish(&["shop.example"], false).await;
    let foreign = Request::get(address("")).header("referer", "https://evil.example/");
    assert!(server.ask(foreign, "").await.text.starts_with("/* Bugle: no dialog"));
    server.write(|tx| tx.execute("UPDATE keys SET is_active = FALSE", &[]).and_then(|_| crate::store::touch(tx))).await;
    let off = server.ask(Request::get(format!("/js-sdk-loader/{KEY}.min.js")), "").await;
    assert!(off.status == 200 && off.text.starts_with("/* Bugle: "));
    server.stop();
}

#[tokio::test]
async fn what_a_person_writes_in_the_dialog_is_feedback_of_the_event() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::filing(folder.path(), Overrides::default()).await;
    let form = "application/x-www-form-urlencoded";
    let send = async |path: &str, body: &'static str| {
        let request = Request::post(path).header("content-type", form).header("origin", "https://shop.example");
        server.ask(request, body).await
    };
    let taken = send(&address(""), "name=Ada+L&email=ada%40b.example&comments=The+cart+was+empty").await;
    assert_eq!((taken.status, taken.header("access-control-allow-origin")), (200, "https://shop.example"));
    assert_eq!(taken.header("vary"), "origin");
    server.settled().await;
    let row = "SELECT COUNT(*) FROM feedback WHERE name = 'Ada L' AND email = 'ada@b.example' \
               AND message = 'The cart was empty' AND event_id IS NOT NULL";
    assert_eq!(server.count(row).await, 1);

    let wrong = send(&address(""), "name=Ada&email=nowhere&comments=+").await;
    let errors: serde_json::Value = serde_json::from_str(&wrong.text).expect("JSON");
    assert_eq!(wrong.status, 400);
    for field in ["email", "comments"] {
        assert!(errors["errors"][field][0].is_string(), "{}", wrong.text);
    }
    assert!(errors["errors"]["name"].is_null());
    let no_event = send(&format!("{DIALOG}?dsn={}", dsn(KEY)), "comments=x").await;
    assert!(no_event.status == 400 && no_event.text.contains("eventId"));
    assert_eq!(send(&format!("{DIALOG}?dsn=x&eventId=y"), "comments=x").await.status, 404);
    let script = Request::post(format!("{DIALOG}?dsn=x&eventId=y")).header("accept", "text/javascript, */*");
    assert!(server.ask(script, "").await.header("x-sentry-context").contains("DSN"));
    let large = Request::post(address("")).header("content-type", form);
    assert_eq!(server.ask(large, "x".repeat(200_000)).await.status, 413);
    let preflight = Request::builder().method(Method::OPTIONS).uri(DIALOG).header("origin", "https://shop.example");
    let preflight = server.ask(preflight, "").await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (200, "https://shop.example"));

    server.wish(&["elsewhere.example"], false).await;
    assert_eq!(send(&address(""), "comments=x").await.status, 403);
    server.settled().await;
    assert_eq!((server.ledger("invalid", "cors").await, server.ledger("invalid", "unknown_key").await), (1, 2));
    server.stop();
}

#[tokio::test]
async fn the_loader_names_bundle_dsn_and_tunnel() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let flags = Overrides {
        public_url: Some("https://bugle.example".into()),
        browser_sdk_url: Some("https://cdn.example/bundle.js".into()),
        ..Overrides::default()
    };
    let server = Server::filing(folder.path(), flags).await;
    for ending in [".min.js", ".js", ""] {
        let answer = server.ask(Request::get(format!("/js-sdk-loader/{KEY}{ending}")), "").await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "*"));
        assert!(
            answer.header("cache-control").starts_with("public, max-age=3600, s-maxage=60, stale-while-revalidate=")
        );
        assert!(answer.text.contains("\"bundle\":\"https://cdn.example/bundle.js\""), "{}", answer.text);
        assert!(answer.text.contains(&format!("\"dsn\":\"https://{KEY}@bugle.example/1\"")));
        assert!(!answer.text.contains("\"tunnel\"") && answer.text.len() < 6_000, "{} bytes", answer.text.len());
    }
    let wishes = crate::policy::browser::Wishes {
        allowed_domains: vec!["*".into()],
        is_tunnelled: true,
        sdk_url: "https://own.example/sdk.js".into(),
    };
    server.write(move |tx| wishes.write(tx, 1)).await;
    let own = server.ask(Request::get(format!("/js-sdk-loader/{KEY}.min.js")), "").await.text;
    assert!(own.contains("https://own.example/sdk.js") && own.contains("\"tunnel\":\"https://bugle.example/tunnel\""));
    server.stop();
}
