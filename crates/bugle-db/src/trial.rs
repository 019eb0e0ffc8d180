//! PostgreSQL servers of one's own, for tests, the crash harness and the bench.
//!
//! A test process starts one server the first time that it needs one, in a temporary directory, reachable by a unix socket
//! alone, without fsync. Each test has a database of its own, copied from a migrated template. `BUGLE_TEST_POSTGRES` may
//! name a running server instead. Whatever happens to the process, its server ends with it: a shell waits for the end of
//! a pipe that the process holds, stops the server and removes the directory.
//!
//! A test runs on PostgreSQL when it is named in [`on_postgres_too!`](crate::on_postgres_too): what opens its databases
//! then asks [`url_for`].

use crate::postgres::{self, Connection};
use crate::{Database, Migration, Options, Result, Value};
use std::cell::RefCell;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How long a server may take to start.
const START_MAX: Duration = Duration::from_secs(60);

/// Makes the cluster, serves it, and clears up when standard input ends. `$1` is where the programs are, `$2` the directory,
/// the rest goes to the server.
const SCRIPT: &str = r#"
bin=$1; folder=$2; shift 2; cd "$folder" || exit 1
"$bin/initdb" -D data -U bugle -A trust --no-sync --no-locale -E UTF8 >log 2>&1 || exit 1
"$bin/postgres" -D data -k "$folder" -c listen_addresses= -c max_connections=200 "$@" >>log 2>&1 &
server=$!
cat >/dev/null
kill -QUIT $server; wait $server; cd /; rm -rf "$folder"
"#;

/// A server that lives as long as this value, or as the process that holds it.
pub struct Server {
    child: Child,
    folder: PathBuf,
}

impl Server {
    /// Starts one. `is_durable` says whether it syncs, as one that is measured or killed must.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start; the text says what to do.
    pub fn start(is_durable: bool) -> Server {
        let bin = programs().expect(
            "PostgreSQL is not installed: apt-get install postgresql-15, or name a running server in BUGLE_TEST_POSTGRES",
        );
        let folder = tempfile::Builder::new().prefix("bugle-pg").tempdir_in("/tmp").expect("a directory").keep();
        let mut command = Command::new("sh");
        command.arg("-c").arg(SCRIPT).arg("sh").arg(bin).arg(&folder);
        if !is_durable {
            command.args(["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=on"]);
        }
        // It refuses to run as root.
        if let Some((user, group)) = unprivileged(&folder) {
            std::os::unix::fs::chown(&folder, Some(user), Some(group)).expect("the directory is given away");
            command.uid(user).gid(group);
        }
        let child = command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let mut server = Server { child, folder };
        server.wait();
        server
    }

