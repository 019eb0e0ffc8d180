//! Where the tools are that `cargo xtask test` has prepared. Each is a path; a missing one is a failure that says
//! how to get it.

use std::path::{Path, PathBuf};

/// The server under test: `BUGLE_BIN`.
pub fn bugle_binary() -> PathBuf {
    from_environment("BUGLE_BIN")
}

/// The Rust app: `SUITE_SHOP_BIN`.
pub fn rust_shop_binary() -> PathBuf {
    from_environment("SUITE_SHOP_BIN")
}

/// Python with the packages of `apps/python/requirements.txt`.
pub fn python() -> PathBuf {
    existing(prepared().join("venv/bin/python"))
}

/// The browser SDK as one file, bundled from npm.
pub fn browser_sdk() -> PathBuf {
    existing(prepared().join("browser/sdk.js"))
}

/// The folder of the apps.
pub fn apps() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("apps")
}

/// `.suite` at the root of the repository: everything that is prepared and not built by cargo.
pub fn prepared() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../.suite")
}

fn from_environment(name: &str) -> PathBuf {
    match std::env::var_os(name) {
        Some(path) => existing(path.into()),
        None => panic!("{name} is not set: `cargo xtask test` prepares and runs this suite"),
    }
}

fn existing(path: PathBuf) -> PathBuf {
    assert!(path.exists(), "{} is missing: `cargo xtask test` prepares it", path.display());
    path
}
