//! Keys of a project: made, renamed, limited, switched off, deleted. Each acts by the time the page answers.

use super::limits::WINDOWS;
use super::project::{Settings, answer, change};
use crate::access::{Person, random};
use crate::app::Shared;
use crate::project::{self, Key, dsn};
use crate::store::now_ms;
use crate::ui::act::{Act, Fields, Verb};
use crate::ui::address::encode;
use crate::ui::error::UiError;
use crate::ui::form::{Said, confirm, snip};
use crate::ui::toast::Toast;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::post;
use bugle_db::DbError;
use maud::{Markup, html};

/// Keys that a project may have.
const KEYS_MAX: usize = 50;

/// Their addresses.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/projects/{slug}/keys", post(create))
        .route("/projects/{slug}/keys/{id}", post(update).delete(update))
}

async fn create(
    State(app): State<Shared>,
    person: Person,
    Path(slug): Path<String>,
    fields: Fields,
) -> Result<Response, UiError> {
    let label = fields.get("label").to_string();
    let made = change(&app, &person, &slug, move |tx, project| {
        if project::keys(tx, project.id)?.len() >= KEYS_MAX {
            return Err(DbError::Abandoned(format!("A project has at most {KEYS_MAX} keys. Delete one first.")));
        }
        project::create_key(tx, project.id, checked_label(&label)?, &random::hex32(), now_ms()).map(Some)
    });
    done(&app, &person, &slug, "new-key", made.await?.map(|key| format!("The key {} is ready.", key.label)), fields)
        .await
}

async fn update(
    State(app): State<Shared>,
    person: Person,
    Path((slug, id)): Path<(String, i64)>,
    Act { verb, fields }: Act<Fields>,
) -> Result<Response, UiError> {
    let asked = fields.clone();
    let changed = change(&app, &person, &slug, move |tx, project| {
        if verb == Verb::Delete {
            return Ok(project::delete_key(tx, project.id, id)?.then(|| "The key is deleted.".to_string()));
        }
        let Some(mut key) = project::keys(tx, project.id)?.into_iter().find(|key| key.id == id) else {
            return Ok(None);
        };
        read(&mut key, &asked)?;
        project::update_key(tx, &key)?;
        Ok(Some(format!("The key {} is saved.", key.label)))
    });
    done(&app, &person, &slug, &format!("key-{id}"), changed.await?, fields).await
}

async fn done(
    app: &Shared,
    person: &Person,
    slug: &str,
    part: &str,
    result: Result<String, String>,
    fields: Fields,
) -> Result<Response, UiError> {
    match result {
        Ok(sentence) => Ok(Toast::new(sentence).at(&format!("/projects/{}/settings#keys", encode(slug)))),
        Err(sentence) => answer(app, person, slug, Toast::default(), Said::refused(part, sentence, fields)).await,
    }
}

/// What the form says, into the key. No number of events means no limit.
fn read(key: &mut Key, fields: &Fields) -> Result<(), DbError> {
    key.label = checked_label(fields.get("label"))?.to_string();
    key.is_active = fields.get("active") == "on";
    let count = fields.get("count").replace([',', ' '], "");
    if count.is_empty() {
        (key.rate_count, key.rate_window_s) = (None, None);
        return Ok(());
    }
    let window_s = fields.get("window").parse().ok().filter(|s| WINDOWS.iter().any(|(window, _)| window == s));
    match (count.parse::<i64>(), window_s) {
        (Ok(count @ 0..=1_000_000_000), Some(window_s)) => {
            (key.rate_count, key.rate_window_s) = (Some(count), Some(window_s));
            Ok(())
        }
        _ => Err(DbError::Abandoned(
            "A limit is a whole number of events, such as 1000, and a span. Leave the number out for no limit.".into(),
        )),
    }
}

fn checked_label(label: &str) -> Result<&str, DbError> {
    match label.chars().count() {
        ..=100 => Ok(if label.is_empty() { "Default" } else { label }),
        _ => Err(DbError::Abandoned("The key's name is longer than 100 characters. Shorten it.".into())),
    }
}

