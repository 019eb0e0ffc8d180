//! PostgreSQL: one connection, on the thread that owns it.
//!
//! **Invariants**
//! * A writing transaction begins by taking one advisory lock of the database. So there is one writer at any time, among
//!   all processes, as SQLite has it; looking and then inserting is safe, and rows are never locked in two orders.
//! * A reading transaction is REPEATABLE READ READ ONLY: one snapshot.
//! * A connection that is found dead when a transaction begins is replaced, and nobody notices. One that dies in the
//!   middle is [`DbError::Busy`], since nothing was written.
//! * When the answer to COMMIT is lost, a new connection asks what became of the transaction (`pg_xact_status`).
//!
//! The client is async inside. Its runtime belongs to this connection and runs on this thread alone, while a statement is
//! waited for. That is what lets many statements be sent before the first answer is read ([`Connection::execute_each`]).

mod error;
mod value;

use crate::{DbError, Options, Param, Result, Row};
use std::collections::HashMap;
use std::fmt::Write;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage, Statement};
use value::{Bound, array, references, row};

/// Prepared statements kept per connection. A full set is dropped: texts that are built (lists of conditions) go with it.
const STATEMENTS_MAX: usize = 256;
/// Statements that are sent before their answers are waited for.
const PIPELINE_MAX: usize = 512;
/// Rows that one INSERT takes: bounds the memory of server and client.
const INSERT_ROWS_MAX: usize = 4_096;
/// How long a server may take to let us in.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// When a silent server is asked whether it still lives, and for how long what it has not acknowledged is sent again.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// A writing transaction that stands still for longer (its process was stopped) lets the others go on.
const STANDSTILL_MS: u64 = 300_000;
/// The lock that makes a writer the only one. The number is Bugle's, in nobody else's use as far as one can know.
const WRITER_LOCK: i64 = 0x6275_676c_6501;

pub(crate) struct Connection {
    runtime: tokio::runtime::Runtime,
    config: Config,
    options: Options,
    client: Client,
    statements: HashMap<String, Statement>,
    columns: HashMap<String, Vec<Type>>,
    /// The id of the present writing transaction.
    transaction: Option<String>,
    is_dead: bool,
}

/// Reads a URL. What it lacks gets values that notice a server that is away.
pub(crate) fn config(url: &str) -> Result<Config> {
    let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
        DbError::Refused(format!(
            "The database's URL must look like postgres://user:password@host:5432/bugle ({}).",
            error::text(&error)
        ))
    })?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_MAX);
    }
    if config.get_application_name().is_none() {
        config.application_name("bugle");
    }
    config.keepalives_idle(SILENCE_MAX).keepalives_interval(Duration::from_secs(5)).keepalives_retries(3);
    config.tcp_user_timeout(SILENCE_MAX);
    Ok(config)
}

/// The types of this engine for those that migrations leave open. Text sorts by its bytes, as SQLite's does.
pub(crate) fn translate(text: &str) -> String {
    text.replace(" TEXT", " TEXT COLLATE \"C\"")
        .replace("AS TEXT COLLATE \"C\"", "AS TEXT")
        .replace("{id}", "BIGINT PRIMARY KEY")
        .replace("{blob}", "BYTEA")
        .replace("{clustered}", "")
}

