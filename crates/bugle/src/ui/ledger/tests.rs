//! The ledger's pages over books that tests write. The flood through HTTP is in `suite/tests/ledger.rs`.

use super::*;
use crate::file;
use crate::outcome::{Account, Category, Dialect, Entries, HOUR_MS, Outcome, Reason};
use crate::record::{Entry, Record};
use crate::ui::tests::{World, world};
use axum::http::StatusCode;

const ID: &str = "b81d6f0e42c94a0f9b3c7706d1f2aa54";

fn record(project: i64, id: &str) -> Record {
    Record {
        dialect: Dialect::Sentry,
        category: Category::Error,
        project,
        key: 1,
        received_ms: now_ms(),
        event_id: EventId::parse(id).expect("an id"),
        exemplar: 5,
        family: 5,
        exemplar_body: Vec::new(),
        json_bytes: 2,
        payload: vec![1],
    }
}

/// Writes receipts and their fates, which balance.
async fn count(world: &World, fates: &[(Category, Outcome, Reason, i64)]) {
    let mut entries = Entries::default();
    for &(category, outcome, reason, quantity) in fates {
        for fate in [None, Some((outcome, reason))] {
            entries.add(Account { project: 1, key: 1, hour: now_ms() / HOUR_MS, category, fate }, quantity);
        }
    }
    world.app.store.write(move |tx| entries.write(tx)).await.expect("writes");
}

#[tokio::test]
async fn the_page_is_the_equation() {
    let world = world().await;
    let mut owner = world.owner().await;
    let empty = owner.get("/projects/shop/ledger").await.body;
    assert!(empty.contains("nothing arrived") && empty.contains("Nothing was stored"), "{empty}");
    count(
        &world,
        &[
            (Category::Error, Outcome::Stored, Reason::None, 1_200),
            (Category::Error, Outcome::RateLimited, Reason::KeyQuota, 300),
        ],
    )
    .await;
    let body = owner.get("/projects/shop/ledger?range=30d").await.body;
    for text in
        ["1,500", "<i>=</i>1,200", "<i>+</i>300", "<i>+</i>0", "Refused", "20%", "/projects/shop/settings#key-1"]
    {
        assert!(body.contains(text), "{text} in {body}");
    }
    assert!(!body.contains("do not balance"));

    let change = |sql: &'static str| world.app.store.write(move |tx| tx.execute(sql, &[]));
    change("UPDATE ledger SET quantity = quantity - 7 WHERE outcome = 'stored'").await.expect("writes");
    assert!(owner.get("/projects/shop/ledger").await.body.contains("do not balance: 7"));
    change("UPDATE ledger SET quantity = quantity + 7 WHERE outcome = 'stored'").await.expect("writes");
}

#[tokio::test]
async fn the_summary_is_said_in_sentences() {
    let world = world().await;
    let mut owner = world.owner().await;
    let summary = |body: &str| {
        let from = body.find("class=\"lede\">").expect("a lede") + 13;
        let text = &body[from..from + body[from..].find("</p>").expect("its end")];
        let mut plain = String::new();
        let mut is_tag = false;
        for c in text.chars() {
            match c {
                '<' => is_tag = true,
                '>' => is_tag = false,
                c if !is_tag => plain.push(c),
                _ => {}
            }
        }
        plain
    };
    assert_eq!(summary(&owner.get("/projects/shop/ledger").await.body), "In the last 24 hours nothing arrived.");
    count(&world, &[(Category::Error, Outcome::Stored, Reason::None, 2)]).await;
    assert_eq!(
        summary(&owner.get("/projects/shop/ledger?range=7d").await.body),
        "In the last 7 days 2 events arrived. All of them were stored; nothing was dropped."
    );
    count(
        &world,
        &[
            (Category::Error, Outcome::Discarded, Reason::IssueCap, 90),
            (Category::Transaction, Outcome::Discarded, Reason::Unsupported, 4),
            (Category::Error, Outcome::Invalid, Reason::Duplicate, 2),
            (Category::Error, Outcome::Invalid, Reason::Framing, 1),
            (Category::Error, Outcome::Invalid, Reason::TooLarge, 1),
        ],
    )
    .await;
    assert_eq!(
        summary(&owner.get("/projects/shop/ledger").await.body),
        "In the last 24 hours 100 items arrived. 2 were stored (2%). 90 were counted but the payloads not kept, because an \
         issue passed the cap of 10,000 an hour. 4 were of kinds that Bugle does not keep (4 transactions). 2 had come \
         before and changed nothing. 1 could not be read. 1 more was dropped for 1 other reason, below."
    );
    assert_eq!(
        summary(&owner.get("/projects/shop/ledger?category=transaction&key=1").await.body),
        "In the last 24 hours 4 items arrived of the category transaction by the key Default. None was stored. 4 were of \
         kinds that Bugle does not keep (4 transactions)."
    );
}

#[tokio::test]
async fn a_full_page_stays_small() {
    let world = world().await;
    let mut owner = world.owner().await;
    let (mut entries, hour) = (Entries::default(), now_ms() / HOUR_MS);
    for (at, reason) in Reason::all().enumerate() {
        let outcome = [Outcome::Discarded, Outcome::Invalid, Outcome::RateLimited, Outcome::Filtered][at % 4];
        let outcome = if reason == Reason::None { Outcome::Stored } else { outcome };
        for day in 0..100 {
            for fate in [None, Some((outcome, reason))] {
                let key = at as i64 % 7 + 1;
                let account = Account { project: 1, key, hour: hour - 24 * day, category: Category::Error, fate };
                entries.add(account, 1_234 + 17 * day);
            }
        }
    }
    for at in 0..300 {
        let reason = format!("{at} {}", "long".repeat(18));
        let account = crate::client_report::Account { project: 1, key: 1, hour, category: Category::Error, reason };
        entries.client.add(account, 5);
    }
    world.app.store.write(move |tx| entries.write(tx)).await.expect("writes");
    for range in ["24h", "7d", "30d", "90d"] {
        let body = owner.get(&format!("/projects/shop/ledger?range={range}")).await.body;
        assert!(body.len() < 72_000, "{} bytes in {range}", body.len());
        assert!(body.contains("276 other reasons") && !body.contains("do not balance"));
    }
}

