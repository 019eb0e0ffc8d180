//! First run: the link that the server printed leads here, once.
//!
//! One form makes owner, organization and first project in one transaction, signs the owner in and goes on to the
//! project's first steps. Whoever comes later, or with another link, is told so.

use super::act::Fields;
use super::connect::platform;
use super::error::UiError;
use super::form::{Said, told};
use super::layout;
use super::session::signed_in;
use crate::access::{Role, organization, password, random, session, user};
use crate::app::{App, Shared};
use crate::project;
use crate::store::now_ms;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bugle_db::{DbError, Tx};
use maud::{Markup, html};

/// Its address.
pub fn routes() -> Router<Shared> {
    Router::new().route("/setup/{token}", get(form).post(make))
}

async fn form(State(app): State<Shared>, Path(token): Path<String>) -> Result<Response, UiError> {
    match gone(&app, &token).await? {
        Some(answer) => Ok(answer),
        None => Ok(page(&Said::default()).into_response()),
    }
}

async fn make(State(app): State<Shared>, Path(token): Path<String>, fields: Fields) -> Result<Response, UiError> {
    if let Some(answer) = gone(&app, &token).await? {
        return Ok(answer);
    }
    let given = fields.all("password").next().unwrap_or_default().to_string();
    if let Err(sentence) = password::check(&given, fields.get("email")) {
        return Ok(refused(&sentence, fields));
    }
    let hash = password::hash(given).await?;
    let asked = fields.clone();
    match told(app.store.write(move |tx| first(tx, &asked, &hash)).await)? {
        Ok((session, slug)) => {
            app.setup.spend();
            Ok(signed_in(&app, &session, &format!("/projects/{slug}/setup")))
        }
        Err(sentence) => Ok(refused(&sentence, fields)),
    }
}

/// Owner, organization, project; the session's token and the project's slug.
fn first(tx: &mut Tx<'_>, fields: &Fields, password_hash: &str) -> Result<(String, String), DbError> {
    if organization::first(tx)?.is_some() {
        return Err(DbError::Abandoned("Somebody else has become the owner meanwhile.".into()));
    }
    let at_ms = now_ms();
    let organization = organization::create(tx, fields.get("organization"), None, at_ms)?;
    let owner = user::create(tx, fields.get("email"), fields.get("name"), password_hash, at_ms)?;
    user::add(tx, organization.id, owner, Role::Owner)?;
    let platform = platform::known(fields.get("platform"));
    let (project, _) = project::create(tx, organization.id, fields.get("project"), platform, &random::hex32(), at_ms)?;
    Ok((session::start(tx, owner, at_ms)?, project.slug))
}

/// The answer to a link that opens nothing.
async fn gone(app: &App, token: &str) -> Result<Option<Response>, UiError> {
    let is_set_up = app.store.read(organization::first).await?.is_some();
    if is_set_up {
        app.setup.spend();
    }
    let sentence = match (is_set_up, app.setup.check(token)) {
        (true, _) => "This server has an owner. Sign in, or ask the owner for an invite.",
        (false, true) => return Ok(None),
        (false, false) => "This is not the link that the server printed last. Each start prints another one.",
    };
    let main = html! {
        h1 { "This link opens nothing any more." }
        p.say { (sentence) }
        p.acts { a.btn href="/session" { "Sign in" } }
    };
    Ok(Some((StatusCode::GONE, layout::gate("Setup", main)).into_response()))
}

fn refused(sentence: &str, fields: Fields) -> Response {
    let said = Said::refused("setup", sentence, fields);
    said.answer(page(&said))
}

fn page(said: &Said) -> Markup {
    let field = |label: &str, kind: &str, name: &str, complete: &str, required: bool, help: &str| {
        html! {
            p.field {
                label for=(name) { (label) }
                input id=(name) type=(kind) name=(name) value=(said.value("setup", name, "")) autocomplete=(complete)
                    required[required];
                @if !help.is_empty() { small.dim { (help) } }
            }
        }
    };
    layout::gate(
        "Setup",
        html! {
            h1 { "Begin" }
            p.say { "Nobody is here yet. Who fills this in becomes the owner of this server." }
            form method="post" {
                (said.note("setup"))
                (field("E-mail", "email", "email", "username", true, "You sign in with it, and alerts go there."))
                (field("Name", "text", "name", "name", false, "Others see it at comments and assignments."))
                p.field {
                    label for="password" { "Password" }
                    input #password type="password" name="password" autocomplete="new-password" required
                        minlength=(password::CHARACTERS_MIN);
                    small.dim { "At least " (password::CHARACTERS_MIN) " characters. Four unrelated words make a good one." }
                }
                (field("Organization", "text", "organization", "organization", true, "Your company's or team's."))
                (field("First project", "text", "project", "off", true, "As the team calls the application. More can follow."))
                (platform::select(&said.value("setup", "platform", "")))
                p.acts { button.btn.main { "Become the owner" } }
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use crate::ui::tests::{EMAIL, PASSWORD, empty_world};
    use axum::http::StatusCode;

    #[tokio::test]
    async fn the_link_makes_one_owner() {
        let world = empty_world().await;
        let mut browser = world.stranger();
        let path = format!("/setup/{}", world.setup_secret);
        assert!(browser.get("/session").await.body.contains("Nobody is here yet"));
        assert_eq!(browser.get("/setup/guessed").await.status, StatusCode::GONE);
        assert_eq!(browser.get(&path).await.status, StatusCode::OK);

        let fields = |password| {
            [
                ("email", EMAIL),
                ("name", "Olga"),
                ("password", password),
                ("organization", "Acme Corp"),
                ("project", "Shop API"),
                ("platform", "python"),
            ]
        };
        let short = browser.post(&path, &fields("short")).await;
        assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(short.body.contains("Acme Corp") && short.body.contains("shorter than"), "{}", short.body);

        let done = browser.post(&path, &fields(PASSWORD)).await;
        assert_eq!(done.location(), "/projects/shop-api/setup");
        let first_steps = browser.get("/projects/shop-api/setup").await;
        assert!(first_steps.body.contains("pip install") && first_steps.body.contains("Waiting for the first event"));

        let mut late = world.stranger();
        assert_eq!(late.get(&path).await.status, StatusCode::GONE);
        assert_eq!(late.post(&path, &fields(PASSWORD)).await.status, StatusCode::GONE);
    }

    bugle_db::on_postgres_too![the_link_makes_one_owner,];
}
