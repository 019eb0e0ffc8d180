//! Warnings: who is told that a quota is nearly or wholly used up, or that a project is held back in a spike.
//!
//! **Once.** A row of `limit_warnings` is written with the rows of the outbox in one transaction, and its key lets it be
//! written once: per month and level for a quota (another quota is another warning), per day for a spike. While a spike
//! lasts its row's time moves on, so that pages know that it still holds. Who is told that a quota is used up before
//! anybody looked at 80% is not told of 80% after.
//!
//! **Whom.** Every active target of the project but webhooks, whose body is about an issue and would have none. What
//! concerns the organization goes by the first of its projects that tells people by mail.

use super::Month;
use crate::alert::notice::{Cause, LimitFacts, Notice};
use crate::store::take_ids;
use bugle_db::{DbError, Tx, params};

/// Something that people should hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Warning {
    /// Whose limit it is.
    pub organization: i64,
    /// Which project's; 0: the organization's own.
    pub project: i64,
    /// What happened.
    pub level: Level,
    /// The month for a quota, the day for a spike, both since 1970.
    pub period: i64,
    /// The quota; for a spike what came to be too much.
    pub limited_to: i64,
}

/// How far a limit is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// 80% of a quota.
    Near,
    /// All of a quota.
    Reached,
    /// A project is held to what is usual for it.
    Spike,
}

impl Level {
    /// The level that a quota has reached.
    pub fn of(used: i64, max: i64) -> Option<Level> {
        match used {
            used if used >= max => Some(Level::Reached),
            used if used >= near(max) => Some(Level::Near),
            _ => None,
        }
    }

    fn cause(self) -> Cause {
        match self {
            Level::Near => Cause::QuotaNear,
            Level::Reached => Cause::QuotaReached,
            Level::Spike => Cause::Spike,
        }
    }
}

/// 80% of a quota, in events.
fn near(max: i64) -> i64 {
    max - max / 5
}

/// What the server is told once, for what a message says.
#[derive(Debug, Clone)]
pub struct Sender {
    /// The server's address.
    pub public_url: String,
    /// Whether mail can leave it.
    pub has_mail: bool,
}

/// Gives warnings that were not given yet. True if there is anything to send.
pub fn give(tx: &mut Tx<'_>, sender: &Sender, warnings: &[Warning], now_ms: i64) -> Result<bool, DbError> {
    let mut any = false;
    for warning in warnings {
        let cause = warning.level.cause();
        // What was usual is another number every hour, and still the same spike.
        let limited_to = if warning.level == Level::Spike { 0 } else { warning.limited_to };
        let key = params![warning.organization, warning.project, cause.as_str(), warning.period, limited_to];
        let known = "SELECT 1 FROM limit_warnings WHERE organization = $1 AND project = $2 AND cause = $3 \
                     AND period = $4 AND limited_to = $5";
        let is_known = tx.first(known, key)?.is_some();
        tx.execute(
            "INSERT INTO limit_warnings (organization, project, cause, period, limited_to, at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (organization, project, cause, period, limited_to) DO UPDATE SET at_ms = excluded.at_ms",
            params![warning.organization, warning.project, cause.as_str(), warning.period, limited_to, now_ms],
        )?;
        if !is_known {
            any |= tell(tx, sender, warning, now_ms)?;
        }
    }
    Ok(any)
}

