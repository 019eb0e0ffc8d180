//! The server as an operator has it: a data directory, the commands of the contract, a process that is started,
//! stopped or killed.
//!
//! Each [`Bugle`] owns a temporary directory and one process, and takes both with it when it goes; before that the books
//! must balance. What the server
//! prints goes to a file beside the data directory, so that a failing test can show it and [`crate::secrets`] can
//! search it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::{Person, Rest, door, tools, wait};

/// The owner whom [`Bugle::start`] creates.
pub const OWNER: &str = "owner@example.com";
/// The owner's password.
pub const PASSWORD: &str = "correct horse battery staple";
/// The organization's slug.
pub const ORGANIZATION: &str = "shop";

/// How long the sums may take to agree when a test ends: filing tells its metrics just after its commit.
const BALANCE_WITHIN: Duration = Duration::from_secs(10);

/// One server with its data.
pub struct Bugle {
    home: TempDir,
    settings: Vec<(String, String)>,
    address: SocketAddr,
    process: Option<Child>,
}

/// What `bugle project create --json` says.
#[derive(Debug, Clone)]
pub struct Project {
    /// A decimal string.
    pub id: String,
    /// The name in addresses.
    pub slug: String,
    /// Where SDKs report.
    pub dsn: String,
    /// 32 hex digits.
    pub key: String,
}

impl Bugle {
    /// An organization with an owner on a new data directory, served.
    pub fn start() -> Bugle {
        Bugle::start_with(&[])
    }

    /// The same with further settings, `BUGLE_…` and their values.
    pub fn start_with(settings: &[(&str, &str)]) -> Bugle {
        let mut bugle = Bugle {
            home: TempDir::with_prefix("bugle-suite-").expect("a temporary directory"),
            settings: settings.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
            address: free_address(),
            process: None,
        };
        let done = bugle.command_with_input(
            &["init", "--owner", OWNER, "--password-stdin", "--org", ORGANIZATION, "--json"],
            PASSWORD,
        );
        let said: Value = serde_json::from_slice(&done.stdout).expect("`init --json` prints JSON");
        assert_eq!(said["organization"], ORGANIZATION);
        bugle.serve();
        bugle
    }

