//! Who may ask what; and that everything else is told in JSON.

use super::{Api, NOW_MS};
use crate::access::token;
use base64::Engine;

/// A token of `user` with these scopes.
pub(super) fn token_of(api: &Api, user: i64, scopes: &[&str]) -> String {
    let scopes: Vec<String> = scopes.iter().map(|scope| scope.to_string()).collect();
    let token = api.write(move |tx| token::create(tx, 1, user, "scoped", &scopes, NOW_MS));
    format!("Bearer {}", token.1)
}

#[tokio::test]
async fn a_stranger_is_told_so() {
    let api = Api::new();
    for authorization in [None, Some("Bearer sntryu_wrong"), Some("Bearer "), Some("nonsense")] {
        for path in ["", "/", "/organizations/", "/organizations/acme/issues/", "/organizations/other/"] {
            let answer = api.call_with("GET", path, "", authorization).await;
            answer.detail(401);
            assert!(answer.header("www-authenticate").starts_with("Bearer"), "{path}");
        }
    }
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{}:", api.token));
    let answer = api.call_with("GET", "/", "", Some(&format!("Basic {basic}"))).await;
    assert_eq!(answer.json(200)["user"]["email"], "olga@acme.example");
}

#[tokio::test]
async fn another_organization_does_not_exist() {
    let api = Api::new();
    for path in [
        "/organizations/other/",
        "/organizations/2/",
        "/organizations/nowhere/",
        "/organizations/other/issues/4/",
        "/organizations/acme/issues/4/",
        "/organizations/acme/issues/FOREIGN-1/",
        "/issues/4/",
        "/issues/4/events/latest/",
        "/issues/4/tags/",
        "/issues/4/notes/",
        "/projects/other/foreign/",
        "/projects/acme/foreign/",
        "/projects/acme/3/keys/",
        "/projects/acme/shop/events/00000000000000000000000000000005/",
        "/organizations/acme/eventids/00000000000000000000000000000005/",
        "/organizations/acme/shortids/FOREIGN-1/",
        "/organizations/acme/issues/?project=3",
        "/organizations/acme/stats_v2/?project=foreign",
    ] {
        api.get(path).await.detail(404);
    }
    let environments = api.get("/organizations/acme/environments/").await.json(200);
    assert_eq!(super::each(&environments, "name"), ["production", "staging"]);
    assert_eq!(api.get("/organizations/acme/issues/?query=").await.header("x-hits"), "3");
}

#[tokio::test]
async fn scopes_are_asked_for_by_name() {
    let api = Api::new();
    let reader = token_of(&api, 1, &["event:read", "project:read"]);
    let call = async |method, path, body| api.call_with(method, path, body, Some(&reader)).await;
    call("GET", "/issues/1/", "").await.json(200);
    call("GET", "/projects/acme/shop/", "").await.json(200);
    let refused = [
        ("PUT", "/issues/1/", "event:write"),
        ("DELETE", "/issues/1/", "event:admin"),
        ("POST", "/issues/1/notes/", "event:write"),
        ("PUT", "/projects/acme/shop/", "project:write"),
        ("DELETE", "/projects/acme/shop/", "project:admin"),
        ("POST", "/organizations/acme/projects/", "project:write"),
        ("GET", "/organizations/acme/members/", "member:read or org:read"),
        ("GET", "/organizations/acme/stats_v2/", "org:read"),
    ];
    for (method, path, scope) in refused {
        assert!(call(method, path, "{}").await.detail(403).contains(scope), "{method} {path}");
    }
    let member = token_of(&api, 2, &["project:admin"]);
    let answer = api.call_with("DELETE", "/projects/acme/shop/", "", Some(&member)).await;
    assert!(answer.detail(403).contains("owner"));
}

#[tokio::test]
async fn a_token_s_use_is_noted_and_its_end_is_immediate() {
    let api = Api::new();
    api.get("/").await.json(200);
    let used_ms = api.write(|tx| tx.one::<i64>("SELECT used_ms FROM tokens WHERE id = 1", &[]));
    assert_eq!(used_ms, NOW_MS);
    assert!(api.write(|tx| token::revoke(tx, 1, 1)));
    api.get("/").await.detail(401);
}

#[tokio::test]
async fn everything_unknown_is_json() {
    let api = Api::new();
    for path in ["/nothing/", "/organizations/acme/replays/", "/issues/1/similar", "/issues/1/events/x/y/"] {
        api.get(path).await.detail(404);
    }
    let answer = api.call("PATCH", "/issues/1/", "").await;
    assert!(answer.detail(405).contains("PATCH"));
    assert_eq!(answer.header("allow"), "GET,HEAD,PUT,DELETE");
    let answer = api.call("OPTIONS", "/issues/1", "").await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (204, "GET,HEAD,PUT,DELETE"));
    let answer = api.call("HEAD", "/issues/1/", "").await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
    assert!(api.call("PUT", "/issues/1/", "{\"status\":").await.detail(400).contains("JSON"));
    assert!(api.call("PUT", "/issues/1/", "[1]").await.detail(400).contains("object"));
    api.call("PUT", "/issues/1/", &" ".repeat(300_000)).await.detail(413);
    api.get("/issues/%ff/").await.detail(404);
    api.get("/issues/1/events/?start=soon").await.detail(400);
}

#[tokio::test]
async fn the_caller_is_described() {
    let api = Api::new();
    insta::assert_snapshot!("the_caller_is_described", super::pretty(&api.get("").await.json(200)));
    assert_eq!(api.get("/auth/").await.json(200), api.get("/users/me").await.json(200));
    let regions = api.get("/users/me/regions/").await.json(200);
    assert_eq!(regions["regions"][0]["url"], "https://bugle.example");
}

bugle_db::on_postgres_too![
    a_stranger_is_told_so,
    another_organization_does_not_exist,
    scopes_are_asked_for_by_name,
    a_token_s_use_is_noted_and_its_end_is_immediate,
    everything_unknown_is_json,
    the_caller_is_described,
];
