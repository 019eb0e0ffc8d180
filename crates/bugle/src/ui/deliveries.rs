//! `/deliveries`: what was sent, what failed and why, newest first; and sending again.

use super::act::Fields;
use super::address::with_query;
use super::error::UiError;
use super::layout::{Chrome, Here, page};
use super::moment;
use super::number::counted;
use super::toast::Toast;
use crate::access::Person;
use crate::alert::Cause;
use crate::alert::outbox::{self, Delivery, State as Stage};
use crate::app::Shared;
use crate::store::now_ms;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use bugle_db::{DbError, Tx};
use maud::{Markup, html};

/// Deliveries on one page.
const PAGE_SIZE: i64 = 50;
/// The last page that is read.
const PAGES_MAX: i64 = 2_000;

/// Its addresses.
pub fn routes() -> Router<Shared> {
    Router::new().route("/deliveries", get(show)).route("/deliveries/{id}/attempts", post(again))
}

struct Log {
    chrome: Chrome,
    /// One more than a page, if there is more.
    deliveries: Vec<Delivery>,
    number: i64,
    now_ms: i64,
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    toast: Toast,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Markup, UiError> {
    let query = Fields(query);
    let (slug, number) = (query.get("project").to_string(), query.get("page").parse().unwrap_or(1));
    let log = app.store.read(move |tx| load(tx, &person, &slug, number, toast, now_ms())).await?;
    let mut log = log.ok_or(UiError::NotFound)?;
    log.chrome = log.chrome.with_backlog(app.backlog());
    Ok(page(&log.chrome, "What was sent", view(&log)))
}

fn load(
    tx: &mut Tx<'_>,
    person: &Person,
    slug: &str,
    number: i64,
    toast: Toast,
    now_ms: i64,
) -> Result<Option<Log>, DbError> {
    let Some(chrome) = Chrome::read(tx, person, Some(slug), Here::Alerts, now_ms)? else { return Ok(None) };
    let number = number.clamp(1, PAGES_MAX);
    let project = chrome.project.as_ref().map(|project| project.id);
    let offset = (number - 1) * PAGE_SIZE;
    let deliveries = outbox::list(tx, person.organization, project, offset, PAGE_SIZE + 1)?;
    Ok(Some(Log { chrome: chrome.with_toast(toast), deliveries, number, now_ms }))
}

async fn again(
    State(app): State<Shared>,
    person: Person,
    Path(id): Path<i64>,
    fields: Fields,
) -> Result<Response, UiError> {
    let is_again = app.store.write(move |tx| outbox::again(tx, person.organization, id, now_ms())).await?;
    app.bell.notify_one();
    let sentence = if is_again { "It is on its way again." } else { "It is on its way, or was sent meanwhile." };
    Ok(Toast::new(sentence).at(&with_query("/deliveries", &[("project", fields.get("project"))])))
}

fn view(log: &Log) -> Markup {
    let slug = log.chrome.project.as_ref().map_or("", |project| &project.slug);
    let shown = &log.deliveries[..log.deliveries.len().min(PAGE_SIZE as usize)];
    html! {
        div.title { div {
            h1 { "What was sent" }
            p.say {
                @match &log.chrome.project {
                    Some(project) => {
                        "By " (project.name) ", newest first. "
                        a href={ "/projects/" (project.slug) "/settings#alerts" } { "Whom it tells" }
                    }
                    None => "By all projects, newest first. Each has its targets in its settings.",
                }
            }
        } }
        @if shown.is_empty() {
            div.empty {
                h1 { "Nothing was sent" }
                p.say { "Targets are told of each new issue and of each that comes back. So far there was none, or nobody to tell." }
            }
        } @else {
            ul.log { @for delivery in shown { (line(delivery, slug, log.now_ms)) } }
        }
        (pages(log, slug))
    }
}

fn line(delivery: &Delivery, slug: &str, now_ms: i64) -> Markup {
    html! {
        li {
            (moment::clock(delivery.created_ms, now_ms))
            span.who title=(delivery.kind) { (mark(&delivery.kind)) }
            div {
                (cause(delivery))
                p.fine { (delivery.project_name) " to " (delivery.label) }
                p { (stage(delivery, now_ms)) }
                @if delivery.state == Stage::Failed {
                    form method="post" action={ "/deliveries/" (delivery.id) "/attempts" } {
                        input type="hidden" name="project" value=(slug);
                        button.btn { "Send again" }
                    }
                }
            }
        }
    }
}

fn cause(delivery: &Delivery) -> Markup {
    let Some(notice) = &delivery.notice else { return html! { "A notice that this release cannot read" } };
    let what = match notice.cause {
        Cause::New => "New issue: ",
        Cause::Regressed => "Came back: ",
        Cause::Test => "Test",
        Cause::QuotaNear | Cause::QuotaReached | Cause::Spike => "",
    };
    html! {
        p {
            b { (what) }
            @if notice.limit.is_some() { b { (notice.headline()) ": " } a href=(notice.issue_url) { (notice.title()) } }
            @if delivery.issue != 0 { a href={ "/issues/" (delivery.issue) } { samp { (notice.title()) } } }
        }
    }
}

fn stage(delivery: &Delivery, now_ms: i64) -> Markup {
    let tries = counted(delivery.attempts, "try", "tries");
    let said = html! { @if !delivery.answer.is_empty() { span.say { (delivery.answer) } } };
    match delivery.state {
        Stage::Sent => html! {
            span.state.resolved { "Sent" } " "
            @if let Some(done_ms) = delivery.done_ms { (moment::ago(done_ms, now_ms)) ". " }
            (said)
        },
        Stage::Failed => html! { span.state.regressed { "Failed" } " after " (tries) ". " (said) },
        Stage::Waiting if delivery.attempts == 0 => html! { span.state { "Waiting" } " for its first try." },
        Stage::Waiting => html! {
            span.state { "Waiting" } " after " (tries) "; the next at " (moment::clock(delivery.next_ms, now_ms)) ". " (said)
        },
    }
}

fn mark(kind: &str) -> &'static str {
    match kind {
        "slack" => "#",
        "webhook" => "{}",
        _ => "@",
    }
}

