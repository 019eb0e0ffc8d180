//! Small web servers that a test needs around it, on loopback, on a runtime of their own behind the test's threads.

use std::net::SocketAddr;
use std::sync::LazyLock;

use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// Serves `router` until the test's process ends.
pub fn serve(router: Router) -> SocketAddr {
    let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    RUNTIME.spawn(async move { axum::serve(listener, router).await });
    address
}

/// Runs a future on that runtime.
pub fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.block_on(future)
}
