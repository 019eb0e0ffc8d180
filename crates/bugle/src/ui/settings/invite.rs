//! `/invites/{token}`: whoever has the link joins, with a new account or the one they have.

use crate::access::invite::{self, Invite};
use crate::access::user::{self, Account};
use crate::access::{password, session};
use crate::app::Shared;
use crate::store::now_ms;
use crate::ui::act::Fields;
use crate::ui::error::UiError;
use crate::ui::form::{Said, told};
use crate::ui::layout;
use crate::ui::session::{Peer, signed_in};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{Markup, html};

/// Its address.
pub fn routes() -> Router<Shared> {
    Router::new().route("/invites/{token}", get(form).post(join))
}

async fn form(State(app): State<Shared>, Path(token): Path<String>) -> Result<Response, UiError> {
    match find(&app, &token).await? {
        Some(invite) => Ok(page(&invite, &Said::default()).into_response()),
        None => Ok(gone()),
    }
}

async fn join(
    State(app): State<Shared>,
    Peer(peer): Peer,
    Path(token): Path<String>,
    fields: Fields,
) -> Result<Response, UiError> {
    let Some(invite) = find(&app, &token).await? else { return Ok(gone()) };
    let refused = |sentence: String, fields: Fields| {
        let said = Said::refused("join", sentence, fields);
        said.answer(page(&invite, &said))
    };
    let given = fields.all("password").next().unwrap_or_default().to_string();
    let email = fields.get("email").to_string();
    let account = app.store.read(move |tx| user::by_email(tx, &email)).await?;
    let hash = match &account {
        // An account that exists is joined by whoever knows its password, at the same pace as signing in.
        Some(Account { email, password_hash, .. }) => match app.throttle.attempt(peer, email, now_ms()) {
            Err(wait_s) => return Ok(refused(format!("That was too often. Wait {wait_s} seconds."), fields)),
            Ok(attempt) => {
                if !password::verify(Some(password_hash.clone()), given).await {
                    return Ok(refused(format!("{email} has an account, and its password is another one."), fields));
                }
                app.throttle.succeeded(attempt);
                String::new()
            }
        },
        None => match password::check(&given, fields.get("email")) {
            Err(sentence) => return Ok(refused(sentence, fields)),
            Ok(()) => password::hash(given).await?,
        },
    };
    let asked = fields.clone();
    let joined = app.store.write(move |tx| {
        let user = match account {
            Some(account) => account.id,
            None => user::create(tx, asked.get("email"), asked.get("name"), &hash, now_ms())?,
        };
        invite::accept(tx, &token, user, now_ms())?;
        session::start(tx, user, now_ms())
    });
    match told(joined.await)? {
        Ok(session) => Ok(signed_in(&app, &session, "/")),
        Err(sentence) => Ok(refused(sentence, fields)),
    }
}

async fn find(app: &Shared, token: &str) -> Result<Option<Invite>, UiError> {
    let token = token.to_string();
    Ok(app.store.read(move |tx| invite::find(tx, &token, now_ms())).await?)
}

fn gone() -> Response {
    let main = html! {
        h1 { "This invite opens nothing any more." }
        p.say { "It has been used, was withdrawn, or is older than seven days. Ask for another." }
        p.acts { a.btn href="/session" { "Sign in" } }
    };
    (StatusCode::GONE, layout::gate("Invite", main)).into_response()
}

fn page(invite: &Invite, said: &Said) -> Markup {
    layout::gate(
        "Join",
        html! {
            h1 { "Join " (invite.organization_name) }
            p.say {
                @if let Some(name) = &invite.invited_by { (name) " invites you " } @else { "You are invited " }
                "to be " @if invite.role == crate::access::Role::Owner { "an owner." } @else { "a member." }
            }
            form method="post" {
                (said.note("join"))
                p.field {
                    label for="email" { "E-mail" }
                    input #email type="email" name="email" value=(said.value("join", "email", "")) autocomplete="username" required autofocus;
                }
                p.field {
                    label for="name" { "Name" }
                    input #name name="name" value=(said.value("join", "name", "")) autocomplete="name" maxlength="100";
                    small.dim { "Others see it at comments and assignments." }
                }
                p.field {
                    label for="password" { "Password" }
                    input #password type="password" name="password" autocomplete="new-password" required;
                    small.dim { "At least " (password::CHARACTERS_MIN) " characters. If you have an account here, its password." }
                }
                p.acts { button.btn.main { "Join" } }
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use crate::ui::tests::{EMAIL, PASSWORD, world};
    use axum::http::StatusCode;

    #[tokio::test]
    async fn an_invite_lets_one_person_in_as_a_member() {
        let world = world().await;
        let mut owner = world.owner().await;
        let made = owner.post("/settings/invites", &[("role", "member")]).await;
        let at = made.body.find("/invites/").expect("is shown") + "/invites/".len();
        let path = format!("/invites/{}", &made.body[at..at + 43]);
        assert!(!owner.get("/settings").await.body.contains(&path), "only once");

        let mut ann = world.stranger();
        assert!(ann.get(&path).await.body.contains("Join Acme"));
        let fields = |password| [("email", "ann@acme.example"), ("name", "Ann"), ("password", password)];
        let short = ann.post(&path, &fields("short")).await;
        assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(short.body.contains("ann@acme.example"));
        let taken = ann.post(&path, &[("email", EMAIL), ("password", "not the owner's one")]).await;
        assert!(taken.body.contains("has an account"), "{}", taken.body);
        assert_eq!(ann.post(&path, &fields(PASSWORD)).await.location(), "/");
        assert_eq!(ann.get("/settings").await.status, StatusCode::OK);
        assert_eq!(world.stranger().get(&path).await.status, StatusCode::GONE);

        for (path, fields) in [
            ("/settings/invites", vec![("role", "owner")]),
            ("/settings/members/1", vec![("_method", "DELETE")]),
            ("/projects/shop", vec![("_method", "DELETE"), ("slug", "shop")]),
        ] {
            assert_eq!(ann.post(path, &fields).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        let last = owner.post("/settings/members/1", &[("_method", "DELETE")]).await;
        assert!(last.body.contains("last owner"));
        assert_eq!(owner.post("/settings/members/2", &[("_method", "DELETE")]).await.status, StatusCode::SEE_OTHER);
        assert_eq!(ann.get("/settings").await.status, StatusCode::SEE_OTHER, "is out");
    }

    bugle_db::on_postgres_too![an_invite_lets_one_person_in_as_a_member,];
}
