//! Changing issues, one and many.

use super::{Api, each};
use crate::live::Fact;

#[tokio::test]
async fn one_issue_is_resolved_assigned_and_reopened() {
    let api = Api::new();
    let mut facts = api.app.live.listen();
    let issue = api.call("PUT", "/organizations/acme/issues/1/", r#"{"status":"resolved"}"#).await.json(200);
    assert_eq!((&issue["status"], &issue["substatus"]), (&"resolved".into(), &serde_json::Value::Null));
    assert!(matches!(facts.try_recv(), Ok(Fact::Changed { issue: 1, .. })));
    api.call("PUT", "/issues/1", r#"{"status":"resolved","hasSeen":true}"#).await.json(200);
    assert!(facts.try_recv().is_err(), "what is so already is no news");
    let issue = api.call("PUT", "/issues/SHOP-1/", r#"{"status":"unresolved","statusDetails":{}}"#).await.json(200);
    assert_eq!(issue["status"], "unresolved");
    let body = r#"{"status":"ignored","substatus":"archived_until_escalating"}"#;
    let issue = api.call("PUT", "/issues/1/", body).await.json(200);
    assert_eq!((&issue["status"], &issue["substatus"]), (&"ignored".into(), &"archived_forever".into()));
    let kinds = each(&issue["activity"], "type");
    assert_eq!(kinds[..3], ["set_ignored", "set_unresolved", "set_resolved"]);
}

#[tokio::test]
async fn every_way_to_name_a_person() {
    let api = Api::new();
    for (wanted, id) in [
        (r#""user:1""#, "1"),
        (r#""me""#, "1"),
        (r#""MIKA@acme.example""#, "2"),
        (r#""olga owner""#, "1"),
        (r#""2""#, "2"),
        ("1", "1"),
        (r#"{"type":"user","id":"2"}"#, "2"),
    ] {
        let issue = api.call("PUT", "/issues/2/", &format!(r#"{{"assignedTo":{wanted}}}"#)).await.json(200);
        assert_eq!(
            (&issue["assignedTo"]["id"], &issue["assignedTo"]["type"]),
            (&id.into(), &"user".into()),
            "{wanted}"
        );
    }
    for nobody in [r#""""#, "null"] {
        api.call("PUT", "/issues/2/", r#"{"assignedTo":"me"}"#).await.json(200);
        let issue = api.call("PUT", "/issues/2/", &format!(r#"{{"assignedTo":{nobody}}}"#)).await.json(200);
        assert!(issue["assignedTo"].is_null(), "{nobody}");
    }
    for stranger in [r##""#team""##, r#""team:1""#, r#""zoe@other.example""#, r#""user:3""#, "true"] {
        let answer = api.call("PUT", "/issues/2/", &format!(r#"{{"assignedTo":{stranger}}}"#)).await;
        answer.detail(400);
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_and_changes_nothing() {
    let api = Api::new();
    for body in [
        r#"{"status":"resolvedInNextRelease"}"#,
        r#"{"status":"resolved","statusDetails":{"inRelease":"1.0"}}"#,
        r#"{"status":"ignored","statusDetails":{"ignoreCount":10}}"#,
        r#"{"status":"resolved","isBookmarked":true}"#,
        r#"{"status":"resolved","assignedTo":"nobody"}"#,
        r#"{"merge":true}"#,
        r#"{"status":7}"#,
    ] {
        api.call("PUT", "/organizations/acme/issues/?id=1&id=2", body).await.detail(400);
    }
    let list = api.get("/organizations/acme/issues/?query=is:unresolved").await.json(200);
    assert_eq!(each(&list, "id"), ["1", "2"]);
}

#[tokio::test]
async fn many_at_once() {
    let api = Api::new();
    let path = "/organizations/acme/issues/?id=1&id=2&id=4&id=999&id=SHOP-1";
    let answer = api.call("PUT", path, r#"{"status":"resolved","assignedTo":"mika@acme.example"}"#).await.json(200);
    assert_eq!((&answer["status"], &answer["statusDetails"]), (&"resolved".into(), &serde_json::json!({})));
    assert_eq!(answer["assignedTo"]["id"], "2");
    assert_eq!(api.get("/organizations/acme/issues/").await.header("x-hits"), "0");
    let foreign = api.write(|tx| tx.one::<String>("SELECT status FROM issues WHERE id = 4", &[]));
    assert_eq!(foreign, "unresolved", "another organization's issue is passed over");

    assert_eq!(api.call("PUT", "/organizations/acme/issues/?id=999", r#"{"status":"resolved"}"#).await.status, 204);
    let of_app = api.call("PUT", "/projects/acme/app/issues/?id=1", r#"{"status":"unresolved"}"#).await;
    assert_eq!(of_app.status, 204, "an issue of another project is passed over");
    let all = api.call("PUT", "/organizations/acme/issues/", r#"{"status":"resolved"}"#).await;
    assert!(all.detail(400).contains("id="), "never all by accident");
    let many: String = (0..1_001).map(|id| format!("id={id}&")).collect();
    api.call("PUT", &format!("/organizations/acme/issues/?{many}"), "{}").await.detail(400);
}

#[tokio::test]
async fn issues_are_deleted() {
    let api = Api::new();
    assert_eq!(api.call("DELETE", "/issues/1/", "").await.status, 204);
    api.get("/issues/1/").await.detail(404);
    assert_eq!(api.call("DELETE", "/organizations/acme/issues/?id=2&id=3&id=4", "").await.status, 204);
    assert_eq!(api.get("/organizations/acme/issues/?query=").await.header("x-hits"), "0");
    let left = api.write(|tx| tx.one::<i64>("SELECT COUNT(*) FROM issues", &[]));
    assert_eq!(left, 1, "another organization's stays");
}

bugle_db::on_postgres_too![
    one_issue_is_resolved_assigned_and_reopened,
    every_way_to_name_a_person,
    what_cannot_be_done_is_refused_and_changes_nothing,
    many_at_once,
    issues_are_deleted,
];
