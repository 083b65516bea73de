//! What a document is, by its bytes; a name or an ending is never asked.

use crate::text::{self, Text};
use crate::{
    Out, Refusal, docx, html, json, lists, mail, markup, pdf, rules, separated, sheet, xml, zipped,
};

/// Formats, as `--as` spells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// PDF.
    Pdf,
    /// Word.
    Docx,
    /// Excel or OpenDocument sheets.
    Sheet,
    /// A mail.
    Mail,
    /// HTML.
    Html,
    /// Markdown or AsciiDoc.
    Markup,
    /// A table with separators.
    Csv,
    /// JSON of any kind: STIX, MISP, OTX, ThreatFox.
    Json,
    /// XML: STIX 1, OpenIOC.
    Xml,
    /// Rules of Suricata or Snort.
    Rules,
    /// A Suricata dataset.
    Dataset,
    /// Lines of text.
    Text,
}

impl Kind {
    /// Every format with its word.
    pub const ALL: [(&'static str, Self); 12] = [
        ("pdf", Self::Pdf),
        ("docx", Self::Docx),
        ("xlsx", Self::Sheet),
        ("eml", Self::Mail),
        ("html", Self::Html),
        ("markdown", Self::Markup),
        ("csv", Self::Csv),
        ("json", Self::Json),
        ("xml", Self::Xml),
        ("rules", Self::Rules),
        ("dataset", Self::Dataset),
        ("text", Self::Text),
    ];

    /// The format of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, kind)| *kind)
    }
}

const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// Reads a document as what it is, or as what it is called.
pub(crate) fn read(bytes: &[u8], named: Option<Kind>, out: &mut Out<'_>) -> Result<(), Refusal> {
    if let Some(kind @ (Kind::Pdf | Kind::Docx | Kind::Sheet)) = named {
        return binary(kind, bytes, out);
    }
    if named.is_none()
        && let Some(kind) = magic(bytes)?
    {
        return binary(kind, bytes, out);
    }
    let Text { text, encoding } = text::decode(bytes)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let kind = named.unwrap_or_else(|| of_text(text));
    let told = Told { encoding };
    match kind {
        Kind::Mail => {
            told.tell("thư điện tử (EML)", "a mail (EML)", out);
            mail::read(bytes, out)
        }
        Kind::Html => {
            told.tell("trang HTML", "HTML", out);
            html::read(text, out);
            Ok(())
        }
        Kind::Markup => {
            told.tell("Markdown hoặc AsciiDoc", "Markdown or AsciiDoc", out);
            markup::read(text, out);
            Ok(())
        }
        Kind::Json => json::read(text, &told, out),
        Kind::Xml => xml::read(text, &told, out),
        Kind::Rules => {
            told.tell("luật Suricata hoặc Snort", "rules of Suricata or Snort", out);
            rules::read(text, out);
            Ok(())
        }
        Kind::Dataset => lists::dataset(text, &told, out),
        Kind::Csv => separated::read(text, &told, out),
        Kind::Text => {
            let (vi, en) = lists::name(text);
            told.tell(vi, en, out);
            lists::read(text, out);
            Ok(())
        }
        Kind::Pdf | Kind::Docx | Kind::Sheet => binary(kind, bytes, out),
    }
}

/// How a text was saved, said beside its format.
pub(crate) struct Told {
    encoding: &'static str,
}

impl Told {
    /// Says what the document is taken for.
    pub(crate) fn tell(&self, vi: &str, en: &str, out: &mut Out<'_>) {
        out.read_as(format!("{vi}, {}", self.encoding), format!("{en}, {}", self.encoding));
    }
}

fn binary(kind: Kind, bytes: &[u8], out: &mut Out<'_>) -> Result<(), Refusal> {
    match kind {
        Kind::Pdf => pdf::read(bytes, out),
        Kind::Docx => docx::read(bytes, out),
        _ => sheet::read(bytes, out),
    }
}

