//! Organizations, projects, keys.

use super::seed::KEY;
use super::{Api, each, pretty};
use crate::project::all_keys;

#[tokio::test]
async fn organizations_are_shaped_for_strict_decoders() {
    let api = Api::new();
    insta::assert_snapshot!(
        "organizations_are_shaped_for_strict_decoders",
        pretty(&api.get("/organizations/").await.json(200))
    );
    let detail = api.get("/organizations/1").await.json(200);
    assert_eq!((&detail["slug"], &detail["orgRole"]), (&"acme".into(), &"owner".into()));
    assert_eq!(each(&detail["projects"], "slug"), ["app", "shop"]);
    assert_eq!(each(&detail["teams"], "slug"), ["acme"]);
    insta::assert_snapshot!("members", pretty(&api.get("/organizations/acme/members/").await.json(200)));
}

#[tokio::test]
async fn the_organization_is_a_team() {
    let api = Api::new();
    let teams = api.get("/organizations/acme/teams/").await.json(200);
    assert_eq!(
        (&teams[0]["id"], &teams[0]["slug"], &teams[0]["memberCount"]),
        (&"1".into(), &"acme".into(), &2.into())
    );
    assert_eq!(api.get("/teams/acme/acme/").await.json(200), teams[0]);
    assert_eq!(each(&api.get("/teams/acme/1/projects/").await.json(200), "slug"), ["app", "shop"]);
    api.get("/teams/acme/nobody/projects/").await.detail(404);
}

#[tokio::test]
async fn projects_are_listed_and_shown() {
    let api = Api::new();
    let list = api.get("/organizations/acme/projects/").await.json(200);
    assert_eq!(each(&list, "id"), ["2", "1"]);
    assert_eq!(api.get("/projects/").await.json(200), list);
    insta::assert_snapshot!("projects_are_listed_and_shown", pretty(&api.get("/projects/acme/shop/").await.json(200)));
    assert_eq!(api.get("/projects/1/1").await.json(200)["slug"], "shop", "ids work as slugs do");
    for (query, slugs) in [("sho", vec!["shop"]), ("slug:app", vec!["app"]), (KEY, vec!["shop"]), ("zzz", vec![])] {
        assert_eq!(each(&api.get(&format!("/projects/?query={query}")).await.json(200), "slug"), slugs, "{query}");
    }
    let environments = api.get("/projects/acme/app/environments/").await.json(200);
    assert_eq!(each(&environments, "name"), ["production"]);
}

#[tokio::test]
async fn pages_are_linked_both_ways() {
    let api = Api::new();
    let link = |n: i32, is_prev, rel, results| {
        format!(
            "<https://bugle.example/api/0/organizations/acme/projects/?per_page=1&query=&cursor=0:{n}:{is_prev}>; \
             rel=\"{rel}\"; results=\"{results}\"; cursor=\"0:{n}:{is_prev}\""
        )
    };
    let address = "/organizations/acme/projects/?per_page=1&query=&cursor=";
    let first = api.get(address).await;
    assert_eq!(each(&first.json(200), "slug"), ["app"]);
    assert_eq!(first.header("link"), [link(0, 1, "previous", false), link(1, 0, "next", true)].join(", "));
    let second = api.get(&format!("{address}0:1:0")).await;
    assert_eq!(each(&second.json(200), "slug"), ["shop"]);
    assert_eq!(second.header("link"), [link(0, 1, "previous", true), link(2, 0, "next", false)].join(", "));
    assert!(api.get(&format!("{address}nonsense")).await.detail(400).contains("cursor"));
    assert!(api.get("/projects/?query=%3E%22").await.header("link").contains("query=%3E%22"));
}

