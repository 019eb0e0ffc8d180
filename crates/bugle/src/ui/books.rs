//! The books at the foot of every page: received = stored + discarded + backlog.
//!
//! Stored and discarded are the ledger's; the backlog is what the journal holds and nobody has filed. What is in the
//! backlog has been received and stands in the ledger only once it is filed, so it counts on both sides.

use super::address::encode;
use super::layout::Chrome;
use super::number::exact;
use crate::outcome::{self, HOUR_MS};
use bugle_db::{DbError, Tx};
use maud::{Markup, html};

/// The balance of the last 24 hours: received = stored + discarded + backlog.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Books {
    /// Items that came.
    pub received: i64,
    /// Items that are in the database.
    pub stored: i64,
    /// Items that were refused or dropped, each with a reason.
    pub discarded: i64,
    /// Items that came and have no fate yet.
    pub backlog: i64,
}

impl Books {
    /// Reads the balance of these projects, or of all for none.
    pub fn read(tx: &mut Tx<'_>, organization: i64, projects: &[i64], now_ms: i64) -> Result<Books, DbError> {
        let mut books = Books::default();
        for sum in outcome::sums(tx, organization, projects, now_ms / HOUR_MS - 23)? {
            match sum.outcome.as_str() {
                "received" => books.received += sum.quantity,
                "stored" => books.stored += sum.quantity,
                _ => books.discarded += sum.quantity,
            }
        }
        Ok(books)
    }

    /// With what waits to be filed (of the whole server: the journal does not know projects).
    pub fn with_backlog(mut self, backlog: i64) -> Books {
        self.received += backlog;
        self.backlog = backlog;
        self
    }
}

/// The foot of a page.
pub(super) fn foot(chrome: &Chrome) -> Markup {
    let books = chrome.books;
    let balance = html! {
        "Last 24 hours: received " b { (exact(books.received)) } " = stored " b { (exact(books.stored)) }
        " + discarded " b { (exact(books.discarded)) } " + backlog " b { (exact(books.backlog)) }
    };
    html! {
        footer.foot.fine {
            @match chrome.project.as_ref().or(chrome.projects.first()) {
                Some(project) => a href={ "/projects/" (encode(&project.slug)) "/ledger" } { (balance) },
                None => span { (balance) },
            }
            span { span data-state hidden {} "times in " span data-zone { "UTC" } }
        }
    }
}
