//! How a route is run: read the request, run the answering function in its transaction, send what it says.

use super::ask::Ask;
use super::auth::Need;
use super::fate;
use super::filter;
use super::reply::{Refusal, Reply, detail_response};
use crate::app::{App, Shared};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, Response, StatusCode};
use axum::routing::{MethodFilter, MethodRouter};
use bugle_db::{DbError, Tx};
use std::sync::{Arc, Mutex, PoisonError};

/// A function that answers, inside a transaction.
pub type Answer = fn(&mut Tx<'_>, &Ask) -> Result<Reply, Refusal>;

/// One method of one path.
#[derive(Clone, Copy)]
pub struct Route {
    method: MethodFilter,
    need: Need,
    changes: bool,
    answer: Answer,
}

/// GET (and HEAD), on a snapshot.
pub const fn get(need: Need, answer: Answer) -> Route {
    Route { method: MethodFilter::GET, need, changes: false, answer }
}

/// POST, in a writing transaction.
pub const fn post(need: Need, answer: Answer) -> Route {
    Route { method: MethodFilter::POST, need, changes: true, answer }
}

/// PUT, in a writing transaction.
pub const fn put(need: Need, answer: Answer) -> Route {
    Route { method: MethodFilter::PUT, need, changes: true, answer }
}

/// DELETE, in a writing transaction.
pub const fn delete(need: Need, answer: Answer) -> Route {
    Route { method: MethodFilter::DELETE, need, changes: true, answer }
}

/// Adds `routes` under `path`, with and without a slash at the end.
pub fn serve(router: Router<Shared>, path: &str, routes: &[Route], clock: fn() -> i64) -> Router<Shared> {
    let mut methods = MethodRouter::new();
    for &route in routes {
        let handler = move |State(app): State<Shared>, request: Request| async move {
            match run(&app, route, request, clock()).await {
                Ok(reply) => reply.send(&app),
                Err(refusal) => refusal.send(),
            }
        };
        methods = methods.on(route.method, handler);
    }
    router.route(path, methods.clone()).route(&format!("{path}/"), methods)
}

/// Adds the look-up of one event, which needs more than the database.
pub fn serve_fates(router: Router<Shared>, path: &str, clock: fn() -> i64) -> Router<Shared> {
    let handler = move |State(app): State<Shared>, request: Request| async move {
        match fate::get(&app, request, clock()).await {
            Ok(reply) => reply.send(&app),
            Err(refusal) => refusal.send(),
        }
    };
    let methods = MethodRouter::new().on(MethodFilter::GET, handler);
    router.route(path, methods.clone()).route(&format!("{path}/"), methods)
}

/// Adds the dry run of filters, which takes many transactions.
pub fn serve_trials(router: Router<Shared>, path: &str, clock: fn() -> i64) -> Router<Shared> {
    let handler = move |State(app): State<Shared>, request: Request| async move {
        match filter::try_out(&app, request, clock()).await {
            Ok(reply) => reply.send(&app),
            Err(refusal) => refusal.send(),
        }
    };
    let methods = MethodRouter::new().on(MethodFilter::POST, handler);
    router.route(path, methods.clone()).route(&format!("{path}/"), methods)
}

/// Answers paths that are not known.
pub async fn unknown() -> Response<Body> {
    detail_response(StatusCode::NOT_FOUND, "Bugle's API has nothing at this address.")
}

/// Answers methods that a path does not have. The header `Allow` names those it has.
pub async fn wrong_method(method: Method) -> Response<Body> {
    match method {
        Method::OPTIONS => Reply::empty().send_alone(),
        method => detail_response(StatusCode::METHOD_NOT_ALLOWED, &format!("Method \"{method}\" not allowed.")),
    }
}

async fn run(app: &App, route: Route, request: Request, now_ms: i64) -> Result<Reply, Refusal> {
    let ask = Ask::read(app, route.need, request, now_ms).await?;
    if !route.changes {
        return app.store.read(move |tx| Ok((route.answer)(tx, &ask))).await?;
    }
    // A refusal must roll back, and only an error of the database does; so it waits here meanwhile.
    let refusal = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&refusal);
    let written = app
        .store
        .write(move |tx| {
            (route.answer)(tx, &ask).map_err(|refused| {
                *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(refused);
                DbError::Abandoned("refused".into())
            })
        })
        .await;
    let refused = refusal.lock().unwrap_or_else(PoisonError::into_inner).take();
    written.map_err(|error| refused.unwrap_or_else(|| error.into()))
}