/// What the first bytes say, or why what they say cannot be read.
fn magic(bytes: &[u8]) -> Result<Option<Kind>, Refusal> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    let head = bytes.get(..bytes.len().min(1024)).unwrap_or(bytes);
    if head.windows(5).any(|window| window == b"%PDF-") {
        return Ok(Some(Kind::Pdf));
    }
    if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") {
        return zipped::kind(bytes).map(Some);
    }
    if starts(OLE) {
        return ole(bytes).map(Some);
    }
    if starts(b"{\\rtf") {
        return Err(Refusal::new(
            "là tài liệu RTF: hãy mở bằng Word hoặc LibreOffice và lưu thành .docx",
            "is an RTF document: open it in Word or LibreOffice and save it as .docx",
        ));
    }
    let packed = [
        (&b"\x1f\x8b"[..], "gzip"),
        (b"BZh", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"Rar!", "RAR"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
    ];
    if let Some((_, name)) = packed.iter().find(|(magic, _)| starts(magic)) {
        return Err(Refusal::new(
            format!("là tệp nén {name}: hãy giải nén rồi nạp tệp bên trong"),
            format!("is packed ({name}): unpack it and import what is inside"),
        ));
    }
    let pictures: [&[u8]; 5] = [b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*"];
    if pictures.iter().any(|magic| starts(magic)) {
        return Err(Refusal::new(
            "là ảnh: không có chữ để đọc; hãy gõ lại các dấu hiệu vào tệp .txt hoặc nhận dạng chữ (OCR)",
            "is a picture: there is no text in it; type the indicators into a .txt or have it recognised (OCR)",
        ));
    }
    Ok(None)
}

/// The old container of Office: `.xls` is read, `.doc` and `.msg` are not, and neither is what a
/// password locks.
fn ole(bytes: &[u8]) -> Result<Kind, Refusal> {
    let has = |name: &str| {
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        bytes.windows(wide.len()).any(|window| window == wide)
    };
    if has("EncryptedPackage") {
        return Err(locked());
    }
    if has("WordDocument") {
        return Err(Refusal::new(
            "là tệp .doc cũ của Word: hãy mở và lưu thành .docx",
            "is an old .doc of Word: open it and save it as .docx",
        ));
    }
    if has("__substg1.0_") || has("__properties_version1.0") {
        return Err(Refusal::new(
            "là thư .msg của Outlook: hãy lưu thư thành .eml, hoặc chép nội dung vào tệp .txt",
            "is a .msg of Outlook: save the mail as .eml, or copy its text into a .txt",
        ));
    }
    if has("Workbook") || has("Book") {
        return Ok(Kind::Sheet);
    }
    Err(Refusal::new(
        "là tệp Office cũ không đọc được: hãy lưu thành .docx hoặc .xlsx",
        "is an old Office file that cannot be read: save it as .docx or .xlsx",
    ))
}

/// What a document with a password is refused with.
pub(crate) fn locked() -> Refusal {
    Refusal::new(
        "có mật khẩu: hãy mở bằng mật khẩu, lưu thành tệp không có mật khẩu rồi nạp lại",
        "is protected by a password: open it, save it without one, and import that",
    )
}

/// Lines that are looked at to tell one text from another.
const LINES: usize = 60;

/// Octets of a line that are looked at to tell one text from another.
const CLIPPED: usize = 4096;

/// The beginning of a line, which tells as much as the whole.
pub(crate) fn clipped(line: &str) -> &str {
    let mut end = line.len().min(CLIPPED);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line.get(..end).unwrap_or(line)
}

/// What a text is, by its first lines.
fn of_text(text: &str) -> Kind {
    let start = text.trim_start();
    if start.starts_with('{') || start.starts_with('[') && json::looks_like(start) {
        return Kind::Json;
    }
    let lower: String = start.chars().take(2000).collect::<String>().to_lowercase();
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        return Kind::Html;
    }
    if lower.starts_with("<?xml") || lower.starts_with("<stix") || lower.starts_with("<ioc") {
        return if lower.contains("<html") { Kind::Html } else { Kind::Xml };
    }
    if ["<table", "<body", "<div", "<p>"].iter().any(|tag| lower.starts_with(tag)) {
        return Kind::Html;
    }
    let lines: Vec<&str> = text
        .lines()
        .map(|line| clipped(line).trim())
        .filter(|line| !line.is_empty())
        .take(LINES)
        .collect();
    if mail::looks_like(&lines) {
        return Kind::Mail;
    }
    if rules::looks_like(&lines) {
        return Kind::Rules;
    }
    if lists::looks_like_dataset(&lines) {
        return Kind::Dataset;
    }
    if separated::looks_like(&lines) {
        return Kind::Csv;
    }
    if markup::looks_like(&lines) {
        return Kind::Markup;
    }
    Kind::Text
}
