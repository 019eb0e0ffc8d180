//! Serve: one process, started and stopped in the right order.
//!
//! Start: lock the data directory, open the database (migrations run), open the journal, let the worker file what a
//! former process left, then listen; connections are refused until then. Stop (SIGTERM, ctrl-C): stop accepting, finish
//! what is in flight, write the door's books, let the worker end its batch; what waits stays in the journal. A second
//! server on the same directory is refused.

mod duty;
mod listen;
mod open;
mod routes;

pub use open::open;

use crate::access::{organization, setup};
use crate::alert::delivery;
use crate::app::App;
use crate::config::Config;
use anyhow::{Context, bail};
use std::fs::{File, TryLockError};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// The journal's file inside the data directory.
pub const JOURNAL_FILE: &str = "journal.db";
/// How long requests in flight may take to end.
const DRAIN_MAX: Duration = Duration::from_secs(7);

/// Runs everything until a signal says stop.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let _lock = lock(&config.data)?;
    let (app, worker, setup_secret) = open(config)?;
    // Before anybody can see that it is ready: who asks it to stop then must not kill it.
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let listener = tokio::net::TcpListener::bind(app.config.listen).await.with_context(|| {
        format!("{} cannot be listened on; is another server there? Choose another with --listen", app.config.listen)
    })?;
    let worker = std::thread::Builder::new().name("bugle-worker".into()).spawn(|| worker.run())?;
    let (stop, stopped) = watch::channel(false);
    let duties = [
        tokio::spawn(delivery::run(Arc::clone(&app), Arc::clone(&app.sender), Arc::clone(&app.bell), stopped.clone())),
        tokio::spawn(duty::each_second(Arc::clone(&app), stopped.clone())),
        tokio::spawn(duty::refresh(Arc::clone(&app), stopped.clone())),
        tokio::spawn(duty::retain(Arc::clone(&app), stopped.clone())),
    ];
    greet(&app, &setup_secret).await?;
    let manners = listen::Manners::new(listen::raise_files());
    let mut server = tokio::spawn(listen::run(listener, routes::router(Arc::clone(&app)), manners, stopped.clone()));
    let failed = tokio::select! {
        result = &mut server => Some(format!("the listener ended: {result:?}")),
        _ = terminated.recv() => None,
        _ = interrupted.recv() => None,
        error = failure(&app, &worker) => Some(error),
    };
    stop.send_replace(true);
    let _ = tokio::time::timeout(DRAIN_MAX, &mut server).await;
    for duty in duties {
        let _ = tokio::time::timeout(Duration::from_secs(1), duty).await;
    }
    duty::write_books(&app).await;
    app.door.journal.stop();
    app.door.backlog.stop();
    let _ = tokio::task::spawn_blocking(move || worker.join()).await;
    let _ = app.store.blocking().checkpoint();
    match failed {
        Some(error) => bail!("Bugle stopped because {error}"),
        None => Ok(()),
    }
}

/// Takes the directory for this process alone, for as long as the file is held.
fn lock(data: &Path) -> anyhow::Result<File> {
    std::fs::create_dir_all(data).with_context(|| format!("The data directory {} cannot be made", data.display()))?;
    // Nobody else on this machine reads what is in there.
    std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o700))?;
    let path = data.join("lock");
    let file = File::create(&path).with_context(|| format!("{} cannot be created", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "Another Bugle is serving {} already. Stop it first, or give this one a directory of its own with --data.",
            data.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).context("The data directory cannot be locked"),
    }
}

/// Says where Bugle is, and on an empty directory how to get in.
async fn greet(app: &App, setup_secret: &str) -> anyhow::Result<()> {
    let config = &app.config;
    let mut text = format!("Bugle {} listens on http://{}\n", env!("CARGO_PKG_VERSION"), config.listen);
    if app.store.read(organization::first).await?.is_none() {
        let link = setup::link(&config.public_url, setup_secret);
        text.push_str(&format!("Nobody is here yet. Open this link, once, to become the owner:\n\n    {link}\n\n"));
    }
    // Where nobody can read it, serving goes on.
    let _ = std::io::stdout().write_all(text.as_bytes());
    tracing::info!(listen = %config.listen, public_url = config.public_url, data = %config.data.display(), "serving");
    Ok(())
}

/// Once a write has failed, nobody knows what is on disk: the process must not go on. Neither may it when nothing is
/// filed any more.
async fn failure(app: &App, worker: &JoinHandle<()>) -> String {
    loop {
        if let Some(error) = unwritable(app) {
            return error;
        }
        if worker.is_finished() {
            return "the thread that files events has ended; see the log".into();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Why neither journal nor database may be written again, if a write of one has failed.
fn unwritable(app: &App) -> Option<String> {
    if let Some(error) = app.door.journal.failure() {
        return Some(format!("its journal could not be written: {error}"));
    }
    app.store.blocking().failure().map(|error| format!("its database could not be written: {error}"))
}

#[cfg(test)]
mod tests;
