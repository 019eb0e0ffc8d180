//! What PostgreSQL's errors mean to a caller.
//!
//! Texts name the server's message and code and never its detail: that may quote a row.

use crate::DbError;
use std::error::Error as _;
use tokio_postgres::Error;
use tokio_postgres::error::Severity;

/// The error, by what a caller can do about it.
pub(super) fn of(error: &Error) -> DbError {
    let text = text(error);
    let Some(code) = error.code().map(|code| code.code()) else {
        return match is_fatal(error) {
            true => DbError::Busy(text),
            false => DbError::Failed(text),
        };
    };
    match code {
        _ if code.starts_with("23") => DbError::Conflict(text),
        "53100" => DbError::Full(text),
        "XX001" | "XX002" => DbError::Disk(text),
        _ if code.starts_with("58") => DbError::Disk(text),
        // Serialization, deadlock, a lock not had, a server that stops or stands by, memory and connections used up, rights
        // taken away: none is about what was to be written.
        "40001" | "40P01" | "55P03" | "57014" | "25006" | "25P03" | "42501" => DbError::Busy(text),
        _ if code.starts_with("57P") || code.starts_with("53") || code.starts_with("08") => DbError::Busy(text),
        _ if is_stale_plan(error) => DbError::Busy(text),
        _ => DbError::Failed(text),
    }
}

/// The error of a first connection, as a sentence for who has typed the address.
pub(super) fn at_connect(error: &Error) -> DbError {
    let text = text(error);
    match error.code().map(|code| code.code()) {
        Some("3D000") => DbError::Refused(format!("The server has no such database: {text}. Make it: createdb bugle.")),
        Some(code) if code.starts_with("28") => DbError::Refused(format!("The server turns this user away: {text}.")),
        Some(_) => of(error),
        None => DbError::Busy(format!("PostgreSQL cannot be reached: {text}")),
    }
}

/// Whether the connection is of no more use.
pub(super) fn is_fatal(error: &Error) -> bool {
    match error.as_db_error() {
        Some(told) => matches!(told.parsed_severity(), Some(Severity::Fatal | Severity::Panic)),
        None => error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>()),
    }
}

/// Whether a table has changed under a prepared statement: a newer server has migrated it.
pub(super) fn is_stale_plan(error: &Error) -> bool {
    error.as_db_error().is_some_and(|told| told.code().code() == "0A000" && told.message().contains("cached plan"))
}

pub(super) fn text(error: &Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(told), _) => format!("{} ({})", told.message(), told.code().code()),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}