fn tell(tx: &mut Tx<'_>, sender: &Sender, warning: &Warning, now_ms: i64) -> Result<bool, DbError> {
    let rows = tx.query(
        "SELECT t.id, t.kind, p.id, p.slug, p.name, o.name FROM targets t JOIN projects p ON p.id = t.project \
         JOIN organizations o ON o.id = p.organization WHERE t.is_active AND p.organization = $1 \
         AND (p.id = $2 OR ($2 = 0 AND t.kind IN ('members', 'mail'))) AND t.kind <> 'webhook' ORDER BY p.id, t.id",
        params![warning.organization, warning.project],
    )?;
    let (mut any, mut by) = (false, None);
    for row in &rows {
        let (target, kind, project): (i64, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let is_mail = matches!(kind.as_str(), "members" | "mail");
        if (is_mail && !sender.has_mail) || *by.get_or_insert(project) != project {
            continue;
        }
        let whose = Whose { slug: row.get(3)?, project_name: row.get(4)?, organization_name: row.get(5)? };
        let text = serde_json::to_string(&notice(sender, warning, &whose, now_ms))
            .map_err(|error| DbError::Failed(error.to_string()))?;
        let id = take_ids(tx, "outbox_id", 1)?;
        // The warning's own row is what makes it unique; the occurrence only has to be another than any other.
        any |= tx.execute(
            "INSERT INTO outbox (id, project, target, issue, cause, occurrence, notice, state, created_ms, next_ms) \
             VALUES ($1, $2, $3, 0, $4, $1, $5, 'waiting', $6, $6)",
            params![id, project, target, warning.level.cause().as_str(), &text, now_ms],
        )? > 0;
    }
    Ok(any)
}

struct Whose {
    slug: String,
    project_name: String,
    organization_name: String,
}

fn notice(sender: &Sender, warning: &Warning, whose: &Whose, now_ms: i64) -> Notice {
    let month = Month::at(now_ms);
    let is_organization = warning.project == 0;
    let name = if is_organization { &whose.organization_name } else { &whose.project_name };
    let (text, opens_ms, because) = match warning.level {
        Level::Near => (
            format!("{name} has used 80% of its quota of {}", month.name()),
            month.until_ms,
            format!("Because {name} has a monthly quota. Nothing is refused yet."),
        ),
        Level::Reached => (
            format!("{name} has used up its quota of {}", month.name()),
            month.until_ms,
            format!("Because {name} has a monthly quota. Further events are refused and counted until it opens again."),
        ),
        Level::Spike => (
            format!("{name} sends far more than is usual for it"),
            now_ms,
            format!("Because {name} is protected from its own spikes. What is beyond is refused and counted."),
        ),
    };
    let url = match is_organization {
        true => format!("{}/settings#limits", sender.public_url),
        false => format!("{}/projects/{}/limits", sender.public_url, whose.slug),
    };
    Notice {
        cause: warning.level.cause(),
        project_name: name.clone(),
        project_slug: whose.slug.clone(),
        issue_id: 0,
        short_id: "limits".into(),
        kind: String::new(),
        text,
        culprit: None,
        crash: None,
        level: "warning".into(),
        environment: None,
        release: None,
        platform: None,
        events: 0,
        people: 0,
        first_seen_ms: now_ms,
        last_seen_ms: now_ms,
        assignee: None,
        issue_url: url.clone(),
        settings_url: url,
        because,
        event_id: String::new(),
        limit: Some(LimitFacts { events_max: warning.limited_to, opens_ms, at_ms: now_ms }),
    }
}

/// A warning that still holds, for pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What happened.
    pub level: Level,
    /// Whether it is the organization's own limit.
    pub is_organizations: bool,
    /// The quota; 0 for a spike.
    pub limited_to: i64,
    /// When it opens again, or opened last. Unix ms.
    pub opens_ms: i64,
}

/// For how long a spike is shown after it last held: one of its windows.
const SPIKE_MS: i64 = super::usual::WINDOW_S * 1000;

/// What holds for a project (0: for none) and its organization now: the worst of each. A quota that was changed meanwhile
/// is none of them.
pub fn standing(tx: &mut Tx<'_>, organization: i64, project: i64, now_ms: i64) -> Result<Vec<Standing>, DbError> {
    let month = Month::at(now_ms);
    let rows = tx.query(
        "SELECT w.project, w.cause, w.limited_to, w.at_ms FROM limit_warnings w \
         LEFT JOIN project_limits l ON l.project = w.project \
         LEFT JOIN organization_limits o ON o.organization = w.organization AND w.project = 0 \
         WHERE w.organization = $1 AND (w.project = 0 OR w.project = $2) AND ((w.cause <> 'spike' AND w.period = $3 \
         AND w.limited_to = COALESCE(l.month_events_max, o.month_events_max)) \
         OR (w.cause = 'spike' AND l.is_spike_protected AND w.at_ms > $4)) ORDER BY w.project, w.cause DESC",
        params![organization, project, month.number, now_ms - SPIKE_MS],
    )?;
    let mut standing: Vec<Standing> = Vec::new();
    for row in &rows {
        let is_organizations = row.get::<i64>(0)? == 0;
        let (level, opens_ms) = match row.get::<String>(1)?.as_str() {
            "quota_near" => (Level::Near, month.until_ms),
            "quota_reached" => (Level::Reached, month.until_ms),
            _ => (Level::Spike, row.get::<i64>(3)? + SPIKE_MS),
        };
        let is_worse = |one: &Standing| one.is_organizations == is_organizations && one.level == Level::Reached;
        if level == Level::Near && standing.iter().any(is_worse) {
            continue;
        }
        standing.push(Standing { level, is_organizations, limited_to: row.get(2)?, opens_ms });
    }
    Ok(standing)
}
