//! `/projects/{slug}/limits`: every limit of a project with its setting, its present use and when it opens again.
//!
//! Everybody sees them, owners set them. Uses are counted at the door, so they hold what was taken a moment ago.

use super::part;
use super::project::change;
use super::quota::{bar, count, number, window_use};
use crate::access::{Person, Role};
use crate::app::Shared;
use crate::limit::{self, Month, ProjectLimits, Rate, usual};
use crate::outcome::{HOUR_MS, Reason};
use crate::project::{self, Key, Project};
use crate::receive::closed::Use;
use crate::store::now_ms;
use crate::ui::act::Fields;
use crate::ui::address::encode;
use crate::ui::error::UiError;
use crate::ui::form::Said;
use crate::ui::gate::Owner;
use crate::ui::layout::{Chrome, Here, page};
use crate::ui::moment;
use crate::ui::number::{counted, exact};
use crate::ui::toast::Toast;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use bugle_db::{DbError, Tx};
use maud::{Markup, html};

/// The spans that a rate limit may count over: seconds, and as people say it.
pub(super) const WINDOWS: [(i64, &str); 4] = [(60, "minute"), (3_600, "hour"), (86_400, "day"), (604_800, "week")];

/// Their addresses.
pub fn routes() -> Router<Shared> {
    Router::new().route("/projects/{slug}/limits", get(show)).route("/projects/{slug}/limits/{which}", post(set))
}

struct Limits {
    chrome: Chrome,
    project: Project,
    limits: ProjectLimits,
    keys: Vec<Key>,
    /// Events of its usual busiest hour, when it has a history.
    busiest_hour: Option<i64>,
    /// Of each key, in their order.
    uses: Vec<Vec<Use>>,
    used_of_month: i64,
    now_ms: i64,
}

impl Limits {
    fn path(&self, rest: &str) -> String {
        format!("/projects/{}/{rest}", encode(&self.project.slug))
    }

    /// A limit that all keys share.
    fn of_project(&self, reason: Reason) -> Option<&Use> {
        self.uses.iter().flatten().find(|one| one.reason == reason)
    }

    fn is_owners(&self) -> bool {
        self.chrome.person.role == Role::Owner
    }
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    toast: Toast,
    Path(slug): Path<String>,
) -> Result<Response, UiError> {
    answer(&app, &person, &slug, toast, Said::default()).await
}

async fn answer(app: &Shared, person: &Person, slug: &str, toast: Toast, said: Said) -> Result<Response, UiError> {
    let (person, slug, now_ms) = (person.clone(), slug.to_string(), now_ms());
    let loaded = app.store.read(move |tx| load(tx, &person, &slug, now_ms)).await?;
    let mut limits = loaded.ok_or(UiError::NotFound)?;
    let settings = app.store.limits();
    let door = &app.door.limits;
    limits.uses = limits.keys.iter().map(|key| door.uses(&settings, key, now_ms)).collect();
    limits.used_of_month = door.used_of_month(&settings, limits.project.id, limits.project.organization, now_ms).0;
    limits.chrome = limits.chrome.with_backlog(app.backlog()).with_toast(toast);
    let title = format!("Limits of {}", limits.project.name);
    Ok(said.answer(page(&limits.chrome, &title, view(&limits, &said))))
}

fn load(tx: &mut Tx<'_>, person: &Person, slug: &str, now_ms: i64) -> Result<Option<Limits>, DbError> {
    let Some(chrome) = Chrome::read(tx, person, Some(slug), Here::Settings, now_ms)? else { return Ok(None) };
    let Some(project) = chrome.project.clone() else { return Ok(None) };
    Ok(Some(Limits {
        limits: limit::of_project(tx, project.id)?,
        keys: project::keys(tx, project.id)?,
        busiest_hour: usual::busiest_hour(tx, project.id, now_ms / HOUR_MS)?,
        uses: Vec::new(),
        used_of_month: 0,
        chrome,
        project,
        now_ms,
    }))
}

