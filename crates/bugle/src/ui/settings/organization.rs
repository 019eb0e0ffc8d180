//! `/settings`: the organization's projects, people and open invites.

use super::{part, quota, tabs};
use crate::access::invite::{self, Invite};
use crate::access::user::{self, Member};
use crate::access::{Person, Role};
use crate::app::Shared;
use crate::limit;
use crate::store::now_ms;
use crate::ui::act::{Act, Fields, Verb};
use crate::ui::address::encode;
use crate::ui::error::UiError;
use crate::ui::form::{Said, confirm, delete_button, told};
use crate::ui::gate::Owner;
use crate::ui::layout::{Chrome, Here, initials, page};
use crate::ui::moment;
use crate::ui::toast::Toast;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use bugle_db::{DbError, Tx};
use maud::{Markup, html};

/// Its addresses.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/settings", get(show))
        .route("/settings/limits", post(set_limits))
        .route("/settings/invites", post(invite_somebody))
        .route("/settings/invites/{id}", post(withdraw).delete(withdraw))
        .route("/settings/members/{user}", post(remove).delete(remove))
}

struct Organization {
    chrome: Chrome,
    members: Vec<Member>,
    invites: Vec<Invite>,
    month_events_max: Option<i64>,
    used_of_month: i64,
    now_ms: i64,
}

async fn show(State(app): State<Shared>, person: Person, toast: Toast) -> Result<Response, UiError> {
    answer(&app, &person, toast, Said::default()).await
}

async fn answer(app: &Shared, person: &Person, toast: Toast, said: Said) -> Result<Response, UiError> {
    let (person, id) = (person.clone(), person.organization);
    let loaded = app.store.read(move |tx| load(tx, &person, toast, now_ms())).await?;
    let mut organization = loaded.ok_or(UiError::NotFound)?;
    organization.used_of_month = app.door.limits.used_of_month(&app.store.limits(), 0, id, now_ms()).1;
    organization.chrome = organization.chrome.with_backlog(app.backlog());
    Ok(said.answer(page(&organization.chrome, "Settings", view(&organization, &said))))
}

fn load(tx: &mut Tx<'_>, person: &Person, toast: Toast, now_ms: i64) -> Result<Option<Organization>, DbError> {
    let Some(chrome) = Chrome::read(tx, person, None, Here::Settings, now_ms)? else { return Ok(None) };
    Ok(Some(Organization {
        chrome: chrome.with_toast(toast),
        members: user::members(tx, person.organization)?,
        invites: invite::list(tx, person.organization, now_ms)?,
        month_events_max: limit::of_organization(tx, person.organization)?,
        used_of_month: 0,
        now_ms,
    }))
}

async fn set_limits(State(app): State<Shared>, Owner(person): Owner, fields: Fields) -> Result<Response, UiError> {
    match quota::set_organization(&app, person.organization, &fields).await? {
        Ok(()) => Ok(Toast::new("The quota is saved.").at("/settings#limits")),
        Err(sentence) => answer(&app, &person, Toast::default(), Said::refused("limits", sentence, fields)).await,
    }
}

async fn invite_somebody(State(app): State<Shared>, Owner(person): Owner, fields: Fields) -> Result<Response, UiError> {
    let (organization, user, role) = (person.organization, person.user, Role::parse(fields.get("role")));
    let made = told(app.store.write(move |tx| invite::create(tx, organization, role, user, now_ms())).await)?;
    let said = match made {
        Ok(token) => {
            let what = "Send this link to one person. It is good for seven days.";
            Said::once("invites", what, format!("{}/invites/{token}", app.config.public_url))
        }
        Err(sentence) => Said::refused("invites", sentence, fields),
    };
    answer(&app, &person, Toast::default(), said).await
}

async fn withdraw(
    State(app): State<Shared>,
    Owner(person): Owner,
    Path(id): Path<i64>,
    Act { verb, .. }: Act<Fields>,
) -> Result<Response, UiError> {
    let gone = verb == Verb::Delete && app.store.write(move |tx| invite::withdraw(tx, person.organization, id)).await?;
    if gone { Ok(Toast::new("The invite is withdrawn.").at("/settings#invites")) } else { Err(UiError::NotFound) }
}

