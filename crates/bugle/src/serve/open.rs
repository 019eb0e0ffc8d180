//! Opening: from settings to everything that lives as long as the process.

use super::JOURNAL_FILE;
use crate::access;
use crate::access::setup::Setup;
use crate::access::throttle::Throttle;
use crate::alert::{Sender, SenderSettings};
use crate::app::{App, Shared};
use crate::config::Config;
use crate::event::young_exemplars;
use crate::file::{Memory, Settings};
use crate::filter::trial::Turns;
use crate::geography::Geography;
use crate::heard::Heard;
use crate::journals;
use crate::limit::{Month, month};
use crate::live::Live;
use crate::metrics::Metrics;
use crate::payload::{self, EXEMPLAR_MS_MAX, Exemplar};
use crate::process::{self, Backlog, Worker};
use crate::receive::door::Door;
use crate::receive::families::Families;
use crate::receive::guard::Guard;
use crate::receive::ledger::Ledger;
use crate::receive::limits::Limits;
use crate::receive::turned_away::TurnedAway;
use crate::seal::{self, Seal};
use crate::store::{Store, now_ms};
use bugle_db::Engine;
use bugle_journal::{Journal, Position};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::Notify;

/// Bytes that may wait for the journal's disk; beyond it, requests are refused.
const JOURNAL_WAITING_BYTES_MAX: i64 = 64 << 20;
/// Exemplars that a start reads back, so that families go on where they were.
const EXEMPLARS_READ_MAX: i64 = 2_000;

/// Opens everything that lives as long as the process: the shared parts, the worker (not yet running), and the secret of the
/// setup link, empty when there is an owner.
pub fn open(config: Config) -> anyhow::Result<(Shared, Worker, String)> {
    let geography = config.geo_database.as_deref().map(Geography::open).transpose()?;
    let store = Store::at(&config.data, config.database.as_deref())?;
    let seal = Arc::new(Seal::open_or_create(&config.data)?);
    prove(&store, &seal)?;
    store.refresh_now()?;
    let path = config.data.join(JOURNAL_FILE);
    let name = Journal::name(&path)?;
    let (journal_id, filed) = store.blocking().write_now(move |tx| journals::register(tx, &name, now_ms()))?;
    let journal = Journal::open(&path, JOURNAL_WAITING_BYTES_MAX, filed)?;
    let filed = Arc::new(AtomicI64::new(filed));
    let found = journal.last();
    let backlog = Arc::new(Backlog::new(found));
    let metrics = Arc::new(Metrics::new()?);
    let (live, bell) = (Live::default(), Arc::new(Notify::new()));
    let families = Arc::new(families(&store)?);
    let is_set_up = store.blocking().read_now(access::organization::first)?.is_some();
    let (setup, setup_secret) = if is_set_up { (Setup::closed(), String::new()) } else { Setup::open() };
    let guard = Arc::new(Guard::new(&config));
    let limits = Arc::new(limits(&store, &journal, &guard, filed.load(Ordering::Acquire))?);
    let sender = Sender::new(&SenderSettings {
        smtp_url: config.smtp_url.clone(),
        mail_from: Some(config.mail_from.clone()),
        allow_private_targets: config.allow_private_targets,
        public_url: config.public_url.clone(),
        ..SenderSettings::default()
    })?;
    let worker = Worker {
        backlog: Arc::clone(&backlog),
        journal: journal.clone(),
        db: store.blocking().clone(),
        filed: Arc::clone(&filed),
        metrics: Arc::clone(&metrics),
        live: live.clone(),
        bell: Arc::clone(&bell),
        limits: Arc::clone(&limits),
        memory: Memory::new(Settings {
            journal: journal_id,
            public_url: config.public_url.clone(),
            issue_cap_per_hour: config.issue_cap_per_hour,
            has_mail: config.smtp_url.is_some(),
        }),
        found,
    };
    let door = Door {
        journal,
        backlog,
        families,
        limits,
        guard,
        ledger: Ledger::new(Arc::clone(&metrics)),
        turned_away: TurnedAway::new(now_ms()),
        metrics: Arc::clone(&metrics),
    };
    let app = App {
        seal,
        journal: journal_id,
        config,
        store,
        live,
        door,
        filed,
        metrics,
        heard: Heard::default(),
        geography,
        setup,
        throttle: Throttle::default(),
        sender: Arc::new(sender),
        bell,
        trials: Turns::default(),
    };
    Ok((Arc::new(app), worker, setup_secret))
}

/// The limits with everything that was used of them before: what the ledger says, and what waits in the journal.
fn limits(store: &Store, journal: &Journal, guard: &Arc<Guard>, filed: Position) -> anyhow::Result<Limits> {
    let month = Month::at(now_ms());
    let limits = Limits::new(Arc::clone(guard), store.limits(), month.from_ms);
    limits.begin(&month, &store.blocking().read_now(move |tx| month::used_by_all(tx, &month))?);
    journal.look_through(filed, |body| {
        if let Some((head, bytes)) = process::waiting(body) {
            limits.found(&head, bytes);
        }
    })?;
    Ok(limits)
}

/// Servers that share a database must have the same key: what one has sealed, another has to open. The embedded database has
/// one server, and a key that was lost costs its owner targets, not the start.
fn prove(store: &Store, seal: &Arc<Seal>) -> anyhow::Result<()> {
    let seal = Arc::clone(seal);
    let is_ours = store.blocking().write_now(move |tx| match (tx.engine(), seal::proof(tx)?) {
        (Engine::Sqlite, _) => Ok(true),
        (Engine::Postgres, Some(sealed)) => Ok(seal.unseal(&sealed).is_some()),
        (Engine::Postgres, None) => seal::prove(tx, &seal).map(|()| true),
    })?;
    anyhow::ensure!(
        is_ours,
        "Another server on this database has another {0}. Copy its {0} into the data directory of this one and start again. \
         If it is lost: DELETE FROM seal_proof; and enter the addresses of alert targets again",
        seal::FILE
    );
    Ok(())
}

/// Exemplars of the last day, so that a restart does not make new ones for every family.
fn families(store: &Store) -> anyhow::Result<Families> {
    let families = Families::default();
    let since_ms = now_ms() - EXEMPLAR_MS_MAX;
    let mut young = store.blocking().read_now(move |tx| young_exemplars(tx, since_ms, EXEMPLARS_READ_MAX))?;
    young.reverse();
    for (family, id, created_ms, body) in young {
        match payload::expand(&body, None) {
            Ok(json) => families.learn(family, Exemplar { id, json: json.into() }, created_ms),
            Err(error) => tracing::error!(%error, exemplar = id, "an exemplar cannot be read; see bugle check"),
        }
    }
    Ok(families)
}
