//! libFuzzer target: refanging, and the judgement of lines and cells.
#![no_main]

use ioc_feeds::judge::{line, lines, table};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let plain = ioc_feeds::refang::refang(text);
    assert!(plain.text.len() <= 4 * text.len() + 16, "it grows");
    let look = lines::Look::of(text.split('\n'));
    lines::judge(&look, text.split('\n'), &mut |_, finding| {
        for pattern in finding.readings.iter().chain(&finding.host) {
            let again = ioc_feeds::format::value::parse(pattern.kind(), &pattern.text(), pattern.scope());
            assert_eq!(again.as_ref().ok(), Some(pattern));
        }
    });
    let _ = line::judge(text);
    let _ = table::unheaded(text);
});
