//! Monitors: what they expect against their schedules, and runs against what they say of themselves.

use super::Report;
use crate::monitor::Config;
use bugle_db::{DbError, Tx};

/// Compares what is expected with schedules, and deadlines with how runs stand.
pub(super) fn verify(tx: &mut Tx<'_>, report: &mut Report) -> Result<(), DbError> {
    let expected = "SELECT e.monitor, e.environment, e.next_ms, e.due_ms, m.config FROM monitor_environments e \
                    JOIN monitors m ON m.id = e.monitor";
    for row in tx.query(expected, &[])? {
        let (monitor, environment): (i64, String) = (row.get(0)?, row.get(1)?);
        let (next_ms, due_ms): (Option<i64>, Option<i64>) = (row.get(2)?, row.get(3)?);
        let Ok(config) = serde_json::from_str::<Config>(&row.get::<String>(4)?) else {
            report.say(format!("Monitor {monitor} wants something that cannot be read."));
            continue;
        };
        let has_schedule = config.schedule.as_ref().is_some_and(|schedule| schedule.is_understood());
        if next_ms.is_some() != has_schedule || due_ms != next_ms.map(|next_ms| next_ms + config.margin_ms()) {
            report.say(format!("Monitor {monitor} expects in {environment} what its schedule does not say."));
        }
    }
    let alone = "SELECT COUNT(*) FROM check_ins c WHERE NOT EXISTS (SELECT 1 FROM monitor_environments e \
                 WHERE e.monitor = c.monitor AND e.environment = c.environment)";
    report.compare(|| "Runs in environments that their monitor does not have".into(), 0, tx.one(alone, &[])?);
    let odd = "SELECT COUNT(*) FROM check_ins WHERE (deadline_ms IS NOT NULL) <> (status IN ('in_progress', 'missed'))";
    report.compare(|| "Runs whose deadline contradicts how they stand".into(), 0, tx.one(odd, &[])?);
    Ok(())
}
