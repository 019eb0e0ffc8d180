//! Targets of a project: whom it tells. Made, tested, switched off, deleted.

use super::project::{Settings, answer, change};
use crate::access::Person;
use crate::alert::outbox;
use crate::alert::target::{self, AlertTarget, Kind, Wanted};
use crate::app::Shared;
use crate::store::now_ms;
use crate::ui::act::{Act, Fields, Verb};
use crate::ui::address::{encode, with_query};
use crate::ui::error::UiError;
use crate::ui::form::{Said, confirm, delete_button};
use crate::ui::toast::Toast;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::post;
use bugle_db::DbError;
use maud::{Markup, html};
use std::sync::Arc;

/// Their addresses.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/projects/{slug}/targets", post(create))
        .route("/projects/{slug}/targets/{id}", post(delete).delete(delete))
        .route("/projects/{slug}/targets/{id}/activity", post(activity).delete(activity))
        .route("/projects/{slug}/targets/{id}/tests", post(test))
}

async fn create(
    State(app): State<Shared>,
    person: Person,
    Path(slug): Path<String>,
    fields: Fields,
) -> Result<Response, UiError> {
    let wanted = Wanted::parse(fields.get("kind"), fields.get("address"), app.config.allow_private_targets);
    let made = match wanted {
        Err(sentence) => Err(sentence),
        Ok(wanted) => {
            let seal = Arc::clone(&app.seal);
            change(&app, &person, &slug, move |tx, project| {
                target::create(tx, &seal, project.id, &wanted, now_ms()).map(Some)
            })
            .await?
        }
    };
    match made {
        Ok((_, Some(secret))) => {
            let what = "The webhook is told from now on. This secret signs what is sent; give it to the receiver.";
            answer(&app, &person, &slug, Toast::default(), Said::once("alerts", what, secret)).await
        }
        Ok((target, None)) => Ok(Toast::new(format!("{} is told from now on.", in_words(&target))).at(&here(&slug))),
        Err(sentence) => {
            answer(&app, &person, &slug, Toast::default(), Said::refused("alerts", sentence, fields)).await
        }
    }
}

async fn delete(
    State(app): State<Shared>,
    person: Person,
    Path((slug, id)): Path<(String, i64)>,
    Act { verb, .. }: Act<Fields>,
) -> Result<Response, UiError> {
    if verb != Verb::Delete {
        return Err(UiError::NotFound);
    }
    let gone = change(&app, &person, &slug, move |tx, project| Ok(target::delete(tx, project.id, id)?.then_some(())));
    finished(gone.await?, "The target is deleted.", &here(&slug))
}

async fn activity(
    State(app): State<Shared>,
    person: Person,
    Path((slug, id)): Path<(String, i64)>,
    Act { verb, .. }: Act<Fields>,
) -> Result<Response, UiError> {
    let is_active = verb == Verb::Create;
    let changed = change(&app, &person, &slug, move |tx, project| {
        Ok(target::set_active(tx, project.id, id, is_active)?.then_some(()))
    });
    let sentence =
        if is_active { "The target is told again." } else { "The target hears nothing until you switch it on." };
    finished(changed.await?, sentence, &here(&slug))
}

/// Sends a test by the way that every notice goes, so that it proves that way.
async fn test(
    State(app): State<Shared>,
    person: Person,
    Path((slug, id)): Path<(String, i64)>,
) -> Result<Response, UiError> {
    let (name, public_url) = (person.name.clone(), app.config.public_url.clone());
    let queued = change(&app, &person, &slug, move |tx, project| match target::get(tx, project.id, id)? {
        None => Ok(None),
        Some(target) if !target.is_active => {
            Err(DbError::Abandoned("The target is switched off. Switch it on to test it.".into()))
        }
        Some(_) => outbox::enqueue_test(tx, project, id, &name, &public_url, now_ms()).map(Some),
    });
    let queued = queued.await?;
    app.bell.notify_one();
    finished(
        queued.map(drop),
        "The test is on its way. This page shows what comes of it.",
        &with_query("/deliveries", &[("project", &slug)]),
    )
}

fn finished(result: Result<(), String>, sentence: &str, path: &str) -> Result<Response, UiError> {
    match result {
        Ok(()) => Ok(Toast::new(sentence).at(path)),
        Err(sentence) => Err(UiError::refused(sentence)),
    }
}

fn here(slug: &str) -> String {
    format!("/projects/{}/settings#alerts", encode(slug))
}

/// `Everybody in the organization, by mail`.
pub(in crate::ui) fn in_words(target: &AlertTarget) -> String {
    match target.kind {
        Kind::Members => "Everybody in the organization, by mail".into(),
        Kind::Mail => format!("{}, by mail", target.label),
        Kind::Slack => format!("A channel at {}", target.label),
        Kind::Webhook => format!("A webhook at {}", target.label),
    }
}

