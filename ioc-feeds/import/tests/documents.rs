//! Documents as letters and mails bring them: every cell whole, every value with its place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]

mod support;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ioc_feeds::handover::Place;
use support::{at, docx, docx_with, drawn_table, import, paragraph, pdf, word_table, xlsx};

const ROWS: [&[&str]; 4] = [
    &["STT", "Tên miền", "Ghi chú"],
    &["1", "c2[.]bad-host[.]example", "C2"],
    &["2", "hxxps://dl[.]bad-host[.]example/a/b[.]php", ""],
    &["3", "plain.bad-host.example", "cell of a column that says so"],
];
const LOADED: [&str; 3] =
    ["c2.bad-host.example", "dl.bad-host.example/a/b.php", "plain.bad-host.example"];

#[test]
fn a_letter_in_word_gives_its_annex_and_asks_about_its_words() {
    let letter =
        "Chi tiết tại https://sender.example và hòm thư a@sender.example của đơn vị chúng tôi.";
    let body = paragraph(letter) + &word_table(&ROWS);
    import(&docx(&body)).read_as("Word").loads(&LOADED).asks(&["sender.example/"]);
}

#[test]
fn runs_tabs_breaks_and_deleted_text_of_word_are_what_a_reader_sees() {
    let runs = "<w:p><w:r><w:t>c2[.]bad</w:t></w:r><w:r><w:noBreakHyphen/><w:t>host[.]example</w:t></w:r>\
        <w:del><w:r><w:delText>gone[.]example</w:delText><w:t>gone[.]example</w:t></w:r></w:del></w:p>\
        <w:p><w:r><w:t>1</w:t><w:tab/><w:t>d[.]bad-host[.]example</w:t><w:br/><w:t>e[.]bad-host[.]example</w:t></w:r></w:p>";
    import(&docx(runs)).loads(&["c2.bad-host.example", "d.bad-host.example", "e.bad-host.example"]);
}

#[test]
fn notes_and_text_boxes_are_read_once() {
    let inside =
        "<w:txbxContent><w:p><w:r><w:t>box[.]bad[.]example</w:t></w:r></w:p></w:txbxContent>";
    let body = format!(
        "<w:p><w:r><mc:AlternateContent><mc:Choice>{inside}</mc:Choice><mc:Fallback>{inside}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
    );
    let note = "<w:footnotes xmlns:w=\"w\"><w:footnote><w:p><w:r><w:t>note[.]bad[.]example</w:t></w:r></w:p></w:footnote></w:footnotes>";
    let read = import(&docx_with(&body, &[("word/footnotes.xml", note)]));
    read.loads(&["box.bad.example", "note.bad.example"]);
    assert_eq!(read.rows()[1].place.part, "footnotes.xml");
}

#[test]
fn a_workbook_gives_its_rows_with_ports_of_the_next_column() {
    let rows: [&[&str]; 4] = [
        &["Danh sách chỉ dấu"],
        &["Địa chỉ IP", "Cổng", "Mô tả"],
        &["198[.]51[.]100[.]7", "80, 443", "RedLine"],
        &["2001:db8::9", "", ""],
    ];
    let read = import(&xlsx(&rows));
    read.read_as("workbook").loads(&["198.51.100.7:80", "198.51.100.7:443", "2001:db8::9"]);
    let place = &read.rows()[0].place;
    assert_eq!((place.part.as_str(), place.line, place.cell), ("IOC", 3, 1));
}

#[test]
fn cells_of_a_pdf_are_whole_whatever_order_they_were_written_in() {
    let rows: [&[&str]; 4] = [
        &["STT", "Domain", "Note"],
        &["1", "very-long-name.cdn-\nupdate[.]bad-\nhost[.]example", "first line\nsecond line"],
        &["2", "hxxp://dl[.]bad[.\n]example/a-\nb/c[.]php", ""],
        &["3", "update(.)bad(.)example", ""],
    ];
    let (table, foot) = drawn_table(700, &[50, 90, 300, 450], &rows);
    let words = at(50, 760, "A letter says that www.sender.example was used for this and that.")
        + &at(50, foot - 40, "To: 198.51.100.9");
    let read = import(&pdf(&[words + &table]));
    read.read_as("PDF")
        .loads(&[
            "very-long-name.cdn-update.bad-host.example",
            "dl.bad.example/a-b/c.php",
            "update.bad.example",
        ])
        .asks(&["www.sender.example", "198.51.100.9"]);
    assert_eq!(
        read.rows()[0].place,
        Place { page: 1, table: 1, line: 2, cell: 2, ..Place::default() }
    );
}

