//! What a project keeps of what comes beside events.

use crate::options::{self, Options, Scope};
use bugle_db::{DbError, Tx};

/// See the module comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Intake {
    /// Whether crash reports are kept as they came. Off: they hold memory of people's machines, and what can be read of
    /// them without symbols is in the event.
    pub store_crash_reports: bool,
}

impl Intake {
    /// The option that says so, of a project.
    pub const STORE_CRASH_REPORTS: &str = "store_crash_reports";

    /// As the project says.
    pub fn new(project: &Options) -> Intake {
        Intake { store_crash_reports: project.get(Intake::STORE_CRASH_REPORTS).unwrap_or_default() }
    }

    /// As the database has it.
    pub fn of(tx: &mut Tx<'_>, project: i64) -> Result<Intake, DbError> {
        Ok(Intake::new(&options::of(tx, Scope::Project(project))?))
    }

    /// Says whether crash reports are kept. Off is as if it had never been said.
    pub fn set_store_crash_reports(tx: &mut Tx<'_>, project: i64, is_on: bool) -> Result<(), DbError> {
        let value = is_on.then_some(&true);
        options::set(tx, Scope::Project(project), Intake::STORE_CRASH_REPORTS, value)
    }
}
