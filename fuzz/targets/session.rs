#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bugle_fuzz::session(bytes));
