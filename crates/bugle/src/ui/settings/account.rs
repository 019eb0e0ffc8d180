//! `/settings/account`: a person's name, password, sessions and tokens.

use super::{part, tabs};
use crate::access::session::{self, Session};
use crate::access::token::{self, SCOPES, SCOPES_DEFAULT, Token};
use crate::access::{Person, password, user};
use crate::app::Shared;
use crate::store::now_ms;
use crate::ui::act::{Act, Fields, Verb};
use crate::ui::error::UiError;
use crate::ui::form::{Said, delete_button, told};
use crate::ui::gate;
use crate::ui::icon::icon;
use crate::ui::layout::{Chrome, Here, page};
use crate::ui::moment;
use crate::ui::number::counted;
use crate::ui::toast::Toast;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use bugle_db::{DbError, Tx};
use maud::{Markup, html};

const PAGE: &str = "/settings/account";

/// Its addresses.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route(PAGE, get(show))
        .route("/settings/account/name", post(rename))
        .route("/settings/account/password", post(change_password))
        .route("/settings/account/sessions", post(end_sessions).delete(end_sessions))
        .route("/settings/account/tokens", post(create_token))
        .route("/settings/account/tokens/{id}", post(revoke).delete(revoke))
}

struct Account {
    chrome: Chrome,
    sessions: Vec<Session>,
    /// The one that asks.
    session: String,
    tokens: Vec<Token>,
    now_ms: i64,
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    toast: Toast,
    headers: HeaderMap,
) -> Result<Response, UiError> {
    answer(&app, &person, &headers, toast, Said::default()).await
}

async fn answer(
    app: &Shared,
    person: &Person,
    headers: &HeaderMap,
    toast: Toast,
    said: Said,
) -> Result<Response, UiError> {
    let (person, session) = (person.clone(), gate::token(headers).unwrap_or_default());
    let loaded = app.store.read(move |tx| load(tx, &person, &session, toast, now_ms())).await?;
    let mut account = loaded.ok_or(UiError::NotFound)?;
    account.chrome = account.chrome.with_backlog(app.backlog());
    Ok(said.answer(page(&account.chrome, "Your account", view(&account, &said))))
}

fn load(
    tx: &mut Tx<'_>,
    person: &Person,
    session: &str,
    toast: Toast,
    now_ms: i64,
) -> Result<Option<Account>, DbError> {
    let Some(chrome) = Chrome::read(tx, person, None, Here::Settings, now_ms)? else { return Ok(None) };
    Ok(Some(Account {
        chrome: chrome.with_toast(toast),
        sessions: session::list(tx, person.user, now_ms)?,
        session: session::id(session),
        tokens: token::list(tx, person.organization, person.user)?,
        now_ms,
    }))
}

