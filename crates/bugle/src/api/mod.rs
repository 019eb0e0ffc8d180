//! The REST API that Sentry's clients speak, under `/api/0/` (protocol reference, section 18).
//!
//! The tables below are the API: path, method, what the token must be good for, and the function that answers. An
//! answering function is synchronous and runs inside one transaction on a database thread: a reading one on a
//! snapshot, a changing one on the writer, rolled back when it refuses. So an answer is never half of one state and
//! half of another. [`run`] does what all have in common.
//!
//! * Every path is served with and without its last slash (clients do not follow redirects on POST).
//! * Where a slug stands, an id in digits does too.
//! * Everything is JSON, errors included, which are `{"detail": "a sentence"}`. Unknown paths are 404.
//! * Ids are strings, dates end in `Z` and have six decimals: strict decoders refuse anything else.

mod activity;
mod ask;
mod attachment;
mod auth;
mod event;
mod fate;
mod feedback;
mod filter;
mod issue;
mod key;
mod limit;
mod monitor;
mod organization;
mod page;
mod privacy;
mod project;
mod query;
mod release;
mod reply;
mod root;
mod run;
mod session;
mod shape;
mod span;
mod stats;
mod storage;
mod tag;
#[cfg(test)]
mod tests;
mod triage;

use crate::app::Shared;
use auth::Level::{Admin, Read, Write};
use auth::Need;
use axum::Router;
use run::{Route, delete, get, post, put};

const ANY: Need = Need(&[]);
const ORG_READ: Need = Need(&[("org", Read)]);
const ORG_WRITE: Need = Need(&[("org", Write)]);
const MEMBER_READ: Need = Need(&[("member", Read), ("org", Read)]);
const TEAM_READ: Need = Need(&[("team", Read), ("org", Read)]);
const PROJECT_READ: Need = Need(&[("project", Read)]);
const PROJECT_WRITE: Need = Need(&[("project", Write)]);
const PROJECT_ADMIN: Need = Need(&[("project", Admin)]);
const RELEASE_READ: Need = Need(&[("project", Read), ("release", Read)]);
const RELEASE_WRITE: Need = Need(&[("project", Write), ("release", Write)]);
const EVENT_READ: Need = Need(&[("event", Read)]);
const EVENT_WRITE: Need = Need(&[("event", Write)]);
const EVENT_ADMIN: Need = Need(&[("event", Admin)]);
const LOOK_AROUND: Need = Need(&[("org", Read), ("event", Read), ("project", Read)]);

/// What lies directly under `/api/0`.
const ROUTES: &[(&str, &[Route])] = &[
    ("", &[get(ANY, root::index)]),
    ("/auth", &[get(ANY, root::me)]),
    ("/users/me", &[get(ANY, root::me)]),
    ("/users/me/regions", &[get(ANY, root::regions)]),
    ("/organizations", &[get(LOOK_AROUND, organization::list)]),
    ("/projects", &[get(PROJECT_READ, project::list)]),
    ("/organizations/{org}", &[get(LOOK_AROUND, organization::get), put(ORG_WRITE, privacy::update_organization)]),
    ("/organizations/{org}/members", &[get(MEMBER_READ, organization::members)]),
    ("/organizations/{org}/teams", &[get(TEAM_READ, organization::teams)]),
    ("/organizations/{org}/environments", &[get(LOOK_AROUND, organization::environments)]),
    ("/organizations/{org}/tags", &[get(LOOK_AROUND, tag::of_organization)]),
    ("/organizations/{org}/monitors", &[get(LOOK_AROUND, monitor::list)]),
    ("/organizations/{org}/monitors/{monitor}", &[get(LOOK_AROUND, monitor::get)]),
    ("/organizations/{org}/monitors/{monitor}/checkins", &[get(LOOK_AROUND, monitor::check_ins)]),
    ("/organizations/{org}/stats_v2", &[get(ORG_READ, stats::get)]),
    ("/organizations/{org}/sessions", &[get(ORG_READ, session::get)]),
    ("/organizations/{org}/releases", &[get(RELEASE_READ, release::list), post(RELEASE_WRITE, release::create)]),
    ("/projects/{org}/{project}/releases", &[get(RELEASE_READ, release::list)]),
    (
        "/organizations/{org}/releases/{version}",
        &[get(RELEASE_READ, release::get), put(RELEASE_WRITE, release::update), delete(RELEASE_WRITE, release::delete)],
    ),
    (
        "/organizations/{org}/releases/{version}/deploys",
        &[get(RELEASE_READ, release::deploys), post(RELEASE_WRITE, release::deploy)],
    ),
    ("/organizations/{org}/releases/{version}/commits", &[get(RELEASE_READ, release::commits)]),
    ("/organizations/{org}/releases/{version}/previous-with-commits", &[get(RELEASE_READ, release::previous)]),
    ("/organizations/{org}/projects", &[get(PROJECT_READ, project::list), post(PROJECT_WRITE, project::create)]),
    ("/teams/{org}/{team}", &[get(TEAM_READ, organization::team)]),
    ("/teams/{org}/{team}/projects", &[get(PROJECT_READ, project::list), post(PROJECT_WRITE, project::create)]),
    (
        "/projects/{org}/{project}",
        &[get(PROJECT_READ, project::get), put(PROJECT_WRITE, project::update), delete(PROJECT_ADMIN, project::delete)],
    ),
    ("/projects/{org}/{project}/storage", &[get(PROJECT_READ, storage::get), put(PROJECT_WRITE, storage::update)]),
    ("/projects/{org}/{project}/environments", &[get(PROJECT_READ, organization::environments)]),
    ("/projects/{org}/{project}/keys", &[get(PROJECT_READ, key::list), post(PROJECT_WRITE, key::create)]),
    (
        "/projects/{org}/{project}/keys/{key}",
        &[get(PROJECT_READ, key::get), put(PROJECT_WRITE, key::update), delete(PROJECT_ADMIN, key::delete)],
    ),
    ("/projects/{org}/{project}/limits", &[get(PROJECT_READ, limit::get), put(PROJECT_WRITE, limit::update)]),
    ("/projects/{org}/{project}/filters", &[get(PROJECT_READ, filter::list)]),
    ("/projects/{org}/{project}/filters/{filter}", &[put(PROJECT_WRITE, filter::update)]),
    (
        "/projects/{org}/{project}/filter-rules",
        &[get(PROJECT_READ, filter::rules), post(PROJECT_WRITE, filter::create_rule)],
    ),
    (
        "/projects/{org}/{project}/filter-rules/{rule}",
        &[
            get(PROJECT_READ, filter::rule),
            put(PROJECT_WRITE, filter::update_rule),
            delete(PROJECT_WRITE, filter::delete_rule),
        ],
    ),
    ("/projects/{org}/{project}/user-feedback", &[get(EVENT_READ, feedback::of_project)]),
    ("/organizations/{org}/user-feedback", &[get(EVENT_READ, feedback::of_organization)]),
    ("/projects/{org}/{project}/events", &[get(EVENT_READ, event::of_project)]),
    ("/projects/{org}/{project}/events/{event}", &[get(EVENT_READ, event::get)]),
    ("/projects/{org}/{project}/events/{event}/json", &[get(EVENT_READ, event::json)]),
    ("/projects/{org}/{project}/events/{event}/attachments", &[get(EVENT_READ, attachment::of_event)]),
    (
        "/projects/{org}/{project}/events/{event}/attachments/{attachment}",
        &[get(EVENT_READ, attachment::get), delete(EVENT_ADMIN, attachment::delete)],
    ),
    ("/projects/{org}/{project}/issues", ISSUES),
    ("/organizations/{org}/issues", ISSUES),
    ("/organizations/{org}/shortids/{id}", &[get(EVENT_READ, issue::by_short_id)]),
    ("/organizations/{org}/eventids/{event}", &[get(EVENT_READ, event::by_id)]),
];

