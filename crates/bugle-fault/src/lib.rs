//! A disk that fails when it is told to, for the tests of the journal and the database. Never part of the product.
//!
//! A [`Disk`] is a folder whose SQLite files go through a VFS of their own: the system's, with writing, truncating, syncing,
//! closing and deleting taken over. It can
//! * fail a call, and every later one of its kind until [`Disk::heal`]: a write (half of it is written, as torn writes are),
//!   a sync, a disk without room;
//! * remember what was synced, and hand out the files as a power cut would leave them ([`Disk::after_power_cut`]): each as it
//!   was at its last sync. A kill does not show that, since the system still has what was written.
//!
//! What it does not do: reorder writes that were not synced (the torn tails in the journal's tests stand for that), fail reads,
//! or fail the index of the log (`-shm`), which SQLite maps into memory.
//!
//! **Use.** SQLite chooses the VFS by the name in a URI, so code under test is given [`Disk::path`] instead of a path and knows
//! nothing else. Every folder has its own plan, so tests run side by side.

mod vfs;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A write is cut short by an error of the device.
    Write,
    /// A write is cut short because the disk has no room.
    Full,
    /// A sync fails: nobody knows what is on the disk.
    Sync,
}

/// A folder on a disk that can fail.
pub struct Disk {
    folder: PathBuf,
    plan: Arc<Plan>,
}

/// What shall happen to the files of one folder, and what has.
#[derive(Default)]
pub(crate) struct Plan(Mutex<State>);

#[derive(Default)]
struct State {
    /// What fails, of files whose names end so, after so many more calls.
    fault: Option<(Fault, &'static str, u64)>,
    /// How often it has failed.
    failures: u64,
    /// Syncs that were let through.
    syncs: u64,
    /// After so many syncs the power is gone: nothing is written any more.
    power_until: Option<u64>,
    files: HashMap<PathBuf, Image>,
}

/// A file as of its last sync, and what was done to it since.
#[derive(Default)]
struct Image {
    synced: Vec<u8>,
    has_synced: bool,
    since: Vec<Change>,
}

/// What is done to a file.
pub(crate) enum Change {
    /// These bytes are written at this place.
    Write(usize, Vec<u8>),
    /// It is cut to this length.
    Truncate(usize),
}

impl Disk {
    /// Takes over a folder, which must be there.
    pub fn new(folder: &Path) -> Disk {
        let folder = folder.canonicalize().expect("the folder is there");
        Disk { plan: vfs::take_over(&folder), folder }
    }

    /// What SQLite opens for the file of this name.
    pub fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("file:{}?vfs={}", self.folder.join(name).display(), vfs::NAME))
    }

    /// From `after` more calls on, `fault` happens to files whose names end in `ending`.
    pub fn fail(&self, fault: Fault, ending: &'static str, after: u64) {
        self.plan.state().fault = Some((fault, ending, after));
    }

    /// Everything works again.
    pub fn heal(&self) {
        self.plan.state().fault = None;
    }

    /// How often a call has failed.
    pub fn failures(&self) -> u64 {
        self.plan.state().failures
    }

    /// Syncs so far.
    pub fn syncs(&self) -> u64 {
        self.plan.state().syncs
    }

    /// After so many syncs, counted from the beginning, the power is gone.
    pub fn cut_power_after(&self, syncs: u64) {
        self.plan.state().power_until = Some(syncs);
    }

    /// Writes the files as a power cut leaves them to another folder: what was synced, and nothing else.
    pub fn after_power_cut(&self, into: &Path) -> io::Result<()> {
        for (path, image) in self.plan.state().files.iter().filter(|(_, image)| image.has_synced) {
            fs::write(into.join(path.file_name().unwrap_or_default()), &image.synced)?;
        }
        Ok(())
    }
}

/// What is to be done with a call.
pub(crate) enum Fate {
    /// Let it through.
    Pass,
    /// Fail it, a write after half of it.
    Fail(Fault),
}

impl Plan {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A write to, or a truncation of, a file.
    pub(crate) fn write(&self, path: &Path) -> Fate {
        self.state().fate(path, &[Fault::Write, Fault::Full])
    }

    /// A sync of a file.
    pub(crate) fn sync(&self, path: &Path) -> Fate {
        self.state().fate(path, &[Fault::Sync])
    }

    /// A file has been opened. What it held before is taken for synced.
    pub(crate) fn opened(&self, path: &Path) {
        self.state().files.entry(path.to_owned()).or_insert_with(|| {
            let synced = fs::read(path).unwrap_or_default();
            Image { has_synced: !synced.is_empty(), synced, since: Vec::new() }
        });
    }

    /// A file has been changed.
    pub(crate) fn changed(&self, path: &Path, change: Change) {
        self.state().files.entry(path.to_owned()).or_default().since.push(change);
    }

    /// A file has been synced.
    pub(crate) fn synced(&self, path: &Path) {
        let mut state = self.state();
        state.syncs += 1;
        let image = state.files.entry(path.to_owned()).or_default();
        image.has_synced = true;
        for change in std::mem::take(&mut image.since) {
            match change {
                Change::Write(offset, bytes) => {
                    let end = offset + bytes.len();
                    image.synced.resize(image.synced.len().max(end), 0);
                    image.synced[offset..end].copy_from_slice(&bytes);
                }
                Change::Truncate(length) => image.synced.truncate(length),
            }
        }
    }

    /// A file has been deleted.
    pub(crate) fn deleted(&self, path: &Path) {
        let mut state = self.state();
        if state.has_power() {
            state.files.remove(path);
        }
    }
}

impl State {
    fn has_power(&self) -> bool {
        self.power_until.is_none_or(|until| self.syncs < until)
    }

    fn fate(&mut self, path: &Path, kinds: &[Fault]) -> Fate {
        if !self.has_power() {
            self.failures += 1;
            return Fate::Fail(Fault::Write);
        }
        match &mut self.fault {
            Some((fault, ending, after)) if kinds.contains(fault) && path.to_string_lossy().ends_with(*ending) => {
                if *after > 0 {
                    *after -= 1;
                    return Fate::Pass;
                }
                self.failures += 1;
                Fate::Fail(*fault)
            }
            _ => Fate::Pass,
        }
    }
}
