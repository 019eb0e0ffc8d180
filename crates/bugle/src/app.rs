//! What every request can reach: the parts that live as long as the process.

use crate::access::setup::Setup;
use crate::access::throttle::Throttle;
use crate::alert::Sender;
use crate::alert::delivery::Bell;
use crate::config::Config;
use crate::filter::trial::Turns;
use crate::geography::Geography;
use crate::heard::Heard;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::receive::door::Door;
use crate::seal::Seal;
use crate::store::Store;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The running product. Shared by everything that serves requests.
pub struct App {
    /// The settings.
    pub config: Config,
    /// The database.
    pub store: Store,
    /// Who listens.
    pub live: Live,
    /// Where events come in.
    pub door: Door,
    /// The id of this server's journal.
    pub journal: i64,
    /// How far the journal has been filed.
    pub filed: Arc<AtomicI64>,
    /// Who counts.
    pub metrics: Arc<Metrics>,
    /// What was refused lately, per project.
    pub heard: Heard,
    /// Where addresses are, if the operator has given a database.
    pub geography: Option<Geography>,
    /// Keeps secrets that must be read back.
    pub seal: Arc<Seal>,
    /// The first owner's way in.
    pub setup: Setup,
    /// Slows down guessing.
    pub throttle: Throttle,
    /// Where notices leave.
    pub sender: Arc<Sender>,
    /// Rings when there are notices.
    pub bell: Bell,
    /// Who may run filters over stored events.
    pub trials: Turns,
}

impl App {
    /// Items acknowledged and not yet filed.
    pub fn backlog(&self) -> i64 {
        (self.door.journal.last() - self.filed.load(Ordering::Acquire)).max(0)
    }
}

#[cfg(test)]
impl App {
    /// Fails unless everything that was counted balances. Every test server calls it when it goes.
    pub fn assert_balanced(&self) {
        let waiting = self.door.ledger.take();
        let imbalances = self.store.blocking().write_now(move |tx| {
            waiting.write(tx)?;
            crate::outcome::imbalances(tx)
        });
        assert_eq!(imbalances.expect("the ledger can be read"), [], "a test ended with books that do not balance");
    }
}

/// A handle to it.
pub type Shared = Arc<App>;