/// The part of the settings page.
pub(super) fn view(settings: &Settings, said: &Said) -> Markup {
    html! {
        p.because {
            "A key may stand in what users download; it can only send. Limit or switch off one that is misused, "
            "and the others go on."
        }
        @for key in &settings.keys { (one(settings, key, said)) }
        form method="post" action=(settings.path("keys")) {
            (said.note("new-key"))
            p.acts {
                label for="new-key" { "Another key" }
                input #new-key name="label" maxlength="100" placeholder="its name, such as iOS app";
                button.btn { "Make it" }
            }
        }
    }
}

fn one(settings: &Settings, key: &Key, said: &Said) -> Markup {
    let (part, path) = (format!("key-{}", key.id), settings.path(&format!("keys/{}", key.id)));
    let id = |name: &str| format!("{part}-{name}");
    let count = key.rate_count.map_or(String::new(), |count| count.to_string());
    let window = key.rate_window_s.unwrap_or(60).to_string();
    html! {
        div.hang id=(part) {
            h3 { (key.label) @if !key.is_active { " " span.state { "switched off" } } }
            (snip(html! { (dsn(&settings.public_url, key)) }))
            form method="post" action=(path) {
                (said.note(&part))
                p.field {
                    label for=(id("label")) { "Name" }
                    input id=(id("label")) name="label" value=(said.value(&part, "label", &key.label)) maxlength="100";
                }
                p.acts {
                    label { input type="checkbox" name="active" value="on" checked[said.chosen(&part, "active", "on", key.is_active)]; " Takes events" }
                    label for=(id("count")) { "at most" }
                    input id=(id("count")) name="count" inputmode="numeric" size="8" placeholder="any number" value=(said.value(&part, "count", &count));
                    label for=(id("window")) { "in a" }
                    select id=(id("window")) name="window" {
                        @for (seconds, name) in WINDOWS {
                            option value=(seconds) selected[said.value(&part, "window", &window) == seconds.to_string()] { (name) }
                        }
                    }
                    button.btn { "Save" }
                }
            }
            (confirm(&path, "Delete this key", html! {
                h3 { "Delete " (key.label) "?" }
                p { "Clients that still use it are refused from then on. To refuse them for a while, switch it off." }
            }, "Delete the key"))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ui::tests::world;
    use axum::http::StatusCode;

    #[tokio::test]
    async fn keys_are_made_limited_switched_off_and_deleted() {
        let world = world().await;
        let mut owner = world.owner().await;
        let page = "/projects/shop/settings#keys";
        assert_eq!(owner.post("/projects/shop/keys", &[("label", "iOS")]).await.location(), page);
        let key = |id: i64| world.app.store.keys().values().find(|(key, _)| key.id == id).map(|(key, _)| key.clone());
        let made = key(2).expect("acts at once");
        assert!(made.is_active && made.public.len() == 32);

        let odd = owner.post("/projects/shop/keys/2", &[("label", "iOS"), ("count", "many"), ("window", "60")]).await;
        assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(odd.body.contains("value=\"many\"") && odd.body.contains("whole number"));
        let fields = [("label", "iPhone"), ("count", "1,000"), ("window", "3600"), ("active", "on")];
        assert_eq!(owner.post("/projects/shop/keys/2", &fields).await.location(), page);
        let limited = key(2).expect("is there");
        assert_eq!(
            (limited.label.as_str(), limited.rate_count, limited.rate_window_s),
            ("iPhone", Some(1000), Some(3600))
        );

        owner.post("/projects/shop/keys/2", &[("label", "iPhone")]).await;
        let off = key(2).expect("is there");
        assert!(!off.is_active && off.rate_count.is_none());
        assert!(owner.get("/projects/shop/settings").await.body.contains("switched off"));
        owner.post("/projects/shop/keys/2", &[("_method", "DELETE")]).await;
        assert_eq!(key(2), None);
        assert_eq!(owner.post("/projects/shop/keys/2", &[("_method", "DELETE")]).await.status, StatusCode::NOT_FOUND);
    }

    bugle_db::on_postgres_too![keys_are_made_limited_switched_off_and_deleted,];
}