impl Connection {
    pub(crate) fn open(config: Config, options: Options) -> Result<Connection> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| DbError::Failed(format!("the connection's runtime could not be started: {error}")))?;
        let client = connect(&runtime, &config, options)?;
        Ok(Connection {
            runtime,
            config,
            options,
            client,
            statements: HashMap::new(),
            columns: HashMap::new(),
            transaction: None,
            is_dead: false,
        })
    }

    pub(crate) fn begin(&mut self, write: bool) -> Result<()> {
        if !self.is_dead {
            match self.try_to_begin(write) {
                Err(_) if self.is_dead => {}
                result => return result,
            }
        }
        self.reconnect()?;
        self.try_to_begin(write)
    }

    /// One round trip: lock, and the name by which the transaction can be asked for later.
    fn try_to_begin(&mut self, write: bool) -> Result<()> {
        self.transaction = None;
        if !write {
            return self.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        }
        let sql = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({WRITER_LOCK}); \
             SELECT CAST(pg_current_xact_id() AS TEXT)"
        );
        let answer = self.runtime.block_on(self.client.simple_query(&sql));
        let answer = self.understood(answer)?;
        self.transaction = answer.iter().rev().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_string),
            _ => None,
        });
        Ok(())
    }

    pub(crate) fn commit(&mut self) -> Result<()> {
        let transaction = self.transaction.take();
        let result = self.batch("COMMIT");
        match (result, transaction) {
            (Err(_), Some(transaction)) if self.is_dead => self.resolve(&transaction),
            (result, _) => result,
        }
    }

    /// What became of a transaction whose COMMIT was not answered.
    fn resolve(&mut self, transaction: &str) -> Result<()> {
        let deadline = Instant::now() + Duration::from_millis(self.options.busy_ms);
        loop {
            let status = self.reconnect().and_then(|()| {
                let sql = "SELECT pg_xact_status(CAST(CAST($1 AS TEXT) AS xid8))";
                self.query(sql, &[Param::Text(transaction)])?.first().map_or(Ok(None), |row| row.get(0))
            });
            match status {
                Ok(Some::<String>(status)) if status == "committed" => return Ok(()),
                Ok(Some(status)) if status == "aborted" => {
                    return Err(DbError::Busy("the connection was lost; the transaction was rolled back".into()));
                }
                _ if Instant::now() > deadline => {
                    return Err(DbError::Busy("the connection was lost while a transaction was committed".into()));
                }
                // Not reachable yet, or the old connection's end has not been noticed there.
                _ => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    /// After an error or a panic inside a job: leaves no transaction open.
    pub(crate) fn recover(&mut self) {
        self.transaction = None;
        if !self.is_dead && self.batch("ROLLBACK").is_err() {
            self.is_dead = true;
        }
    }

    fn reconnect(&mut self) -> Result<()> {
        self.statements.clear();
        self.columns.clear();
        // Whatever turns us away now had let us in before: it may do so again.
        let client = connect(&self.runtime, &self.config, self.options);
        self.client = client.map_err(|error| match error {
            DbError::Busy(text) => DbError::Busy(text),
            error => DbError::Busy(error.to_string()),
        })?;
        self.is_dead = false;
        Ok(())
    }

    pub(crate) fn batch(&mut self, sql: &str) -> Result<()> {
        let result = self.runtime.block_on(self.client.batch_execute(sql));
        self.understood(result)
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64> {
        let statement = self.statement(sql)?;
        let bound = Bound::all(params);
        let result = self.runtime.block_on(self.client.execute(&statement, &references(&bound)));
        self.understood(result)
    }

    pub(crate) fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>> {
        let statement = self.statement(sql)?;
        let bound = Bound::all(params);
        let result = self.runtime.block_on(self.client.query(&statement, &references(&bound)));
        self.understood(result)?.iter().map(row).collect()
    }

    pub(crate) fn execute_each(&mut self, sql: &str, rows: &[&[Param<'_>]]) -> Result<Vec<u64>> {
        let statement = self.statement(sql)?;
        let mut changed = Vec::with_capacity(rows.len());
        for rows in rows.chunks(PIPELINE_MAX) {
            let answers = all(rows.iter().map(|params| {
                let (client, statement, bound) = (&self.client, &statement, Bound::all(params));
                async move { client.execute(statement, &references(&bound)).await }
            }));
            let answers = self.runtime.block_on(answers);
            for answer in answers {
                changed.push(self.understood(answer)?);
            }
        }
        Ok(changed)
    }

    pub(crate) fn query_each(&mut self, sql: &str, rows: &[&[Param<'_>]]) -> Result<Vec<Vec<Row>>> {
        let statement = self.statement(sql)?;
        let mut found = Vec::with_capacity(rows.len());
        for rows in rows.chunks(PIPELINE_MAX) {
            let answers = all(rows.iter().map(|params| {
                let (client, statement, bound) = (&self.client, &statement, Bound::all(params));
                async move { client.query(statement, &references(&bound)).await }
            }));
            let answers = self.runtime.block_on(answers);
            for answer in answers {
                found.push(self.understood(answer)?.iter().map(row).collect::<Result<_>>()?);
            }
        }
        Ok(found)
    }

    /// One statement for many rows: each column travels as an array.
    pub(crate) fn insert_many(
        &mut self,
        table: &str,
        columns: &[&str],
        rest: &str,
        rows: &[&[Param<'_>]],
    ) -> Result<u64> {
        if rows.is_empty() {
            return Ok(0);
        }
        let names = columns.join(", ");
        let types = self.types(table, &names)?;
        let mut sql = format!("INSERT INTO {table} ({names}) SELECT * FROM UNNEST(");
        for (at, kind) in types.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(sql, "{comma}CAST(${} AS {}[])", at + 1, kind.name());
        }
        let _ = write!(sql, ") {rest}");
        let statement = self.statement(&sql)?;
        let mut changed = 0;
        for rows in rows.chunks(INSERT_ROWS_MAX) {
            let arrays =
                types.iter().enumerate().map(|(at, kind)| array(kind, at, rows)).collect::<Result<Vec<_>>>()?;
            let arrays: Vec<_> = arrays.iter().map(AsRef::as_ref).collect();
            let result = self.runtime.block_on(self.client.execute(&statement, &arrays));
            changed += self.understood(result)?;
        }
        Ok(changed)
    }

    fn types(&mut self, table: &str, names: &str) -> Result<Vec<Type>> {
        let sql = format!("SELECT {names} FROM {table} WHERE FALSE");
        if let Some(types) = self.columns.get(&sql) {
            return Ok(types.clone());
        }
        let result = self.runtime.block_on(self.client.prepare(&sql));
        let types: Vec<Type> = self.understood(result)?.columns().iter().map(|column| column.type_().clone()).collect();
        self.columns.insert(sql, types.clone());
        Ok(types)
    }

    /// The statement of a text, prepared once. `LIKE` folds ASCII on SQLite; here `ILIKE` does.
    fn statement(&mut self, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        if self.statements.len() >= STATEMENTS_MAX {
            self.statements.clear();
        }
        let text = sql.replace(" LIKE ", " ILIKE ");
        let result = self.runtime.block_on(self.client.prepare(&text));
        let statement = self.understood(result)?;
        self.statements.insert(sql.to_string(), statement.clone());
        Ok(statement)
    }

    /// Notices what an error says of this connection.
    fn understood<T>(&mut self, result: std::result::Result<T, tokio_postgres::Error>) -> Result<T> {
        result.map_err(|error| {
            if error::is_stale_plan(&error) {
                self.statements.clear();
                self.columns.clear();
            }
            self.is_dead |= error::is_fatal(&error) || self.client.is_closed();
            error::of(&error)
        })
    }
}

/// Connects, and sets what every session must have.
fn connect(runtime: &tokio::runtime::Runtime, config: &Config, options: Options) -> Result<Client> {
    let session = format!(
        "SET lock_timeout = {}; SET idle_in_transaction_session_timeout = {STANDSTILL_MS}; \
         SELECT set_config('synchronous_commit', 'on', FALSE) WHERE current_setting('synchronous_commit') = 'off'; \
         SELECT current_setting('server_encoding')",
        options.busy_ms
    );
    runtime.block_on(async {
        let (client, connection) = config.connect(NoTls).await.map_err(|error| error::at_connect(&error))?;
        // It ends with its client; what it failed with, the client's next statement fails with.
        tokio::spawn(connection);
        let answer = client.simple_query(&session).await.map_err(|error| error::of(&error))?;
        let encoding = answer.iter().rev().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        match encoding {
            Some("UTF8") => Ok(client),
            encoding => Err(DbError::Refused(format!(
                "The database's encoding is {} and must be UTF8: CREATE DATABASE bugle ENCODING 'UTF8' TEMPLATE template0.",
                encoding.unwrap_or("not known")
            ))),
        }
    })
}

/// Starts all of `futures` in their order, so that what they send goes out in that order, and gives their answers.
async fn all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<Pin<Box<F>>> = futures.map(Box::pin).collect();
    let mut answers: Vec<Option<F::Output>> = waiting.iter().map(|_| None).collect();
    let (mut started, mut first) = (0, 0);
    poll_fn(|context| {
        // Each is polled once to send. Answers come in the same order, so afterwards only the first is worth asking.
        while started < waiting.len() {
            if let Poll::Ready(answer) = waiting[started].as_mut().poll(context) {
                answers[started] = Some(answer);
            }
            started += 1;
        }
        while first < waiting.len() {
            if answers[first].is_none() {
                match waiting[first].as_mut().poll(context) {
                    Poll::Ready(answer) => answers[first] = Some(answer),
                    Poll::Pending => return Poll::Pending,
                }
            }
            first += 1;
        }
        Poll::Ready(())
    })
    .await;
    answers.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::Trial;

    #[test]
    fn what_became_of_a_transaction_can_be_asked_afterwards() {
        let trial = Trial::new(&[]);
        let options = Options { busy_ms: 300, ..Options::default() };
        let mut connection = Connection::open(config(&trial.url).expect("an address"), options).expect("connects");
        connection.batch("CREATE TABLE t (id BIGINT)").expect("is made");
        let mut end = |sql: &str| {
            connection.begin(true).expect("begins");
            connection.execute("INSERT INTO t (id) VALUES (1)", &[]).expect("inserts");
            let transaction = connection.transaction.take().expect("has an id");
            connection.batch(sql).expect("ends");
            connection.resolve(&transaction)
        };
        assert!(end("COMMIT").is_ok());
        assert!(matches!(end("ROLLBACK"), Err(DbError::Busy(why)) if why.contains("rolled back")));
    }

    #[test]
    fn migrations_have_the_types_of_this_engine() {
        let text = "a {id}, b TEXT NOT NULL, c {blob}); INSERT INTO t SELECT CAST(x AS TEXT) FROM y; -- {clustered}";
        assert_eq!(
            translate(text),
            "a BIGINT PRIMARY KEY, b TEXT COLLATE \"C\" NOT NULL, c BYTEA); \
             INSERT INTO t SELECT CAST(x AS TEXT) FROM y; -- "
        );
    }
}
