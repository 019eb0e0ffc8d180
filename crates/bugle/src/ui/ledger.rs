//! `/projects/{slug}/ledger`: the fate of every item, as an equation and by outcome with its reason in words.
//!
//! What stands in the database always balances item by item, because receipt and outcome are written in one
//! transaction; the backlog is what the journal holds beyond that. A difference is therefore a mistake of ours and
//! said aloud.

use super::act::Fields;
use super::address::encode;
use super::error::UiError;
use super::layout::{Chrome, Here, page};
use super::number::{counted, exact, share};
use super::score::words;
use super::toast::Toast;
use crate::access::Person;
use crate::app::Shared;
use crate::issue::series::Range;
use crate::outcome::{self, HOUR_MS, Sum};
use crate::store::now_ms;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use bugle_db::{DbError, Tx};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Its address.
pub fn routes() -> Router<Shared> {
    Router::new().route("/projects/{slug}/ledger", get(show))
}

struct Ledger {
    chrome: Chrome,
    slug: String,
    name: String,
    range: Range,
    books: Balance,
    /// Acknowledged and not yet filed, of the whole server.
    backlog: i64,
}

/// What the sums say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Balance {
    received: i64,
    stored: i64,
    discarded: i64,
    /// What was stored, by category, the most first.
    kept: Vec<(String, i64)>,
    /// What was not, by outcome, reason and category, the most first.
    dropped: Vec<(Fate, i64)>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Fate {
    outcome: String,
    reason: String,
    category: String,
}

impl Balance {
    fn of(sums: &[Sum]) -> Balance {
        let (mut kept, mut dropped) = (BTreeMap::<String, i64>::new(), BTreeMap::<Fate, i64>::new());
        let mut balance = Balance::default();
        for sum in sums {
            let category = sum.category.clone();
            match sum.outcome.as_str() {
                "received" => balance.received += sum.quantity,
                "stored" => {
                    balance.stored += sum.quantity;
                    *kept.entry(category).or_default() += sum.quantity;
                }
                _ => {
                    balance.discarded += sum.quantity;
                    let fate = Fate { outcome: sum.outcome.clone(), reason: sum.reason.clone(), category };
                    *dropped.entry(fate).or_default() += sum.quantity;
                }
            }
        }
        balance.kept = kept.into_iter().collect();
        balance.dropped = dropped.into_iter().collect();
        balance.kept.sort_by_key(|(_, count)| -count);
        balance.dropped.sort_by_key(|(_, count)| -count);
        balance
    }