async fn set(
    State(app): State<Shared>,
    Owner(person): Owner,
    Path((slug, which)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, UiError> {
    let (asked, part) = (fields.clone(), which.clone());
    let changed = change(&app, &person, &slug, move |tx, project| {
        let mut limits = limit::of_project(tx, project.id)?;
        let saved = match part.as_str() {
            "quota" => {
                limits.month_events_max = number(&asked)?;
                "The quota is saved."
            }
            "rate" => {
                limits.rate = number(&asked)?.map(|count| Ok(Rate { count, window_s: window(&asked)? })).transpose()?;
                "The rate limit is saved."
            }
            "spikes" => {
                limits.is_spike_protected = asked.get("protected") == "on";
                "Spike protection is saved."
            }
            _ => return Ok(None),
        };
        limit::set_project(tx, project.id, &limits)?;
        Ok(Some(saved))
    });
    match changed.await? {
        Ok(sentence) => Ok(Toast::new(sentence).at(&format!("/projects/{}/limits#{which}", encode(&slug)))),
        Err(sentence) => answer(&app, &person, &slug, Toast::default(), Said::refused(&which, sentence, fields)).await,
    }
}

fn window(fields: &Fields) -> Result<i64, DbError> {
    let known = |s: &i64| WINDOWS.iter().any(|(window_s, _)| window_s == s);
    let window_s = fields.get("window").parse().ok().filter(known);
    window_s.ok_or_else(|| DbError::Abandoned("Choose the span that the limit counts over.".into()))
}

fn view(limits: &Limits, said: &Said) -> Markup {
    html! {
        div.title { div {
            h1 { "Limits of " (limits.project.name) }
            p.lede {
                "What it may send, and how much of that is used. What is beyond a limit is refused before it is stored, the "
                "SDK is told when to come back, and the " a href=(limits.path("ledger")) { "ledger" } " counts it."
            }
        } }
        (part("quota", "Quota", "events in a month", quota(limits, said)))
        (part("rate", "Rate limit", "all keys together", rate(limits, said)))
        (part("spikes", "Spikes", "against its own history", spikes(limits, said)))
        (part("keys", "Keys", "one by one", keys(limits)))
        (part("server", "Server", "its part of the whole", server(limits)))
    }
}

fn quota(limits: &Limits, said: &Said) -> Markup {
    let month = Month::at(limits.now_ms);
    let max = limits.limits.month_events_max;
    html! {
        @match max {
            Some(max) => {
                (bar(limits.used_of_month, max, &format!("in {}", month.name())))
                p.because {
                    "It opens again on " (moment::day(month.until_ms, limits.now_ms)) ", UTC. Mail goes out at 80% and when it is used up."
                }
            },
            None => p.say { (counted(limits.used_of_month, "event", "events")) " in " (month.name()) " so far. There is no quota." },
        }
        p.because { "Events count that are kept, and those of which only the payload is not. Repeats and refused events do not." }
        (setting(limits, said, "quota", html! {
            label for="quota-count" { "At most" }
            (count("quota", max, said))
            span { "events in a month" }
        }))
    }
}

fn rate(limits: &Limits, said: &Said) -> Markup {
    let rate = limits.limits.rate;
    let chosen = rate.map_or(3_600, |rate| rate.window_s).to_string();
    html! {
        @match limits.of_project(Reason::ProjectRateLimit) {
            Some(one) => (window_use(one, limits.now_ms)),
            None => p.say { "There is no rate limit." },
        }
        (setting(limits, said, "rate", html! {
            label for="rate-count" { "At most" }
            (count("rate", rate.map(|rate| rate.count), said))
            label for="rate-window" { "events in a" }
            select #rate-window name="window" {
                @for (seconds, name) in WINDOWS {
                    option value=(seconds) selected[said.value("rate", "window", &chosen) == seconds.to_string()] { (name) }
                }
            }
        }))
    }
}

fn spikes(limits: &Limits, said: &Said) -> Markup {
    let is_on = limits.limits.is_spike_protected;
    html! {
        @match (limits.busiest_hour, limits.of_project(Reason::Spike)) {
            (_, Some(one)) => (window_use(one, limits.now_ms)),
            (None, _) if is_on => p.say { "It begins to hold once there are " (usual::DAYS_MIN) " days of history." },
            _ => p.say { @if is_on { "Protected." } @else { "Not protected." } },
        }
        p.because {
            "When protected, ten minutes may bring " (counted(usual::TIMES, "time", "times")) " what its usual busiest hour brings, and "
            (exact(usual::EVENTS_MIN)) " events at least. "
            @if let Some(events) = limits.busiest_hour { "Over the last " (usual::DAYS) " days that hour brought " (counted(events, "event", "events")) "." }
            @else { "There is too little history yet to say what is usual." }
        }
        (setting(limits, said, "spikes", html! {
            label { input type="checkbox" name="protected" value="on" checked[said.chosen("spikes", "protected", "on", is_on)]; " Hold it to its own history" }
        }))
    }
}

fn keys(limits: &Limits) -> Markup {
    html! {
        p.because { "A key that is misused can be limited by itself, and the others go on." }
        @for (key, uses) in limits.keys.iter().zip(&limits.uses) {
            div.hang {
                h3 { (key.label) @if !key.is_active { " " span.state { "switched off" } } }
                @match uses.iter().find(|one| one.reason == Reason::KeyQuota) {
                    Some(one) => (window_use(one, limits.now_ms)),
                    None => p.say { "There is no rate limit." },
                }
            }
        }
        p.acts { a.btn href=(limits.path("settings#keys")) { "Set them at the keys" } }
    }
}

fn server(limits: &Limits) -> Markup {
    let shares: Vec<&Use> = [Reason::OverloadShare, Reason::AcceptedPerMinute]
        .into_iter()
        .filter_map(|reason| limits.of_project(reason))
        .collect();
    html! {
        @for one in shares {
            @let what = if one.reason == Reason::OverloadShare { "waiting to be filed" } else { "in this minute" };
            p.say { (counted(one.used, "event", "events")) " " (what) ". Room for " (exact(one.max)) " is kept for this project whatever others do." }
        }
        p.because {
            "Half of what the server has room for is kept in equal parts for its projects, the other half is for whoever comes first. "
            "So one loud project cannot use up another's part. The operator sets how much there is."
        }
    }
}

/// A form that sets one limit; for those who may not, who may.
fn setting(limits: &Limits, said: &Said, which: &str, fields: Markup) -> Markup {
    html! {
        @if limits.is_owners() {
            form method="post" action=(limits.path(&format!("limits/{which}"))) {
                (said.note(which))
                p.acts { (fields) button.btn { "Save" } }
            }
        } @else {
            p.because { "An owner of " (limits.chrome.person.organization_name) " can change this." }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::access::{Role, password, user};
    use crate::limit::watch::Watch;
    use crate::limit::{Rate, of_project};
    use crate::store::now_ms;
    use crate::ui::tests::{PASSWORD, world};
    use axum::http::StatusCode;

    #[tokio::test]
    async fn limits_are_set_shown_and_lifted() {
        let world = world().await;
        let mut owner = world.owner().await;
        let page = owner.get("/projects/shop/limits").await.body;
        for text in ["There is no quota", "There is no rate limit", "Not protected", "is kept for this project"] {
            assert!(page.contains(text), "{text} in {page}");
        }
        let odd = owner.post("/projects/shop/limits/quota", &[("count", "lots")]).await;
        assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(odd.body.contains("value=\"lots\"") && odd.body.contains("whole number"));
        for (which, fields, at) in [
            ("quota", vec![("count", "100,000")], "/projects/shop/limits#quota"),
            ("rate", vec![("count", "60"), ("window", "3600")], "/projects/shop/limits#rate"),
            ("spikes", vec![("protected", "on")], "/projects/shop/limits#spikes"),
        ] {
            let set = owner.post(&format!("/projects/shop/limits/{which}"), &fields).await;
            assert_eq!(set.location(), at, "{}", set.body);
        }
        let limits = world.app.store.read(|tx| of_project(tx, 1)).await.expect("reads");
        assert_eq!(limits.rate, Some(Rate { count: 60, window_s: 3_600 }));
        assert_eq!((limits.month_events_max, limits.is_spike_protected), (Some(100_000), true));
        assert_eq!(world.app.store.limits().projects[&1].limits, limits, "acts at once");
        let page = owner.get("/projects/shop/limits").await.body;
        for text in ["<b>0</b> of 100,000 events", "<b>0</b> of 60 events", "value=\"100000\"", "once there are 3 days"]
        {
            assert!(page.contains(text), "{text} in {page}");
        }
        owner.post("/projects/shop/limits/quota", &[("count", "")]).await;
        owner.post("/projects/shop/limits/spikes", &[]).await;
        let lifted = world.app.store.read(|tx| of_project(tx, 1)).await.expect("reads");
        assert_eq!((lifted.month_events_max, lifted.is_spike_protected), (None, false));
        assert_eq!(owner.post("/projects/shop/limits/none", &[]).await.status, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn a_member_sees_them_and_an_owner_sets_them() {
        let world = world().await;
        let hash = password::hash_now(PASSWORD).expect("hashes");
        let join = world.app.store.write(move |tx| {
            let member = user::create(tx, "member@acme.example", "Mia", &hash, 1)?;
            user::add(tx, 1, member, Role::Member)
        });
        join.await.expect("writes");
        let mut member = world.stranger();
        member.post("/session", &[("email", "member@acme.example"), ("password", PASSWORD)]).await;
        let page = member.get("/projects/shop/limits").await;
        assert!(page.status == StatusCode::OK && page.body.contains("An owner of Acme can change this."));
        assert!(!page.body.contains("/limits/quota"));
        let refused = member.post("/projects/shop/limits/quota", &[("count", "1")]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert_eq!(member.post("/settings/limits", &[("count", "1")]).await.status, StatusCode::FORBIDDEN);
    }

    #[tokio::test]
    async fn a_quota_that_is_used_up_stands_above_the_pages_it_concerns() {
        let world = world().await;
        let mut owner = world.owner().await;
        owner.post("/projects", &[("name", "Web"), ("platform", "node")]).await;
        owner.post("/projects/shop/limits/quota", &[("count", "0")]).await;
        Watch::default().look(&world.app, now_ms()).await.expect("looks");
        let banner = "Shop has used up its quota of 0 events";
        for path in
            ["/issues?project=shop", "/projects/shop/settings", "/projects/shop/ledger", "/projects/shop/limits"]
        {
            assert!(owner.get(path).await.body.contains(banner), "{path}");
        }
        assert!(!owner.get("/issues?project=web").await.body.contains(banner));
        owner.post("/projects/shop/limits/quota", &[("count", "10")]).await;
        assert!(!owner.get("/issues?project=shop").await.body.contains(banner), "another quota");
        assert_eq!(owner.post("/settings/limits", &[("count", "0")]).await.location(), "/settings#limits");
        Watch::default().look(&world.app, now_ms()).await.expect("looks");
        assert!(owner.get("/issues?project=web").await.body.contains("Acme has used up its quota"));
    }
}
