//! The server under test: the release binary, on a directory of its own, used as an operator would.

use crate::client::Connection;
use crate::machine;
use crate::metrics::Metrics;
use crate::step::cargo;
use anyhow::{Context, Result, bail, ensure};
use bugle_db::Value;
use bugle_db::trial::Session;
use bugle_event::json;
use std::fs::File;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The owner's address.
pub const OWNER: &str = "owner@example.com";
/// The owner's password.
pub const PASSWORD: &str = "no secret, made for a test";

const START_SECONDS_MAX: u64 = 60;
const STOP_SECONDS_MAX: u64 = 30;
const POLL: Duration = Duration::from_millis(20);
/// A start is measured, so it is watched closely.
const START_POLL: Duration = Duration::from_millis(2);

/// Builds what is published and says where it lies.
pub fn build() -> Result<PathBuf> {
    let built = cargo(&["build", "--release", "--package", "bugle"]).status()?;
    ensure!(built.success(), "cargo build --release failed");
    Ok(crate::step::release_binary("bugle"))
}

/// The binary and the directory that it serves.
#[derive(Debug, Clone)]
pub struct Place {
    /// The binary.
    pub binary: PathBuf,
    /// Where the server's data and its log lie.
    pub dir: PathBuf,
    /// The address of its database, when that is not the embedded one.
    pub database: Option<String>,
}

/// A project and its key.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its id, in digits.
    pub id: String,
    /// Its key.
    pub key: String,
}

/// How a server is started.
#[derive(Debug, Clone, Default)]
pub struct Launch {
    /// Settings, as environment variables.
    pub settings: Vec<(&'static str, String)>,
    /// A program and its first arguments that run the server in their place, such as `strace`.
    pub under: Vec<String>,
}

impl Place {
    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// What the servers have printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.dir.join("server.log")
    }

    /// Makes the owner and the organization `bench`.
    pub fn init(&self) -> Result<()> {
        let owner = ["init", "--owner", OWNER, "--password-stdin", "--org", "bench"];
        self.call(&owner, &format!("{PASSWORD}\n")).map(drop)
    }

    /// Makes a project.
    pub fn project(&self, name: &str) -> Result<Project> {
        let project = self.call(&["project", "create", name, "--json"], "")?;
        let project = json::read(&project, &mut Vec::new());
        let field = |name: &str| {
            let value = project.object().and_then(|project| project.text(name));
            value.map(str::to_owned).with_context(|| format!("project create printed no {name}"))
        };
        Ok(Project { id: field("id")?, key: field("key")? })
    }

    /// Makes a token of the owner's that may read everything.
    pub fn token(&self) -> Result<String> {
        let token = self.call(&["token", "create", "xtask", "--json"], "")?;
        let token = json::read(&token, &mut Vec::new());
        let token = token.object().and_then(|token| token.text("token")).map(str::to_owned);
        token.context("token create printed no token")
    }