const ISSUES: &[Route] =
    &[get(EVENT_READ, issue::list), put(EVENT_WRITE, triage::update_many), delete(EVENT_ADMIN, triage::delete_many)];

/// What lies under an issue, `{id}` being a number or a short id.
const ISSUE_ROUTES: &[(&str, &[Route])] = &[
    ("", &[get(EVENT_READ, issue::get), put(EVENT_WRITE, triage::update), delete(EVENT_ADMIN, triage::delete)]),
    ("/events", &[get(EVENT_READ, event::of_issue)]),
    ("/events/{which}", &[get(EVENT_READ, event::of_issue_one)]),
    ("/tags", &[get(EVENT_READ, tag::list)]),
    ("/tags/{key}", &[get(EVENT_READ, tag::get)]),
    ("/tags/{key}/values", &[get(EVENT_READ, tag::values)]),
    ("/activities", &[get(EVENT_READ, activity::list)]),
    ("/notes", &[get(EVENT_READ, activity::notes), post(EVENT_WRITE, activity::comment)]),
    ("/comments", &[get(EVENT_READ, activity::notes), post(EVENT_WRITE, activity::comment)]),
    ("/user-reports", &[get(EVENT_READ, feedback::of_issue)]),
    ("/hashes", &[get(EVENT_READ, issue::hashes)]),
    ("/attachments", &[get(EVENT_READ, attachment::of_issue)]),
];

/// Both places where an issue can be addressed.
const ISSUE_PLACES: [&str; 2] = ["/organizations/{org}/issues/{id}", "/issues/{id}"];

/// The API, to be merged into the server's router.
pub fn router() -> Router<Shared> {
    router_at(crate::store::now_ms)
}

/// The API by another clock.
fn router_at(clock: fn() -> i64) -> Router<Shared> {
    let mut router = Router::new();
    let below = |place: &str, path: &str| format!("/api/0{place}{path}");
    for (path, routes) in ROUTES {
        router = run::serve(router, &below("", path), routes, clock);
    }
    for place in ISSUE_PLACES {
        for (path, routes) in ISSUE_ROUTES {
            router = run::serve(router, &below(place, path), routes, clock);
        }
    }
    router = run::serve_trials(router, &below("", "/projects/{org}/{project}/filter-trials"), clock);
    router = router.merge(feedback::routes(&below("", "/projects/{org}/{project}/user-feedback"), clock));
    router = run::serve_fates(router, &below("", "/projects/{org}/{project}/fates/{event}"), clock);
    router.route("/api/0/{*rest}", axum::routing::any(run::unknown)).method_not_allowed_fallback(run::wrong_method)
}
