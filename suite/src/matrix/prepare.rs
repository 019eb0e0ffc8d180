//! What a folder of the matrix needs installed and built, told by the files in it.
//!
//! | file | what is done |
//! |---|---|
//! | `requirements.txt` | a virtual environment with these packages |
//! | `package.json` | `npm ci`, or `npm install` without a lock file, and the script `build` if there is one |
//! | `go.mod` | `go build` of every program |
//! | `pom.xml` | `mvn package`; the build directory is the property `matrix.out` |
//!
//! Next has no lock file: npm refuses one that lacks the optional parts for other systems, and not every registry has
//! them all.
//!
//! A stamp beside the result says what it was made from, so a second run takes no time. Nothing that is installed
//! lies among the sources, but `node_modules` and what Next builds, where Node wants them; git ignores both.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::manifest::Manifest;

/// Prepares the folders of these programs, each once. The error names what could not be done.
pub fn all(manifests: &[Manifest]) -> Result<(), String> {
    let mut done: Vec<&Path> = Vec::new();
    for manifest in manifests {
        if !done.contains(&manifest.folder.as_path()) {
            done.push(&manifest.folder);
            folder(manifest)?;
        }
    }
    Ok(())
}

fn folder(manifest: &Manifest) -> Result<(), String> {
    let (folder, out) = (&manifest.folder, manifest.prepared());
    let has = |name: &str| folder.join(name).exists();
    let steps: &[Vec<String>] = &if has("requirements.txt") {
        let python = out.join("bin/python").display().to_string();
        let install = words(&[&python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        vec![
            [words(&["python3", "-m", "venv", "--clear"]), vec![out.display().to_string()]].concat(),
            [install, words(&["-r", "requirements.txt"])].concat(),
        ]
    } else if has("package.json") {
        let install: &[&str] =
            if has("package-lock.json") { &["npm", "ci"] } else { &["npm", "install", "--no-package-lock"] };
        let quiet = words(&["--no-audit", "--no-fund"]);
        vec![[words(install), quiet].concat(), words(&["npm", "run", "--if-present", "build"])]
    } else if has("go.mod") {
        let target = format!("{}/", out.display());
        vec![words(&["go", "build", "-o", &target, "./..."])]
    } else if has("pom.xml") {
        let target = format!("-Dmatrix.out={}", out.display());
        vec![words(&["mvn", "--quiet", "--batch-mode", &target, "package"])]
    } else {
        return Ok(());
    };
    unless_stamped(folder, &out, || steps.iter().try_for_each(|step| run(step, folder)))
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_string()).collect()
}

fn run(words: &[String], folder: &Path) -> Result<(), String> {
    println!("   {} in {}", words.join(" "), folder.file_name().unwrap_or_default().display());
    let status = Command::new(&words[0]).args(&words[1..]).current_dir(folder).stdin(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{words:?} ended with {status}")),
        Err(error) => Err(format!("{} could not be started: {error}", words[0])),
    }
}

/// Does the work unless it was done from the same sources and its result is still there.
fn unless_stamped(folder: &Path, out: &Path, work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let stamp = out.with_extension("stamp");
    let mut wanted = Vec::new();
    let packages = folder.join("requirements.txt");
    for source in if packages.exists() { vec![packages] } else { sources(folder) } {
        wanted.extend(source.display().to_string().into_bytes());
        wanted.extend(fs::read(&source).map_err(|error| format!("{}: {error}", source.display()))?);
    }
    let is_there = out.exists() || folder.join("node_modules").exists();
    if is_there && fs::read(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
    work()?;
    fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))
}

/// Every file of a folder that preparation reads: all but manifests and what preparation itself has made.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let Ok(found) = fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for path in found.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !["node_modules", ".next", "__pycache__"].contains(&name.as_str()) {
            files.extend(sources(&path));
        } else if path.is_file() && !name.ends_with(".toml") {
            files.push(path);
        }
    }
    files.sort();
    files
}