fn pages(log: &Log, slug: &str) -> Markup {
    let at = |number: i64| with_query("/deliveries", &[("project", slug), ("page", &number.to_string())]);
    html! {
        p.acts {
            @if log.number > 1 { a.btn.bare rel="prev" href=(at(log.number - 1)) { "Newer" } }
            @if log.deliveries.len() > PAGE_SIZE as usize { a.btn.bare rel="next" href=(at(log.number + 1)) { "Older" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ui::tests::world;
    use axum::http::StatusCode;

    #[tokio::test]
    async fn what_failed_says_why_and_is_sent_again() {
        let world = world().await;
        let mut owner = world.owner().await;
        assert!(owner.get("/deliveries").await.body.contains("Nothing was sent"));
        for _ in 0..60 {
            owner.post("/projects/shop/targets/1/tests", &[]).await;
        }
        let failed = "UPDATE outbox SET state = 'failed', attempts = 3, answer = 'hooks <said> no' WHERE id = 60";
        world.app.store.write(move |tx| tx.execute(failed, &[])).await.expect("writes");
        let first = owner.get("/deliveries").await.body;
        assert!(first.contains("after 3 tries") && first.contains("hooks &lt;said&gt; no"), "{first}");
        assert_eq!(first.matches("Send again").count(), 1);
        assert!(first.contains("page=2") && owner.get("/deliveries?page=2").await.body.contains("Newer"));

        let again = owner.post("/deliveries/60/attempts", &[("project", "shop")]).await;
        assert_eq!((again.status, again.location()), (StatusCode::SEE_OTHER, "/deliveries?project=shop"));
        assert!(!owner.get("/deliveries").await.body.contains("Send again"));
    }

    bugle_db::on_postgres_too![what_failed_says_why_and_is_sent_again,];
}
