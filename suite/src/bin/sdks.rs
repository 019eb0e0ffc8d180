//! `sdks [--all] [--write FILE] [FILTER…]`: the SDK matrix, run by `cargo xtask sdks`, which prepares what it needs.
//!
//! Prints each row when it is known and the whole table at the end. Fails if a cell is not met. With `--write` the file
//! gets the table in the place of the one that it has.

use std::path::Path;
use std::process::ExitCode;

use suite::matrix::{manifest, prepare, run, table};

fn main() -> ExitCode {
    match matrix(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn matrix(mut words: Vec<String>) -> Result<(), String> {
    let is_all = take(&mut words, "--all").is_some();
    let write = take(&mut words, "--write").map(|at| words.remove(at));
    let manifests = manifest::load(is_all, &words);
    if manifests.is_empty() {
        return Err(format!("no program is named {words:?}; the short form has one per language, --all has all"));
    }
    prepare::all(&manifests)?;
    let rows = run(&manifests);
    let markdown = table::markdown(&rows);
    println!("\n{markdown}");
    if let Some(path) = write {
        replace_table(Path::new(&path), &markdown)?;
    }
    match rows.iter().map(|row| table::unmet(row).count()).sum::<usize>() {
        0 => Ok(()),
        cells => Err(format!("{cells} cells are not met")),
    }
}

/// Removes a flag; where it stood.
fn take(words: &mut Vec<String>, flag: &str) -> Option<usize> {
    let at = words.iter().position(|word| word == flag)?;
    words.remove(at);
    Some(at)
}

/// What stands after this line is the table's.
const MARK: &str = "<!-- what follows is written by `cargo xtask sdks --all` -->";

fn replace_table(path: &Path, markdown: &str) -> Result<(), String> {
    let named = |error: std::io::Error| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(named)?;
    let (before, _) = text.split_once(MARK).ok_or_else(|| format!("{} has no line {MARK:?}", path.display()))?;
    std::fs::write(path, format!("{before}{MARK}\n\n{markdown}")).map_err(named)
}
