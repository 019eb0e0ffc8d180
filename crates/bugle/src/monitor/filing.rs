//! Filing check-ins: a run begins, ends, or both at once.
//!
//! What counts is when a check-in was *received*, not when it is filed: a run that ended in time is not late because the
//! worker was, and a missed run whose check-in had come in time is taken back. So the order in which several servers
//! file changes nothing. Times of an environment only go forward.

use super::check_in::{CheckIn, Said};
use super::runs::{self, Run, Status};
use super::{Config, ENVIRONMENTS_MAX, configure, create, expect_after, find};
use crate::access::random;
use crate::outcome::{Outcome, Reason};
use crate::record::Item;
use crate::store::take_ids;
use bugle_db::{DbError, Tx, params};
use bugle_event::EventId;

/// Files one item of the kind `CheckIn`.
pub fn file(tx: &mut Tx<'_>, item: &Item) -> Result<(Outcome, Reason), DbError> {
    let Some(check_in) = CheckIn::from_bytes(&item.body) else { return Ok((Outcome::Invalid, Reason::Unreadable)) };
    let (project, received_ms) = (item.sender.project, item.sender.received_ms);
    let (monitor, config) = match find(tx, project, &check_in.slug)? {
        Some((monitor, known)) => match &check_in.config {
            Some(said) if *said != known => {
                configure(tx, monitor, said, received_ms)?;
                (monitor, said.clone())
            }
            _ => (monitor, known),
        },
        None => {
            let config = check_in.config.clone().unwrap_or_default();
            match create(tx, project, &check_in.slug, &config, received_ms)? {
                Some(monitor) => (monitor, config),
                None => return Ok((Outcome::Discarded, Reason::Overload)),
            }
        }
    };
    let place = Place { monitor, environment: &check_in.environment, config: &config, received_ms };
    place.file(tx, &check_in)
}

/// Where a check-in belongs.
struct Place<'p> {
    monitor: i64,
    environment: &'p str,
    config: &'p Config,
    received_ms: i64,
}

