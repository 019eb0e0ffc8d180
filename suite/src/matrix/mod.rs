//! The SDK matrix: one small program per SDK, all telling the same stories, against one real server.
//!
//! `matrix/*/*.toml` at this crate describe the programs ([`manifest`]); what a folder needs installed is told by what
//! lies in it ([`prepare`]). Each program runs once per story, as a process of its own ([`program`]), and reports to a
//! project of its own. What arrived is judged where people and scripts look: by REST and on the page ([`check`]).
//! The outcome is a table, SDK × feature ([`table`]): met, not met with the reason, or something that the SDK cannot
//! do, with the reason that its manifest gives.
//!
//! | story | the program |
//! |---|---|
//! | `handled` | as user u-7, mia@example.com, with tag `wallet=apple_pay` and breadcrumb "basket opened", catches and reports "order 42 cannot be priced", caused by "no rate for GBP" |
//! | `unhandled` | lets "the basket fell over" escape: to the framework, or until the process dies |
//! | `group` | reports "two deliveries failed", a group of "tea is late" and "the cup is broken" |
//! | `attachment` | reports the message "the till printed nonsense" with the file receipt.txt, "two cups of tea" |
//! | `feedback` | sends what Mia, mia@example.com, says: "the basket is empty again" |
//! | `session` | has a session of release matrix@1.0.0 and ends it |
//! | `oversize` | reports the message "the list is too long" with 3 MiB beside it, then "after the long list" |
//! | `flood` | reports 500 messages in a row: "the stock of tea is low", "the stock of cups is low", in turn |
//! | `checkin` | checks in with the monitor `nightly-close`: in progress, then ok |
//!
//! A program sends everything, prints `done STORY` and ends with 0, except where the story is its death. The SDK's own
//! debug log is on, and must not complain.

pub mod check;
pub mod manifest;
pub mod prepare;
pub mod program;
pub mod table;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;

use crate::{Bugle, Person, Project, Rest};
use check::Evidence;
use manifest::Manifest;

/// SDKs that run at the same time: the machine that tests has two cores.
const AT_ONCE: usize = 2;

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Feature {
    /// An error that was caught and reported.
    Handled,
    /// An error that nobody caught.
    Unhandled,
    /// An error and its cause.
    Chained,
    /// Several errors in one.
    Group,
    /// Who was affected.
    User,
    /// A tag.
    Tags,
    /// What happened before.
    Breadcrumbs,
    /// A file with the event.
    Attachment,
    /// What a person says.
    Feedback,
    /// Release health.
    Session,
    /// An event that is too large does no harm.
    Oversize,
    /// Many events at once are all counted.
    Flood,
    /// A job that says it has run.
    Checkin,
    /// The SDK's own log has no complaint.
    Quiet,
}

impl Feature {
    /// In the order of the columns.
    pub const ALL: [Feature; 14] = [
        Feature::Handled,
        Feature::Unhandled,
        Feature::Chained,
        Feature::Group,
        Feature::User,
        Feature::Tags,
        Feature::Breadcrumbs,
        Feature::Attachment,
        Feature::Feedback,
        Feature::Session,
        Feature::Oversize,
        Feature::Flood,
        Feature::Checkin,
        Feature::Quiet,
    ];

    /// The story that shows it; none for what is judged over all of them.
    fn story(self) -> Option<&'static str> {
        Some(match self {
            Feature::Handled | Feature::Chained | Feature::User | Feature::Tags | Feature::Breadcrumbs => "handled",
            Feature::Unhandled => "unhandled",
            Feature::Group => "group",
            Feature::Attachment => "attachment",
            Feature::Feedback => "feedback",
            Feature::Session => "session",
            Feature::Oversize => "oversize",
            Feature::Flood => "flood",
            Feature::Checkin => "checkin",
            Feature::Quiet => return None,
        })
    }
}

/// What became of one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// As it must be.
    Met,
    /// Not as it must be, and how.
    NotMet(String),
    /// The SDK has no such thing, and why.
    Cannot(String),
}

/// A row of the table.
#[derive(Debug)]
pub struct Row {
    /// The program's name.
    pub name: String,
    /// What the SDK calls itself in its events, with its version.
    pub sdk: String,
    /// One cell for each feature.
    pub cells: BTreeMap<Feature, Cell>,
}

/// The server and those who look at it.
struct World {
    bugle: Bugle,
    rest: Rest,
    owner: Person,
}

/// Runs all of these programs; the rows are in the same order.
pub fn run(manifests: &[Manifest]) -> Vec<Row> {
    // Everyone's flood on one machine is no abuse: the program has no limits beside its projects' own.
    let bugle = Bugle::start();
    let world = World { rest: bugle.rest(), owner: bugle.owner(), bugle };
    let rows: Vec<Mutex<Option<Row>>> = manifests.iter().map(|_| Mutex::new(None)).collect();
    let next = Mutex::new(0..manifests.len());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(at) = next.lock().ok().and_then(|mut next| next.next()) {
                    let row = row(&world, &manifests[at]);
                    table::print_row(&row);
                    *rows[at].lock().expect("nobody panics with it") = Some(row);
                }
            });
        }
    });
    world.bugle.settle();
    world.bugle.check();
    rows.into_iter().filter_map(|row| row.into_inner().ok().flatten()).collect()
}

fn row(world: &World, manifest: &Manifest) -> Row {
    let mut row = Row { name: manifest.name.clone(), sdk: String::new(), cells: BTreeMap::new() };
    let played = catch_unwind(AssertUnwindSafe(|| play(world, manifest, &mut row)));
    if let Err(panic) = played {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_string())).unwrap_or_default();
        for feature in Feature::ALL {
            row.cells.entry(feature).or_insert_with(|| Cell::NotMet(format!("the harness gave up: {text}")));
        }
    }
    row
}

fn play(world: &World, manifest: &Manifest, row: &mut Row) {
    let project: Project = world.bugle.project(&manifest.name);
    let mut stage = program::Stage::new(manifest, &project);
    let mut heard = String::new();
    let mut told: BTreeMap<&str, Result<(), String>> = BTreeMap::new();
    for feature in Feature::ALL {
        let cell = if let Some(reason) = manifest.cannot.get(&feature) {
            Cell::Cannot(reason.clone())
        } else if let Some(story) = feature.story() {
            let told = told.entry(story).or_insert_with(|| {
                let said = stage.tell(story);
                // An SDK may say that its event was refused as too large: it was.
                if story != "oversize" {
                    heard.push_str(&said.text);
                }
                said.end
            });
            let evidence = Evidence { rest: &world.rest, owner: &world.owner, project: &project, manifest };
            cell(told.clone().and_then(|()| check::await_feature(feature, &evidence)))
        } else {
            cell(check::is_quiet(manifest, &heard))
        };
        row.cells.insert(feature, cell);
    }
    row.sdk = check::sdk_name(&world.rest, &project);
}

fn cell(outcome: Result<(), String>) -> Cell {
    match outcome {
        Ok(()) => Cell::Met,
        Err(why) => Cell::NotMet(why),
    }
}