    /// Starts a server, without waiting for it.
    pub fn serve(&self, launch: &Launch) -> Result<Server> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = File::options().create(true).append(true).open(self.log_path())?;
        let mut words = launch.under.iter().map(PathBuf::from).chain([self.binary.clone()]);
        let mut command = clean(&words.next().context("a program")?);
        command.args(words).args(["serve", "--listen", &address.to_string(), "--data"]).arg(self.data());
        command.envs(self.database.iter().map(|url| ("BUGLE_DATABASE", url)));
        command.envs(launch.settings.iter().map(|(name, value)| (*name, value)));
        let child = command.stdout(log.try_clone()?).stderr(log).spawn().context("starting the server")?;
        Ok(Server { child, place: self.clone(), address })
    }

    /// `bugle check`: what it prints, or an error with that.
    pub fn check(&self) -> Result<String> {
        self.call(&["check"], "")
    }

    /// What the data takes on the disk: path within its directory, bytes. The largest first.
    pub fn disk_bytes(&self) -> Result<Vec<(String, u64)>> {
        let data = self.data();
        let name = |path: &Path| path.strip_prefix(&data).unwrap_or(path).to_string_lossy().into_owned();
        let mut files: Vec<(String, u64)> =
            machine::disk_bytes(&data)?.into_iter().map(|(path, bytes)| (name(&path), bytes)).collect();
        if let Some(url) = &self.database {
            let rows = Session::open(url)?.rows("SELECT pg_database_size(current_database())")?;
            if let Some(Value::Int(bytes)) = rows.first().and_then(|row| row.first()) {
                files.insert(0, ("PostgreSQL".into(), u64::try_from(*bytes)?));
            }
        }
        Ok(files)
    }

    /// Runs a subcommand to its end. What it printed.
    fn call(&self, arguments: &[&str], input: &str) -> Result<String> {
        let mut child = clean(&self.binary)
            .args(arguments)
            .envs(self.database.iter().map(|url| ("BUGLE_DATABASE", url)))
            .arg("--data")
            .arg(self.data())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", self.binary.display()))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that reads no input may have closed it already.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output()?;
        let (printed, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "bugle {} ended with {}: {printed}{errors}", arguments[0], output.status);
        Ok(printed.into_owned())
    }
}

/// A running server.
pub struct Server {
    child: Child,
    /// What it serves.
    pub place: Place,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Its process id.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it takes connections, which it does when it is ready.
    pub fn await_start(&mut self) -> Result<()> {
        let asked = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status}:\n{}", self.place.log());
            }
            let log = self.place.log_path();
            ensure!(asked.elapsed().as_secs() < START_SECONDS_MAX, "the server does not start, see {}", log.display());
            std::thread::sleep(START_POLL);
        }
        Ok(())
    }

    /// Its metrics.
    pub fn metrics(&self) -> Result<Metrics> {
        Metrics::of(&mut Connection::open(self.address)?, self.address)
    }

    /// Waits until everything accepted is filed. The metrics of that moment.
    pub fn drained(&self) -> Result<Metrics> {
        const STANDSTILL_SECONDS_MAX: u64 = 60;
        let mut connection = Connection::open(self.address)?;
        let (mut least, mut since) = (f64::INFINITY, Instant::now());
        loop {
            let metrics = Metrics::of(&mut connection, self.address)?;
            let backlog = metrics.required("bugle_journal_backlog")?;
            if backlog == 0.0 {
                return Ok(metrics);
            }
            if backlog < least {
                (least, since) = (backlog, Instant::now());
            }
            ensure!(since.elapsed().as_secs() < STANDSTILL_SECONDS_MAX, "the backlog stays at {backlog} items");
            std::thread::sleep(POLL);
        }
    }

    /// Asks it to stop and waits until it has. Errors when it does not, or not with success. How long it took.
    pub fn stop(&mut self) -> Result<Duration> {
        self.ask_to_stop()?;
        let asked = Instant::now();
        let status = self.ended(Duration::from_secs(STOP_SECONDS_MAX))?;
        ensure!(status.success(), "the server stopped with {status}");
        Ok(asked.elapsed())
    }

    /// Asks it to stop, by SIGTERM.
    pub fn ask_to_stop(&self) -> Result<()> {
        let process = self.process().to_string();
        ensure!(Command::new("kill").args(["-TERM", &process]).status()?.success(), "kill -TERM {process} failed");
        Ok(())
    }

    /// Waits until it has ended by itself, or was asked to.
    pub fn ended(&mut self, patience: Duration) -> Result<ExitStatus> {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(since.elapsed() < patience, "the server does not end within {} s", patience.as_secs());
            std::thread::sleep(POLL);
        }
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Kills it at once, by SIGKILL.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    /// Nothing of a failed run stays behind.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A program with the settings that it is given and no others.
fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BUGLE_")) {
        command.env_remove(name);
    }
    command
}
