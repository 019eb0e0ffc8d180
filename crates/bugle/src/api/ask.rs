//! A request to the API, taken apart: who asks, what stands in its address, what its body says.
//!
//! Reading it judges in this order: who asks (401), of which organization (404), what they may (403), and only
//! then the body (413, 400). So a stranger learns nothing, and costs no memory.

use super::auth::{Caller, Need, caller};
use super::page::Cursor;
use super::reply::Refusal;
use crate::app::App;
use crate::project::{self, Project};
use crate::storage::bounds::Bounds;
use axum::RequestExt;
use axum::body::{Body, Bytes};
use axum::extract::{Query, RawPathParams, Request};
use axum::http::{Method, Uri};
use bugle_db::Tx;
use serde_json::{Map, Value};
use tokio_stream::StreamExt;

/// The largest body, in bytes. Comments are the longest thing that comes by here.
pub const BODY_BYTES_MAX: usize = 256 << 10;

/// The most parameters that an address may have: a bulk change names up to 1,000 issues.
const PARAMETERS_MAX: usize = 1_200;

/// One request, ready to be answered.
#[derive(Debug)]
pub struct Ask {
    /// Who asks.
    pub caller: Caller,
    /// The instant that everything in the answer is relative to, Unix ms.
    pub now_ms: i64,
    /// The server's public address, without a slash at the end.
    pub base: String,
    /// What a project keeps that says nothing of its own.
    pub server: Bounds,
    path: Vec<(String, String)>,
    query: Vec<(String, String)>,
    address: String,
    body: Bytes,
}

impl Ask {
    /// Reads a request. See the module comment for the order of judgement.
    pub async fn read(app: &App, need: Need, mut request: Request, now_ms: i64) -> Result<Ask, Refusal> {
        let caller = caller(app, request.headers(), now_ms).await?;
        let path = parameters(&mut request).await?;
        let own = |wanted: &str| {
            wanted == caller.person.organization_slug || wanted == caller.person.organization.to_string()
        };
        if path.iter().any(|(name, value)| name == "org" && !own(value)) {
            return Err(Refusal::NotFound("There is no such organization, or this token is not for it.".into()));
        }
        caller.may(need)?;
        let query = query(request.uri())?;
        let address = format!("{}{}", app.config.public_url, request.uri().path());
        let reads_body = matches!(*request.method(), Method::POST | Method::PUT);
        let body = if reads_body { body(request.into_body()).await? } else { Bytes::new() };
        let (base, server) = (app.config.public_url.clone(), app.config.bounds());
        Ok(Ask { caller, now_ms, base, server, path, query, address, body })
    }

    /// The organization's id.
    pub fn organization(&self) -> i64 {
        self.caller.person.organization
    }

    /// A parameter of the path. The route's pattern must have it.
    pub fn part(&self, name: &str) -> &str {
        self.path.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The first value of a parameter of the query.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of a parameter of the query.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter of the query says yes.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.first(name), Some("1" | "true" | "True" | "yes"))
    }

    /// Which page is asked for; pages have 100 lines unless fewer are wished.
    pub fn page(&self) -> Result<Cursor, Refusal> {
        self.page_of(100)
    }

    /// Which page is asked for, of at most `limit_max` lines each.
    pub fn page_of(&self, limit_max: i64) -> Result<Cursor, Refusal> {
        Cursor::read(self.first("cursor"), self.first("per_page").or(self.first("limit")), limit_max)
    }

    /// The address of this request, absolute, with all of its query but the cursor; ends so that `cursor=…` can follow.
    pub fn address_for_cursor(&self) -> String {
        let mut address = format!("{}?", self.address);
        for (name, value) in self.query.iter().filter(|(name, _)| name != "cursor") {
            encode(name, &mut address);
            address.push('=');
            encode(value, &mut address);
            address.push('&');
        }
        address
    }

    /// The body as a JSON object.
    pub fn json(&self) -> Result<Map<String, Value>, Refusal> {
        object(&self.body)
    }

    /// The project that the path names by `{project}`.
    pub fn project(&self, tx: &mut Tx<'_>) -> Result<Project, Refusal> {
        project::find(tx, self.organization(), self.part("project"))?
            .ok_or_else(|| Refusal::NotFound("There is no such project.".into()))
    }

    /// The projects that `project=` names, by ids or slugs; empty for all of them, which `-1` says too.
    pub fn projects(&self, tx: &mut Tx<'_>) -> Result<Vec<i64>, Refusal> {
        let mut ids = Vec::new();
        for wanted in self.all("project").chain(self.all("projectSlug")).flat_map(|list| list.split(',')) {
            match wanted.trim() {
                "-1" => return Ok(Vec::new()),
                "" => {}
                wanted => match project::find(tx, self.organization(), wanted)? {
                    Some(project) => ids.push(project.id),
                    None => return Err(Refusal::NotFound(format!("There is no project {wanted:?}."))),
                },
            }
        }
        Ok(ids)
    }

    /// The names that `environment=` gives; empty for all.
    pub fn environments(&self) -> Vec<String> {
        self.all("environment").map(str::trim).filter(|name| !name.is_empty()).map(str::to_string).collect()
    }
}

/// A body as a JSON object; an empty one has nothing in it.
pub fn object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Refusal::Invalid("The body must be a JSON object.".into())),
        Err(error) => Err(Refusal::Invalid(format!("The body is no JSON: {error}."))),
    }
}

async fn parameters(request: &mut Request) -> Result<Vec<(String, String)>, Refusal> {
    let parameters: RawPathParams = request
        .extract_parts()
        .await
        .map_err(|_| Refusal::NotFound("The path is not UTF-8, so there is nothing there.".into()))?;
    Ok(parameters.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
}

fn query(uri: &Uri) -> Result<Vec<(String, String)>, Refusal> {
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
        return Err(Refusal::Invalid("The part of the address behind the ? cannot be read.".into()));
    };
    match pairs.len() <= PARAMETERS_MAX {
        true => Ok(pairs),
        false => Err(Refusal::Invalid(format!("The address has more than {PARAMETERS_MAX} parameters."))),
    }
}

async fn body(body: Body) -> Result<Bytes, Refusal> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Refusal::Invalid("The body ended before it was complete.".into()))?;
        if bytes.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(Refusal::TooLarge(format!("The body is larger than {BODY_BYTES_MAX} bytes.")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

/// Percent-encodes what may not stand in a query, and what would end the address in a `Link` header.
fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => out.push(byte as char),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
}