#[tokio::test]
async fn projects_are_made_changed_and_deleted() {
    let api = Api::new();
    let made = api.call("POST", "/teams/acme/acme/projects/", r#"{"name":"New One","platform":"go"}"#).await.json(201);
    assert_eq!((&made["slug"], &made["platform"]), (&"new-one".into(), &"go".into()));
    assert_eq!(api.get("/projects/acme/new-one/keys/").await.json(200).as_array().map(Vec::len), Some(1));
    let taken = api.call("POST", "/organizations/acme/projects/", r#"{"name":"x","slug":"shop"}"#).await;
    assert!(taken.detail(409).contains("slug"));
    assert_eq!(each(&api.get("/projects/").await.json(200), "slug"), ["app", "new-one", "shop"], "nothing was kept");

    let changed = api.call("PUT", "/projects/acme/new-one/", r#"{"name":"Newer","slug":"newer"}"#).await.json(200);
    assert_eq!(
        (&changed["name"], &changed["slug"], &changed["platform"]),
        (&"Newer".into(), &"newer".into(), &"go".into())
    );
    for (body, told) in [
        (r#"{"name":""}"#, "no name"),
        (r#"{"name":7}"#, "string"),
        (r#"{"slug":"42"}"#, "slug"),
        (r#"{"options":{"filters:blacklisted":"1.2.3.4"}}"#, "filters:blacklisted"),
        (r#"{"options":{"sentry:origins":"*"}}"#, "sentry:origins"),
        (r#"{"storeCrashReports":"x"}"#, "storeCrashReports"),
    ] {
        assert!(api.call("PUT", "/projects/acme/newer/", body).await.detail(400).contains(told), "{body}");
    }
    assert_eq!(api.call("DELETE", "/projects/acme/newer/", "").await.status, 204);
    api.get("/projects/acme/newer/").await.detail(404);
}

#[tokio::test]
async fn keys_are_shaped_for_setup_tools() {
    let api = Api::new();
    let keys = api.get("/projects/acme/shop/keys/").await.json(200);
    insta::assert_snapshot!("keys_are_shaped_for_setup_tools", pretty(&keys));
    assert_eq!(api.get(&format!("/projects/acme/shop/keys/{KEY}/")).await.json(200), keys[0]);
    assert_eq!(api.get("/projects/acme/shop/keys/1").await.json(200), keys[0], "also by number");
    api.get("/projects/acme/app/keys/1/").await.detail(404);
}

#[tokio::test]
async fn a_key_s_settings_reach_the_door() {
    let api = Api::new();
    let revision = || api.write(|tx| tx.one::<i64>("SELECT value FROM state WHERE name = 'revision'", &[]));
    let before = revision();
    let path = format!("/projects/acme/shop/keys/{KEY}/");
    let body = r#"{"isActive":false,"rateLimit":{"window":60,"count":5},"name":"Web"}"#;
    let changed = api.call("PUT", &path, body).await.json(200);
    assert_eq!(changed["rateLimit"], serde_json::json!({ "window": 60, "count": 5 }));
    assert!(revision() > before, "a running server looks again");
    let door = api.write(all_keys);
    let (key, _) = &door[KEY];
    assert_eq!(
        (key.is_active, key.rate_count, key.rate_window_s, key.label.as_str()),
        (false, Some(5), Some(60), "Web")
    );

    let lifted = api.call("PUT", &path, r#"{"rateLimit":null}"#).await.json(200);
    assert_eq!((&lifted["rateLimit"], &lifted["isActive"]), (&serde_json::Value::Null, &false.into()));
    for body in [r#"{"isActive":"no"}"#, r#"{"rateLimit":{"window":60}}"#, r#"{"rateLimit":5}"#, r#"{"x":1}"#] {
        api.call("PUT", &path, body).await.detail(400);
    }
    let made = api.call("POST", "/projects/acme/shop/keys/", r#"{"name":"Second"}"#).await.json(201);
    let public = made["public"].as_str().expect("text");
    assert_eq!(made["dsn"]["public"], format!("https://{public}@bugle.example/1"));
    assert_eq!(api.call("DELETE", &format!("/projects/acme/shop/keys/{public}/"), "").await.status, 204);
    assert!(!api.write(all_keys).contains_key(public));
}

bugle_db::on_postgres_too![
    organizations_are_shaped_for_strict_decoders,
    the_organization_is_a_team,
    projects_are_listed_and_shown,
    pages_are_linked_both_ways,
    projects_are_made_changed_and_deleted,
    keys_are_shaped_for_setup_tools,
    a_key_s_settings_reach_the_door,
];
