//! A manifest: what one program of the matrix is, how it is run, and what its SDK cannot do.
//!
//! One TOML file per program, beside the program. In its texts `{folder}` is where it lies, `{prepared}` where
//! preparation has put things for this folder, `{suite}` what the suite's own preparation has installed (`.suite`),
//! `{apps}` the folder of the suite's apps and `{bin}` where cargo has put the suite's programs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Feature;
use crate::tools;

/// One program.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The name of its row.
    pub name: String,
    /// Where its row stands.
    pub order: u32,
    /// Whether it is in the short form: one program per language.
    #[serde(default)]
    pub short: bool,
    /// The program and its first arguments; the story is the last one. Either this or `page`.
    #[serde(default)]
    pub run: Vec<String>,
    /// The page that Chromium visits.
    pub page: Option<Page>,
    /// Environment variables beside those that every program has.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The exit code of its death, where the story `unhandled` is its death.
    #[serde(default)]
    pub unhandled_exit: i32,
    /// Whether the SDK marks an error that nobody caught. The oldest clients know no such mark.
    #[serde(default = "yes")]
    pub says_unhandled: bool,
    /// Whether it drops what is too large by itself and tells nobody but its log.
    #[serde(default)]
    pub drops_oversize: bool,
    /// Words that its debug log always has: proof that it is on.
    pub speaks: String,
    /// Words in its output that are a complaint of the SDK.
    pub complaints: Vec<String>,
    /// What it cannot do, and why.
    #[serde(default)]
    pub cannot: BTreeMap<Feature, String>,
    /// The folder that it lies in.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// What is served to Chromium.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// The SDK as one file.
    pub sdk: String,
    /// The program.
    pub script: String,
    /// How it sends, in the script's own words.
    #[serde(default)]
    pub way: String,
}

fn yes() -> bool {
    true
}

impl Manifest {
    /// A text with its places filled in.
    pub fn fill(&self, text: &str) -> String {
        let bin = tools::rust_shop_binary();
        let bin = bin.parent().map(Path::to_path_buf).unwrap_or_default();
        let places = [
            ("{folder}", self.folder.clone()),
            ("{prepared}", self.prepared()),
            ("{suite}", tools::prepared()),
            ("{apps}", tools::apps()),
            ("{bin}", bin),
        ];
        places.iter().fold(text.to_string(), |text, (name, path)| text.replace(name, &path.display().to_string()))
    }

    /// Where preparation puts what this folder needs.
    pub fn prepared(&self) -> PathBuf {
        let name = self.folder.file_name().expect("a folder has a name");
        tools::prepared().join("matrix").join(name)
    }
}

/// The programs, in order: the short form or all, and of these the ones whose name or folder has one of the filters.
pub fn load(is_all: bool, filters: &[String]) -> Vec<Manifest> {
    let mut manifests = Vec::new();
    for folder in entries(&folder()) {
        for path in entries(&folder).into_iter().filter(|path| path.extension().is_some_and(|end| end == "toml")) {
            // Cargo's own is the only other file of that kind that a folder may hold.
            if path.file_name().is_some_and(|name| name != "Cargo.toml") {
                manifests.push(read(&path, &folder));
            }
        }
    }
    let wanted = |manifest: &Manifest| {
        let name = format!("{} {}", manifest.folder.display(), manifest.name).to_lowercase();
        (is_all || manifest.short)
            && (filters.is_empty() || filters.iter().any(|filter| name.contains(&filter.to_lowercase())))
    };
    manifests.retain(wanted);
    manifests.sort_by_key(|manifest| manifest.order);
    manifests
}

fn read(path: &Path, folder: &Path) -> Manifest {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut manifest: Manifest = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(manifest.run.is_empty() == manifest.page.is_some(), "{}: either `run` or `page`", path.display());
    manifest.folder = folder.to_path_buf();
    manifest
}

/// Where the programs lie.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("matrix")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(found) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = found.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}
