//! libFuzzer target; the body is shared with `tests/robustness.rs`.
#![no_main]

#[allow(dead_code)] // one of its bodies a target
#[path = "../../support/fuzz_bodies.rs"]
mod fuzz_bodies;
#[allow(dead_code)]
#[path = "../../support/fuzz_stream.rs"]
mod fuzz_stream;
#[allow(dead_code)]
#[path = "../../support/fuzz_worker.rs"]
mod fuzz_worker;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_worker::worker(data));
