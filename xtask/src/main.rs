//! Commands of the repository, as `cargo xtask NAME`. The contract of each is in its module.

use anyhow::{Result, bail};

mod bench;
mod capture;
mod client;
mod crash;
mod fuzz;
mod machine;
mod metrics;
mod prepare;
mod random;
mod samples;
mod sdks;
mod server;
mod step;
mod template;
mod test;
mod visitor;

const COMMANDS: &str = "`cargo xtask test`, `cargo xtask suite [FILTER…]`, `cargo xtask sdks [--all] [FILTER…]`, \
     `cargo xtask bench`, `cargo xtask crash`, `cargo xtask samples DIR`, `cargo xtask fuzz`";

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    match words.next().as_deref() {
        Some("test") => test::everything(),
        Some("suite") => test::suite(words),
        Some("sdks") => sdks::command(words),
        Some("bench") => bench::run(words),
        Some("crash") => crash::run(words),
        Some("samples") => samples::run(words),
        Some("fuzz") => fuzz::fuzz(words),
        other => bail!("no command {:?}: {COMMANDS}", other.unwrap_or_default()),
    }
}
