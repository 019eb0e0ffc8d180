//! The command line: what operators and scripts rely on (README, "Commands").
//!
//! Commands open the data directory themselves, write in one short transaction and say so in the database, so they
//! work before a server has started and beside one that runs; the server notices within a second. Settings come from
//! the config file, the environment and the flags, in rising order, for every command alike, because what `project
//! create` prints depends on the public address.
//!
//! Exit codes: 0 done; 1 refused or failed, with a sentence on stderr; 2 a command line that cannot be read.

mod account;
mod connect;

pub use connect::Connection;

use crate::config::{Config, Overrides};
use crate::store::Store;
use crate::{check, serve};
use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// An exception tracker that you run yourself.
///
/// Without a command, `bugle` serves: `bugle serve`. On an empty data directory it creates what it needs and prints a
/// one-time link to become the owner.
#[derive(Debug, Parser)]
#[command(name = "bugle", version, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Where everything is; the same for every command.
#[derive(Debug, Args)]
struct Place {
    /// The directory in which everything lies.
    #[arg(long, global = true, value_name = "DIR", env = "BUGLE_DATA", default_value = "./bugle-data")]
    data: PathBuf,
    /// A config file other than DIR/bugle.toml.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The address to listen on [env: BUGLE_LISTEN] [default: 127.0.0.1:8000].
    #[arg(long, global = true, value_name = "ADDR")]
    listen: Option<String>,
    /// The address that people and SDKs use, such as https://bugle.example.org [env: BUGLE_PUBLIC_URL] [default:
    /// http:// and the address to listen on].
    #[arg(long, global = true, value_name = "URL")]
    public_url: Option<String>,
    /// Print one JSON object for scripts.
    #[arg(long, global = true)]
    json: bool,
    /// A PostgreSQL database in the place of the embedded one, such as postgres://bugle:password@db.example.org/bugle
    /// [env: BUGLE_DATABASE]. The journal and the key stay in DIR.
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything in one process: intake, pages, API, alerts.
    Serve,
    /// Make the owner and the organization, instead of by the setup link.
    Init(account::Init),
    /// Projects.
    #[command(subcommand)]
    Project(ProjectCommand),
    /// API tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// People.
    #[command(subcommand)]
    User(UserCommand),
    /// Read everything and verify it: counters against rows, payloads, journal, references.
    ///
    /// Changes nothing and works beside a running server. Ends with 0 only when all agrees.
    Check,
}

#[derive(Debug, Subcommand)]
enum ProjectCommand {
    /// Make a project with one key and print how to send to it.
    Create(connect::Create),
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make an API token and print it. It is shown this once.
    Create(account::CreateToken),
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Give somebody another password and sign them out everywhere.
    Password(account::Password),
}

/// Reads the command line, does what it says, and tells how it went.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match execute(cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bugle: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn execute(cli: Cli) -> anyhow::Result<bool> {
    let place = cli.place;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve_until_stopped(place.config()?),
        Command::Init(init) => init.run(&place.store()?, place.json),
        Command::Project(ProjectCommand::Create(create)) => {
            create.run(&place.store()?, &place.config()?.public_url, place.json)
        }
        Command::Token(TokenCommand::Create(create)) => create.run(&place.store()?, place.json),
        Command::User(UserCommand::Password(password)) => password.run(&place.store()?, place.json),
        Command::Check => check::run(&place.config()?, place.json),
    }
}

impl Place {
    fn config(&self) -> anyhow::Result<Config> {
        let environment = Overrides::from_environment(|name| std::env::var(name).ok())?;
        let flags = Overrides {
            database: self.database.clone(),
            listen: self.listen.clone(),
            public_url: self.public_url.clone(),
            ..Overrides::default()
        };
        Config::resolve(self.data.clone(), self.config.as_deref(), environment, flags)
    }

    fn store(&self) -> anyhow::Result<Store> {
        match self.config()?.database {
            Some(url) => Store::connect(&url),
            None => open(&self.data),
        }
    }
}

