use proptest::prelude::*;

use super::*;
use crate::judge::lines::Look;

/// What a text of lines comes to: value and verdict, in order.
fn judged(text: &str) -> Vec<String> {
    let look = Look::of(text.split('\n'));
    let mut out = Vec::new();
    lines::judge(&look, text.split('\n'), &mut |at, finding| {
        let values: Vec<String> = finding.readings.iter().map(ToString::to_string).collect();
        let host = finding.host.as_ref().map_or_else(String::new, |host| format!("+{host}"));
        let word = match finding.verdict {
            Verdict::Accepted | Verdict::Changed(_) => "",
            Verdict::Doubtful(_) => "?",
            Verdict::Refused(_) => "!",
        };
        out.push(format!("{}:{word}{}{host}", at + 1, values.join("|")));
    });
    out
}

#[test]
fn a_list_of_every_style_is_a_list() {
    let names = [
        "a[.]bad-host[.]example",
        "- a[.]bad-host[.]example",
        "1. a.bad-host.example",
        "`a.bad-host.example`",
        "a.bad-host.example ; PlugX",
        "a.bad-host.example -- PlugX",
        "a.bad-host.example (PlugX C2)",
        "a.bad-host.example#PlugX",
        "||a.bad-host.example^",
        "server=/a.bad-host.example/",
        "a.bad-host.example CNAME .",
        ".a.bad-host.example",
        "127.0.0.2 a.bad-host.example",
        "Domain: a[.]bad-host[.]example",
        "|Domain|a[.]bad-host[.]example|",
        "a.bad-host.example:443",
    ];
    for name in names {
        assert_eq!(judged(name), ["1:a.bad-host.example"], "{name}");
    }
    assert_eq!(judged("0.0.0.0 a.example b.example"), ["1:a.example", "1:b.example"]);
    assert_eq!(judged("a.example, b.example"), ["1:a.example", "1:b.example"]);
    assert_eq!(judged("198.51.100.7\t80, 443\tC2"), ["1:198.51.100.7:80", "1:198.51.100.7:443"]);
    assert_eq!(judged("198.51.100.7:80,443"), ["1:198.51.100.7:80", "1:198.51.100.7:443"]);
}

#[test]
fn a_url_that_is_never_seen_gives_its_host_and_one_that_is_seen_does_not() {
    assert_eq!(judged("https://a.bad.example/x"), ["1:a.bad.example/x+a.bad.example"]);
    assert_eq!(judged("http://a.bad.example"), ["1:a.bad.example/+a.bad.example"]);
    assert_eq!(judged("http://198.51.100.7"), ["1:198.51.100.7/+198.51.100.7"]);
    assert_eq!(judged("http://a.bad.example/x"), ["1:a.bad.example/x"]);
    assert_eq!(judged("hxxps://github[.]com/x/y"), ["1:github.com/x/y"], "a host of many");
    assert_eq!(judged("https://github.com/x/y"), ["1:?github.com/x/y"], "a host of many");
}

#[test]
fn defanged_means_meant_and_plain_in_prose_means_ask() {
    let letter = "Kính gửi: Ủy ban nhân dân các phường, xã trên địa bàn.\n\
        Thông tin chi tiết tại www.sender.example hoặc report.example\n\
        www.sender.example\n\
        https://report.example/2026/x\n\
        Máy chủ a[.]bad[.]example được dùng để điều khiển.\n\
        b[.]bad[.]example\n\
        b.bad.example\n\
        198.51.100.7\n";
    assert_eq!(
        judged(letter),
        [
            "2:?www.sender.example",
            "2:?report.example",
            "3:?www.sender.example",
            "4:?report.example/2026/x+report.example",
            "5:a.bad.example",
            "6:b.bad.example",
            "7:b.bad.example",
            "8:198.51.100.7",
        ]
    );
}

#[test]
fn what_goes_on_in_the_next_line_is_never_loaded_alone() {
    for (text, expected) in [
        ("c2.bad-\nhost.example", "1:?c2.bad-host.example|c2.badhost.example"),
        ("update.bad\n-host.example", "1:?update.bad-host.example|update.badhost.example"),
        ("198.51.\n100.7", "1:?198.51.100.7"),
        ("bad.host\n.example", "1:?bad.host.example"),
        ("a[.]bad[\n.]example", "1:?a.bad.example"),
        ("http://bad.example/a/\nb/c.php", "1:?bad.example/a/b/c.php"),
        ("www.bad.co\nm", "1:?www.bad.com"),
        ("http://bad.example/a/\nb/c.php?x=\n7&y=1", "1:?bad.example/a/b/c.php?x=7&y=1"),
        ("c2.bad-\nlong-\nname.example", "1:?c2.bad-long-name.example|c2.bad-longname.example"),
    ] {
        assert_eq!(judged(text), [expected], "{text}");
    }
    assert_eq!(judged("a.example.\nb.example"), ["1:a.example", "2:b.example"]);
    assert_eq!(judged(".a.example\n.b.example"), ["1:a.example", "2:b.example"]);
}

