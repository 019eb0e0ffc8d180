//! Listening: connections are taken, served, and let go, each with so much patience and no more.
//!
//! Owns: how many connections there are, and how long one may be silent. A client that is slow, silent or hostile costs its
//! own connection and nobody else's: heads of requests are bounded in time and size here, bodies in `receive` and by the
//! pages' own bounds.
//!
//! What comes beyond [`Manners::connections_max`] waits in the kernel's queue until another one ends. That a process may
//! have so many files is seen to at the start ([`raise_files`]).

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};
use tower::ServiceExt;

/// Files that the server needs for itself, beside connections.
const FILES_OF_OUR_OWN: u64 = 256;
/// Files that it asks the system for.
const FILES_WANTED: u64 = 65_536;
/// What is waited when the system has no room for another connection.
const BREATH: Duration = Duration::from_millis(50);
/// What an HTTP/2 connection begins with.
const PREFACE: &[u8] = b"PRI ";

/// How clients are borne with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manners {
    /// Connections at a time.
    pub connections_max: usize,
    /// A request's head must be there so long after the connection, or the answer before it: this is also how long
    /// a connection may be kept without use. Proxies keep theirs for a minute.
    pub head_max: Duration,
    /// Headers of a request. SDKs send about ten, browsers behind proxies some forty.
    pub headers_max: usize,
    /// Bytes of a request's head. Keys in queries and cookies of a shared domain fit.
    pub head_bytes_max: usize,
    /// Requests of one HTTP/2 connection at a time.
    pub streams_max: u32,
}

impl Manners {
    /// The usual ones, for as many files as the system gives.
    pub(super) fn new(files: u64) -> Manners {
        Manners {
            connections_max: files.saturating_sub(FILES_OF_OUR_OWN).clamp(128, 20_000) as usize,
            head_max: Duration::from_secs(75),
            headers_max: 128,
            head_bytes_max: 64 << 10,
            streams_max: 128,
        }
    }
}

/// Asks the system for room for many connections. How many files there may be.
pub(super) fn raise_files() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(FILES_WANTED, |maximum| maximum.min(FILES_WANTED));
    let present = limit.current.unwrap_or(FILES_WANTED);
    if present >= wanted {
        return present;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }) {
        Ok(()) => wanted,
        Err(_) => present,
    }
}

/// Serves until told to stop, and then until everything in flight has been answered.
pub(super) async fn run(listener: TcpListener, router: Router, manners: Manners, mut stopped: watch::Receiver<bool>) {
    let (builder, graceful) = (Arc::new(builder(manners)), GracefulShutdown::new());
    let room = Arc::new(Semaphore::new(manners.connections_max));
    loop {
        let accepted = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            accepted = accepted => accepted,
            _ = stopped.changed() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // The client has gone, or there is no file left for it: neither ends the server.
                tracing::debug!(%error, "a connection was not taken");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        let (builder, watcher, router) = (Arc::clone(&builder), graceful.watcher(), router.clone());
        tokio::spawn(async move {
            let _permit = permit;
            if !speaks(&stream, manners.head_max).await {
                return;
            }
            let _ = stream.set_nodelay(true);
            let service = router.map_request(move |mut request: Request<hyper::body::Incoming>| {
                request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer));
                super::routes::fold_slashes(request.map(axum::body::Body::new))
            });
            let connection =
                builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service));
            // What breaks a connection is the client's affair.
            let _ = watcher.watch(connection.into_owned()).await;
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

fn builder(manners: Manners) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(manners.head_max)
        .max_headers(manners.headers_max)
        .max_buf_size(manners.head_bytes_max);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(manners.streams_max)
        .max_header_list_size(manners.head_bytes_max as u32)
        .keep_alive_interval(manners.head_max)
        .keep_alive_timeout(manners.head_max);
    builder
}

/// Waits until the client has said enough to tell which HTTP it speaks. False: it stays silent.
async fn speaks(stream: &TcpStream, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    let mut first = [0; PREFACE.len()];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match timeout(left, stream.peek(&mut first)).await {
            Ok(Ok(count)) if count == 0 || count == first.len() || !PREFACE.starts_with(&first[..count]) => {
                return count > 0;
            }
            // Its first letters have come and are ready for ever, so waiting for more has to be done by the clock.
            Ok(Ok(_)) if !left.is_zero() => tokio::time::sleep(BREATH.min(left)).await,
            Ok(_) | Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use std::io::{Read, Write};
    use std::net::TcpStream as Client;

    const MANNERS: Manners = Manners {
        connections_max: 3,
        head_max: Duration::from_millis(300),
        headers_max: 20,
        head_bytes_max: 16 << 10,
        streams_max: 4,
    };

    /// A server with such manners; what a client that says this hears until its connection ends.
    fn heard(say: &[&[u8]]) -> String {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let (stop, stopped) = watch::channel(false);
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        let server =
            runtime.spawn(run(listener, Router::new().route("/", get(|| async { "hello" })), MANNERS, stopped));
        let mut client = Client::connect(address).expect("connects");
        client.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
        for part in say {
            // The server may have closed before everything was said.
            let _ = client.write_all(part);
        }
        let mut heard = Vec::new();
        let _ = client.read_to_end(&mut heard);
        stop.send_replace(true);
        runtime.block_on(server).expect("ends");
        String::from_utf8_lossy(&heard).into_owned()
    }

    #[test]
    fn a_client_that_says_nothing_or_half_is_let_go() {
        assert_eq!(heard(&[]), "");
        assert_eq!(heard(&[b"PR"]), "");
        assert!(!heard(&[b"GET / HTTP/1.1\r\nHost: x\r\nA: "]).contains("200"));
        assert!(
            heard(&[b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"]).ends_with("hello"),
            "and one that is done is let go, too"
        );
        assert!(heard(&[b"GET / HTTP/1.0\r\n\r\n"]).ends_with("hello"));
    }

    #[test]
    fn a_flood_of_headers_is_refused() {
        let many = "A: b\r\n".repeat(21);
        assert!(heard(&[b"GET / HTTP/1.1\r\n", many.as_bytes(), b"\r\n"]).starts_with("HTTP/1.1 431"));
        let long = format!("A: {}\r\n\r\n", "b".repeat(64 << 10));
        assert!(heard(&[b"GET / HTTP/1.1\r\n", long.as_bytes()]).starts_with("HTTP/1.1 431"));
        let address = format!("GET /{} HTTP/1.1\r\n\r\n", "b".repeat(70 << 10));
        let answer = heard(&[address.as_bytes()]);
        assert!(answer.starts_with("HTTP/1.1 414") || answer.starts_with("HTTP/1.1 431"), "{answer}");
        assert!(heard(&[b"\x16\x03\x01 no HTTP at all\r\n\r\n"]).starts_with("HTTP/1.1 400"));
    }

    #[test]
    fn connections_beyond_the_bound_wait_and_are_served() {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let (stop, stopped) = watch::channel(false);
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().route("/", get(|| async { "hello" }));
        let server = runtime.spawn(run(listener, router, MANNERS, stopped));
        let silent: Vec<Client> =
            (0..MANNERS.connections_max).map(|_| Client::connect(address).expect("connects")).collect();
        let mut client = Client::connect(address).expect("connects");
        client.write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").expect("writes");
        let mut heard = String::new();
        client.read_to_string(&mut heard).expect("an answer once the silent ones are let go");
        assert!(heard.ends_with("hello"), "{heard}");
        drop(silent);
        stop.send_replace(true);
        runtime.block_on(server).expect("ends");
    }
}