    /// Starts the process again and waits until it is ready. The address stays.
    pub fn serve(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        let log = File::options().create(true).append(true).open(self.log()).expect("the log can be opened");
        let child = self
            .program()
            .arg("serve")
            .arg("--data")
            .arg(self.data())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("the server starts");
        self.process = Some(child);
        let address = self.address;
        wait::until_ok("the server to be ready", || {
            if let Some(status) = self.process.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
                panic!("the server ended with {status}:\n{}", self.log_text());
            }
            let answer = door::get(address, "/readyz").map_err(|error| error.to_string())?;
            if answer.status == 200 { Ok(()) } else { Err(answer.text()) }
        });
    }

    /// SIGTERM: it must end with 0 within 10 s.
    pub fn stop(&mut self) {
        let start = std::time::Instant::now();
        let status = self.end(Signal::TERM);
        assert!(status.success(), "SIGTERM ended it with {status}:\n{}", self.log_text());
        assert!(start.elapsed().as_secs() < 10, "SIGTERM took {:?}", start.elapsed());
    }

    /// SIGKILL, now.
    pub fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    fn end(&mut self, signal: Signal) -> ExitStatus {
        let mut child = self.process.take().expect("it runs");
        let pid = Pid::from_child(&child);
        kill_process(pid, signal).expect("the process can be signalled");
        wait::until("the server to end", || child.try_wait().expect("its state can be asked"))
    }

    /// Runs a command beside the server, or without one, and expects it to succeed.
    pub fn command(&self, arguments: &[&str]) -> Output {
        self.command_with_input(arguments, "")
    }

    /// The same with something on standard input.
    pub fn command_with_input(&self, arguments: &[&str], input: &str) -> Output {
        let output = self.try_command(arguments, input);
        assert!(
            output.status.success(),
            "`bugle {}` ended with {}:\n{}\n{}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    /// Runs a command that may fail.
    pub fn try_command(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .program()
            .args(arguments)
            .arg("--data")
            .arg(self.data())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        // A command that refuses before it reads closes the pipe; what it says matters, not this write.
        let _ = child.stdin.take().expect("it was piped").write_all(input.as_bytes());
        child.wait_with_output().expect("the command ends")
    }

    /// `bugle check`: everything on disk agrees with everything else.
    pub fn check(&self) {
        self.command(&["check"]);
    }

    /// `bugle project create`.
    pub fn project(&self, name: &str) -> Project {
        let said = self.json(&["project", "create", name, "--json"]);
        let text = |key: &str| said[key].as_str().unwrap_or_else(|| panic!("no `{key}` in {said}")).to_string();
        Project { id: text("id"), slug: text("slug"), dsn: text("dsn"), key: text("key") }
    }

    /// A script with a token of its own.
    pub fn rest(&self) -> Rest {
        let said = self.json(&["token", "create", "suite", "--json"]);
        let token = said["token"].as_str().unwrap_or_else(|| panic!("no token in {said}"));
        assert!(token.starts_with("sntryu_"), "{token}");
        Rest::new(&self.url(""), token)
    }

    /// The owner, signed in through the form.
    pub fn owner(&self) -> Person {
        let mut person = Person::new(&self.url(""));
        person.sign_in(OWNER, PASSWORD);
        person
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command(arguments);
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error} in {}", String::from_utf8_lossy(&output.stdout)))
    }

    fn program(&self) -> Command {
        let mut command = Command::new(tools::bugle_binary());
        command.env("BUGLE_LISTEN", self.address.to_string()).current_dir(self.home.path());
        command.envs(self.settings.iter().map(|(k, v)| (k, v)));
        command
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// An absolute address of a path on it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// The directory that holds the data directory and the log.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The most memory that the process has had resident so far, in bytes (`VmHWM`).
    pub fn peak_resident_bytes(&self) -> u64 {
        let pid = self.process.as_ref().expect("it runs").id();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("Linux tells about a process");
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("the line is there");
        let kib: u64 = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number of kB");
        kib * 1024
    }

    /// One metric: the sum over all its label sets that contain `labels`.
    pub fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let text = door::get(self.address, "/metrics").expect("the server answers").text();
        text.lines()
            .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])))
            .filter(|line| labels.iter().all(|label| line.contains(label)))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// Waits until everything acknowledged is filed, and checks the ledger: received = stored + discarded + backlog.
    pub fn settle(&self) {
        wait::until("an empty backlog", || (self.metric("bugle_journal_backlog", &[]) == 0.0).then_some(()));
        wait::until_ok("the sums to agree", || self.balance());
    }

    /// Whether the books balance now: in all, and per category once nothing waits to be filed.
    fn balance(&self) -> Result<(), String> {
        let text = door::get(self.address, "/metrics").map_err(|error| error.to_string())?.text();
        let mut sums: BTreeMap<String, [f64; 2]> = BTreeMap::new();
        let mut backlog = 0.0;
        for line in text.lines() {
            let Some((name, value)) = line.rsplit_once(' ').and_then(|(name, n)| Some((name, n.parse::<f64>().ok()?)))
            else {
                continue;
            };
            let side = match name.split('{').next() {
                Some("bugle_items_received_total") => 0,
                Some("bugle_items_stored_total" | "bugle_items_discarded_total") => 1,
                Some("bugle_journal_backlog") => {
                    backlog = value;
                    continue;
                }
                _ => continue,
            };
            let category = name.split("category=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
            sums.entry(category.to_string()).or_default()[side] += value;
        }
        let [received, settled] = sums.values().fold([0.0, 0.0], |sum, one| [sum[0] + one[0], sum[1] + one[1]]);
        let agrees = received == settled + backlog && (backlog > 0.0 || sums.values().all(|[a, b]| a == b));
        if agrees { Ok(()) } else { Err(format!("backlog {backlog}, received and settled by category {sums:?}")) }
    }

    fn log(&self) -> PathBuf {
        self.home.path().join("log")
    }

    /// What the server has printed so far.
    pub fn log_text(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }
}

impl Drop for Bugle {
    fn drop(&mut self) {
        // A test that ends with books that do not balance has failed.
        let is_running = self.process.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)));
        let books = match is_running && !std::thread::panicking() {
            true => wait::within(BALANCE_WITHIN, || self.balance()),
            false => Ok(()),
        };
        if let Some(mut child) = self.process.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() || books.is_err() {
            eprintln!("--- what the server printed ---\n{}", self.log_text());
        }
        if let Err(why) = books {
            panic!("the test ended with books that do not balance: {why}");
        }
    }
}

/// An address on loopback that nobody listens on. Another process may take it before the caller does; the start
/// then fails and says so.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}
