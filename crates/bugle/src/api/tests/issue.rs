//! Issues: search, order, shape, tags, activity.

use super::{Api, each, pretty};

/// Ids that a search finds, in order.
async fn found(api: &Api, query: &str) -> Vec<String> {
    let answer = api.get(&format!("/organizations/acme/issues/?{query}")).await.json(200);
    each(&answer, "id").iter().map(|id| id.as_str().expect("text").to_string()).collect()
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn a_list_is_shaped_for_strict_decoders() {
    let api = Api::new();
    let answer = api.get("/organizations/acme/issues/?query=KeyError").await;
    assert_eq!(answer.header("x-hits"), "1");
    let mut list = answer.json(200);
    let points = list[0]["stats"]["24h"].take();
    assert_eq!(points.as_array().map(Vec::len), Some(48));
    assert_eq!(points[45], serde_json::json!([1_785_582_000, 1]));
    insta::assert_snapshot!("a_list_is_shaped_for_strict_decoders", pretty(&list));
}

#[tokio::test]
async fn an_issue_alone_has_everything() {
    let api = Api::new();
    let mut issue = api.get("/organizations/acme/issues/1/").await.json(200);
    for name in ["24h", "30d"] {
        assert!(issue["stats"][name].take().is_array());
    }
    insta::assert_snapshot!("an_issue_alone_has_everything", pretty(&issue));
    for path in ["/issues/1", "/organizations/acme/issues/SHOP-1/", "/organizations/1/issues/shop-1/"] {
        assert_eq!(api.get(path).await.json(200)["id"], "1", "{path}");
    }
}

#[tokio::test]
async fn a_query_absent_and_empty_are_different() {
    let api = Api::new();
    assert_eq!(found(&api, "").await, ["1", "2"]);
    assert_eq!(found(&api, "query=").await, ["1", "2", "3"]);
    assert_eq!(found(&api, "query=is:resolved").await, ["3"]);
}

#[tokio::test]
async fn each_term_finds_what_it_says() {
    let api = Api::new();
    for (query, ids) in [
        ("is:new", vec!["2"]),
        ("is:ongoing", vec!["1"]),
        ("!is:resolved", vec!["1", "2"]),
        ("level:[info,fatal]", vec!["2", "3"]),
        ("!level:info", vec!["1", "3"]),
        ("keyERROR", vec!["1"]),
        ("cart !paid", vec!["1"]),
        ("\"paid 3\"", vec!["2"]),
        ("100%_", vec![]),
        ("error.type:*Error", vec!["1", "3"]),
        ("assigned:mika@acme.example", vec!["1"]),
        ("assigned:me", vec![]),
        ("assigned:[me,none]", vec!["2", "3"]),
        ("is:unassigned is:unresolved", vec!["2"]),
        ("environment:staging", vec!["1"]),
        ("environment:nowhere", vec![]),
        ("!environment:production", vec![]),
        ("project:app", vec!["3"]),
        ("error.unhandled:1", vec!["1"]),
        ("browser.name:Firefox", vec!["1"]),
        ("browser.name:Fire*", vec!["1"]),
        ("!browser.name:Firefox", vec!["2", "3"]),
        ("browser.name:\"\"", vec!["2", "3"]),
        ("has:browser.name", vec!["1"]),
        ("timesSeen:>1", vec!["1", "3"]),
        ("firstSeen:-24h", vec!["2"]),
        ("lastSeen:+150m", vec!["3"]),
        ("issue:[SHOP-1,app-1]", vec!["1", "3"]),
        ("first-release:shop@*", vec!["1"]),
        ("issue.category:feedback", vec![]),
    ] {
        assert_eq!(found(&api, &format!("query={}", encoded(query))).await, ids, "{query}");
    }
    let refused = api.get("/organizations/acme/issues/?query=a+lvel:error").await.detail(400);
    assert!(refused.contains("Did you mean level?") && refused.contains("character 3"), "{refused}");
}

#[tokio::test]
async fn parameters_narrow_and_order() {
    let api = Api::new();
    assert_eq!(found(&api, "query=&project=2").await, ["3"]);
    assert_eq!(found(&api, "query=&project=shop&project=app&project=-1").await, ["1", "2", "3"]);
    assert_eq!(found(&api, "query=&environment=production").await, ["1", "2", "3"]);
    assert_eq!(found(&api, "query=&environment=staging&environment=none").await, ["1"]);
    assert_eq!(found(&api, "query=environment:staging&environment=production").await, ["1"], "both must hold");
    assert_eq!(found(&api, "query=&sort=new").await, ["2", "3", "1"]);
    assert_eq!(found(&api, "query=&sort=freq").await, ["3", "1", "2"]);
    assert_eq!(found(&api, "query=&limit=10000").await.len(), 3);
    assert_eq!(found(&api, "query=&statsPeriod=90m").await, ["1"]);
    assert_eq!(found(&api, "query=&start=2026-07-29T00:00:00&end=2026-07-30T00:00:00").await, ["1", "3"]);
    api.get("/organizations/acme/issues/?sort=colour").await.detail(400);
    api.get("/organizations/acme/issues/?statsPeriod=long").await.detail(400);
    let of_project = api.get("/projects/acme/shop/issues/?statsPeriod=14d").await.json(200);
    assert_eq!(each(&of_project, "id"), ["1", "2"], "here the period is that of the statistics");
    assert_eq!(of_project[0]["stats"]["14d"].as_array().map(Vec::len), Some(56));
}

#[tokio::test]
async fn numbers_obey_range_and_environment() {
    let api = Api::new();
    let first = async |query: &str| {
        let list = api.get(&format!("/organizations/acme/issues/?query=KeyError&{query}")).await.json(200);
        let one = list[0].clone();
        (one["count"].clone(), one["userCount"].clone(), one["lifetime"]["count"].clone())
    };
    assert_eq!(first("").await, ("3".into(), 2.into(), "3".into()));
    assert_eq!(first("environment=production").await, ("2".into(), 1.into(), "3".into()));
    assert_eq!(first("statsPeriod=24h").await, ("2".into(), 2.into(), "3".into()));
    assert_eq!(first("statsPeriod=24h&environment=staging").await, ("1".into(), 1.into(), "3".into()));
    assert_eq!(first("end=2026-07-31T00:00:00").await, ("1".into(), 1.into(), "3".into()));
}

#[tokio::test]
async fn lists_are_paged_and_short_ids_hit_directly() {
    let api = Api::new();
    let answer = api.get("/organizations/acme/issues/?query=&limit=2").await;
    assert_eq!(each(&answer.json(200), "id"), ["1", "2"]);
    assert_eq!(answer.header("x-hits"), "3");
    assert!(answer.header("link").ends_with("rel=\"next\"; results=\"true\"; cursor=\"0:2:0\""));
    let answer = api.get("/organizations/acme/issues/?query=&limit=2&cursor=0:2:0").await;
    assert_eq!(each(&answer.json(200), "id"), ["3"]);
    assert!(answer.header("link").contains("results=\"false\"; cursor=\"0:4:0\""));

    let answer = api.get("/organizations/acme/issues/?query=app-1&shortIdLookup=1").await;
    assert_eq!((each(&answer.json(200), "id"), answer.header("x-sentry-direct-hit")), (vec!["3".into()], "1"));
    let lookup = api.get("/organizations/acme/shortids/app-1/").await.json(200);
    assert_eq!((&lookup["groupId"], &lookup["group"]["shortId"]), (&"3".into(), &"APP-1".into()));
}

#[tokio::test]
async fn tags_are_counted() {
    let api = Api::new();
    insta::assert_snapshot!("tags_are_counted", pretty(&api.get("/issues/1/tags/").await.json(200)));
    let one = api.get("/organizations/acme/issues/1/tags/browser.name/?environment=staging").await.json(200);
    assert_eq!((&one["totalValues"], &one["uniqueValues"]), (&1.into(), &1.into()));
    let values = api.get("/issues/1/tags/browser.name/values/").await.json(200);
    assert_eq!(each(&values, "value"), ["Say \"Cheese\"", "Firefox"], "the newest first");
    let values = api.get("/issues/1/tags/browser.name/values/?sort=-count&per_page=1").await.json(200);
    assert_eq!(each(&values, "value"), ["Firefox"]);
    api.get("/issues/1/tags/nothing/").await.detail(404);
    let all = api.get("/organizations/acme/tags/").await.json(200);
    assert_eq!(
        (each(&all, "key"), each(&all, "totalValues")),
        (vec!["browser.name".into(), "environment".into()], vec![3.into(), 3.into()])
    );
}

#[tokio::test]
async fn activity_and_comments() {
    let api = Api::new();
    let notes = api.get("/issues/1/notes/").await.json(200);
    assert_eq!(each(&notes, "data"), [serde_json::json!({ "text": "Looks like the import." })]);
    let mut facts = api.app.live.listen();
    let made = api.call("POST", "/organizations/acme/issues/1/notes/", r#"{"text":"It was."}"#).await.json(201);
    assert_eq!(
        (&made["type"], &made["data"]["text"], &made["user"]["id"]),
        (&"note".into(), &"It was.".into(), &"1".into())
    );
    assert!(facts.try_recv().is_ok(), "open pages hear of it");
    assert_eq!(api.get("/issues/1/").await.json(200)["numComments"], 2);
    api.call("POST", "/issues/1/notes/", r#"{"text":" "}"#).await.detail(400);
    let activity = api.get("/issues/1/activities/").await.json(200);
    assert_eq!(each(&activity["activity"], "type"), ["note", "note", "assigned", "first_seen"]);
}

bugle_db::on_postgres_too![
    a_list_is_shaped_for_strict_decoders,
    an_issue_alone_has_everything,
    a_query_absent_and_empty_are_different,
    each_term_finds_what_it_says,
    parameters_narrow_and_order,
    numbers_obey_range_and_environment,
    lists_are_paged_and_short_ids_hit_directly,
    tags_are_counted,
    activity_and_comments,
];