/// Logs go to stderr: `BUGLE_LOG` says how much (`info`, `bugle=debug`), `BUGLE_LOG_FORMAT=json` as one JSON object each.
fn serve_until_stopped(config: Config) -> anyhow::Result<bool> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("BUGLE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    // The log may lie on the disk that is full: a line that cannot be written must not end a thread by a panic.
    let logs =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    match std::env::var("BUGLE_LOG_FORMAT").as_deref() {
        Ok("json") => logs.json().init(),
        _ => logs.init(),
    }
    let runtime = tokio::runtime::Runtime::new().context("The runtime could not be started")?;
    let result = runtime.block_on(serve::run(config));
    // A thread that still waits for a database that is away must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
    result.map(|()| true)
}

/// Opens the embedded database of a directory, making both as `serve` would: readable by their owner only.
fn open(data: &Path) -> anyhow::Result<Store> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .with_context(|| format!("The directory {} cannot be made", data.display()))?;
    Store::open(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_as_promised() {
        Cli::command().debug_assert();
        for line in [
            "bugle",
            "bugle --data d",
            "bugle serve --data d --listen 127.0.0.1:1 --public-url https://b.example",
            "bugle init --data d --owner a@b.example --password-stdin --org acme --json",
            "bugle project create Shop --data d --json",
            "bugle --json project create Shop --platform python",
            "bugle token create ci --data d --scope org:read --scope event:read",
            "bugle user password a@b.example --data d",
            "bugle check --data d --json",
            "bugle check --data d --database postgres://d.example/b",
        ] {
            let cli = Cli::try_parse_from(line.split_whitespace());
            assert!(cli.is_ok(), "{line}: {cli:?}");
        }
        for line in ["bugle sing", "bugle init", "bugle project create", "bugle serve --lisen x"] {
            assert!(Cli::try_parse_from(line.split_whitespace()).is_err(), "{line}");
        }
    }

    #[test]
    fn commands_fill_an_empty_directory_and_refuse_a_second_owner() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("new/data");
        let run = |line: &str| {
            let line = format!("bugle --data {} --public-url https://b.example {line}", data.display());
            execute(Cli::parse_from(line.split_whitespace()))
        };
        let too_early = run("project create Shop").expect_err("is refused").to_string();
        assert!(too_early.contains("bugle init"), "{too_early}");

        let store = open(&data).expect("opens");
        account::init(&store, "owner@acme.example", "correct horse battery", Some("acme")).expect("is made");
        let again = account::init(&store, "other@acme.example", "correct horse battery", None);
        assert!(again.expect_err("is refused").to_string().contains("has an owner"));

        run("--json project create Shop").expect("is made");
        run("token create ci --scope event:read").expect("is made");
        let unknown = run("token create ci --scope root").expect_err("is refused").to_string();
        assert!(unknown.contains("no scope"), "{unknown}");
        let no_database = run("--database mysql://x project create Shop").expect_err("is refused").to_string();
        assert!(no_database.contains("postgres://"), "{no_database}");
    }

    #[test]
    fn every_command_works_on_postgres() {
        bugle_db::trial::on_postgres(|| {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let url = bugle_db::trial::url_for(folder.path(), crate::store::MIGRATIONS).expect("a database");
            let data = folder.path().join("data");
            let run = |line: &str| {
                let line = format!("bugle --data {} --database {url} {line}", data.display());
                execute(Cli::parse_from(line.split_whitespace()))
            };
            let store = Store::connect(&url).expect("connects");
            account::init(&store, "owner@acme.example", "correct horse battery", Some("acme")).expect("is made");
            run("--json project create Shop").expect("is made");
            run("token create ci --scope event:read").expect("is made");
            assert!(run("--json check").expect("checks"));
            assert!(!data.exists(), "nothing is left beside it");
            assert_eq!(
                store.blocking().read_now(|tx| tx.one::<i64>("SELECT COUNT(*) FROM projects", &[])).expect("reads"),
                1
            );
        });
    }
}