async fn remove(
    State(app): State<Shared>,
    Owner(person): Owner,
    Path(user): Path<i64>,
    Act { verb, .. }: Act<Fields>,
) -> Result<Response, UiError> {
    if verb != Verb::Delete {
        return Err(UiError::NotFound);
    }
    let organization = person.organization;
    let removed = app.store.write(move |tx| user::remove(tx, organization, user)).await;
    match told(removed)? {
        Ok(true) => Ok(Toast::new("The person is no member any more and is signed out.").at("/settings#members")),
        Ok(false) => Err(UiError::NotFound),
        Err(sentence) => {
            answer(&app, &person, Toast::default(), Said::refused("members", sentence, Fields::default())).await
        }
    }
}

fn view(organization: &Organization, said: &Said) -> Markup {
    let person = &organization.chrome.person;
    html! {
        (tabs("/settings"))
        div.title { div { h1 { (person.organization_name) } p.say { "Its name in addresses is " code { (person.organization_slug) } "." } } }
        (part("projects", "Projects", "", projects(&organization.chrome)))
        (part("members", "People", "", members(organization, said)))
        (part("limits", "Quota", "events in a month", quota::of_organization(
            organization.month_events_max, organization.used_of_month, person.role == Role::Owner, said,
        )))
        @if person.role == Role::Owner { (part("invites", "Invites", "", invites(organization, said))) }
    }
}

fn projects(chrome: &Chrome) -> Markup {
    html! {
        @if chrome.projects.is_empty() {
            p.say { "There is no project yet." }
        } @else {
            table.books {
                caption.sr { "Projects" }
                thead { tr { th scope="col" { "Name" } th.thin scope="col" { "In addresses" } th scope="col" { "" } } }
                tbody {
                    @for project in &chrome.projects {
                        @let path = format!("/projects/{}", encode(&project.slug));
                        tr {
                            th scope="row" { a href={ (path) "/settings" } { (project.name) } }
                            td.thin { code { (project.slug) } }
                            td.num {
                                a href={ (path) "/setup" } { "First steps" } " · "
                                a href={ (path) "/limits" } { "Limits" } " · "
                                a href={ (path) "/ledger" } { "Ledger" }
                            }
                        }
                    }
                }
            }
        }
        p.acts { a.btn href="/projects/new" { "New project…" } }
    }
}

fn members(organization: &Organization, said: &Said) -> Markup {
    let me = &organization.chrome.person;
    html! {
        (said.note("members"))
        table.books {
            caption.sr { "People" }
            thead { tr { th scope="col" { "Name" } th scope="col" { "E-mail" } th scope="col" { "May" } th scope="col" { "" } } }
            tbody {
                @for member in &organization.members {
                    tr {
                        th scope="row" { span.who { (initials(&member.name)) } " " (member.name) @if member.user == me.user { " (you)" } }
                        td { (member.email) }
                        td { (role_in_words(member.role)) }
                        td.num {
                            @if me.role == Role::Owner && member.user != me.user {
                                (confirm(
                                    &format!("/settings/members/{}", member.user), "Remove",
                                    html! {
                                        h3 { "Remove " (member.name) "?" }
                                        p { "Sessions and tokens end at once; issues lose the assignee. Comments stay." }
                                    },
                                    "Remove",
                                ))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn invites(organization: &Organization, said: &Said) -> Markup {
    html! {
        (said.note("invites"))
        form method="post" action="/settings/invites" {
            p.acts {
                label for="role" { "Let somebody in as" }
                select #role name="role" {
                    option value="member" { "member" }
                    option value="owner" { "owner" }
                }
                button.btn { "Make a link" }
            }
            p.because { "Members may do everything but let people in, set limits of projects and delete them." }
        }
        @if !organization.invites.is_empty() {
            ul {
                @for invite in &organization.invites {
                    li.acts {
                        span {
                            "Open invite for a " (invite.role.as_str()) ", by " (invite.invited_by.as_deref().unwrap_or("somebody"))
                            ", until " (moment::day(invite.expires_ms, organization.now_ms)) "."
                        }
                        (delete_button(&format!("/settings/invites/{}", invite.id), "Withdraw"))
                    }
                }
            }
        }
    }
}

fn role_in_words(role: Role) -> &'static str {
    match role {
        Role::Owner => "everything",
        Role::Member => "everything but people, limits of projects and deleting them",
    }
}
