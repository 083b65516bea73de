//! Parts of documents that are zips, unpacked within bounds: a few kilobytes can unpack to
//! gigabytes.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use crate::{Kind, Refusal};

/// Largest part that is unpacked, in octets.
const PART: u64 = 64 * 1024 * 1024;
/// Most parts of a document.
const PARTS: usize = 10_000;

/// A document of parts.
pub(crate) struct Parts<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
}

impl<'a> Parts<'a> {
    /// Opens it.
    ///
    /// # Errors
    ///
    /// When it is damaged or has too many parts.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let archive =
            ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error.to_string()))?;
        if archive.len() > PARTS {
            return Err(Refusal::new(
                format!("có hơn {PARTS} phần bên trong"),
                format!("has more than {PARTS} parts"),
            ));
        }
        Ok(Self { archive })
    }

    /// Names of the parts.
    pub(crate) fn names(&self) -> Vec<String> {
        self.archive.file_names().flatten().map(|name| name.into_owned()).collect()
    }

    /// One part; none if there is no such part.
    ///
    /// # Errors
    ///
    /// When it is damaged, locked or unpacks to more than its bound.
    pub(crate) fn part(&mut self, name: &str) -> Result<Option<Vec<u8>>, Refusal> {
        if self.archive.index_for_name(name).is_none() {
            return Ok(None);
        }
        let file = self.archive.by_name(name).map_err(|error| match error.to_string() {
            text if text.to_lowercase().contains("password") => crate::detect::locked(),
            text => damaged(&format!("{name}: {text}")),
        })?;
        let mut bytes = Vec::new();
        let read = file.take(PART + 1).read_to_end(&mut bytes);
        read.map_err(|error| damaged(&format!("{name}: {error}")))?;
        if bytes.len() as u64 > PART {
            let most = PART / 1024 / 1024;
            return Err(Refusal::new(
                format!("phần {name} giải nén ra hơn {most} MiB: có thể là bom nén"),
                format!("part {name} unpacks to more than {most} MiB: perhaps a bomb"),
            ));
        }
        Ok(Some(bytes))
    }
}

/// What a damaged document is refused with.
pub(crate) fn damaged(what: &str) -> Refusal {
    Refusal::new(
        format!("tệp bị hỏng hoặc bị cắt ({what}): hãy xin lại bản khác"),
        format!("is damaged or cut short ({what}): ask for another copy"),
    )
}

/// What a zip holds.
///
/// # Errors
///
/// When it is damaged or no document that is read.
pub(crate) fn kind(bytes: &[u8]) -> Result<Kind, Refusal> {
    let mut parts = Parts::open(bytes)?;
    let names = parts.names();
    let has = |start: &str| names.iter().any(|name| name.starts_with(start));
    if has("word/") {
        return Ok(Kind::Docx);
    }
    if has("xl/") {
        return Ok(Kind::Sheet);
    }
    if names.iter().any(|name| name == "mimetype") {
        let kind = parts.part("mimetype")?.unwrap_or_default();
        let kind = String::from_utf8_lossy(&kind).into_owned();
        if kind.contains("spreadsheet") {
            return Ok(Kind::Sheet);
        }
        return Err(Refusal::new(
            format!("là tài liệu OpenDocument ({kind}): hãy lưu thành .docx hoặc .pdf"),
            format!("is an OpenDocument ({kind}): save it as .docx or .pdf"),
        ));
    }
    if has("ppt/") {
        return Err(Refusal::new(
            "là bản trình chiếu: hãy lưu thành .pdf",
            "is a presentation: save it as .pdf",
        ));
    }
    Err(Refusal::new(
        "là tệp nén zip: hãy giải nén rồi nạp tệp bên trong",
        "is a zip: unpack it and import what is inside",
    ))
}
