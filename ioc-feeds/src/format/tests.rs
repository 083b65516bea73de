use proptest::prelude::*;

use super::*;
use crate::format::value::{guess, parse};
use crate::judge::line;
use crate::{Date, Host, Pattern, Role, Scope};

fn load(text: &str) -> Loaded {
    load_bytes("test", text.as_bytes()).unwrap()
}

fn reason(kind: &str, text: &str) -> String {
    parse(kind, text, None).unwrap_err().to_string()
}

#[test]
fn only_two_columns_are_needed_in_any_order() {
    let feed = load("Type,INDICATOR\ndomain,evil.example\n");
    let row = &feed.indicators[0];
    assert_eq!(row.pattern.text(), "evil.example");
    assert_eq!((&*row.threat, row.role, row.line), ("unknown", Role::Unknown, 2));
    assert_eq!(row.confidence, Confidence::Medium);
    assert_eq!(row.pattern.scope(), Some(Scope::Subtree));
}

#[test]
fn every_column_is_read() {
    let feed = load(
        "indicator,type,scope,threat,malware,role,confidence,first_seen,last_seen,expires,reference,note\n\
         evil.example,domain,exact,RedLine,Loader,Delivery,HIGH,2024-05,2024-06-18,2030-01-01,https://r.example/1,\"a, \"\"b\"\"\"\n",
    );
    assert_eq!(feed.rejected, []);
    let row = &feed.indicators[0];
    assert_eq!(row.pattern.scope(), Some(Scope::Exact));
    assert_eq!((&*row.threat, &*row.malware), ("redline", "Loader"));
    assert_eq!((row.role, row.confidence), (Role::Delivery, Confidence::High));
    assert_eq!(row.first_seen, Date::parse("2024-05").ok());
    assert_eq!(row.last_seen, Date::parse("2024-06-18").ok());
    assert_eq!(row.expires, Date::parse("2030-01-01").ok());
    assert_eq!((&*row.reference, &*row.note), ("https://r.example/1", "a, \"b\""));
    assert_eq!(&*row.feed, "test");
}

#[test]
fn bom_crlf_comments_blank_lines_and_spreadsheet_separators_are_accepted() {
    for text in [
        "\u{feff}# mine\r\n\r\nindicator,type\r\n# more\r\n\r\na.example,domain\r\n  b.example , domain \r\n",
        "\u{feff}# mine\n\nindicator;type;note\n\n\na.example;domain;x,y\nb.example;domain;\n",
        "\n\nindicator\ttype\n\n\na.example\tdomain\nb.example\tdomain",
        "\n\n\"indicator\",\"type\"\n\n\n\"a.example\",\"domain\"\n\"b.example\",\"domain\",,,\n",
    ] {
        let feed = load(text);
        assert_eq!(feed.rejected, [], "{text:?}");
        let lines: Vec<_> = feed.indicators.iter().map(|r| r.line).collect();
        assert_eq!(lines, [6, 7], "{text:?}");
    }
}

#[test]
fn one_bad_line_never_spoils_the_rest() {
    let feed = load(
        "indicator,type,first_seen,role,threat\n\
         a.example,domain\n\
         b..example,domain\n\
         c.example,domain,yesterday\n\
         d.example,\n\
         e.example,hash\n\
         \"f.example,domain\n\
         g.example,domain,,chef\n\
         h.example,domain,,,two words\n\
         i.example,domain,,,x,too many\n\
         j.example,domain,2024-01\n",
    );
    let names: Vec<_> = feed.indicators.iter().map(|r| r.pattern.text()).collect();
    assert_eq!(names, ["a.example", "j.example"]);
    let lines: Vec<_> = feed.rejected.iter().map(|r| r.line).collect();
    assert_eq!(feed.rejected_total(), 8);
    for line in 3..=10 {
        assert!(lines.contains(&line), "line {line} is listed");
    }
    let reason = |line| feed.rejected.iter().find(|r| r.line == line).unwrap().reason.to_string();
    assert!(reason(4).contains("first_seen") && reason(4).contains("YYYY-MM"));
    assert!(reason(6).contains("user-agent"), "names the types there are");
    assert!(reason(7).contains("quotation mark"));
    assert!(reason(8).contains("delivery"), "names the roles there are");
}

