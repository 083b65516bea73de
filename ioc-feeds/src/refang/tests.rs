use proptest::prelude::*;

use super::*;

#[track_caller]
fn becomes(written: &str, plain: &str) {
    let got = refang(written);
    assert_eq!(got.text, plain, "{written}");
    assert!(got.defanged, "{written}: a mark was undone and not remembered");
}

#[test]
fn every_bracketed_dot_is_a_dot() {
    for written in [
        "a[.]bad-host[.]example",
        "a(.)bad-host(.)example",
        "a{.}bad-host{.}example",
        "a<.>bad-host<.>example",
        "a[dot]bad-host[dot]example",
        "a[DOT]bad-host(Dot)example",
        "a{dot}bad-host{dot}example",
        "a[punto]bad-host[punto]example",
        "a [.] bad-host [.] example",
        "a [dot] bad-host[dot] example",
        "a[ . ]bad-host[ dot ]example",
        "a[.bad-host[.example",
        "a.]bad-host.]example",
        "a[.}bad-host[.}example",
        "a\\.bad-host\\.example",
        "a . bad-host . example",
        "a dot bad-host dot example",
        "a［.］bad-host［．］example",
    ] {
        becomes(written, "a.bad-host.example");
    }
}

#[test]
fn every_disguised_scheme_is_http() {
    for written in [
        "hxxp://a.example/x",
        "hXXp://a.example/x",
        "htxp://a.example/x",
        "h**p://a.example/x",
        "h__p://a.example/x",
        "hxxp[:]//a.example/x",
        "hxxp[://]a.example/x",
        "hxxp:// a.example/x",
        "hxxp:\\\\a.example\\x",
        "http:\\\\a.example\\x",
        "meow://a.example/x",
        "hxxp://a[.]example[/]x",
        "http[:]//a.example/x",
        "hxxp//a.example/x",
    ] {
        becomes(written, "http://a.example/x");
    }
    becomes("hxxps://a[.]example/x", "https://a.example/x");
    becomes("198[.]51[.]100[.]7[:]443", "198.51.100.7:443");
    becomes("198.51.100.7[:443]", "198.51.100.7:443]");
}

#[test]
fn what_a_word_processor_put_in_is_taken_out_and_said() {
    for hyphen in ['\u{2010}', '\u{2011}', '\u{2013}', '\u{2014}', '\u{2212}'] {
        let got = refang(&format!("bad{hyphen}host.example"));
        assert_eq!(got.text, "bad-host.example");
        assert!(got.mended && !got.defanged);
    }
    assert_eq!(refang("“bad.example”").text, "\"bad.example\"");
    assert_eq!(refang("\u{2060}b\u{200b}ad.ex\u{ad}ample\u{feff}").text, "bad.example");
}

#[test]
fn what_is_no_mark_stays() {
    for text in [
        "bad.example (PlugX C2)",
        "[2001:db8::9]:443",
        "[http://bad.example/a](http://bad.example/a)",
        "http__bad.example/a",
        "see [1] and (a) <b>",
        "http://bad.example/a//b\n",
        "C:/Users/x",
        "// bad.example",
        "Kính gửi: Ủy ban nhân dân (các phường, xã).",
    ] {
        assert_eq!(refang(text), Refanged { text: text.into(), ..Refanged::default() });
    }
}

proptest! {
    #[test]
    fn a_name_comes_back_from_every_mix_of_marks(
        labels in prop::collection::vec("[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?", 2..5),
        marks in prop::collection::vec(prop::sample::select(vec![
            "[.]", "(.)", "{.}", "<.>", "[dot]", "(DOT)", "[.", "[.}", "\\.", " [.] ", "[ . ]", "．", ".",
        ]), 4),
    ) {
        prop_assume!(!labels.iter().any(|label| label == "dot"));
        let written: String = labels.iter().enumerate().map(|(at, label)| {
            if at == 0 { label.clone() } else { format!("{}{label}", marks[at - 1]) }
        }).collect();
        prop_assert_eq!(refang(&written).text, labels.join("."));
    }

    #[test]
    fn no_text_makes_it_panic_or_grow(text in "(\\PC|\\[|\\]|\\.|/|:|\\\\| ){0,60}") {
        let got = refang(&text);
        prop_assert!(got.text.len() <= text.len() + 8 * text.matches("//").count() + 16 + 4 * text.matches(":").count());
    }

    #[test]
    fn what_is_called_plain_is_not_changed(text in "[a-zA-Z0-9._-]{0,40}") {
        prop_assert!(is_plain(&text));
        prop_assert_eq!(refang(&text), Refanged { text, ..Refanged::default() });
    }
}