impl Place<'_> {
    fn file(&self, tx: &mut Tx<'_>, check_in: &CheckIn) -> Result<(Outcome, Reason), DbError> {
        let run = self.run_of(tx, check_in)?;
        let is_new = match (&run, check_in.said) {
            (None, _) => self.begin(tx, check_in)?,
            (Some(run), Said::InProgress) if run.status == Status::InProgress => {
                // It says that it is still there: it has its whole time again.
                let deadline_ms = self.received_ms + self.config.runtime_ms();
                let sql = "UPDATE check_ins SET deadline_ms = $2 WHERE id = $1 AND deadline_ms < $2";
                return Ok(match tx.execute(sql, params![run.id, deadline_ms])? {
                    0 => (Outcome::Invalid, Reason::Duplicate),
                    _ => (Outcome::Stored, Reason::None),
                });
            }
            (Some(run), said) => self.end(tx, run, said, check_in.duration_ms)?,
        };
        match is_new {
            Some(false) => Ok((Outcome::Invalid, Reason::Duplicate)),
            None => Ok((Outcome::Discarded, Reason::Overload)),
            Some(true) => {
                settle(tx, self.monitor, self.environment, self.config)?;
                Ok((Outcome::Stored, Reason::None))
            }
        }
    }

    /// The run that a check-in is about, if it is known.
    fn run_of(&self, tx: &mut Tx<'_>, check_in: &CheckIn) -> Result<Option<Run>, DbError> {
        let columns = "SELECT id FROM check_ins WHERE monitor = $1 AND environment = $2 AND";
        let id: Option<i64> = match &check_in.id {
            Some(id) => {
                let bytes = id_bytes(id);
                let sql = format!("{columns} check_in_id = $3");
                tx.first(&sql, params![self.monitor, self.environment, &bytes])?.map(|row| row.get(0)).transpose()?
            }
            None if check_in.said == Said::InProgress => None,
            None => {
                let sql = format!("{columns} status = 'in_progress' ORDER BY began_ms DESC, id DESC LIMIT 1");
                tx.first(&sql, params![self.monitor, self.environment])?.map(|row| row.get(0)).transpose()?
            }
        };
        match id {
            Some(id) => runs::get(tx, id),
            None => Ok(None),
        }
    }

    /// A run that was not known. `None`: its environment is one too many.
    fn begin(&self, tx: &mut Tx<'_>, check_in: &CheckIn) -> Result<Option<bool>, DbError> {
        let is_over = check_in.said != Said::InProgress;
        let began_ms = self.received_ms - check_in.duration_ms.filter(|_| is_over).unwrap_or(0);
        if !self.has_environment(tx)? {
            return Ok(None);
        }
        let id = check_in.id.as_deref().map_or_else(random::bytes::<16>, id_bytes);
        let trace = check_in.trace_id.as_deref().map(|id| id_bytes(id).to_vec());
        let deadline_ms = (!is_over).then(|| self.received_ms + self.config.runtime_ms());
        let row = take_ids(tx, "check_in_row", 1)?;
        tx.execute(
            "INSERT INTO check_ins (id, monitor, environment, check_in_id, status, began_ms, duration_ms, deadline_ms, trace_id) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            params![
                row,
                self.monitor,
                self.environment,
                &id,
                status(check_in.said).as_str(),
                began_ms,
                check_in.duration_ms.filter(|_| is_over),
                deadline_ms,
                trace.as_deref()
            ],
        )?;
        self.came(tx)?;
        Ok(Some(true))
    }

    /// A known run ends. False: that was known.
    fn end(&self, tx: &mut Tx<'_>, run: &Run, said: Said, duration_ms: Option<i64>) -> Result<Option<bool>, DbError> {
        let took_ms = duration_ms.unwrap_or((self.received_ms - run.began_ms).max(0));
        let deadline: Option<i64> = tx.one("SELECT deadline_ms FROM check_ins WHERE id = $1", params![run.id])?;
        let is_open = match run.status {
            Status::InProgress => true,
            // It was given up before this was filed. If it came in time, it was in time.
            Status::Timeout => run.duration_ms.is_none(),
            Status::Ok | Status::Error | Status::Missed => false,
        };
        if !is_open || said == Said::InProgress {
            return Ok(Some(false));
        }
        let until_ms = deadline.unwrap_or(run.began_ms + self.config.runtime_ms());
        let status = if self.received_ms > until_ms { Status::Timeout } else { status(said) };
        tx.execute(
            "UPDATE check_ins SET status = $2, duration_ms = $3, deadline_ms = NULL WHERE id = $1",
            params![run.id, status.as_str(), took_ms],
        )?;
        Ok(Some(true))
    }

    /// Makes the environment, unless the monitor has as many as it may.
    fn has_environment(&self, tx: &mut Tx<'_>) -> Result<bool, DbError> {
        let sql = "SELECT COUNT(*) FROM monitor_environments WHERE monitor = $1 AND environment = $2";
        if tx.one::<i64>(sql, params![self.monitor, self.environment])? > 0 {
            return Ok(true);
        }
        let sql = "SELECT COUNT(*) FROM monitor_environments WHERE monitor = $1";
        if tx.one::<i64>(sql, params![self.monitor])? >= ENVIRONMENTS_MAX {
            return Ok(false);
        }
        tx.execute(
            "INSERT INTO monitor_environments (monitor, environment, last_ms, is_failing) VALUES ($1, $2, $3, $4)",
            params![self.monitor, self.environment, self.received_ms - 1, false],
        )?;
        Ok(true)
    }

    /// A run has come: the next is expected after it, and those that were missed only because it was filed late were not.
    fn came(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        let heard_ms = self.received_ms;
        tx.execute(
            "DELETE FROM check_ins WHERE monitor = $1 AND environment = $2 AND status = 'missed' \
             AND began_ms <= $3 AND deadline_ms >= $3",
            params![self.monitor, self.environment, heard_ms],
        )?;
        let sql = "UPDATE monitor_environments SET last_ms = $3 WHERE monitor = $1 AND environment = $2 AND last_ms < $3 \
                   RETURNING next_ms";
        let Some(row) = tx.first(sql, params![self.monitor, self.environment, heard_ms])? else { return Ok(()) };
        let next_ms: Option<i64> = row.get(0)?;
        let expected = self.config.next_after(heard_ms).map(|(next_ms, _)| next_ms);
        // What was missed meanwhile has moved it further already.
        if next_ms.is_none() || expected.is_none() || next_ms < expected {
            expect_after(tx, self.monitor, self.environment, self.config, heard_ms)?;
        }
        Ok(())
    }
}

/// Decides whether a monitor fails in an environment, by its newest runs that are over.
pub(super) fn settle(tx: &mut Tx<'_>, monitor: i64, environment: &str, config: &Config) -> Result<(), DbError> {
    let sql = "SELECT is_failing FROM monitor_environments WHERE monitor = $1 AND environment = $2";
    let is_failing: bool = tx.one(sql, params![monitor, environment])?;
    let wanted = if is_failing { config.recoveries } else { config.failures }.unwrap_or(1);
    let newest = "SELECT status FROM check_ins WHERE monitor = $1 AND environment = $2 AND status <> 'in_progress' \
                  ORDER BY began_ms DESC, id DESC LIMIT $3";
    let mut count = 0;
    for row in tx.query(newest, params![monitor, environment, wanted])? {
        let is_good = row.get::<String>(0)? == "ok";
        if is_good != is_failing {
            return Ok(());
        }
        count += 1;
    }
    if count >= wanted {
        tx.execute(
            "UPDATE monitor_environments SET is_failing = $3 WHERE monitor = $1 AND environment = $2",
            params![monitor, environment, !is_failing],
        )?;
    }
    Ok(())
}

fn status(said: Said) -> Status {
    match said {
        Said::InProgress => Status::InProgress,
        Said::Ok => Status::Ok,
        Said::Error => Status::Error,
    }
}

fn id_bytes(id: &str) -> [u8; 16] {
    EventId::parse(id).map_or([0; 16], |id| id.0)
}
