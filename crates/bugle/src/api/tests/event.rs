//! Events: whole, in lists, as stored.

use super::seed::event_id;
use super::{Api, each, pretty};

#[tokio::test]
async fn an_event_is_shaped_for_strict_decoders() {
    let api = Api::new();
    let event = api.get(&format!("/organizations/acme/issues/1/events/{}/", event_id(2))).await.json(200);
    insta::assert_snapshot!("an_event_is_shaped_for_strict_decoders", pretty(&event));
    assert_eq!(api.get(&format!("/projects/acme/shop/events/{}/", event_id(2))).await.json(200), event);
    let by_id = api.get(&format!("/organizations/acme/eventids/{}/", event_id(2))).await.json(200);
    assert_eq!((&by_id["groupId"], &by_id["projectSlug"], &by_id["event"]), (&"1".into(), &"shop".into(), &event));
}

#[tokio::test]
async fn events_are_found_by_their_place() {
    let api = Api::new();
    for (which, id) in [("latest", 3), ("recommended", 3), ("oldest", 1)] {
        let event = api.get(&format!("/issues/1/events/{which}/")).await.json(200);
        assert_eq!(event["id"], event_id(id), "{which}");
    }
    let newest = api.get("/issues/1/events/latest/").await.json(200);
    assert_eq!((&newest["nextEventID"], &newest["previousEventID"]), (&serde_json::Value::Null, &event_id(2).into()));
    for path in [
        format!("/issues/1/events/{}/", event_id(4)),
        format!("/projects/acme/app/events/{}/", event_id(1)),
        "/issues/3/events/latest/".into(),
        "/issues/1/events/newest/".into(),
    ] {
        api.get(&path).await.detail(404);
    }
}

#[tokio::test]
async fn a_message_has_a_message() {
    let api = Api::new();
    let event = api.get("/issues/2/events/latest/").await.json(200);
    assert_eq!(
        (&event["type"], &event["title"], &event["message"]),
        (&"default".into(), &"paid 3".into(), &"paid 3".into())
    );
    assert_eq!(
        event["entries"][0],
        serde_json::json!({
            "type": "message", "data": { "formatted": "paid 3", "message": "paid %s", "params": ["3"] },
        })
    );
    assert!(event["user"].is_null());
    let stored = api.get(&format!("/projects/acme/shop/events/{}/json/", event_id(4))).await;
    assert!(stored.text.contains("12345678901234567890"), "numbers are kept as they came");
    assert_eq!(stored.json(200)["logentry"]["message"], "paid %s");
}

#[tokio::test]
async fn lists_are_short_unless_asked() {
    let api = Api::new();
    let list = api.get("/issues/1/events/").await.json(200);
    assert_eq!(each(&list, "id"), [event_id(3), event_id(2), event_id(1)]);
    insta::assert_snapshot!("lists_are_short_unless_asked", pretty(&list[0]));
    let whole = api.get("/organizations/acme/issues/1/events/?full=true&per_page=1").await;
    assert!(whole.json(200)[0]["entries"].is_array());
    assert!(whole.header("link").contains("results=\"true\"; cursor=\"0:1:0\""));
    let staging = api.get("/issues/1/events/?environment=staging").await.json(200);
    assert_eq!(each(&staging, "id"), [event_id(2)]);
    let recent = api.get("/issues/1/events/?statsPeriod=24h").await.json(200);
    assert_eq!(each(&recent, "id"), [event_id(3), event_id(2)]);
    let of_project = api.get("/projects/acme/shop/events/").await.json(200);
    assert_eq!(each(&of_project, "id"), [event_id(4), event_id(3), event_id(2), event_id(1)]);
    api.get("/issues/1/events/?query=user:1").await.detail(400);
}

#[tokio::test]
async fn hashes_name_their_newest_event() {
    let api = Api::new();
    let hashes = api.get("/organizations/acme/issues/1/hashes/").await.json(200);
    assert_eq!(each(&hashes, "id"), ["aa".repeat(16), "bb".repeat(16)]);
    assert_eq!(hashes[0]["latestEvent"]["eventID"], event_id(3));
}

#[tokio::test]
async fn one_event_s_fate_is_told() {
    let api = Api::new();
    let fate = |project: &str, id: &str| format!("/projects/acme/{project}/fates/{id}/");
    let stored = api.get(&fate("shop", &event_id(1))).await.json(200);
    assert_eq!((stored["fate"].as_str(), stored["groupId"].as_str()), (Some("stored"), Some("1")), "{stored}");
    let elsewhere = api.get(&fate("app", &event_id(1))).await.json(200);
    assert_eq!((elsewhere["fate"].as_str(), elsewhere["foundIn"].as_str()), (Some("elsewhere"), Some("shop")));
    let late = bugle_event::EventId::parse(&event_id(99));
    api.app.door.turned_away.remember(1, late, crate::outcome::Reason::KeyQuota, super::NOW_MS);
    let refused = api.get(&fate("shop", &event_id(99))).await.json(200);
    assert_eq!((refused["fate"].as_str(), refused["reason"].as_str()), (Some("refused"), Some("key_quota")));
    let unknown = api.get(&fate("shop", &event_id(98))).await.json(200);
    assert_eq!((unknown["fate"].as_str(), unknown["isBacklogSearched"].as_bool()), (Some("unknown"), Some(true)));
    api.get(&fate("shop", "none")).await.detail(400);
    api.get(&fate("foreign", &event_id(1))).await.detail(404);
    assert_eq!(api.call_with("GET", &fate("shop", &event_id(1)), "", None).await.status, 401);
}

bugle_db::on_postgres_too![
    an_event_is_shaped_for_strict_decoders,
    events_are_found_by_their_place,
    a_message_has_a_message,
    lists_are_short_unless_asked,
    hashes_name_their_newest_event,
    one_event_s_fate_is_told,
];
