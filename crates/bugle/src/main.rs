//! The binary: the allocator and the command line.

use std::process::ExitCode;

/// Payloads come and go on many threads; this allocator keeps that cheap and gives memory back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    bugle::command::run()
}
