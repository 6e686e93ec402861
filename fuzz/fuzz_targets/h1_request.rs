//! See `http::request`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| propylon_fuzz::http::request(bytes));
