//! Someone who searches the disk for what the apps were told to hide.
//!
//! Every planted secret contains one marker that is made up for the run, so whatever is left of any of them is
//! found by one search, and its surroundings say which it was. Stored payloads are compressed, where a search of
//! raw bytes would find nothing even of a leak; so the search also reads every event back through the server, and
//! the files in every place where they could be whole. What has left the server counts too: mails, chats, webhooks.

pub mod wire;

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::hook::Hook;
use crate::mailbox::Mailbox;
use crate::{Bugle, Project, Rest};

/// A card number in the two ways that the apps write it.
const CARDS: [&str; 2] = ["4012888888881881", "4012 8888 8888 1881"];

/// The marker of one run.
pub struct Plant {
    marker: String,
}

impl Plant {
    /// A marker that is nowhere yet.
    pub fn new() -> Plant {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).expect("now is after 1970").as_nanos();
        Plant { marker: format!("pl4nt{:x}", nanos as u64) }
    }

    /// What the apps get as `PLANT`.
    pub fn marker(&self) -> &str {
        &self.marker
    }

    /// A secret of the test's own.
    pub fn secret(&self, place: &str) -> String {
        format!("{}-{place}", self.marker)
    }

    /// Where a secret stands in `bytes`: the text around each place.
    pub fn found_in(&self, bytes: &[u8]) -> Vec<String> {
        let wide: Vec<u8> = self.marker.bytes().flat_map(|byte| [byte, 0]).collect();
        let needles = CARDS.iter().map(|card| card.as_bytes()).chain([self.marker.as_bytes(), &wide]);
        needles.flat_map(|needle| places(bytes, needle)).collect()
    }

    /// Fails with a list of all that is left of any secret: in the files of the data directory, in the log, in the
    /// events as REST tells them.
    pub fn assert_gone(&self, bugle: &Bugle, rest: &Rest, project: &Project) {
        let mut report = self.on_disk(bugle.home());
        for event in rest.project_events(project) {
            let id = event["eventID"].as_str().expect("an event has an id");
            let stored = rest.stored(project, id);
            note(&mut report, &format!("event {id} of {}", event["title"]), self.leaves(&stored));
        }
        assert!(report.is_empty(), "secrets are left:\n{report}");
    }

    /// Fails with all that is left of any secret in what was told: letters as a mail program shows them, and requests.
    pub fn assert_untold(&self, mailbox: &Mailbox, hook: &Hook) {
        let mut report = String::new();
        for letter in mailbox.letters() {
            for part in [&letter.subject, &letter.text, &letter.html] {
                note(&mut report, &format!("the letter to {}", letter.to), self.found_in(part.as_bytes()));
            }
        }
        for delivery in hook.all() {
            note(&mut report, &delivery.path, self.found_in(&delivery.body));
            note(&mut report, &delivery.path, self.found_in(format!("{:?}", delivery.headers).as_bytes()));
        }
        assert!(report.is_empty(), "secrets were told:\n{report}");
    }

    /// What is left in the files under `directory`.
    pub fn on_disk(&self, directory: &Path) -> String {
        let mut report = String::new();
        for file in files(directory) {
            // A file may go while a running server is searched, as journals and WAL files do.
            let Ok(bytes) = fs::read(&file) else { continue };
            note(&mut report, &file.display().to_string(), self.found_in(&bytes));
        }
        report
    }

    /// The paths and values of a tree that still hold a secret, key or value.
    fn leaves(&self, tree: &Value) -> Vec<String> {
        let mut found = Vec::new();
        self.walk(tree, "", &mut found);
        found
    }

    fn walk(&self, tree: &Value, path: &str, found: &mut Vec<String>) {
        match tree {
            Value::Object(object) => object.iter().for_each(|(key, value)| {
                let inner = format!("{path}.{key}");
                found.extend(self.found_in(key.as_bytes()).into_iter().map(|text| format!("key {inner}: {text}")));
                self.walk(value, &inner, found);
            }),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(at, item)| self.walk(item, &format!("{path}[{at}]"), found));
            }
            leaf => {
                let places = self.found_in(leaf.to_string().as_bytes());
                found.extend(places.into_iter().map(|text| format!("{path}: {text}")));
            }
        }
    }
}

impl Default for Plant {
    fn default() -> Plant {
        Plant::new()
    }
}

fn note(report: &mut String, place: &str, found: Vec<String>) {
    for text in found {
        let _ = writeln!(report, "{place}: {text}");
    }
}

fn places(bytes: &[u8], needle: &[u8]) -> Vec<String> {
    let around = |at: usize| {
        let (start, end) = (at.saturating_sub(60), (at + needle.len() + 30).min(bytes.len()));
        String::from_utf8_lossy(&bytes[start..end]).escape_debug().to_string()
    };
    bytes.windows(needle.len()).enumerate().filter(|(_, window)| *window == needle).map(|(at, _)| around(at)).collect()
}

fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(directory).expect("the directory can be read");
    let paths = entries.map(|entry| entry.expect("a directory entry").path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_leak_is_found_wherever_it_stands() {
        let plant = Plant::new();
        let home = tempfile::TempDir::new().expect("a temporary directory");
        fs::create_dir(home.path().join("deep")).expect("a directory");
        assert_eq!(plant.on_disk(home.path()), "");
        fs::write(home.path().join("deep/file"), format!("\0\0x={}\0", plant.secret("key"))).expect("a file");
        assert!(plant.on_disk(home.path()).contains("-key"));
        let tree = json!({"a": [1, {"b": plant.secret("leaf")}], "card": 4012888888881881_u64});
        assert_eq!(plant.leaves(&tree).len(), 2, "{:?}", plant.leaves(&tree));
    }
}
