//! `/projects/{slug}/settings`: name and platform, keys, whom to tell, and the end.

use super::{key, part, target};
use crate::access::{Person, Role};
use crate::alert::target::AlertTarget;
use crate::app::Shared;
use crate::project::{self, Key, Project};
use crate::store::now_ms;
use crate::ui::act::Fields;
use crate::ui::address::encode;
use crate::ui::connect::platform;
use crate::ui::error::UiError;
use crate::ui::form::{Said, told};
use crate::ui::layout::{Chrome, Here, page};
use crate::ui::toast::Toast;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use bugle_db::{DbError, Tx};
use maud::{Markup, html};

/// Its address.
pub fn routes() -> Router<Shared> {
    Router::new().route("/projects/{slug}/settings", get(show).post(update))
}

/// Everything that the page shows.
pub(super) struct Settings {
    pub(super) chrome: Chrome,
    pub(super) project: Project,
    pub(super) keys: Vec<Key>,
    pub(super) targets: Vec<AlertTarget>,
    pub(super) public_url: String,
    pub(super) has_mail: bool,
}

impl Settings {
    /// The address of something of this project.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/projects/{}/{rest}", encode(&self.project.slug))
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

/// The page, with what the last form led to.
pub(in crate::ui) async fn answer(
    app: &Shared,
    person: &Person,
    slug: &str,
    toast: Toast,
    said: Said,
) -> Result<Response, UiError> {
    let (person, slug) = (person.clone(), slug.to_string());
    let (public_url, has_mail) = (app.config.public_url.clone(), app.sender.has_mail());
    let job = move |tx: &mut Tx<'_>| load(tx, &person, &slug, toast, public_url, has_mail);
    let mut settings = app.store.read(job).await?.ok_or(UiError::NotFound)?;
    let title = format!("Settings of {}", settings.project.name);
    settings.chrome = settings.chrome.with_backlog(app.backlog());
    Ok(said.answer(page(&settings.chrome, &title, view(&settings, &said))))
}

fn load(
    tx: &mut Tx<'_>,
    person: &Person,
    slug: &str,
    toast: Toast,
    public_url: String,
    has_mail: bool,
) -> Result<Option<Settings>, DbError> {
    let Some(chrome) = Chrome::read(tx, person, Some(slug), Here::Settings, now_ms())? else { return Ok(None) };
    let Some(project) = chrome.project.clone() else { return Ok(None) };
    Ok(Some(Settings {
        chrome: chrome.with_toast(toast),
        keys: project::keys(tx, project.id)?,
        targets: crate::alert::target::list(tx, project.id)?,
        project,
        public_url,
        has_mail,
    }))
}

/// Runs `change` on the project with this slug in a writing transaction; `None` when there is no such project, or no
/// such thing in it.
pub(super) async fn change<T: Send + 'static>(
    app: &Shared,
    person: &Person,
    slug: &str,
    change: impl FnOnce(&mut Tx<'_>, &Project) -> Result<Option<T>, DbError> + Send + 'static,
) -> Result<Result<T, String>, UiError> {
    let (organization, slug) = (person.organization, slug.to_string());
    let changed = app.store.write(move |tx| match project::find(tx, organization, &slug)? {
        Some(project) => change(tx, &project),
        None => Ok(None),
    });
    match told(changed.await)? {
        Ok(Some(value)) => Ok(Ok(value)),
        Ok(None) => Err(UiError::NotFound),
        Err(sentence) => Ok(Err(sentence)),
    }
}

async fn update(
    State(app): State<Shared>,
    person: Person,
    Path(slug): Path<String>,
    fields: Fields,
) -> Result<Response, UiError> {
    let asked = fields.clone();
    let changed = change(&app, &person, &slug, move |tx, project| {
        project::update(tx, project.id, asked.get("name"), platform::known(asked.get("platform"))).map(Some)
    });
    match changed.await? {
        Ok(()) => Ok(Toast::new("Name and platform are saved.").at(&format!("/projects/{}/settings", encode(&slug)))),
        Err(sentence) => answer(&app, &person, &slug, Toast::default(), Said::refused("name", sentence, fields)).await,
    }
}

fn view(settings: &Settings, said: &Said) -> Markup {
    let project = &settings.project;
    html! {
        div.title { div {
            h1 { "Settings of " (project.name) }
        } }
        (part("pages", "Pages", "each has its own", pages(settings)))
        (part("name", "Project", "", name(settings, said)))
        (part("keys", "Keys", "who may send", key::view(settings, said)))
        (part("alerts", "Alerts", "whom to tell", target::view(settings, said)))
        @if settings.chrome.person.role == Role::Owner { (part("delete", "Delete", "", delete(settings, said))) }
    }
}

/// What is set on pages of its own, in the order in which an event meets it.
fn pages(settings: &Settings) -> Markup {
    let pages = [
        ("setup", "First steps", "The lines that make an SDK send here, and what has come so far."),
        ("browser", "Browsers", "Which sites may send, the tunnel, the loader, and the dialog that asks people."),
        ("filters", "Filters", "Which events are dropped before anything of them is kept."),
        ("limits", "Limits", "How many events a month and an hour may bring."),
        ("intake", "Intake", "Which crash reports and attachments are taken."),
        ("privacy", "Privacy", "What is taken out of events before they are stored."),
        ("storage", "Storage", "How much is stored, and for how many days."),
        ("ledger", "Ledger", "What was received, stored and dropped, and why."),
    ];
    html! {
        table.books {
            caption.sr { "Pages of " (settings.project.name) }
            tbody {
                @for (path, name, what) in pages {
                    tr { th scope="row" { a href=(settings.path(path)) { (name) } } td { (what) } }
                }
                tr {
                    th scope="row" { a href={ "/deliveries?project=" (encode(&settings.project.slug)) } { "What was sent" } }
                    td { "Every alert that went out, to whom, and with what answer." }
                }
            }
        }
    }
}

fn name(settings: &Settings, said: &Said) -> Markup {
    let project = &settings.project;
    html! {
        form method="post" action=(settings.path("settings")) {
            (said.note("name"))
            p.field {
                label for="project-name" { "Name" }
                input #project-name name="name" value=(said.value("name", "name", &project.name)) maxlength="100" required;
                small.dim { "In addresses it stays " code { (project.slug) } "; its id is " code { (project.id) } "." }
            }
            (platform::select(&said.value("name", "platform", &project.platform)))
            p.acts { button.btn { "Save" } }
        }
    }
}

fn delete(settings: &Settings, said: &Said) -> Markup {
    let project = &settings.project;
    html! {
        (said.note("delete"))
        details.confirm open[said.is_refused("delete")] {
            summary.btn.bare.grave { "Delete " (project.name) "…" }
            form.note.bad method="post" action={ "/projects/" (encode(&project.slug)) } {
                input type="hidden" name="_method" value="DELETE";
                h3 { "Delete " (project.name) " and everything in it?" }
                p { "Its issues, events, keys and alerts go with it; clients that still send are refused. This cannot be undone." }
                p.field {
                    label for="slug" { "Type " code { (project.slug) } " to delete it" }
                    input #slug name="slug" autocomplete="off" required;
                }
                p.acts { button.btn.grave { "Delete the project" } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ui::tests::world;
    use axum::http::StatusCode;

    #[tokio::test]
    async fn a_project_is_made_renamed_and_deleted() {
        let world = world().await;
        let mut owner = world.owner().await;
        let nameless = owner.post("/projects", &[("name", " "), ("platform", "go")]).await;
        assert_eq!(nameless.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(nameless.body.contains("value=\"go\" selected"), "the form is kept");
        let made = owner.post("/projects", &[("name", "Web <b>"), ("platform", "node")]).await;
        assert_eq!(made.location(), "/projects/web-b/setup");

        let path = "/projects/web-b/settings";
        assert!(owner.get(path).await.body.contains("Web &lt;b&gt;"));
        assert_eq!(owner.post(path, &[("name", "Web"), ("platform", "cobol")]).await.location(), path);
        assert_eq!(owner.post(path, &[("name", "")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(owner.get(path).await.body.contains("Settings of Web"));

        let wrong = owner.post("/projects/web-b", &[("_method", "DELETE"), ("slug", "web")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.body.contains("Type web-b to delete"), "{}", wrong.body);
        let gone = owner.post("/projects/web-b", &[("_method", "DELETE"), ("slug", "web-b")]).await;
        assert_eq!(gone.location(), "/settings");
        assert_eq!(owner.get(path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(owner.get("/projects/shop/settings").await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn every_page_of_a_project_is_listed_and_there() {
        let world = world().await;
        let mut owner = world.owner().await;
        let page = owner.get("/projects/shop/settings").await.body;
        for name in ["setup", "browser", "filters", "limits", "intake", "privacy", "storage", "ledger"] {
            let path = format!("/projects/shop/{name}");
            assert!(page.contains(&format!("<th scope=\"row\"><a href=\"{path}\">")), "{name}");
            assert_eq!(owner.get(&path).await.status, StatusCode::OK, "{name}");
        }
    }

    #[tokio::test]
    async fn nothing_of_another_organization_is_reached() {
        let world = world().await;
        world.another_organization().await;
        let mut owner = world.owner().await;
        for path in
            ["settings", "setup", "ledger", "limits", "storage", "browser", "intake", "filters", "filters/rules/new"]
        {
            assert_eq!(owner.get(&format!("/projects/theirs/{path}")).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(owner.get("/deliveries?project=theirs").await.status, StatusCode::NOT_FOUND);
        for (path, fields) in [
            ("/projects/theirs/settings", vec![("name", "mine")]),
            ("/projects/theirs", vec![("_method", "DELETE"), ("slug", "theirs")]),
            ("/projects/theirs/storage", vec![("retention_days", "1")]),
            ("/projects/theirs/filters", vec![("on", "localhost")]),
            ("/projects/theirs/filters", vec![("act", "try:localhost")]),
            ("/projects/theirs/filters/rules/1", vec![("_method", "DELETE")]),
            ("/projects/theirs/browser/tunnel", vec![("open", "on")]),
            ("/projects/theirs/intake", vec![("store_crash_reports", "on")]),
            ("/projects/theirs/keys", vec![("label", "mine")]),
            ("/projects/theirs/keys/2", vec![("_method", "DELETE")]),
            ("/projects/shop/keys/2", vec![("_method", "DELETE")]),
            ("/projects/theirs/limits/quota", vec![("count", "1")]),
            ("/projects/theirs/targets", vec![("kind", "members")]),
            ("/projects/shop/targets/2", vec![("_method", "DELETE")]),
            ("/projects/shop/targets/2/tests", vec![]),
            ("/settings/members/2", vec![("_method", "DELETE")]),
        ] {
            let before = world.everything().await;
            let answer = owner.post(path, &fields).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert_eq!(world.everything().await, before, "{path}");
        }
    }

    bugle_db::on_postgres_too![a_project_is_made_renamed_and_deleted, nothing_of_another_organization_is_reached,];
}