#[tokio::test]
async fn one_event_is_found_wherever_it_is() {
    let world = world().await;
    let mut owner = world.owner().await;
    let mut look = async |id: &str| owner.get(&format!("/projects/shop/ledger?item={id}")).await.body;
    let run = |sql: &'static str| {
        let id = EventId::parse(ID).expect("an id");
        world.app.store.write(move |tx| tx.execute(sql, bugle_db::params![&id.0, now_ms() - 60_000]))
    };
    assert!(look("none").await.contains("That is no event id"));
    let unknown = look(ID).await;
    for text in ["no trace of it", "90 days", "compare the DSN", "Nothing of it waits"] {
        assert!(unknown.contains(text), "{text} in {unknown}");
    }

    world.app.door.turned_away.remember(1, EventId::parse(ID), Reason::KeyQuota, now_ms());
    assert!(look(ID).await.contains("refused at the door"));
    world.app.door.turned_away.remember(1, EventId::parse(ID), Reason::FilterLocalhost, now_ms());
    let filtered = look(ID).await;
    assert!(filtered.contains("dropped by the project") && filtered.contains("/projects/shop/filters#localhost"));

    let (sender, durable) = tokio::sync::oneshot::channel();
    let body = record(1, ID).write();
    world.app.door.journal.append(vec![body], move |result| {
        let _ = sender.send(result.is_ok());
    });
    assert_eq!(durable.await, Ok(true));
    let waiting = look(&ID.to_uppercase()).await;
    assert!(waiting.contains("waits to be filed") && waiting.contains("is next"), "{waiting}");

    run("INSERT INTO quarantine (journal, position, at_ms, error, body, project, event_id) VALUES (1, 1, $2, 'it broke', $1, 1, $1)")
        .await
        .expect("writes");
    assert!(look(ID).await.contains("it broke"));

    run("INSERT INTO issues (id, project, number, kind, title, culprit, level, platform, logger, is_unhandled, status, \
         status_ms, first_ms, last_ms, events, people) VALUES (9, 1, 4, 'TillError', 'stuck', '', 'error', 'python', '', \
         FALSE, 'unresolved', $2, $2, $2, LENGTH($1), 0)")
    .await
    .expect("writes");
    run("INSERT INTO capped_events (project, event_id, at_ms, issue) VALUES (1, $1, $2, 9)").await.expect("writes");
    let capped = look(ID).await;
    assert!(capped.contains("its payload was not kept") && capped.contains("href=\"/issues/9\">SHOP-4<"), "{capped}");

    run("INSERT INTO repeats (project, event_id, times, last_ms) VALUES (1, $1, 2, $2)").await.expect("writes");
    run(
        "INSERT INTO events (id, project, event_id, issue, received_ms, timestamp_ms, environment, release_id, person, \
         grouping_id, tag_set, exemplar, payload_bytes, payload) VALUES (1, 1, $1, 9, $2, $2, 0, 0, 0, 0, 0, 0, 0, $1)",
    )
    .await
    .expect("writes");
    let stored = look(ID).await;
    assert!(stored.contains("It is stored") && stored.contains("It came 2 more times"), "{stored}");
    assert!(stored.contains(&format!("/issues/9/events/{ID}")));

    let made = world.app.store.write(|tx| project::create(tx, 1, "Web", "node", &"b".repeat(32), 1)).await;
    made.expect("a project");
    let elsewhere = owner.get(&format!("/projects/web/ledger?item={ID}")).await.body;
    assert!(elsewhere.contains("in another project: Shop"), "{elsewhere}");
}

#[tokio::test]
async fn a_record_that_says_nothing_counts_for_the_server() {
    let world = world().await;
    let mut owner = world.owner().await;
    let mut cut = record(1, ID).write();
    cut.truncate(40);
    let put_aside = world.app.store.write(move |tx| {
        let whose = file::quarantine(tx, 1, 1, &cut, Entry::read(&cut).as_ref(), "its end is missing", now_ms())?;
        let nobodys = file::quarantine(tx, 1, 2, b"\xffdust", None, "the record is damaged", now_ms())?;
        Ok((whose.fates, nobodys.fates))
    });
    let (whose, nobodys) = put_aside.await.expect("writes");
    assert_eq!((whose.len(), nobodys.len()), (1, 1), "each is counted");
    let body = owner.get("/projects/shop/ledger").await.body;
    assert!(body.contains("could not be filed and was put aside"), "its head says whose it is: {body}");

    let body = owner.get("/ledger").await.body;
    for text in [
        "came that belongs to no project",
        "2 records</b> could not be filed",
        "its end is missing",
        "the record is damaged",
        "not known",
    ] {
        assert!(body.contains(text), "{text} in {body}");
    }
    assert!(!body.contains("do not balance"));
    let demote = "UPDATE members SET role = 'member'";
    world.app.store.write(move |tx| tx.execute(demote, &[])).await.expect("writes");
    assert_eq!(owner.get("/ledger").await.status, StatusCode::FORBIDDEN);
    assert!(!owner.get("/projects/shop/ledger").await.body.contains("href=\"/ledger"), "nobody is led there in vain");
    assert_eq!(owner.get("/help/limits").await.status, StatusCode::OK);
}