    fn wait(&mut self) {
        let deadline = Instant::now() + START_MAX;
        let url = self.url("postgres");
        while apart(|| Session::open(&url).map(drop)).is_err() {
            let ended = self.child.try_wait().expect("the shell can be asked");
            let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(ended.is_none() && Instant::now() < deadline, "PostgreSQL does not start:\n{}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The address of one of its databases. `postgres` is always there.
    pub fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&user=bugle", self.folder.display().to_string().replace('/', "%2F"))
    }
}

impl Server {
    /// Makes an empty database and says its address.
    pub fn create(&self, database: &str) -> Result<String> {
        Session::open(&self.url("postgres"))?.run(&format!("CREATE DATABASE {database} TEMPLATE template0"))?;
        Ok(self.url(database))
    }
}

/// A connection beside the product's, on a thread that is not async.
pub struct Session(Box<Connection>);

impl Session {
    /// Connects.
    pub fn open(url: &str) -> Result<Session> {
        Ok(Session(Box::new(Connection::open(postgres::config(url)?, Options::default())?)))
    }

    /// All rows of a query.
    pub fn rows(&mut self, sql: &str) -> Result<Vec<Vec<Value>>> {
        Ok(self.0.query(sql, &[])?.into_iter().map(|row| row.0).collect())
    }

    /// Runs statements.
    pub fn run(&mut self, sql: &str) -> Result<()> {
        self.0.batch(sql)
    }

    /// Is the one writer, until it is dropped.
    pub fn hold(&mut self) -> Result<()> {
        self.0.begin(true)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A database that is dropped with this value.
pub struct Trial {
    /// Its address.
    pub url: String,
    name: String,
}

impl Trial {
    /// An empty database, brought to the newest of `migrations`.
    pub fn new(migrations: &[Migration]) -> Trial {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("bugle_test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let template = template(migrations);
        administer(&[&format!("CREATE DATABASE {name} TEMPLATE {template}")]);
        Trial { url: url(&name), name }
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        administer(&[&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)]);
    }
}

/// The database with these migrations that others are copied from, made by whoever needs it first.
fn template(migrations: &[Migration]) -> String {
    static MADE: Mutex<Vec<String>> = Mutex::new(Vec::new());
    if migrations.is_empty() {
        return "template0".into();
    }
    let texts: String = migrations.iter().map(|step| format!("{}\n{}\n", step.name, step.text)).collect();
    let name = format!("bugle_template_{:016x}", xxhash_rust::xxh3::xxh3_64(texts.as_bytes()));
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if !made.contains(&name) {
        let is_there = apart(|| {
            let sql = format!("SELECT datname FROM pg_database WHERE datname = '{name}'");
            Session::open(&url("postgres"))?.rows(&sql).map(|rows| !rows.is_empty())
        });
        if !is_there.expect("the server answers") {
            let draft = format!("{name}_{}", std::process::id());
            administer(&[&format!("CREATE DATABASE {draft} TEMPLATE template0")]);
            let options = Options { readers: 1, ..Options::default() };
            Database::connect(&url(&draft), options, migrations).expect("migrates");
            // Its connections end by themselves, at some time.
            administer(&[
                &format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{draft}'"),
                &format!("ALTER DATABASE {draft} RENAME TO {name}"),
            ]);
        }
        made.push(name.clone());
    }
    name
}

fn administer(statements: &[&str]) {
    let done = apart(|| {
        let mut session = Session::open(&url("postgres"))?;
        statements.iter().try_for_each(|sql| session.run(sql))
    });
    done.expect("the test server obeys");
}

/// A connection has a runtime of its own, and the caller may be inside another.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join()).expect("no panic")
}

fn url(database: &str) -> String {
    static SERVER: OnceLock<Server> = OnceLock::new();
    if let Ok(named) = std::env::var("BUGLE_TEST_POSTGRES") {
        let (before, query) = named.split_once('?').map_or((named.as_str(), ""), |(before, query)| (before, query));
        let end = before.find("://").map_or(0, |at| at + 3);
        let slash = before[end..].find('/').map_or(before.len(), |at| end + at);
        return format!("{}/{database}?{query}", &before[..slash]);
    }
    SERVER.get_or_init(|| Server::start(false)).url(database)
}

/// Where the newest installed server's programs are.
fn programs() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .chain(std::env::var_os("PATH").iter().flat_map(std::env::split_paths))
        .filter(|bin| bin.join("postgres").exists() && bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop()
}

/// Whom to run as, when this is root: `postgres`, else `nobody`.
fn unprivileged(folder: &Path) -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    if std::fs::metadata(folder).expect("the directory").uid() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").expect("the list of users");
    let id = |name: &str| {
        let mut fields = users.lines().find(|line| line.split(':').next() == Some(name))?.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    Some(id("postgres").or_else(|| id("nobody")).expect("a user without privileges"))
}

thread_local! {
    /// The databases of the test that runs on this thread, by the directories it gave them; none: it runs on SQLite.
    static DATABASES: RefCell<Option<Vec<(PathBuf, Trial)>>> = const { RefCell::new(None) };
}

/// Runs a test with PostgreSQL in the place of SQLite.
pub fn on_postgres(test: impl FnOnce()) {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            let databases = DATABASES.take();
            drop(databases);
        }
    }
    DATABASES.set(Some(Vec::new()));
    let _leave = Leave;
    test();
}

/// The address of the database that stands for the file at `path`, when the present test runs on PostgreSQL. The same path
/// gets the same database, until the test ends.
pub fn url_for(path: &Path, migrations: &[Migration]) -> Option<String> {
    DATABASES.with_borrow_mut(|databases| {
        let databases = databases.as_mut()?;
        if !databases.iter().any(|(known, _)| known == path) {
            databases.push((path.to_path_buf(), Trial::new(migrations)));
        }
        databases.iter().find(|(known, _)| known == path).map(|(_, trial)| trial.url.clone())
    })
}

/// Runs tests of this module on PostgreSQL too, under the same names in the module `on_postgres`.
#[macro_export]
macro_rules! on_postgres_too {
    ($($test:ident),* $(,)?) => {
        mod on_postgres {
            $(#[test]
            fn $test() {
                $crate::trial::on_postgres(super::$test);
            })*
        }
    };
}
