//! Policy: what a project wants of what comes in, as the door goes by it.
//!
//! Owns: the snapshot of every project's [`options`](crate::options), compiled. A policy is made once per change and shared
//! by all requests; judging asks no database. What an organization says holds for all its projects.

pub mod browser;
mod intake;
pub mod scrubbing;

use crate::filter;
use crate::options::{self, Options};
use browser::Browser;
use bugle_db::{DbError, Tx};
use bugle_event::filter::Filters;
use bugle_event::scrub::Scrubber;
pub use intake::Intake;
use std::collections::HashMap;
use std::sync::Arc;

/// What one project wants.
pub struct Policy {
    /// What it and its organization say, as of this policy.
    said: (Options, Options),
    /// What must not reach the disk.
    pub scrubber: Scrubber,
    /// Which events it does not want.
    pub filters: Filters,
    /// What it says of browsers.
    pub browser: Browser,
    /// What is kept of what comes beside events.
    pub intake: Intake,
    /// Whether attachments that are no text are kept.
    keeps_binary: bool,
}

impl Policy {
    /// The policy of a project, by what it and its organization say.
    pub fn new(project: Options, organization: Options) -> Policy {
        let (browser, filters) = (Browser::new(&project), filter::compiled(&project));
        let intake = Intake::new(&project);
        let scrubbing::Scrubbing { scrubber, keeps_binary } = scrubbing::Scrubbing::of(&project, &organization);
        Policy { scrubber, keeps_binary, filters, browser, intake, said: (project, organization) }
    }

    /// What is to be kept of an attachment; `None`: nothing of it. Takes time in proportion to its size.
    pub fn attachment(&self, name: &str, content_type: &str, body: &[u8]) -> Option<Vec<u8>> {
        self.scrubber.attachment(name, content_type, body, self.keeps_binary)
    }
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::new(Options::default(), Options::default())
    }
}

/// Every project's policy.
#[derive(Default)]
pub struct Policies {
    by_project: HashMap<i64, Arc<Policy>>,
    default: Arc<Policy>,
}

impl Policies {
    /// The policy of one project.
    pub fn of(&self, project: i64) -> Arc<Policy> {
        Arc::clone(self.by_project.get(&project).unwrap_or(&self.default))
    }

    /// As the database has it now. What has not changed is not compiled again.
    pub fn renewed(&self, tx: &mut Tx<'_>) -> Result<Policies, DbError> {
        let [mut projects, organizations] = options::all(tx)?;
        let mut by_project = HashMap::new();
        for row in tx.query("SELECT id, organization FROM projects", &[])? {
            let (project, organization): (i64, i64) = (row.get(0)?, row.get(1)?);
            let said = (
                projects.remove(&project).unwrap_or_default(),
                organizations.get(&organization).cloned().unwrap_or_default(),
            );
            if said == self.default.said {
                continue;
            }
            let present = self.by_project.get(&project).filter(|policy| policy.said == said);
            let policy = present.cloned().unwrap_or_else(|| Arc::new(Policy::new(said.0, said.1)));
            by_project.insert(project, policy);
        }
        Ok(Policies { by_project, default: Arc::clone(&self.default) })
    }
}
