//! Sign-in and sign-out: `/session`.
//!
//! Guessing is slowed down per address and account ([`crate::access::throttle`]) and a wrong address costs the same
//! time and says the same as a wrong password. The cookie cannot be read by scripts and is not sent along by posts of
//! other sites; how long it is good is decided by the server alone.

use super::act::{Act, Fields, Verb};
use super::address::local;
use super::error::UiError;
use super::form::Said;
use super::gate::{self, SESSION_COOKIE};
use super::layout;
use crate::access::{organization, password, session, user};
use crate::app::{App, Shared};
use crate::store::now_ms;
use axum::Router;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{FromRequestParts, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use bugle_db::DbError;
use maud::{Markup, html};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Its addresses.
pub fn routes() -> Router<Shared> {
    Router::new().route("/session", get(form).post(act).delete(act))
}

const WRONG: &str = "This e-mail and password do not belong together.";
const NO_MEMBER: &str = "You are no member any more. Ask an owner for an invite.";

async fn form(
    State(app): State<Shared>,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, UiError> {
    let query = Fields(query);
    let next = local(query.get("next")).to_string();
    if let Some(token) = gate::token(&headers)
        && gate::person(&app, token).await?.is_some()
    {
        return Ok(Redirect::to(&next).into_response());
    }
    let is_empty = app.store.read(organization::first).await?.is_none();
    Ok(page(&app, &Said::default(), &next, is_empty).into_response())
}

async fn act(
    State(app): State<Shared>,
    Peer(peer): Peer,
    headers: HeaderMap,
    Act { verb, fields }: Act<Fields>,
) -> Result<Response, UiError> {
    match verb {
        Verb::Create => sign_in(&app, peer, &headers, fields).await,
        Verb::Delete => sign_out(&app, &headers).await,
    }
}

async fn sign_in(app: &Shared, peer: IpAddr, headers: &HeaderMap, fields: Fields) -> Result<Response, UiError> {
    let next = local(fields.get("next")).to_string();
    let email = fields.get("email").to_string();
    let attempt = match app.throttle.attempt(peer, &email, now_ms()) {
        Ok(attempt) => attempt,
        Err(wait_s) => return Ok(too_often(app, wait_s, fields, &next)),
    };
    // Blanks around a password belong to it.
    let given = fields.all("password").next().unwrap_or_default().to_string();
    let account = app.store.read(move |tx| user::by_email(tx, &email)).await?;
    let hash = account.as_ref().map(|account| account.password_hash.clone());
    let (true, Some(account)) = (password::verify(hash, given).await, account) else {
        return Ok(refused(app, WRONG, fields, &next));
    };
    app.throttle.succeeded(attempt);
    let former = gate::token(headers);
    let started = app.store.write(move |tx| {
        if let Some(former) = former {
            session::end(tx, &former)?;
        }
        let token = session::start(tx, account.id, now_ms())?;
        match session::person(tx, &token, now_ms())? {
            Some(_) => Ok(token),
            None => Err(DbError::Abandoned(NO_MEMBER.into())),
        }
    });
    match super::form::told(started.await)? {
        Ok(token) => Ok(signed_in(app, &token, &next)),
        Err(sentence) => Ok(refused(app, &sentence, fields, &next)),
    }
}

async fn sign_out(app: &Shared, headers: &HeaderMap) -> Result<Response, UiError> {
    if let Some(token) = gate::token(headers) {
        app.store.write(move |tx| session::end(tx, &token)).await?;
    }
    let mut answer = Redirect::to("/session").into_response();
    answer.headers_mut().append(header::SET_COOKIE, cookie(app, "", 0));
    Ok(answer)
}

/// The answer that makes the browser somebody's: the cookie, and on to `next`, a path of this server.
pub(super) fn signed_in(app: &App, token: &str, next: &str) -> Response {
    let mut answer = Redirect::to(next).into_response();
    // As long as browsers keep a cookie; the server ends sessions that are not used.
    answer.headers_mut().append(header::SET_COOKIE, cookie(app, token, 400 * 86_400));
    answer
}

fn cookie(app: &App, token: &str, age_s: u32) -> HeaderValue {
    let secure = if app.config.is_https() { "; Secure" } else { "" };
    let text = format!("{SESSION_COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age_s}{secure}");
    HeaderValue::from_str(&text).expect("a token is letters, digits, - and _")
}

fn refused(app: &App, sentence: &str, fields: Fields, next: &str) -> Response {
    let said = Said::refused("", sentence, fields);
    (StatusCode::UNPROCESSABLE_ENTITY, page(app, &said, next, false)).into_response()
}

fn too_often(app: &App, wait_s: u64, fields: Fields, next: &str) -> Response {
    let sentence = format!("That was too often. Wait {wait_s} seconds, then try again.");
    let said = Said::refused("", sentence, fields);
    let status = StatusCode::TOO_MANY_REQUESTS;
    (status, [(header::RETRY_AFTER, wait_s.to_string())], page(app, &said, next, false)).into_response()
}

fn page(app: &App, said: &Said, next: &str, is_empty: bool) -> Markup {
    let host = app.config.public_url.split_once("://").map_or("", |(_, host)| host);
    let email = said.value("", "email", "");
    layout::gate(
        "Sign in",
        html! {
            h1.sr { "Sign in" }
            p.say { (host) ", run by your own team." }
            @if is_empty {
                p.note { b { "Nobody is here yet." } " The server printed a link when it started: who opens it becomes the owner." }
            }
            form method="post" action="/session" {
                @if let Some(sentence) = said.sentence() { p.note.bad role="alert" { (sentence) } }
                input type="hidden" name="next" value=(next);
                p.field {
                    label for="email" { "E-mail" }
                    input #email type="email" name="email" value=(email) autocomplete="username" required
                        autofocus[email.is_empty()];
                }
                p.field {
                    label for="password" { "Password" }
                    input #password type="password" name="password" autocomplete="current-password" required
                        autofocus[!email.is_empty()];
                }
                p.acts { button.btn.main { "Sign in" } }
            }
            p.because {
                "Forgotten the password? Whoever runs this server can give you another: "
                code { "bugle user password" } "."
            }
        },
    )
}

/// The address that a request comes from, behind trusted proxies. Without a connection (in tests) it is 0.0.0.0.
pub struct Peer(pub IpAddr);

impl FromRequestParts<Shared> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Peer, Infallible> {
        let connection = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = connection.map_or(Ipv4Addr::UNSPECIFIED.into(), |ConnectInfo(peer)| peer.ip());
        Ok(Peer(app.config.trusted_proxies.caller(peer, &parts.headers)))
    }
}

#[cfg(test)]
mod tests {
    use crate::ui::tests::{EMAIL, PASSWORD, world};
    use axum::http::StatusCode;

    #[tokio::test]
    async fn people_sign_in_and_out() {
        let world = world().await;
        let mut browser = world.stranger();
        assert_eq!(browser.get("/settings").await.location(), "/session?next=%2Fsettings");
        assert_eq!(browser.get("/session?next=%2Fsettings").await.status, StatusCode::OK);

        let wrong = browser.post("/session", &[("email", EMAIL), ("password", "wrong wrong wrong")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            wrong.body.contains(EMAIL) && !wrong.body.contains("wrong wrong"),
            "the form is kept, the password not"
        );
        let nobody = browser.post("/session", &[("email", "x@y.example"), ("password", "wrong")]).await;
        assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY);

        let email = EMAIL.to_uppercase();
        let right = browser.post("/session", &[("email", &email), ("password", PASSWORD), ("next", "/settings")]).await;
        assert_eq!((right.status, right.location()), (StatusCode::SEE_OTHER, "/settings"));
        let cookie = right.header("set-cookie");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        assert_eq!(browser.get("/settings").await.status, StatusCode::OK);
        assert_eq!(browser.get("/session").await.location(), "/");

        let stolen = browser.clone();
        assert_eq!(browser.post("/session", &[("_method", "DELETE")]).await.location(), "/session");
        for mut browser in [browser, stolen] {
            assert!(browser.get("/settings").await.location().starts_with("/session"), "the session has ended");
        }
    }

    #[tokio::test]
    async fn a_form_cannot_lead_to_another_site() {
        let world = world().await;
        for next in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"] {
            let mut browser = world.stranger();
            let fields = [("email", EMAIL), ("password", PASSWORD), ("next", next)];
            assert_eq!(browser.post("/session", &fields).await.location(), "/", "{next}");
        }
    }

    #[tokio::test]
    async fn guessing_is_slowed_down() {
        let world = world().await;
        let mut browser = world.stranger();
        for _ in 0..5 {
            let answer = browser.post("/session", &[("email", EMAIL), ("password", "guess")]).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        let answer = browser.post("/session", &[("email", EMAIL), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "even the right one");
        assert!((1..=12).contains(&answer.header("retry-after").parse::<u32>().expect("seconds")));
    }

    #[tokio::test]
    async fn another_site_cannot_post() {
        let world = world().await;
        let mut browser = world.stranger();
        browser.headers.push(("sec-fetch-site".into(), "cross-site".into()));
        let answer = browser.post("/session", &[("email", EMAIL), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }

    bugle_db::on_postgres_too![
        people_sign_in_and_out,
        a_form_cannot_lead_to_another_site,
        guessing_is_slowed_down,
        another_site_cannot_post,
    ];
}