#[test]
fn a_table_goes_on_over_a_page_and_so_does_a_row() {
    let lefts = [50, 90, 300];
    let (first, _) = drawn_table(
        200,
        &lefts,
        &[&["STT", "Domain"], &["1", "a[.]bad[.]example"], &["2", "b-long-\nname[.]bad"]],
    );
    let (second, _) = drawn_table(760, &lefts, &[&["", "[.]example"], &["3", "c[.]bad[.]example"]]);
    let read = import(&pdf(&[first, second]));
    read.loads(&["a.bad.example", "b-long-name.bad.example", "c.bad.example"]);
    assert_eq!(read.rows()[2].place.page, 2);
}

#[test]
fn a_table_whose_heading_is_lost_is_known_by_what_it_holds() {
    let rows: [&[&str]; 3] = [
        &["S T", "xx", "yy"],
        &["1", "198[.]51[.]100[.]7", "443"],
        &["2", "198.51.100.8", "80, 8080"],
    ];
    let (table, _) = drawn_table(700, &[50, 90, 300, 450], &rows);
    import(&pdf(&[table])).loads(&["198.51.100.7:443", "198.51.100.8:80", "198.51.100.8:8080"]);
}

#[test]
fn a_scan_and_what_is_locked_are_refused_with_what_to_do() {
    import(&pdf(&["0 0 m 100 100 l S".into()])).fails("scan without text");
    let mut ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    ole.resize(1024, 0);
    for (name, words) in [
        ("WordDocument", "save it as .docx"),
        ("EncryptedPackage", "password"),
        ("__substg1.0_001A001E", "save the mail as .eml"),
    ] {
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        import(&[&ole[..], &wide].concat()).fails(words);
    }
    import(b"\x1f\x8b\x08\0\0\0\0\0").fails("unpack it");
    import(b"\x89PNG\r\n\x1a\n").fails("a picture");
    import(b"  \n").fails("empty");
}

#[test]
fn a_mail_is_read_as_it_was_meant_and_so_is_what_is_attached() {
    let annex = STANDARD.encode(docx(&word_table(&ROWS)));
    let mail = format!(
        "From: A <a@sender.example>\r\nTo: b@ward.example\r\nSubject: x\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
         K=C3=ADnh g=E1=BB=ADi c=C3=A1c ph=C6=B0=E1=BB=9Dng x=C3=A3 tr=C3=AAn =C4=91=E1=BB=8Ba b=C3=A0n,\r\n\
         hxxp://dl[.]bad[.]example/a/very/long/path/that/is/wra=\r\npped/load.php\r\n--\r\nwww.sender.example\r\n\
         --b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"annex.docx\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{annex}\r\n--b--\r\n"
    );
    let read = import(mail.as_bytes());
    let mut expected = vec!["dl.bad.example/a/very/long/path/that/is/wrapped/load.php"];
    expected.extend(LOADED);
    read.read_as("mail").loads(&expected).asks(&["www.sender.example"]);
    assert_eq!(read.rows().last().unwrap().place.part, "annex.docx");
}

#[test]
fn a_page_and_its_tables_are_read_and_scripts_are_not() {
    let page = "<!DOCTYPE html><html><head><title>x.example.com</title></head><body>\
        <script>var a = 'script[.]bad[.]example';</script>\
        <p>We saw this group use <b>many</b> hosts; see www.vendor.example for more.</p>\
        <ul><li>li[.]bad[.]example</li></ul>\
        <table><tr><th>Type</th><th>Indicator</th></tr><tr><td>domain</td><td>t[.]bad&#46;example</td></tr></table></body></html>";
    import(page.as_bytes())
        .read_as("HTML")
        .loads(&["t.bad.example", "li.bad.example"])
        .asks(&["www.vendor.example"]);
}

#[test]
fn tables_of_markdown_and_asciidoc_are_read() {
    let markdown = "# Report\n\nSome words about what was seen in this month.\n\n## Network\n\n| Domain | Note |\n|---|---|\n| `a[.]bad[.]example` | C2 |\n| b.bad.example | C2 |\n\n- `c[.]bad[.]example`\n";
    let read = import(markdown.as_bytes());
    read.read_as("Markdown").loads(&["a.bad.example", "b.bad.example", "c.bad.example"]);
    assert_eq!(read.rows()[0].place.line, 9);
    let asciidoc = "= Report\n\n== Network\n\n[options=\"header\"]\n|===\n|Domain|IP|First seen\n|`a[.]bad[.]example`|`198.51.100[.]7`|2021-12-02\n|`b[.]bad[.]example`\n|`198.51.100[.]8`\n|2021-12-03\n|===\n\nhttps://vendor.example/2022/a-report/[read more]\n";
    let read = import(asciidoc.as_bytes());
    read.loads(&["a.bad.example", "198.51.100.7", "b.bad.example", "198.51.100.8"]);
}
