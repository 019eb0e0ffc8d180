//! Options: what a project or an organization says of its own, as JSON values under names.
//!
//! Owns: the two tables and their SQL. What an option means, its default and its bounds are its reader's
//! (`policy` for what the door goes by): a value that makes no sense there counts as not set, with a line in the log.

use crate::store::touch;
use bugle_db::{DbError, Tx, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// The longest value, in bytes of JSON: a thousand rules.
pub const VALUE_BYTES_MAX: usize = 256 << 10;

/// Who says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A project, by its id.
    Project(i64),
    /// An organization, by its id; it holds for all its projects.
    Organization(i64),
}

/// The options of one project or organization: JSON texts by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options(BTreeMap<String, String>);

impl Options {
    /// One of them; `None` when it is not set or cannot be understood.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let text = self.0.get(name)?;
        serde_json::from_str(text)
            .inspect_err(|error| tracing::error!(name, %error, "an option is not understood"))
            .ok()
    }
}

/// All options of a scope.
pub fn of(tx: &mut Tx<'_>, scope: Scope) -> Result<Options, DbError> {
    let (sql, id) = match scope {
        Scope::Project(id) => ("SELECT name, value FROM project_options WHERE project = $1", id),
        Scope::Organization(id) => ("SELECT name, value FROM organization_options WHERE organization = $1", id),
    };
    let rows = tx.query(sql, params![id])?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect::<Result<_, DbError>>().map(Options)
}

/// All options of all projects and of all organizations, by their ids.
pub fn all(tx: &mut Tx<'_>) -> Result<[BTreeMap<i64, Options>; 2], DbError> {
    let mut read = |table: &str, column: &str| -> Result<BTreeMap<i64, Options>, DbError> {
        let mut all: BTreeMap<i64, Options> = BTreeMap::new();
        for row in tx.query(&format!("SELECT {column}, name, value FROM {table}"), &[])? {
            all.entry(row.get(0)?).or_default().0.insert(row.get(1)?, row.get(2)?);
        }
        Ok(all)
    };
    Ok([read("project_options", "project")?, read("organization_options", "organization")?])
}

/// Sets an option, or takes it away. It acts by the time the transaction is known to the door's snapshot.
///
/// # Errors
/// [`DbError::Abandoned`] with a sentence for the person when the value is too long.
pub fn set<T: Serialize>(tx: &mut Tx<'_>, scope: Scope, name: &str, value: Option<&T>) -> Result<(), DbError> {
    match value {
        None => {
            let (sql, id) = match scope {
                Scope::Project(id) => ("DELETE FROM project_options WHERE project = $1 AND name = $2", id),
                Scope::Organization(id) => {
                    ("DELETE FROM organization_options WHERE organization = $1 AND name = $2", id)
                }
            };
            tx.execute(sql, params![id, name])?;
        }
        Some(value) => {
            let value = serde_json::to_string(value).map_err(|error| DbError::Failed(error.to_string()))?;
            if value.len() > VALUE_BYTES_MAX {
                let max = VALUE_BYTES_MAX >> 10;
                return Err(DbError::Abandoned(format!(
                    "That is longer than {max} KiB. Shorten it. Nothing was saved."
                )));
            }
            let (sql, id) = match scope {
                Scope::Project(id) => (
                    "INSERT INTO project_options (project, name, value) VALUES ($1, $2, $3) \
                     ON CONFLICT (project, name) DO UPDATE SET value = excluded.value",
                    id,
                ),
                Scope::Organization(id) => (
                    "INSERT INTO organization_options (organization, name, value) VALUES ($1, $2, $3) \
                     ON CONFLICT (organization, name) DO UPDATE SET value = excluded.value",
                    id,
                ),
            };
            tx.execute(sql, params![id, name, &value])?;
        }
    }
    touch(tx)
}
