//! The stream: facts for pages that are open, as server-sent events.
//!
//! A listener hears of its organization alone. A stream ends when its session does: it is asked for again every
//! [`RECHECK`]. A listener too slow for the hub is told `again` and looks for itself. How many may be open is bounded.

use super::error::UiError;
use super::gate;
use crate::access::Person;
use crate::app::Shared;
use crate::live::Fact;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use std::convert::Infallible;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;

/// How often a stream asks whether its session still lives.
const RECHECK: Duration = Duration::from_secs(30);
/// Streams that may be open at once.
const STREAMS_MAX: usize = 2_000;
/// Facts that wait for one slow connection.
const WAITING_MAX: usize = 32;

static STREAMS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(STREAMS_MAX)));

/// Its address.
pub fn routes() -> Router<Shared> {
    Router::new().route("/stream", get(stream))
}

async fn stream(State(app): State<Shared>, person: Person, headers: HeaderMap) -> Result<impl IntoResponse, UiError> {
    let Ok(place) = Arc::clone(&STREAMS).try_acquire_owned() else {
        let sentence = "Too many pages are open. This one does not update by itself.";
        return Err(UiError::Refused(StatusCode::SERVICE_UNAVAILABLE, sentence.into()));
    };
    let token = gate::token(&headers).unwrap_or_default();
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    tokio::spawn(async move {
        let _place = place;
        forward(app, person, token, sender).await;
    });
    Ok(Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::default()))
}

/// Passes facts on until the connection or the session ends.
async fn forward(app: Shared, person: Person, token: String, sender: mpsc::Sender<Result<Event, Infallible>>) {
    let mut facts = app.live.listen();
    let mut recheck = tokio::time::interval(RECHECK);
    recheck.tick().await;
    loop {
        let event = tokio::select! {
            fact = facts.recv() => match fact {
                Ok(fact) if fact.organization() == person.organization => told(&fact),
                Ok(_) => continue,
                Err(RecvError::Lagged(_)) => Event::default().event("again").data("{}"),
                Err(RecvError::Closed) => return,
            },
            _ = recheck.tick() => match gate::person(&app, token.clone()).await {
                Ok(Some(still)) if still.organization == person.organization => continue,
                _ => return,
            },
            () = sender.closed() => return,
        };
        if sender.send(Ok(event)).await.is_err() {
            return;
        }
    }
}

fn told(fact: &Fact) -> Event {
    let data = serde_json::to_string(fact).unwrap_or_else(|_| "{}".into());
    Event::default().event("fact").data(data)
}
