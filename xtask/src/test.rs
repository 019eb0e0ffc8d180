//! `cargo xtask test`: prepares whatever the whole suite needs and runs all of it. It fails, naming what is
//! missing, rather than skip.
//!
//! In the order in which a mistake is cheapest to hear of: format, what must be installed, lints, the Rust tests,
//! crashes (the short form), the end-to-end suite, the SDK matrix (the short form). There is one release build of the
//! server; everything that needs a server starts that binary.

use anyhow::Result;

use crate::step::{cargo, release_binary, run, step};
use crate::{crash, prepare, sdks};

/// All of it: what `.ci/run` calls.
pub fn everything() -> Result<()> {
    step("format", || run(&mut cargo(&["fmt", "--all", "--check"])))?;
    prepare::all()?;
    step("lints", || run(&mut cargo(&["clippy", "--release", "--workspace", "--", "-D", "warnings"])))?;
    build()?;
    step("Rust tests", || run(&mut cargo(&["test", "--release"])))?;
    step("crashes", || crash::run(["--short".to_owned()].into_iter()))?;
    end_to_end(&[])?;
    sdks::matrix(&[])
}

/// The end-to-end suite alone, or those of its tests that match: `cargo xtask suite flask`.
pub fn suite(filters: impl Iterator<Item = String>) -> Result<()> {
    prepare::all()?;
    build()?;
    end_to_end(&filters.collect::<Vec<_>>())
}

fn build() -> Result<()> {
    step("release build", || run(&mut cargo(&["build", "--release", "-p", "bugle", "-p", "suite-shop"])))
}

fn end_to_end(filters: &[String]) -> Result<()> {
    step("end-to-end suite", || {
        let mut command = cargo(&["test", "--release", "-p", "suite", "--"]);
        command.args(filters);
        command.env("BUGLE_BIN", release_binary("bugle")).env("SUITE_SHOP_BIN", release_binary("suite-shop"));
        run(&mut command)
    })
}
