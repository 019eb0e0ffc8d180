//! Scrubbing, set by REST, as the door goes by it from then on.

use super::auth::token_of;
use super::{Answer, Api};
use bugle_event::Event;

impl Api {
    /// Changes the organization, with a token that may.
    async fn put_organization(&self, body: &str) -> Answer {
        let token = token_of(self, 1, &["org:write"]);
        self.call_with("PUT", "/organizations/acme/", body, Some(&token)).await
    }

    /// What the door would leave of an `extra` of the project Shop.
    async fn scrubbed(&self, extra: &str) -> String {
        let id = self.get("/projects/acme/shop/").await.json(200)["id"].as_str().and_then(|id| id.parse().ok());
        let text = format!(r#"{{"extra":{extra}}}"#);
        let mut event = Event::stored(&text);
        self.app.store.policy(id.expect("a number")).scrubber.scrub(&mut event);
        event.json.get("extra").expect("kept").to_string()
    }
}

#[tokio::test]
async fn a_project_s_scrubbing_acts_when_rest_says_so() {
    let api = Api::new();
    let project = "/projects/acme/shop/";
    let fresh = api.get(project).await.json(200);
    assert_eq!((&fresh["dataScrubber"], &fresh["scrubIPAddresses"]), (&true.into(), &false.into()));
    assert!(fresh["relayPiiConfig"].is_null() && fresh["sensitiveFields"] == serde_json::json!([]));

    let body = r#"{"sensitiveFields":["badge"," "],"safeFields":["password"],
        "relayPiiConfig":"{\"applications\":{\"extra.mail\":[\"@email:replace\"]}}"}"#;
    let changed = api.call("PUT", project, body).await.json(200);
    assert_eq!(changed["sensitiveFields"], serde_json::json!(["badge"]));
    assert!(changed["relayPiiConfig"].as_str().expect("text").contains("@email"));
    let extra = r#"{"badge":"b1","password":"p1","mail":"jo@x.example","token":"t1"}"#;
    let after = api.scrubbed(extra).await;
    assert_eq!(after, r#"{"badge":"[Filtered]","password":"p1","mail":"[email]","token":"[Filtered]"}"#);

    api.call("PUT", project, r#"{"dataScrubber":false,"relayPiiConfig":null}"#).await.json(200);
    assert_eq!(api.scrubbed(extra).await, extra);
}

#[tokio::test]
async fn an_organization_s_scrubbing_holds_for_its_projects() {
    let api = Api::new();
    api.call("PUT", "/projects/acme/shop/", r#"{"dataScrubber":false,"safeFields":["badge"]}"#).await.json(200);
    let body = r#"{"dataScrubber":true,"dataScrubberDefaults":true,"sensitiveFields":["badge"],"scrubIPAddresses":true,
        "relayPiiConfig":{"applications":{"**":["@email:replace"]}}}"#;
    let changed = api.put_organization(body).await.json(200);
    assert_eq!((&changed["dataScrubber"], &changed["slug"]), (&true.into(), &"acme".into()));
    let after = api.scrubbed(r#"{"badge":"b1","password":"p1","mail":"jo@x.example","a":"of 10.0.0.1"}"#).await;
    assert_eq!(after, r#"{"badge":"[Filtered]","password":"[Filtered]","mail":"[email]","a":"of [ip]"}"#);
}

#[tokio::test]
async fn rules_that_cannot_be_meant_are_refused_with_their_place() {
    let api = Api::new();
    for (body, told) in [
        (r#"{"relayPiiConfig":"{\"rules\":{\"a\":{\"type\":\"emial\"}}}"}"#, "rules.a.type"),
        (r#"{"relayPiiConfig":7}"#, "relayPiiConfig must be a string"),
        (r#"{"dataScrubber":"yes"}"#, "dataScrubber must be true or false"),
        (r#"{"safeFields":"a"}"#, "safeFields must be a list"),
        (r#"{"safeFields":["-"]}"#, "neither letter nor digit"),
    ] {
        for answer in [api.call("PUT", "/projects/acme/shop/", body).await, api.put_organization(body).await] {
            let said = answer.detail(400);
            assert!(said.contains(told), "{body}: {said}");
        }
    }
    assert!(api.put_organization(r#"{"name":"x"}"#).await.detail(400).contains("name"));
    assert_eq!(api.scrubbed(r#"{"password":"x"}"#).await, r#"{"password":"[Filtered]"}"#, "nothing was changed");
}
