//! Feedback: an issue that it is linked to is one of its own project.

use super::Report;
use bugle_db::{DbError, Tx};

/// Looks for links that lead into another project.
pub(super) fn verify(tx: &mut Tx<'_>, report: &mut Report) -> Result<(), DbError> {
    let astray: i64 =
        tx.one("SELECT COUNT(*) FROM feedback f JOIN issues i ON i.id = f.issue WHERE i.project <> f.project", &[])?;
    report.compare(|| "Feedback that is linked to another project's issue".into(), astray, 0);
    Ok(())
}