#[test]
fn what_is_no_name_is_said_and_what_may_be_a_file_is_asked_about() {
    for text in [
        "svchost.exe",
        "Trojan.Win32.PlugX",
        "TP.HCM",
        "e.g.",
        "c2.bad-",
        "-host.example",
        "user@bad.example",
        "1.2.3",
        "Mozilla/4.0",
        "http__bad.example/a",
    ] {
        assert_eq!(judged(text), ["1:!"], "{text}");
    }
    for text in ["invoice.zip", "run.py", "bad.onion", "command.com"] {
        assert_eq!(judged(text), [format!("1:?{text}")]);
    }
    assert_eq!(judged("invoice[.]zip"), ["1:invoice.zip"]);
    let digest = "d41d8cd98f00b204e9800998ecf8427e";
    assert_eq!(line::judge(digest), [Finding::refused(digest, file_hash())]);
}

#[test]
fn a_remark_that_calls_a_value_innocent_is_heard() {
    assert_eq!(judged("bad[.]example   <-- not inherently malicious"), ["1:?bad.example"]);
    assert_eq!(
        judged("bad[.]example (resolves to 198.51.100.7)"),
        ["1:bad.example", "1:?198.51.100.7"]
    );
}

#[test]
fn cells_are_joined_and_ports_belong_to_their_address() {
    let columns = table::header(["STT", "Tên miền", "Ghi chú"].into_iter()).unwrap();
    let mut found = Vec::new();
    let cells = ["1", "very-long-\nname.bad[\n.]example", "C2"];
    let facts = table::row(&columns, &cells, &mut |cell, finding| found.push((cell, finding)));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].1.readings[0].to_string(), "very-long-name.bad.example");
    assert!(matches!(found[0].1.verdict, Verdict::Changed(_)), "{found:?}");
    assert_eq!(facts.note, "C2");

    let columns = table::header(["Địa chỉ IP", "Cổng"].into_iter()).unwrap();
    for (cells, expected) in [
        (["198[.]51[.]100[.]7", "443"], &["198.51.100.7:443"][..]),
        (["198.51.100.7", "80, 443"], &["198.51.100.7:80", "198.51.100.7:443"]),
        (["2001:db8::9", "443"], &["[2001:db8::9]:443"]),
        (["2001:db8::9", ""], &["2001:db8::9"]),
    ] {
        let mut found = Vec::new();
        table::row(&columns, &cells, &mut |_, finding| found.push(finding.readings[0].to_string()));
        assert_eq!(found, expected, "{cells:?}");
    }
}

#[test]
fn dates_and_confidence_are_read_as_exports_and_letters_write_them() {
    for text in
        ["2026-09-01 04:12:55", "2026-09-01T00:00:00.000Z", "01/09/2026", "20260901", "1788220800"]
    {
        assert_eq!(
            table::date(text).map(|date| date.to_string()).as_deref(),
            Some("2026-09-01"),
            "{text}"
        );
    }
    assert_eq!(table::confidence("75"), Some(Confidence::Medium));
    assert_eq!(table::confidence("Cao"), Some(Confidence::High));
}

proptest! {
    #[test]
    fn no_text_is_silent_or_makes_it_panic(text in "(\\PC|\\n|\\[|\\]|\\.|-|/|:|\\||,| |\t){0,200}") {
        let look = Look::of(text.split('\n'));
        let mut said = 0;
        let words = lines::judge(&look, text.split('\n'), &mut |_, finding| {
            said += 1;
            // What would be loaded can be read again.
            for pattern in finding.readings.iter().chain(&finding.host) {
                let again = crate::format::value::parse(pattern.kind(), &pattern.text(), pattern.scope());
                assert_eq!(again.as_ref().ok(), Some(pattern), "{:?}", finding.written);
            }
            assert_eq!(finding.readings.is_empty(), matches!(finding.verdict, Verdict::Refused(_)), "{finding:?}");
        });
        prop_assert!(said + words <= 4 * text.len() + 4);
    }

    #[test]
    fn a_defanged_name_is_loaded_wherever_it_stands(
        name in "[a-z][a-z0-9]{2,8}\\[\\.\\][a-z]{3,8}\\[\\.\\](com|net|vn|top)",
        before in "(|- |1\\. |\\* |Domain: |\"|C2: )",
        after in "(|,|;|\\.| # x| \\(x\\)|   <-- x|\")",
    ) {
        let text = format!("{before}{name}{after}");
        let found: Vec<_> = line::judge(&text).into_iter().filter(Finding::is_loaded).collect();
        prop_assert_eq!(found.len(), 1, "{}", text);
        prop_assert_eq!(found[0].readings[0].text(), name.replace("[.]", "."));
    }

    #[test]
    fn a_name_broken_at_a_hyphen_is_always_offered_with_it(
        one in "[a-z]{3,8}", two in "[a-z]{3,8}", top in "(com|net|vn)",
    ) {
        let text = format!("c2.{one}-\n{two}.{top}");
        let found = judged(&text);
        prop_assert_eq!(found.len(), 1, "{:?}", found);
        let start = format!("1:?c2.{one}-{two}.{top}");
        prop_assert!(found[0].starts_with(&start), "{:?}", found);
    }
}