    /// What is missing on the right side; anything but 0 is a mistake of ours.
    fn difference(&self) -> i64 {
        self.received - self.stored - self.discarded
    }
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    toast: Toast,
    Path(slug): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Markup, UiError> {
    let range = Range::parse(Fields(query).get("range")).unwrap_or_default();
    let backlog = app.backlog();
    let ledger = app.store.read(move |tx| load(tx, &person, &slug, range, backlog, now_ms())).await?;
    let mut ledger = ledger.ok_or(UiError::NotFound)?;
    ledger.chrome.toast = toast;
    ledger.chrome = ledger.chrome.with_backlog(app.backlog());
    Ok(page(&ledger.chrome, &format!("Ledger of {}", ledger.name), view(&ledger)))
}

fn load(
    tx: &mut Tx<'_>,
    person: &Person,
    slug: &str,
    range: Range,
    backlog: i64,
    now_ms: i64,
) -> Result<Option<Ledger>, DbError> {
    let Some(chrome) = Chrome::read(tx, person, Some(slug), Here::Ledger, now_ms)? else { return Ok(None) };
    let Some(project) = &chrome.project else { return Ok(None) };
    let sums = outcome::sums(tx, person.organization, &[project.id], range.since_ms(now_ms) / HOUR_MS)?;
    let (slug, name) = (project.slug.clone(), project.name.clone());
    Ok(Some(Ledger { chrome, slug, name, range, books: Balance::of(&sums), backlog }))
}

fn view(ledger: &Ledger) -> Markup {
    html! {
        div.title {
            div {
                h1 { "Ledger" }
                p.lede { "Every item that came for " (ledger.name) " in the last " (words(ledger.range)) ", and what became of it." }
            }
            nav.ranges aria-label="Range" {
                @for range in [Range::Day, Range::Fortnight, Range::Quarter] {
                    a href={ "/projects/" (encode(&ledger.slug)) "/ledger?range=" (range.as_str()) }
                        aria-current=[(range == ledger.range).then_some("true")] { (range.as_str()) }
                }
            }
        }
        (equation(ledger))
        (dropped(ledger))
        (kept(ledger))
    }
}

fn equation(ledger: &Ledger) -> Markup {
    let books = &ledger.books;
    let figure = |name: &str, sign: &str, count: i64| {
        html! { div { dt { (name) } dd { @if !sign.is_empty() { i { (sign) } } (exact(count)) } } }
    };
    html! {
        @if books.difference() != 0 {
            p.note.bad {
                b { "The books do not balance: " (exact(books.difference())) " items are unaccounted for. " }
                "That is a mistake of Bugle's. " code { "bugle check" } " says more."
            }
        }
        section.part {
            header { h2 { "Balance" } small { "last " (words(ledger.range)) } }
            div {
                dl.sum {
                    (figure("received", "", books.received + ledger.backlog))
                    (figure("stored", "=", books.stored))
                    (figure("discarded", "+", books.discarded))
                    (figure("backlog", "+", ledger.backlog))
                }
                @if ledger.backlog > 0 {
                    p.because { "The backlog is acknowledged, durable and not yet filed. It is counted for the whole server." }
                }
            }
        }
    }
}

fn dropped(ledger: &Ledger) -> Markup {
    let books = &ledger.books;
    html! {
        section.part {
            header { h2 { "Reasons" } small { (counted(books.discarded, "item", "items")) } }
            @if books.dropped.is_empty() {
                p.say { "Nothing was discarded." }
            } @else {
                table.books {
                    caption.sr { "Discarded items by outcome and reason" }
                    thead { tr {
                        th scope="col" { "Outcome" } th scope="col" { "Reason" }
                        th.num scope="col" { "Items" } th.num.opt scope="col" { "Share" }
                    } }
                    tbody {
                        @for (fate, count) in &books.dropped {
                            tr {
                                th scope="row" { (outcome_in_words(&fate.outcome)) small { (fate.category) } }
                                td { (reason_in_words(fate, &ledger.slug)) }
                                td.num { (exact(*count)) }
                                td.num.opt.dim { (share(*count, books.received)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn kept(ledger: &Ledger) -> Markup {
    html! {
        section.part {
            header { h2 { "Stored" } small { (counted(ledger.books.stored, "item", "items")) } }
            @if ledger.books.kept.is_empty() {
                p.say { "Nothing was stored." }
            } @else {
                table.books {
                    caption.sr { "Stored items by category" }
                    thead { tr { th scope="col" { "Category" } th.num scope="col" { "Items" } } }
                    tbody {
                        @for (category, count) in &ledger.books.kept {
                            tr { th scope="row" { (category) } td.num { (exact(*count)) } }
                        }
                    }
                }
            }
        }
    }
}

fn outcome_in_words(outcome: &str) -> String {
    let mut words = outcome.replace('_', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

/// The sentence that says what did it, and the setting that undoes it where there is one.
fn reason_in_words(fate: &Fate, slug: &str) -> Markup {
    let sentence = match fate.reason.as_str() {
        "unsupported" => {
            "Bugle does not keep items of this kind. They are accepted, so that SDKs stay calm, and counted."
        }
        "duplicate" => "An event with this id is there already. SDKs send again when they are not sure.",
        "key_quota" => "The key allows only so many events in a span. The SDK was told when to come back.",
        "too_large" => "The body, event or item was larger than the limit.",
        "encoding" => "The content encoding could not be read: it was cut short, or is not what the header says.",
        "framing" => "The envelope's framing could not be read.",
        "no_key" => "No key came with it.",
        "bad_credentials" => "Two different keys came with it, or one that is malformed.",
        "unknown_key" => "The key is not known, is switched off, or belongs to another project.",
        "overload" => "It could not be written down as fast as it came. The SDK was told to come back.",
        "disk_full" => "The server's disk was full.",
        "project_gone" => "The project was deleted before it was filed.",
        "quarantined" => "Filing it failed in a way that would fail again. It is kept apart on the server.",
        "issue_cap" => "More events of this issue came in an hour than are kept. Its counts are exact all the same.",
        _ => "",
    };
    html! {
        (fate.reason.replace('_', " ")) " "
        span.because {
            (sentence)
            @if matches!(fate.reason.as_str(), "key_quota" | "unknown_key") {
                " " a href={ "/projects/" (encode(slug)) "/settings#keys" } { "Keys and their limits" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Account, Category, Entries, Outcome, Reason};
    use crate::ui::tests::world;

    #[test]
    fn every_reason_has_its_sentence() {
        use Reason::*;
        for reason in [
            Unsupported,
            Duplicate,
            KeyQuota,
            TooLarge,
            Encoding,
            Framing,
            NoKey,
            BadCredentials,
            UnknownKey,
            Overload,
            DiskFull,
            IssueCap,
            ProjectGone,
            Quarantined,
        ] {
            let fate = Fate { outcome: "invalid".into(), reason: reason.as_str().into(), category: "error".into() };
            let words = reason_in_words(&fate, "shop").into_string();
            assert!(!words.contains("<span class=\"because\"></span>"), "{reason:?}");
        }
    }

    #[tokio::test]
    async fn the_page_is_the_equation() {
        let world = world().await;
        let mut owner = world.owner().await;
        assert!(owner.get("/projects/shop/ledger").await.body.contains("Nothing was stored"));
        let mut entries = Entries::default();
        let mut add = |fate, quantity| {
            let hour = now_ms() / HOUR_MS;
            entries.add(Account { project: 1, key: 1, hour, category: Category::Error, fate }, quantity);
        };
        add(None, 1_500);
        add(Some((Outcome::Stored, Reason::None)), 1_200);
        add(Some((Outcome::RateLimited, Reason::KeyQuota)), 300);
        world.app.store.write(move |tx| entries.write(tx)).await.expect("writes");
        let body = owner.get("/projects/shop/ledger?range=14d").await.body;
        for text in ["1,500", "<i>=</i>1,200", "<i>+</i>300", "<i>+</i>0", "Rate limited", "20%"] {
            assert!(body.contains(text), "{text} in {body}");
        }
        assert!(!body.contains("do not balance"));

        let lose = "UPDATE ledger SET quantity = quantity - 7 WHERE outcome = 'stored'";
        world.app.store.write(move |tx| tx.execute(lose, &[])).await.expect("writes");
        assert!(owner.get("/projects/shop/ledger").await.body.contains("do not balance: 7"));
    }
}