#[test]
fn a_quote_left_open_swallows_no_other_line() {
    for bad in ["a\"b,\"c", "\"a\"\",domain", "x,\"", "\"\"\",y"] {
        let feed = load(&format!("indicator,type\n{bad}\nlast.example,domain\n"));
        assert_eq!(feed.indicators.len(), 1, "{bad}");
        assert_eq!((feed.rejected.len(), feed.rejected[0].line), (1, 2), "{bad}");
        assert_eq!(feed.indicators[0].line, 3, "{bad}");
    }
}

#[test]
fn a_wrong_header_names_its_column() {
    for (header, column) in [
        ("indicator,kind", "`kind`"),
        ("indicator,threat", "missing column `type`"),
        ("type,threat", "missing column `indicator`"),
        ("indicator,type,Type", "repeated column `type`"),
        ("indicator,type,refrence", "unknown column `refrence`"),
    ] {
        let error = load_bytes("mine", format!("\n{header}\n").as_bytes()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("mine, line 2") && text.contains(column), "{text}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_named_with_line_and_offset() {
    let error = load_bytes("mine", b"indicator,type\nb\xfc.example,domain\n").unwrap_err();
    assert!(matches!(error, FeedError::NotUtf8 { line: 2, offset: 16, .. }), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = load_file("/nonexistent/feed.csv").unwrap_err().to_string();
    assert!(error.contains("/nonexistent/feed.csv"), "{error}");
}

#[test]
fn a_file_is_loaded_under_its_own_name() {
    let path = std::env::temp_dir().join(format!("ioc-feeds-{}.csv", std::process::id()));
    std::fs::write(&path, "indicator,type\nevil.example,domain\n").unwrap();
    let feed = load_file(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(&*feed.feed, path.file_stem().unwrap().to_str().unwrap());
    assert_eq!(feed.indicators.len(), 1);
}

#[test]
fn repeated_patterns_are_folded_with_the_widest_dates() {
    let feed = load(
        "indicator,type,confidence,first_seen,last_seen\n\
         evil.example,domain,low,2024-02-01,\n\
         EVIL.example.,domain,high,2024-01-01,2024-03-01\n\
         http://evil.example/x,url\nhttps://EVIL.example/x,url\n",
    );
    assert_eq!((feed.indicators.len(), feed.duplicates), (2, 2));
    let row = &feed.indicators[0];
    assert_eq!((row.confidence, row.line), (Confidence::High, 2));
    assert_eq!(row.first_seen, Date::parse("2024-01-01").ok());
    assert_eq!(row.last_seen, Date::parse("2024-03-01").ok());
    assert_eq!(feed.warnings.len(), 1, "of https nothing is ever seen but the host");
}

#[test]
fn refused_rows_are_rejected_and_doubtful_ones_lowered() {
    let text = "indicator,type,confidence\ncom.vn,domain\n192.0.2.1,ip,high\n";
    let feed = load(text);
    assert!(feed.rejected[0].reason.to_string().contains("public suffix"));
    assert_eq!(feed.indicators[0].confidence, Confidence::Low);
    assert_eq!((feed.warnings[0].line, &*feed.warnings[0].text), (3, "192.0.2.1,ip,high"));
    let trusted = load_text("test", text, Lint::Trusted).unwrap();
    assert_eq!((trusted.indicators.len(), trusted.warnings.len()), (2, 0));
    assert_eq!(trusted.indicators[1].confidence, Confidence::High);
}

#[test]
fn the_lists_of_bad_rows_are_bounded_and_the_rest_counted() {
    let feed = load(&format!("indicator,type\n{}", "x,hash\n".repeat(MAX_LISTED + 5)));
    assert_eq!((feed.rejected.len(), feed.more_rejected), (MAX_LISTED, 5));
    assert_eq!(feed.rejected_total(), MAX_LISTED + 5);
    let rows = (0..MAX_LISTED + 3).map(|i| format!("a{i}.local,domain\n")).collect::<String>();
    let feed = load(&format!("indicator,type\n{rows}"));
    assert_eq!((feed.more_warnings, feed.warnings_total()), (3, MAX_LISTED + 3));
}

#[test]
fn a_rejected_line_is_shown_short_and_harmless() {
    let feed = load(&format!("indicator,type\n\x1b[2J{},domain\n", "y".repeat(500)));
    let text = &feed.rejected[0].text;
    assert!(text.chars().count() == SHOWN + 1 && !text.contains('\x1b'), "{text}");
}

#[test]
fn addresses_of_both_families_are_read_in_every_form() {
    let text = |kind: &str, value: &str| parse(kind, value, None).unwrap().text();
    assert_eq!(text("ip", "2001:DB8::1"), "2001:db8::1");
    assert_eq!(text("ip", "::ffff:192.0.2.1"), "192.0.2.1");
    assert_eq!(text("ip:port", "192.0.2.1:443"), "192.0.2.1:443");
    assert_eq!(text("IP:Port", "[2001:db8::1]:443"), "[2001:db8::1]:443");
    assert_eq!(text("cidr", "2001:db8::/32"), "2001:db8::/32");
    assert!(reason("ip", "192.0.2.1:80").contains("ip:port"));
    assert!(reason("ip", "192.0.2.1/24").contains("cidr"));
    assert!(reason("ip", "192.0.2.256").contains("no IPv4 or IPv6"));
    assert!(reason("ip:port", "192.0.2.1:0").contains("port is 0"));
    assert!(reason("ip:port", "2001:db8::1:443").contains("[address]:port"));
    assert!(reason("domain", "192.0.2.1").contains("type ip"));
}

#[test]
fn a_network_with_host_bits_names_the_right_network() {
    assert!(reason("cidr", "192.0.2.7/24").contains("192.0.2.0/24"));
    assert!(reason("cidr", "2001:db8:1::/32").contains("2001:db8::/32"));
    assert!(reason("cidr", "192.0.2.0/33").contains("above 32"));
    assert_eq!(parse("cidr", "0.0.0.0/0", None).unwrap().text(), "0.0.0.0/0");
    assert_eq!(parse("cidr", "192.0.2.7/32", None).unwrap().text(), "192.0.2.7/32");
}

#[test]
fn urls_lose_their_scheme_and_keep_port_path_and_query() {
    let text = |value: &str| parse("url", value, None).unwrap().text();
    assert_eq!(text("HTTP://Evil.Example:8080/A/b?C=d#frag"), "evil.example:8080/A/b?C=d");
    assert_eq!(text("evil.example"), "evil.example/");
    assert_eq!(text("https://evil.example?q=1"), "evil.example/?q=1");
    assert_eq!(text("evil.example/r?u=http://x.example/"), "evil.example/r?u=http://x.example/");
    assert_eq!(text("http://[2001:db8::1]:80/x"), "[2001:db8::1]:80/x");
    assert_eq!(text("http://[2001:db8::1]/x"), "[2001:db8::1]/x");
    assert_eq!(text("evil.example/thuế"), "evil.example/thu%E1%BA%BF");
    let Pattern::Url { host, port, path } = parse("url", "192.0.2.1/x", None).unwrap() else {
        panic!("a url")
    };
    assert_eq!((host, port), (Host::Address("192.0.2.1".parse().unwrap()), None));
    assert_eq!(path, "/x");
    assert!(reason("url", "ftp://evil.example/x").contains("ftp"));
    assert!(reason("url", "http://me@evil.example/").contains("user name"));
    assert!(reason("url", "evil.example:99999/").contains("99999"));
    assert!(reason("url", "evil.example/a b").contains("%20"));
}

#[test]
fn names_take_their_scope_from_the_star_or_the_column() {
    let star = parse("domain", "*.evil.example", None).unwrap();
    assert_eq!((star.scope(), star.text()), (Some(Scope::Subtree), "evil.example".into()));
    assert!(parse("domain", "*.evil.example", Some(Scope::Exact)).is_err());
    assert!(parse("ip", "192.0.2.1", Some(Scope::Exact)).is_err());
    assert!(reason("domain", "evil.example/x").contains("type url"));
    assert!(reason("domain", "http://evil.example").contains("bare name"));
}

#[test]
fn fingerprints_are_checked_and_lowered() {
    let md5 = "0123456789ABCDEF0123456789abcdef";
    assert_eq!(parse("ja3", md5, None).unwrap(), Pattern::Ja3(md5.to_lowercase()));
    assert!(reason("ja3", "0123").contains("32 hex"));
    assert!(reason("cert-sha1", md5).contains("40 hex"));
    let ja4 = "t13d1516h2_8daaf6152771_b186095e22b6";
    assert_eq!(parse("ja4", ja4, None).unwrap(), Pattern::Ja4(ja4.into()));
    assert!(parse("ja4", "t13d1516h2_8daaf6152771", None).is_err());
    let agent = parse("user-agent", "Evil/1.0 (X; y[.]z)", None).unwrap();
    assert_eq!(agent, Pattern::UserAgent("Evil/1.0 (X; y[.]z)".into()));
    assert!(reason("path", "evil").contains("begin with /"));
}

#[test]
fn a_native_feed_must_be_written_plain() {
    for (kind, text) in
        [("domain", "evil[.]example"), ("url", "hxxp://evil.example/x"), ("ip", "192[.]0[.]2[.]1")]
    {
        assert!(reason(kind, text).contains("write it plain"), "{text}");
    }
}

#[test]
fn a_plain_list_is_guessed_line_by_line() {
    let feed = load(
        "# pasted from a notice\n\
         evil[.]example   # c2\n\
         *.tree.example\n\
         203.0.113.7\n\
         203[.]0[.]113[.]7:8080\n\
         [2001:db8::7]:443\n\
         203.0.113.0/25\n\
         hxxps://evil[.]example/drop/x.zip#top\n\
         0.0.0.0 hosts.example\n\
         a.example,domain\n\
         not a name\n",
    );
    let rows: Vec<_> =
        feed.indicators.iter().map(|r| (r.pattern.kind(), r.pattern.text())).collect();
    let expected = [
        ("domain", "evil.example"),
        ("domain", "tree.example"),
        ("ip", "203.0.113.7"),
        ("ip:port", "203.0.113.7:8080"),
        ("ip:port", "[2001:db8::7]:443"),
        ("cidr", "203.0.113.0/25"),
        ("url", "evil.example/drop/x.zip"),
        ("domain", "evil.example"),
        ("domain", "hosts.example"),
        ("domain", "a.example"),
    ];
    assert_eq!(rows, expected.map(|(kind, text)| (kind, text.to_owned())));
    assert_eq!(feed.rejected.len(), 1);
    assert!(feed.rejected[0].reason.to_string().contains("no indicator"), "{:?}", feed.rejected);
    assert_eq!(&*feed.indicators[0].threat, "unknown");
}

#[test]
fn an_empty_file_is_an_empty_feed() {
    for text in ["", "\n\n", "# nothing yet\n", "\u{feff}", "indicator,type\n"] {
        let feed = load(text);
        assert_eq!((feed.indicators.len(), feed.rejected_total()), (0, 0), "{text:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_loaded_or_refused_and_every_row_is_accounted_for(
        body in "[\"',;\\t\\n\\r#a-z0-9.:/*\\[\\]é-]{0,300}", native in any::<bool>(),
    ) {
        let text = if native { format!("indicator,type\n{body}") } else { body };
        if let Ok(feed) = load_bytes("any", text.as_bytes()) {
            let header = usize::from(lines(&text).next().is_some_and(|(_, l)| native::is_header(l)));
            let rows = feed.indicators.len() + feed.rejected_total() + feed.duplicates;
            if header == 1 {
                prop_assert_eq!(rows, lines(&text).count() - 1);
            } else {
                // A line may hold several values, and two lines may be one.
                let said = lines(&text).filter(|(_, line)| line::read(line) != line::Line::Blank);
                let joined = feed.rejected.iter().filter(|row| row.reason.to_string().contains("two lines"));
                prop_assert!(rows + joined.count() >= said.count(), "{:?}", feed);
            }
        }
    }

    #[test]
    fn a_bad_line_never_changes_its_neighbours(bad in "[^\n]{0,60}") {
        let feed = load(&format!("indicator,type\na.example,domain\n{bad}\nz.example,domain\n"));
        let names: Vec<_> = feed.indicators.iter().map(|r| (r.line, r.pattern.text())).collect();
        prop_assert!(names.contains(&(2, "a.example".into())));
        prop_assert!(names.contains(&(4, "z.example".into())) || bad.contains("z.example"));
    }

    #[test]
    fn whatever_is_guessed_reads_back_from_its_own_text(text in "[a-zA-Z0-9.:/*\\[\\]?=é-]{1,60}") {
        if let Ok(pattern) = guess(&text) {
            let again = parse(pattern.kind(), &pattern.text(), pattern.scope());
            prop_assert_eq!(again, Ok(pattern));
        }
    }
}

#[test]
fn a_feed_of_tiny_rows_is_not_given_the_memory_of_as_many_indicators() {
    let rows = 10 * MAX_EXPECTED;
    let loaded = load_bytes("tiny", format!("indicator,type\n{}", "x\n".repeat(rows)).as_bytes());
    let loaded = loaded.unwrap();
    assert_eq!((loaded.indicators.len(), loaded.rejected_total()), (0, rows));
    assert!(loaded.indicators.capacity() <= 2 * MAX_EXPECTED);
}
