//! What the tests need beside cargo: a PostgreSQL server, a browser, Python and Node packages, the browser SDK as one file.
//!
//! Whatever is missing is installed, and what cannot be installed is named; nothing is ever skipped. Everything
//! that is not a system package goes to `.suite/` and `suite/apps/node_modules/`, which git ignores. A stamp beside
//! each says what it was made from, so that a second run takes a second.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::step::{root, run, step};

/// The oldest Node on which the current SDK runs.
const NODE_MIN: (u32, u32) = (20, 19);
/// The oldest Python with exception groups, which the app raises.
const PYTHON_MIN: (u32, u32) = (3, 11);

/// A program of the system and the Debian package that has it.
pub struct Tool {
    /// What must run successfully.
    pub probe: &'static [&'static str],
    /// What is installed if it does not.
    pub package: &'static str,
}

const TOOLS: [Tool; 7] = [
    Tool { probe: &["python3", "--version"], package: "python3" },
    Tool { probe: &["python3", "-c", "import venv, ensurepip"], package: "python3-venv" },
    Tool { probe: &["node", "--version"], package: "nodejs" },
    Tool { probe: &["npm", "--version"], package: "npm" },
    Tool { probe: &["chromium", "--version"], package: "chromium" },
    Tool { probe: &["chromedriver", "--version"], package: "chromium-driver" },
    Tool { probe: &["sh", "-c", "ls /usr/lib/postgresql/*/bin/initdb || initdb --version"], package: "postgresql-15" },
];

/// Makes everything ready.
pub fn all() -> Result<()> {
    step("system packages", system_packages)?;
    step("Python packages", python_packages)?;
    step("npm packages", npm_packages)?;
    step("browser SDK in one file", browser_sdk)
}

fn system_packages() -> Result<()> {
    tools(&TOOLS)?;
    require_version(&["node", "--version"], NODE_MIN)?;
    require_version(&["python3", "--version"], PYTHON_MIN)
}

/// Installs those of these programs that are missing.
pub fn tools(tools: &[Tool]) -> Result<()> {
    let missing = missing_packages(tools);
    if !missing.is_empty() {
        install(&missing)?;
        let still = missing_packages(tools);
        ensure!(still.is_empty(), "installed, and yet these do not work: {}", still.join(" "));
    }
    Ok(())
}

fn missing_packages(tools: &[Tool]) -> Vec<&'static str> {
    tools.iter().filter(|tool| output(tool.probe).is_none()).map(|tool| tool.package).collect()
}

fn install(packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    let is_root = output(&["id", "-u"]).is_some_and(|id| id.trim() == "0");
    if !is_root || output(&["apt-get", "--version"]).is_none() {
        bail!("missing: {names}. On Debian or Ubuntu: sudo apt-get install {names}");
    }
    let apt = |arguments: &[&str]| {
        run(Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").arg("-qq").args(arguments))
    };
    apt(&["update"])?;
    apt(&[&["install", "-y", "--no-install-recommends"], packages].concat())
}

/// Checks the first two numbers in what a program says about itself.
fn require_version(probe: &[&str], (major, minor): (u32, u32)) -> Result<()> {
    let said = output(probe).with_context(|| format!("{probe:?} says nothing"))?;
    let mut numbers = said.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse::<u32>().ok());
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    ensure!(found >= (major, minor), "{} must be {major}.{minor} or newer, this is {}", probe[0], said.trim());
    Ok(())
}

/// What a program prints, if it runs and succeeds.
fn output(words: &[&str]) -> Option<String> {
    let output = Command::new(words[0]).args(&words[1..]).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn python_packages() -> Result<()> {
    let requirements = root().join("suite/apps/python/requirements.txt");
    let (venv, stamp) = (prepared().join("venv"), prepared().join("venv.stamp"));
    let python = venv.join("bin/python");
    unless_stamped(&stamp, &[&requirements], &python, || {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
        run(Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(&requirements))
    })
}

fn npm_packages() -> Result<()> {
    let apps = root().join("suite/apps");
    let (manifest, lock) = (apps.join("package.json"), apps.join("package-lock.json"));
    let installed = apps.join("node_modules/@sentry/node/package.json");
    unless_stamped(&prepared().join("npm.stamp"), &[&manifest, &lock], &installed, || {
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&apps))
    })
}

fn browser_sdk() -> Result<()> {
    let apps = root().join("suite/apps");
    let bundle = format!("--outfile={}", prepared().join("browser/sdk.js").display());
    run(Command::new(apps.join("node_modules/.bin/esbuild"))
        .args(["browser/sdk.js", "--bundle", "--format=iife", "--minify", "--log-level=warning", &bundle])
        .current_dir(&apps))
}

/// Does the work unless it was done before from the same sources and its result is still there.
fn unless_stamped(stamp: &Path, sources: &[&Path], result: &Path, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let mut wanted = Vec::new();
    for source in sources {
        wanted.extend(fs::read(source).with_context(|| source.display().to_string())?);
    }
    if result.exists() && fs::read(stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    fs::create_dir_all(prepared())?;
    work()?;
    ensure!(result.exists(), "{} is not there after all", result.display());
    Ok(fs::write(stamp, wanted)?)
}

fn prepared() -> PathBuf {
    root().join(".suite")
}
