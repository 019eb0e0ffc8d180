//! `cargo xtask sdks [--all] [FILTER…]`: the SDK matrix, one program per SDK against the release binary; the table of
//! `docs/sdks.md`.
//!
//! Without `--all` it is the short form, one program per language, which is part of `cargo xtask test`. The programs
//! lie in `suite/matrix`, the harness that runs them in `suite/src/matrix`; this prepares the tools, builds and starts
//! it. A whole run with `--all` writes the table, so that it says what has been seen and nothing else.

use anyhow::Result;

use crate::prepare::{self, Tool};
use crate::step::{cargo, release_binary, root, run, step};

const SHORT_TOOLS: [Tool; 3] = [
    Tool { probe: &["go", "version"], package: "golang-go" },
    Tool { probe: &["javac", "--version"], package: "default-jdk-headless" },
    Tool { probe: &["mvn", "--version"], package: "maven" },
];

/// The clients that a distribution packages come with it.
const ALL_TOOLS: [Tool; 3] = [
    Tool { probe: &["ruby", "-e", "require 'rack'"], package: "ruby-rack" },
    Tool { probe: &["ruby", "-e", "require 'raven/base'"], package: "ruby-sentry-raven" },
    Tool { probe: &["ruby", "-e", "require 'sentry-ruby'"], package: "ruby-sentry-ruby" },
];

/// The command, with everything that it needs.
pub fn command(words: impl Iterator<Item = String>) -> Result<()> {
    let words: Vec<String> = words.collect();
    prepare::all()?;
    let build = ["build", "--release", "-p", "bugle", "-p", "suite-shop"];
    step("release build", || run(&mut cargo(&build)))?;
    matrix(&words)
}

/// The matrix alone, when the rest is prepared and built.
pub fn matrix(words: &[String]) -> Result<()> {
    let is_all = words.iter().any(|word| word == "--all");
    step("tools of the SDK matrix", || {
        prepare::tools(&SHORT_TOOLS)?;
        if is_all { prepare::tools(&ALL_TOOLS) } else { Ok(()) }
    })?;
    step("SDK matrix", || {
        let mut command = cargo(&["run", "--release", "-p", "suite", "--bin", "sdks", "--"]);
        command.args(words);
        if words == ["--all"] {
            command.arg("--write").arg(root().join("docs/sdks.md"));
        }
        command.env("BUGLE_BIN", release_binary("bugle")).env("SUITE_SHOP_BIN", release_binary("suite-shop"));
        run(&mut command)
    })
}
