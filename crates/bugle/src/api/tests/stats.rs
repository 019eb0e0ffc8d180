//! The ledger by `stats_v2`.

use super::{Api, pretty};
use serde_json::{Value, json};

/// `by` and total of each group.
async fn totals(api: &Api, query: &str) -> Vec<(Value, Value)> {
    let answer = api.get(&format!("/organizations/acme/stats_v2/?field=sum(quantity)&{query}")).await.json(200);
    let groups = answer["groups"].as_array().expect("a list").clone();
    groups.iter().map(|group| (group["by"].clone(), group["totals"]["sum(quantity)"].clone())).collect()
}

#[tokio::test]
async fn the_contract_s_question_is_answered() {
    let api = Api::new();
    let query = "groupBy=outcome&groupBy=reason&field=sum(quantity)&category=error&statsPeriod=1h";
    let answer = api.get(&format!("/organizations/acme/stats_v2/?{query}")).await.json(200);
    insta::assert_snapshot!("the_contract_s_question_is_answered", pretty(&answer));
}

#[tokio::test]
async fn groups_and_filters() {
    let api = Api::new();
    assert_eq!(
        totals(&api, "groupBy=project&groupBy=category&statsPeriod=1d&project=-1").await,
        [
            (json!({ "project": 1, "category": "error" }), json!(15)),
            (json!({ "project": 1, "category": "session" }), json!(5)),
            (json!({ "project": 2, "category": "error" }), json!(1)),
        ]
    );
    assert_eq!(totals(&api, "statsPeriod=90d&project=shop&outcome=accepted").await, [(json!({}), json!(107))]);
    assert_eq!(totals(&api, "groupBy=reason&outcome=invalid").await, [(json!({ "reason": "duplicate" }), json!(2))]);
    assert_eq!(
        totals(&api, "groupBy=outcome&groupBy=reason&outcome=client_discard&statsPeriod=1d").await,
        [(json!({ "outcome": "client_discard", "reason": "before_send" }), json!(6))],
        "what SDKs dropped stands beside"
    );
    let past = "groupBy=outcome&start=2026-07-02T00:00:00&end=2026-07-03T00:00:00";
    assert_eq!(totals(&api, past).await, [(json!({ "outcome": "accepted" }), json!(100))]);
}

#[tokio::test]
async fn series_have_one_point_for_each_interval() {
    let api = Api::new();
    let path = "/organizations/acme/stats_v2/?groupBy=outcome&field=sum(quantity)&statsPeriod=2d&interval=1d&project=1&outcome=accepted";
    let answer = api.get(path).await.json(200);
    assert_eq!(
        answer["intervals"],
        json!(["2026-07-30T00:00:00.000000Z", "2026-07-31T00:00:00.000000Z", "2026-08-01T00:00:00.000000Z",])
    );
    assert_eq!(answer["groups"][0]["series"]["sum(quantity)"], json!([0, 0, 7]));
    for query in ["groupBy=colour", "field=avg(x)", "interval=soon", "statsPeriod=9y", "interval=1h&statsPeriod=520w"] {
        api.get(&format!("/organizations/acme/stats_v2/?{query}")).await.detail(400);
    }
}

bugle_db::on_postgres_too![
    the_contract_s_question_is_answered,
    groups_and_filters,
    series_have_one_point_for_each_interval,
];
