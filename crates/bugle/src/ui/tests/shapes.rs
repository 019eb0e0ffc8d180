//! Events of every shape on their page, from the bytes that an SDK sent.

use super::house::{House, elements};
use super::seed;

async fn page(payload: &str) -> String {
    let mut house = House::new().await;
    let project = house.project("Shop API").await;
    house.receive(project, &[payload]).await;
    house.get("/issues/1").await.page().to_string()
}

fn fixture(name: &str) -> String {
    let path = format!("{}/../../fixtures/sentry/{name}/payload.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("a payload")
}

fn in_order(page: &str, words: &[&str]) {
    let mut from = page.find("class=\"sheet\"").expect("an event");
    for word in words {
        from += page[from..].find(word).unwrap_or_else(|| panic!("{word} is not there, or not in its place: {page}"));
    }
}

#[tokio::test]
async fn an_exception_group_is_a_tree() {
    let page = page(&fixture("exception-group")).await;
    let words = [
        "ExceptionGroup",
        "1 of 2 in it",
        "KeyError",
        "2 of 2 in it",
        "OSError",
        "because of",
        "ConnectionRefusedError",
        "ECONNREFUSED",
    ];
    in_order(&page, &words);
    assert!(page.contains("class=\"branch-1\"") && page.contains("class=\"branch-2\""));
}

#[tokio::test]
async fn everything_that_an_event_can_have_is_shown() {
    let page = page(&fixture("everything")).await;
    for part in [
        "16.0 GiB",
        "82%",
        "wallet",
        "Windows",
        ".NET Framework",
        "pay.html",
        "total|money",
        "Payment 7 failed for ann",
        "waits for",
        "java.lang.Object",
        "4 images were loaded",
        "7b3a6f0c-1b2c-4d5e-8f90-a1b2c3d4e5f6-a",
        "0af7651916cd43dd8448eb211c80319c",
        "Client&#39;s system",
        "never_heard_of",
    ] {
        assert!(page.contains(part) || page.contains(&part.replace("&#39;", "'")), "{part} in {page}");
    }
    assert!(elements(&page) < 3_000);
}

#[tokio::test]
async fn a_crash_says_its_signal_and_opens_its_thread() {
    let page = page(&fixture("native-crash")).await;
    in_order(
        &page,
        &["SIGSEGV", "signal SIGSEGV", "Mach exception EXC_BAD_ACCESS", "id=\"threads\"", "crashed", "id=\"images\""],
    );
}

#[tokio::test]
async fn what_was_cut_or_removed_says_so_at_its_place() {
    let page = page(&seed::cut()).await;
    for part in [
        "cut from 15,000 characters",
        "cut from 9,000 entries",
        "cut from 20,000 characters",
        "Of 300 frames",
        "Of 120 breadcrumbs",
        "removed: password",
        "removed: SDK",
        "left out by the SDK",
        "left out: not what belongs here",
        "Its variables were left out",
        "values were cut",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("hunter2"));
}
