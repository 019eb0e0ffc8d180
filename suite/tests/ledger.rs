//! The ledger explains a flood to somebody who has never seen it: on the page, by `stats_v2` and in `/metrics`.
//!
//! Events that must fall under one cap or limit travel in one envelope, so that no hour can end between them.

use scraper::{Html, Selector};
use serde_json::{Value, json};
use suite::bugle::ORGANIZATION;
use suite::door::Request;
use suite::envelope::{self, exception, id, path, with_event};
use suite::person::Page;
use suite::{Bugle, Project, wait};

/// Events of one issue; 5 an hour are kept.
const FLOOD: u64 = 12;
/// Events by the limited key, which may send 3.
const LIMITED: u64 = 8;
/// Ids begin here, per part of the flood.
const LIMITED_ID: u64 = 100;
const LATE_ID: u64 = 200;
const GIANT_ID: u64 = 300;

#[test]
fn a_flood_is_explained() {
    let bugle = Bugle::start_with(&[("BUGLE_ISSUE_CAP_PER_HOUR", "5")]);
    let project = bugle.project("Shop");
    let limited = limited_key(&bugle, &project);
    flood(&bugle, &project, &limited.1);
    bugle.settle();
    let owner = bugle.owner();
    let address = format!("/projects/{}/ledger", project.slug);
    // What is refused at the door is written down within a second.
    let page = wait::until_ok("the whole flood on the page", || {
        let page = owner.page(&address);
        if page.text().contains("29 items arrived") { Ok(page) } else { Err(page.text()) }
    });
    the_page_tells(&page, &limited.0);
    by_key_and_category(&bugle, &page, &address, &limited.0);
    one_by_one(&bugle, &address);
    let server = owner.page("/ledger");
    server.shows(&[
        "1 item came that belongs to no project",
        "unknown key",
        "No record is put aside",
        "Together 30 9 21",
    ]);
    stats_agree(&bugle, &project);
    metrics_agree(&bugle);
    bugle.check();
}

/// A second key, which may send 3 events a day: its id and its public part.
fn limited_key(bugle: &Bugle, project: &Project) -> (String, String) {
    let keys = format!("/projects/{ORGANIZATION}/{}/keys/", project.slug);
    let (status, key) = bugle.rest().call("POST", &keys, Some(&json!({"name": "iOS app"})));
    assert_eq!(status, 201, "{key}");
    let public = key["public"].as_str().expect("a public part").to_string();
    bugle.rest().put(&format!("{keys}{public}/"), &json!({"rateLimit": {"window": 86_400, "count": 3}}));
    let page = bugle.owner().page(&format!("/projects/{}/settings", project.slug));
    let before = page.html.split("iOS app").next().expect("text before its name");
    let number = before.rsplit("id=\"key-").next().and_then(|rest| rest.split('"').next()).expect("its id");
    (number.to_string(), public)
}

fn flood(bugle: &Bugle, project: &Project, limited: &str) {
    let send = |request: Request, status: u16| {
        let answer = request.send(bugle.address()).expect("an answer");
        assert_eq!(answer.status, status, "{}", answer.text());
    };
    let post = |body: Vec<u8>| Request::post(path(project), body).key(&project.key);
    let event = |kind: &str, number: u64| {
        let mut event = exception(kind, "the drawer is stuck");
        event["event_id"] = id(number).into();
        ("event", event)
    };
    let many = |kind: &str, first: u64, count: u64| {
        items(Some(first), (first..first + count).map(|number| event(kind, number)).collect())
    };
    send(post(many("TillError", 0, FLOOD)), 200);
    bugle.settle();
    send(Request::post(path(project), many("AppError", LIMITED_ID, LIMITED)).key(limited), 429);
    send(Request::post(path(project), many("AppError", LATE_ID, 1)).key(limited), 429);
    // One that was stored and one that was capped come again.
    send(post(with_event(&id(0), &exception("TillError", "the drawer is stuck"))), 200);
    send(post(with_event(&id(FLOOD - 1), &exception("TillError", "the drawer is stuck"))), 200);
    let others = vec![("transaction", json!({"type": "transaction"})), ("session", json!({"sid": "1"}))];
    send(post(items(None, others)), 200);
    send(post(b"hello\n".to_vec()), 400);
    send(post(b"not gzip".to_vec()).header("Content-Encoding", "gzip"), 400);
    send(post(with_event(&id(GIANT_ID), &json!({"message": "x".repeat(1 << 20)}))), 413);
    let report = json!({"timestamp": 1_785_578_400, "discarded_events": [
        {"reason": "before_send", "category": "error", "quantity": 7},
        {"reason": "queue_overflow", "category": "transaction", "quantity": 4},
        {"reason": "<b>odd</b>", "category": "error", "quantity": 2},
    ]});
    send(post(items(None, vec![("client_report", report)])), 200);
    send(Request::post(path(project), many("TillError", 900, 1)).key(&"f".repeat(32)), 403);
}

