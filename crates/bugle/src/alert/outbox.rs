//! The outbox as people see it: what was sent, what failed and why, and sending again.
//!
//! Rows are written by [`super::enqueue`] and settled by [`super::delivery`]; here they are read, put back in line by
//! hand, and written for a test.

use super::notice::{Cause, Notice};
use crate::project::Project;
use bugle_db::{DbError, Row, Tx, params};

/// How far a notice has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits for its first or next try.
    Waiting,
    /// The other side has taken it.
    Sent,
    /// It will not be tried again by itself.
    Failed,
}

/// A notice on its way to one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id; webhooks carry it.
    pub id: i64,
    /// The project's slug.
    pub project_slug: String,
    /// The project's name.
    pub project_name: String,
    /// Target's kind, as stored.
    pub kind: String,
    /// Target's label.
    pub label: String,
    /// The issue; 0 for a test.
    pub issue: i64,
    /// What it says; `None` when the stored text cannot be read any more.
    pub notice: Option<Notice>,
    /// How far it has come.
    pub state: State,
    /// Tries so far.
    pub attempts: i64,
    /// When it was caused, Unix ms.
    pub created_ms: i64,
    /// When it is tried next, if it waits. Unix ms.
    pub next_ms: i64,
    /// When it was sent or given up, Unix ms.
    pub done_ms: Option<i64>,
    /// What the other side answered, or why there was no answer.
    pub answer: String,
}

fn delivery(row: &Row) -> Result<Delivery, DbError> {
    let state = match row.get::<String>(7)?.as_str() {
        "sent" => State::Sent,
        "failed" => State::Failed,
        _ => State::Waiting,
    };
    Ok(Delivery {
        id: row.get(0)?,
        project_slug: row.get(1)?,
        project_name: row.get(2)?,
        kind: row.get(3)?,
        label: row.get(4)?,
        issue: row.get(5)?,
        notice: serde_json::from_str(&row.get::<String>(6)?).ok(),
        state,
        attempts: row.get(8)?,
        created_ms: row.get(9)?,
        next_ms: row.get(10)?,
        done_ms: row.get(11)?,
        answer: row.get(12)?,
    })
}

/// Deliveries of an organization, or of one of its projects, newest first.
pub fn list(
    tx: &mut Tx<'_>,
    organization: i64,
    project: Option<i64>,
    offset: i64,
    limit: i64,
) -> Result<Vec<Delivery>, DbError> {
    let sql = "SELECT o.id, p.slug, p.name, t.kind, t.label, o.issue, o.notice, o.state, o.attempts, o.created_ms, \
               o.next_ms, o.done_ms, o.answer FROM outbox o JOIN projects p ON p.id = o.project \
               JOIN targets t ON t.id = o.target WHERE p.organization = $1 \
               AND (CAST($2 AS BIGINT) IS NULL OR o.project = $2) ORDER BY o.created_ms DESC, o.id DESC LIMIT $3 OFFSET $4";
    tx.query(sql, params![organization, project, limit, offset])?.iter().map(delivery).collect()
}

/// Puts a failed delivery in line again, with all its tries. Says whether there was one.
pub fn again(tx: &mut Tx<'_>, organization: i64, id: i64, now_ms: i64) -> Result<bool, DbError> {
    let sql = "UPDATE outbox SET state = 'waiting', attempts = 0, next_ms = $3, done_ms = NULL WHERE id = $1 \
               AND state = 'failed' AND project IN (SELECT id FROM projects WHERE organization = $2)";
    Ok(tx.execute(sql, params![id, organization, now_ms])? > 0)
}

/// Puts a test for one target in line and says its id. A test goes out even where no issue ever would.
pub fn enqueue_test(
    tx: &mut Tx<'_>,
    project: &Project,
    target: i64,
    person: &str,
    public_url: &str,
    now_ms: i64,
) -> Result<i64, DbError> {
    let id = crate::store::take_ids(tx, "outbox_id", 1)?;
    let text = serde_json::to_string(&test(project, person, public_url, now_ms))
        .map_err(|error| DbError::Failed(error.to_string()))?;
    // The occurrence only makes the row unique.
    tx.execute(
        "INSERT INTO outbox (id, project, target, issue, cause, occurrence, notice, state, created_ms, next_ms) \
         VALUES ($1, $2, $3, 0, $4, $1, $6, 'waiting', $5, $5)",
        params![id, project.id, target, Cause::Test.as_str(), now_ms, &text],
    )?;
    Ok(id)
}

fn test(project: &Project, person: &str, public_url: &str, now_ms: i64) -> Notice {
    Notice {
        cause: Cause::Test,
        project_name: project.name.clone(),
        project_slug: project.slug.clone(),
        issue_id: 0,
        short_id: "TEST".into(),
        kind: String::new(),
        text: format!("This is how {} tells about its issues", project.name),
        culprit: None,
        crash: None,
        level: "info".into(),
        environment: None,
        release: None,
        platform: Some(project.platform.clone()).filter(|platform| !platform.is_empty()),
        events: 0,
        people: 0,
        first_seen_ms: now_ms,
        last_seen_ms: now_ms,
        assignee: None,
        issue_url: format!("{public_url}/issues?project={}", project.slug),
        settings_url: format!("{public_url}/projects/{}/settings#alerts", project.slug),
        because: format!("Because {person} asked for a test on the settings page of {}.", project.name),
        event_id: String::new(),
        limit: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::organization;
    use crate::alert::target;
    use crate::project;
    use crate::store::Store;

    #[test]
    fn a_test_waits_and_what_failed_is_sent_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(folder.path()).expect("opens");
        let job = |tx: &mut Tx<'_>| {
            let acme = organization::create(tx, "Acme", None, 1)?.id;
            let other = organization::create(tx, "Other", None, 1)?.id;
            let (shop, _) = project::create(tx, acme, "Shop", "python", "k", 1)?;
            let members = target::list(tx, shop.id)?[0].id;
            let id = enqueue_test(tx, &shop, members, "Ann", "https://b.example", 2)?;
            let listed = list(tx, acme, Some(shop.id), 0, 10)?;
            assert_eq!((listed.len(), listed[0].id, listed[0].state), (1, id, State::Waiting));
            assert!(listed[0].notice.as_ref().is_some_and(|notice| notice.because.contains("Ann")));
            assert!(!again(tx, acme, id, 5)?, "it waits already");

            tx.execute("UPDATE outbox SET state = 'failed', attempts = 10, done_ms = 4", &[])?;
            assert!(!again(tx, other, id, 5)?, "another organization's");
            assert!(again(tx, acme, id, 5)?);
            let listed = list(tx, acme, None, 0, 10)?;
            assert_eq!((listed[0].state, listed[0].attempts, listed[0].next_ms), (State::Waiting, 0, 5));
            assert!(list(tx, other, None, 0, 10)?.is_empty());
            assert!(list(tx, acme, None, 1, 10)?.is_empty());
            Ok(())
        };
        store.blocking().write_now(job).expect("runs");
    }

    bugle_db::on_postgres_too![a_test_waits_and_what_failed_is_sent_again,];
}