/// The part of the settings page.
pub(super) fn view(settings: &Settings, said: &Said) -> Markup {
    html! {
        p.because { "Told of each new issue and of each that comes back after it was resolved, once each." }
        (said.note("alerts"))
        @if !settings.has_mail && settings.targets.iter().any(|target| matches!(target.kind, Kind::Members | Kind::Mail)) {
            p.note { b { "No mail can leave this server. " } "Its operator names a mail server by " code { "BUGLE_SMTP_URL" } "." }
        }
        @if settings.targets.is_empty() { p.say { "Nobody is told. Issues stand in the inbox all the same." } }
        @for target in &settings.targets { (one(settings, target)) }
        form method="post" action=(settings.path("targets")) {
            h3 { "Tell somebody else" }
            p.field {
                label for="kind" { "By" }
                select #kind name="kind" {
                    @for (kind, name) in [
                        (Kind::Mail, "mail to some addresses"),
                        (Kind::Members, "mail to everybody in the organization"),
                        (Kind::Slack, "a webhook of Slack, Mattermost, Rocket.Chat …"),
                        (Kind::Webhook, "a webhook of your own, signed JSON"),
                    ] {
                        option value=(kind.as_str()) selected[said.value("alerts", "kind", "mail") == kind.as_str()] { (name) }
                    }
                }
            }
            p.field {
                label for="address" { "Address" }
                input #address name="address" value=(said.value("alerts", "address", "")) autocomplete="off" spellcheck="false"
                    aria-invalid=[said.is_refused("alerts").then_some("true")];
                small.dim { "Mail addresses with commas between them, or the webhook's URL. Stored sealed; pages show its host alone." }
            }
            p.acts { button.btn { "Tell them" } }
        }
    }
}

fn one(settings: &Settings, target: &AlertTarget) -> Markup {
    let path = settings.path(&format!("targets/{}", target.id));
    let (verb, word) = if target.is_active { ("DELETE", "Switch off") } else { ("POST", "Switch on") };
    html! {
        div.hang {
            h3 { (in_words(target)) @if !target.is_active { " " span.state { "switched off" } } }
            div.acts {
                @if target.is_active {
                    form method="post" action={ (path) "/tests" } { button.btn { "Send a test" } }
                }
                form method="post" action={ (path) "/activity" } {
                    input type="hidden" name="_method" value=(verb);
                    button.btn.bare { (word) }
                }
                @if target.kind == Kind::Members {
                    (delete_button(&path, "Delete"))
                } @else {
                    (confirm(&path, "Delete", html! {
                        h3 { "Delete this target?" }
                        p { "Its address and the list of what was sent to it go with it." }
                    }, "Delete the target"))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ui::tests::world;
    use axum::http::StatusCode;

    #[tokio::test]
    async fn targets_are_made_tested_switched_off_and_deleted() {
        let world = world().await;
        let mut owner = world.owner().await;
        let page = "/projects/shop/settings";
        assert!(owner.get(page).await.body.contains("Everybody in the organization"));
        let private = [("kind", "webhook"), ("address", "http://127.0.0.1:9/x")];
        let refused = owner.post("/projects/shop/targets", &private).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains("http://127.0.0.1:9/x") && refused.body.contains("loopback"), "{}", refused.body);

        let good = [("kind", "webhook"), ("address", "https://in.example/secret-path")];
        let made = owner.post("/projects/shop/targets", &good).await;
        assert!(made.body.contains("This secret signs") && made.header("cache-control") == "no-store");
        let shown = owner.get(page).await.body;
        assert!(shown.contains("A webhook at in.example") && !shown.contains("secret-path"));

        let tested = owner.post("/projects/shop/targets/2/tests", &[]).await;
        assert_eq!(tested.location(), "/deliveries?project=shop");
        let sent = owner.get("/deliveries?project=shop").await.body;
        assert!(sent.contains("in.example") && sent.contains("Waiting"), "{sent}");

        owner.post("/projects/shop/targets/2/activity", &[("_method", "DELETE")]).await;
        assert!(owner.get(page).await.body.contains("switched off"));
        assert_eq!(owner.post("/projects/shop/targets/2/tests", &[]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        owner.post("/projects/shop/targets/2/activity", &[]).await;
        assert!(!owner.get(page).await.body.contains("switched off"));
        owner.post("/projects/shop/targets/2", &[("_method", "DELETE")]).await;
        assert!(!owner.get(page).await.body.contains("in.example"));
    }

    bugle_db::on_postgres_too![targets_are_made_tested_switched_off_and_deleted,];
}