/// An envelope of several items, its header with an id or none.
fn items(event_id: Option<u64>, items: Vec<(&str, Value)>) -> Vec<u8> {
    let mut body = event_id.map_or(json!({}), |number| json!({"event_id": id(number)})).to_string();
    for (kind, payload) in items {
        body += &format!("\n{}\n{payload}", json!({"type": kind}));
    }
    body.into_bytes()
}

/// The texts of the rows of a part of the page.
fn rows(page: &Page, part: &str) -> Vec<String> {
    let html = Html::parse_document(&page.html);
    let selector = Selector::parse(&format!("{part} tbody tr")).expect("a selector");
    let text = |row: scraper::ElementRef<'_>| row.text().collect::<Vec<_>>().join(" ");
    html.select(&selector).map(|row| text(row).split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn the_page_tells(page: &Page, limited: &str) {
    page.shows(&[
        "What was dropped, and why",
        "In the last 24 hours 29 items arrived. 9 were stored (31%). 7 were counted but the payloads not kept, because \
         issue SHOP-1 passed the cap of 5 an hour. 6 were refused, because the key iOS app reached its limit of 3 events a \
         day. 2 had come before and changed nothing. 1 was of kinds that Bugle does not keep (1 transaction). \
         4 more were dropped for 4 other reasons, below. Beside that, SDKs report that they dropped 13 before sending.",
        "received 29 stored =9 discarded +20 backlog +0",
    ]);
    assert!(!page.text().contains("do not balance"));
    let reasons = rows(page, "#reasons");
    for (starts, holds) in [
        ("Not kept nothing was wrong with it the issue had enough issue_cap", "Cap per issue SHOP-1 7 7 24%"),
        ("of a kind that is not kept unsupported", "1 transaction 1 "),
        ("Refused a limit was reached the key's limit key_quota", "Limit of the key iOS app 6 6 21%"),
        ("Invalid could not be used came before duplicate", "nothing is missing. 2 "),
        ("damaged on the way encoding", "What senders were told 1 "),
        ("not an envelope framing", "What senders were told 1 "),
        ("no valid release invalid_release", "What is read 1 session 1 "),
        ("too large too_large", "What senders were told 1 "),
    ] {
        let row =
            reasons.iter().find(|row| row.starts_with(starts)).unwrap_or_else(|| panic!("{starts}: {reasons:#?}"));
        assert!(row.contains(holds), "{holds} in {row}");
    }
    assert_eq!(reasons.len(), 8, "{reasons:#?}");
    let keys = rows(page, "#keys");
    assert_eq!(keys, ["Default 20 6 14 Not kept: the issue had enough 7", "iOS app 9 3 6 Refused: the key's limit 6"]);
    let never = rows(page, "#never-sent");
    assert!(
        never[0].starts_with("before_send The program's own before_send returned nothing. 7 errors 7"),
        "{never:#?}"
    );
    assert!(never[1].starts_with("queue_overflow") && never[1].contains("4 transactions 4"), "{never:#?}");
    assert!(never[2].starts_with("<b>odd</b> 2 errors 2"), "free text stays text: {never:#?}");
    let told = rows(page, "#told");
    assert!(told.iter().any(|row| row.starts_with("413 The event is larger than 1048576 bytes")), "{told:#?}");
    for link in [format!("/projects/shop/settings#key-{limited}"), "/projects/shop/storage".into(), "/issues/1".into()]
    {
        assert!(page.html.contains(&format!("href=\"{link}\"")), "no link to {link}");
    }
    assert!(page.html.len() < 60_000, "{} bytes", page.html.len());
}

fn by_key_and_category(bugle: &Bugle, page: &Page, address: &str, limited: &str) {
    let owner = bugle.owner();
    for link in page.links().iter().filter(|link| link.starts_with(address)) {
        assert!(!owner.page(link).text().contains("do not balance"), "{link}");
    }
    owner
        .page(&format!("{address}?key={limited}&range=90d"))
        .shows(&["In the last 90 days 9 events arrived by the key iOS app. 3 were stored (33%). 6 were refused"]);
    owner.page(&format!("{address}?category=session&range=7d")).shows(&["1 item arrived of the category session"]);
    owner.page("/help/limits").shows(&["5 payloads of one issue and hour are kept", "BUGLE_ISSUE_CAP_PER_HOUR"]);
}

/// The look-up, for one event of each fate.
fn one_by_one(bugle: &Bugle, address: &str) {
    let owner = bugle.owner();
    let look = |number: u64| owner.page(&format!("{address}?item={}", id(number)));
    let stored = look(0);
    stored.shows(&["It is stored, in issue SHOP-1.", "It came 1 more time within the last day; that changed nothing."]);
    let event = format!("/issues/1/events/{}", id(0));
    assert!(stored.links().contains(&event));
    assert_eq!(owner.get(&event).status, 200);
    look(FLOOD - 1).shows(&[
        "It was counted, and its payload was not kept, because its issue had passed the cap of 5 an hour.",
        "It counts in SHOP-1",
        "It came 1 more time",
    ]);
    look(LATE_ID).shows(&["It was refused at the door", "the key's limit"]);
    look(GIANT_ID).shows(&["It was refused at the door", "too large"]);
    look(777).shows(&["This server has no trace of it.", "compare the DSN"]);
    let fate = |number: u64| {
        let told = bugle.rest().get(&format!("/projects/{ORGANIZATION}/shop/fates/{}/", id(number)));
        told["fate"].as_str().unwrap_or_default().to_string()
    };
    assert_eq!([0, FLOOD - 1, LATE_ID, 777].map(fate), ["stored", "capped", "refused", "unknown"]);
}

fn stats_agree(bugle: &Bugle, project: &Project) {
    let stats = |query: &str| {
        let answer = bugle.rest().get(&format!(
            "/organizations/{ORGANIZATION}/stats_v2/?field=sum(quantity)&statsPeriod=24h&project={}&{query}",
            project.id
        ));
        let groups = answer["groups"].as_array().expect("groups").clone();
        let one = |group: &Value| {
            let word = |name: &str| group["by"][name].as_str().unwrap_or_default().to_string();
            (word("outcome"), word("reason"), group["totals"]["sum(quantity)"].as_i64().expect("a number"))
        };
        groups.iter().map(one).collect::<Vec<_>>()
    };
    let expected = [
        ("accepted", "none", 9),
        ("client_discard", "<b>odd</b>", 2),
        ("client_discard", "before_send", 7),
        ("client_discard", "queue_overflow", 4),
        ("discarded", "issue_cap", 7),
        ("discarded", "unsupported", 1),
        ("invalid", "duplicate", 2),
        ("invalid", "encoding", 1),
        ("invalid", "framing", 1),
        ("invalid", "invalid_release", 1),
        ("invalid", "too_large", 1),
        ("rate_limited", "key_quota", 6),
    ];
    let expected: Vec<_> =
        expected.iter().map(|(outcome, reason, n)| (outcome.to_string(), reason.to_string(), *n)).collect();
    assert_eq!(stats("groupBy=outcome&groupBy=reason"), expected);
    assert_eq!(stats("groupBy=outcome&category=client_report"), [("accepted".into(), String::new(), 1)]);
}

fn metrics_agree(bugle: &Bugle) {
    let received = |labels: &[&str]| bugle.metric("bugle_items_received_total", labels);
    let discarded = |reason: &str| bugle.metric("bugle_items_discarded_total", &[&format!("reason=\"{reason}\"")]);
    assert_eq!(
        (received(&[]), bugle.metric("bugle_items_stored_total", &[])),
        (30.0, 9.0),
        "the stranger's among them"
    );
    let reasons = ["issue_cap", "key_quota", "duplicate", "unsupported", "encoding", "framing", "invalid_release"];
    assert_eq!(reasons.map(discarded), [7.0, 6.0, 2.0, 1.0, 1.0, 1.0, 1.0]);
    assert_eq!(["too_large", "unknown_key"].map(discarded), [1.0, 1.0]);
    let client = |reason: &str| bugle.metric("bugle_client_discards_total", &[&format!("reason=\"{reason}\"")]);
    let known = ["before_send", "queue_overflow", "other"].map(client);
    assert_eq!(known, [7.0, 4.0, 2.0], "a reason from outside is no label");
}

#[test]
fn odd_reports_are_bounded_and_counted() {
    let bugle = Bugle::start();
    let project = bugle.project("Shop");
    let line =
        |at: u64| json!({"reason": format!("reason {at} {}", "x".repeat(400)), "category": "error", "quantity": 1});
    let lines: Vec<Value> = (0..200).map(line).collect();
    let report =
        |payload: Value| envelope::send(&bugle, &project, items(None, vec![("client_report", payload)])).status;
    assert_eq!(report(json!({"discarded_events": lines})), 200);
    assert_eq!(report(json!([1, 2])), 200);
    assert_eq!(report(json!({"discarded_events": ["x".repeat(200 << 10)]})), 200);
    bugle.settle();
    let owner = bugle.owner();
    let page = wait::until_ok("three reports", || {
        let page = owner.page(&format!("/projects/{}/ledger", project.slug));
        if page.text().contains("3 items arrived") { Ok(page) } else { Err(page.text()) }
    });
    page.shows(&[
        "1 was stored (33%)",
        "SDKs report that they dropped 200 before sending",
        "not what it says it is",
        "27 other reasons",
    ]);
    assert!(rows(&page, "#never-sent")[0].starts_with("other 150 errors"), "{:#?}", rows(&page, "#never-sent"));
    assert!(page.html.len() < 60_000, "{} bytes", page.html.len());
}
