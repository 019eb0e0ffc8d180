//! Who asks, and what they may: bearer tokens and their scopes (protocol reference, section 18.2).
//!
//! A token acts for one person in one organization. Other organizations do not exist for it: their addresses
//! answer 404, whether or not there is something. What its scopes do not cover answers 403 and names the scope.

use super::reply::Refusal;
use crate::access::{Person, Role, token};
use crate::app::App;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Longer than any token.
const TOKEN_BYTES_MAX: usize = 1024;

/// How much of an area a scope opens; each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// To look.
    Read,
    /// To change.
    Write,
    /// To delete, and to decide about others.
    Admin,
}

impl Level {
    fn parse(text: &str) -> Option<Level> {
        match text {
            "read" => Some(Level::Read),
            "write" => Some(Level::Write),
            "admin" => Some(Level::Admin),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Level::Read => "read",
            Level::Write => "write",
            Level::Admin => "admin",
        }
    }
}

/// What a route asks for: one of these areas at this level. Empty: any token will do.
#[derive(Debug, Clone, Copy)]
pub struct Need(pub &'static [(&'static str, Level)]);

/// Whoever holds a token.
#[derive(Debug, Clone)]
pub struct Caller {
    /// For whom the token acts, and where.
    pub person: Person,
    /// What it may do; empty means everything that the person may.
    pub scopes: Vec<String>,
}

impl Caller {
    /// Refuses when the token's scopes do not cover `need`.
    pub fn may(&self, need: Need) -> Result<(), Refusal> {
        let covers = |area: &str, least: Level| {
            // A build's scope, which has no level.
            let is_build = |scope: &String| matches!(scope.as_str(), "project:releases" | "org:ci");
            if area == "release" && self.scopes.iter().any(is_build) {
                return true;
            }
            self.scopes
                .iter()
                .filter_map(|scope| scope.split_once(':'))
                .any(|(name, level)| name == area && Level::parse(level).is_some_and(|level| level >= least))
        };
        if need.0.is_empty() || self.scopes.is_empty() || need.0.iter().any(|&(area, least)| covers(area, least)) {
            return Ok(());
        }
        let wanted: Vec<String> = need
            .0
            .iter()
            .map(|&(area, level)| match area {
                "release" => "project:releases".into(),
                area => format!("{area}:{}", level.as_str()),
            })
            .collect();
        Err(Refusal::Forbidden(format!("This needs a token with the scope {}.", wanted.join(" or "))))
    }

    /// Refuses whoever is not an owner of the organization.
    pub fn must_own(&self, what: &str) -> Result<(), Refusal> {
        match self.person.role {
            Role::Owner => Ok(()),
            Role::Member => Err(Refusal::Forbidden(format!("Only an owner of the organization can {what}."))),
        }
    }
}

/// Finds out who asks. Reads the token's row anew for each request, so a revoked one opens nothing at once.
pub async fn caller(app: &App, headers: &HeaderMap, now_ms: i64) -> Result<Caller, Refusal> {
    let presented = presented(headers).ok_or_else(|| {
        Refusal::Unauthorized("Authentication credentials were not provided. Send Authorization: Bearer TOKEN.".into())
    })?;
    let text = presented.clone();
    let (known, is_due) =
        app.store.read(move |tx| Ok((token::person(tx, &text)?, token::is_due(tx, &text, now_ms)?))).await?;
    let (person, scopes) = known.ok_or_else(|| {
        Refusal::Unauthorized("Invalid token. It is unknown or was revoked; make another one in Bugle.".into())
    })?;
    if is_due {
        app.store.write(move |tx| token::note_use(tx, &presented, now_ms)).await?;
    }
    Ok(Caller { person, scopes })
}

/// The token of `Bearer TOKEN`, or of `Basic` with the token as the name and no password, as old clients do.
fn presented(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.trim().split_once(' ')?;
    let token = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => rest.trim().to_string(),
        "basic" => {
            let pair = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
            pair.split_once(':').map_or(pair.as_str(), |(name, _)| name).to_string()
        }
        _ => return None,
    };
    (!token.is_empty() && token.len() <= TOKEN_BYTES_MAX).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(value: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().expect("a header"));
        presented(&headers)
    }

    #[test]
    fn both_schemes_carry_a_token() {
        assert_eq!(header("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(header("bearer  abc ").as_deref(), Some("abc"));
        assert_eq!(header("Basic YWJjOg==").as_deref(), Some("abc"), "abc:");
        for none in
            ["abc", "Bearer ", "DSN https://x", "Basic ???", "Basic Og==", &format!("Bearer {}", "a".repeat(2000))]
        {
            assert_eq!(header(none), None, "{none}");
        }
    }

    #[test]
    fn a_higher_level_includes_the_lower() {
        let person = Person {
            user: 1,
            email: String::new(),
            name: String::new(),
            role: Role::Member,
            organization: 1,
            organization_slug: String::new(),
            organization_name: String::new(),
        };
        let may = |scopes: &[&str], need: Need| {
            let scopes = scopes.iter().map(|scope| scope.to_string()).collect();
            Caller { person: person.clone(), scopes }.may(need).is_ok()
        };
        let write = Need(&[("event", Level::Write)]);
        assert!(may(&[], write), "a token without scopes may everything");
        assert!(may(&["event:admin"], write) && may(&["org:read", "event:write"], write));
        assert!(!may(&["event:read"], write) && !may(&["project:admin"], write) && !may(&["org:ci"], write));
        assert!(may(&["org:ci"], Need(&[])));
    }
}