async fn rename(
    State(app): State<Shared>,
    person: Person,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, UiError> {
    let (user, name) = (person.user, fields.get("name").to_string());
    match told(app.store.write(move |tx| user::rename(tx, user, &name)).await)? {
        Ok(()) => Ok(Toast::new("Your name is changed.").at(PAGE)),
        Err(sentence) => {
            answer(&app, &person, &headers, Toast::default(), Said::refused("name", sentence, fields)).await
        }
    }
}

async fn change_password(
    State(app): State<Shared>,
    person: Person,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, UiError> {
    let raw = |name: &str| fields.all(name).next().unwrap_or_default().to_string();
    let (current, next, user) = (raw("current"), raw("password"), person.user);
    // A stolen session must not be a way to guess the password.
    let attempt = app.throttle.attempt(std::net::Ipv4Addr::UNSPECIFIED.into(), &person.email, now_ms());
    let refusal = match (attempt, password::check(&next, &person.email)) {
        (Err(wait_s), _) => Some(format!("That was too often. Wait {wait_s} seconds.")),
        (_, Err(sentence)) => Some(sentence),
        (Ok(attempt), Ok(())) => {
            let stored = app.store.read(move |tx| user::password_hash(tx, user)).await?;
            let is_right = password::verify(stored, current).await;
            if is_right {
                app.throttle.succeeded(attempt);
            }
            (!is_right).then(|| "The current password is another one.".to_string())
        }
    };
    if let Some(sentence) = refusal {
        return answer(&app, &person, &headers, Toast::default(), Said::refused("password", sentence, fields)).await;
    }
    let (hash, kept) = (password::hash(next).await?, gate::token(&headers));
    app.store.write(move |tx| user::set_password(tx, user, &hash, kept.as_deref())).await?;
    Ok(Toast::new("Your password is changed. Other browsers are signed out.").at(PAGE))
}

async fn end_sessions(
    State(app): State<Shared>,
    person: Person,
    headers: HeaderMap,
    Act { verb, .. }: Act<Fields>,
) -> Result<Response, UiError> {
    if verb != Verb::Delete {
        return Err(UiError::NotFound);
    }
    let kept = gate::token(&headers);
    let ended = app.store.write(move |tx| session::end_all_but(tx, person.user, kept.as_deref())).await?;
    let ended = i64::try_from(ended).unwrap_or(i64::MAX);
    Ok(Toast::new(format!("{} signed out.", counted(ended, "browser is", "browsers are"))).at(PAGE))
}

async fn create_token(
    State(app): State<Shared>,
    person: Person,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, UiError> {
    let scopes: Vec<String> = fields.all("scope").map(str::to_string).collect();
    let (organization, user, name) = (person.organization, person.user, fields.get("name").to_string());
    let made = match scopes.is_empty() {
        true => Err("A token needs at least one scope, else it could do nothing.".to_string()),
        false => {
            told(app.store.write(move |tx| token::create(tx, organization, user, &name, &scopes, now_ms())).await)?
        }
    };
    let said = match made {
        Ok((token, text)) => Said::once("tokens", format!("This is the token {}.", token.name), text),
        Err(sentence) => Said::refused("tokens", sentence, fields),
    };
    answer(&app, &person, &headers, Toast::default(), said).await
}

async fn revoke(
    State(app): State<Shared>,
    person: Person,
    Path(id): Path<i64>,
    Act { verb, .. }: Act<Fields>,
) -> Result<Response, UiError> {
    let gone = verb == Verb::Delete && app.store.write(move |tx| token::revoke(tx, person.user, id)).await?;
    if gone { Ok(Toast::new("The token is revoked.").at("/settings/account#tokens")) } else { Err(UiError::NotFound) }
}

fn view(account: &Account, said: &Said) -> Markup {
    let person = &account.chrome.person;
    html! {
        (tabs(PAGE))
        div.title { div { h1 { "Your account" } p.say { "You sign in as " (person.email) "." } } }
        (part("name", "Name", "", html! {
            form method="post" action="/settings/account/name" {
                (said.note("name"))
                p.field {
                    label for="name-field" { "As others see you" }
                    input #name-field name="name" value=(said.value("name", "name", &person.name)) autocomplete="name" maxlength="100" required;
                }
                p.acts { button.btn { "Save the name" } }
            }
        }))
        (part("password", "Password", "", change(said)))
        (part("sessions", "Browsers", "", sessions(account)))
        (part("tokens", "Tokens", "for the API", tokens(account, said)))
    }
}

fn change(said: &Said) -> Markup {
    html! {
        form method="post" action="/settings/account/password" {
            (said.note("password"))
            p.field {
                label for="current" { "Current password" }
                input #current type="password" name="current" autocomplete="current-password" required;
            }
            p.field {
                label for="new-password" { "New password" }
                input #new-password type="password" name="password" autocomplete="new-password" minlength=(password::CHARACTERS_MIN) required;
                small.dim { "At least " (password::CHARACTERS_MIN) " characters. Four unrelated words make a good one." }
            }
            p.acts { button.btn { "Change the password" } }
            p.because { "Every other browser is signed out by it. Tokens stay." }
        }
    }
}

fn sessions(account: &Account) -> Markup {
    html! {
        ul {
            @for session in &account.sessions {
                li {
                    "Signed in " (moment::ago(session.created_ms, account.now_ms))
                    @if session.id == account.session { b { ", this one" } }
                    @else { ", last seen " (moment::ago(session.seen_ms, account.now_ms)) }
                }
            }
        }
        @if account.sessions.len() > 1 { (delete_button("/settings/account/sessions", "Sign out all others")) }
    }
}

fn tokens(account: &Account, said: &Said) -> Markup {
    html! {
        (said.note("tokens"))
        @if !account.tokens.is_empty() {
            table.books {
                caption.sr { "Tokens" }
                thead { tr { th scope="col" { "Name" } th.thin scope="col" { "Scopes" } th scope="col" { "Used" } th scope="col" { "" } } }
                tbody {
                    @for token in &account.tokens {
                        tr {
                            th scope="row" { (token.name) small.dim { "ends in " (token.hint) } }
                            td.thin { (token.scopes.join(", ")) }
                            td {
                                @match token.used_ms {
                                    Some(used_ms) => (moment::ago(used_ms, account.now_ms)),
                                    None => span.dim { "never" },
                                }
                            }
                            td.num { (delete_button(&format!("/settings/account/tokens/{}", token.id), "Revoke")) }
                        }
                    }
                }
            }
        }
        form method="post" action="/settings/account/tokens" {
            p.field {
                label for="token-name" { "New token for" }
                input #token-name name="name" value=(said.value("tokens", "name", "")) maxlength="100" placeholder="the tool that will use it" required;
            }
            details open[said.is_refused("tokens")] {
                summary.btn.bare { "What it may do " (icon("down")) }
                ul {
                    @for (scope, meaning) in SCOPES {
                        li {
                            label {
                                input type="checkbox" name="scope" value=(scope)
                                    checked[said.chosen("tokens", "scope", scope, SCOPES_DEFAULT.contains(scope))];
                                " " code { (scope) } " " span.dim { (meaning) }
                            }
                        }
                    }
                }
            }
            p.acts { button.btn { "Make the token" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ui::tests::{PASSWORD, world};
    use axum::http::StatusCode;

    #[tokio::test]
    async fn a_token_is_shown_once_and_revoked() {
        let world = world().await;
        let mut owner = world.owner().await;
        let none = owner.post("/settings/account/tokens", &[("name", "ci")]).await;
        assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(none.body.contains("value=\"ci\""), "the form is kept");

        let made = owner.post("/settings/account/tokens", &[("name", "ci"), ("scope", "event:read")]).await;
        assert_eq!((made.status, made.header("cache-control")), (StatusCode::OK, "no-store"));
        let at = made.body.find("sntryu_").expect("is shown");
        let text = made.body[at..at + 71].to_string();
        let page = owner.get("/settings/account").await;
        assert!(page.body.contains(&text[67..]) && !page.body.contains(&text));
        let known = text.clone();
        let found = world.app.store.read(move |tx| crate::access::token::person(tx, &known)).await.expect("reads");
        assert_eq!(found.expect("is known").1, ["event:read"]);

        assert_eq!(owner.post("/settings/account/tokens/1", &[]).await.status, StatusCode::NOT_FOUND);
        assert_eq!(
            owner.post("/settings/account/tokens/1", &[("_method", "DELETE")]).await.status,
            StatusCode::SEE_OTHER
        );
        let found = world.app.store.read(move |tx| crate::access::token::person(tx, &text)).await.expect("reads");
        assert_eq!(found, None);
    }

    #[tokio::test]
    async fn the_password_is_changed_by_who_knows_it() {
        let world = world().await;
        let (mut here, mut elsewhere) = (world.owner().await, world.owner().await);
        let path = "/settings/account/password";
        let wrong = here.post(path, &[("current", "not this one"), ("password", "another good one")]).await;
        assert!(wrong.body.contains("current password is another"), "{}", wrong.body);
        let weak = here.post(path, &[("current", PASSWORD), ("password", "short")]).await;
        assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
        let done = here.post(path, &[("current", PASSWORD), ("password", "another good one")]).await;
        assert_eq!(done.location(), "/settings/account");
        assert_eq!(here.get("/settings").await.status, StatusCode::OK);
        assert_eq!(elsewhere.get("/settings").await.status, StatusCode::SEE_OTHER, "is signed out");
    }

    #[tokio::test]
    async fn a_name_is_changed_and_other_browsers_are_signed_out() {
        let world = world().await;
        let (mut here, mut elsewhere) = (world.owner().await, world.owner().await);
        let empty = here.post("/settings/account/name", &[("name", " ")]).await;
        assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
        here.post("/settings/account/name", &[("name", "Märta <b>")]).await;
        assert!(here.get("/settings").await.body.contains("Märta &lt;b&gt;"));
        here.post("/settings/account/sessions", &[("_method", "DELETE")]).await;
        assert_eq!(elsewhere.get("/settings").await.status, StatusCode::SEE_OTHER);
        assert_eq!(here.get("/settings").await.status, StatusCode::OK);
    }

    bugle_db::on_postgres_too![
        a_token_is_shown_once_and_revoked,
        the_password_is_changed_by_who_knows_it,
        a_name_is_changed_and_other_browsers_are_signed_out,
    ];
}
