//! What the reader of the configuration says, in Vietnamese.

pub use wardwatch_record::Message as Said;

/// What a library says of a file in TOML. Names and types stay as they are written.
pub fn of_toml(english: &str) -> Said {
    Said::new(toml(english), english)
}

/// The most frequent faults of a configuration; any other is told apart as one of spelling, in the
/// library's words.
fn toml(english: &str) -> String {
    let after = |prefix: &str| english.strip_prefix(prefix);
    if let Some(rest) = after("unknown field `") {
        return named(rest, "không có mục", "các mục dùng được");
    }
    if let Some(rest) = after("unknown variant `") {
        return named(rest, "không có giá trị", "các giá trị dùng được");
    }
    if let Some(name) = after("missing field `") {
        return format!("thiếu mục `{name}");
    }
    if let Some(name) = after("duplicate field `") {
        return format!("lặp lại mục `{name}");
    }
    if english == "duplicate key" {
        return "có mục được ghi hai lần".into();
    }
    for (prefix, what) in
        [("invalid type: ", "sai kiểu giá trị"), ("invalid value: ", "giá trị không hợp lệ")]
    {
        if let Some((found, wanted)) = after(prefix).and_then(|rest| rest.split_once(", expected "))
        {
            return format!("{what}: đang là {}, cần {}", kind(found), kind(wanted));
        }
    }
    if english.starts_with("string values must be quoted") {
        return "giá trị chữ phải nằm trong dấu nháy, ví dụ: interfaces = [\"eth1\"]".into();
    }
    format!("sai cú pháp TOML: {english}")
}

/// ``x`, expected one of `a`, `b`` and its shorter forms.
fn named(rest: &str, what: &str, known: &str) -> String {
    let (name, expected) = rest.split_once('`').unwrap_or((rest, ""));
    let list = expected.trim_start_matches(", expected ").trim_start_matches("one of ");
    let list = list.replace(" or ", ", ");
    match list.starts_with('`') {
        true => format!("{what} `{name}`; {known}: {list}"),
        false => format!("{what} `{name}`"),
    }
}

/// A type of TOML; what stands behind it is the value.
fn kind(english: &str) -> String {
    let types = [
        ("string", "chuỗi ký tự"),
        ("a string", "chuỗi ký tự"),
        ("path string", "đường dẫn trong dấu nháy"),
        ("integer", "số nguyên"),
        ("floating point", "số thực"),
        ("boolean", "true/false"),
        ("a boolean", "true hoặc false"),
        ("sequence", "danh sách trong ngoặc vuông"),
        ("a sequence", "danh sách trong ngoặc vuông"),
        ("map", "bảng"),
        ("a map", "bảng"),
        ("usize", "số nguyên không âm"),
        ("u64", "số nguyên không âm"),
    ];
    let (head, value) = match english.split_once(" `").or_else(|| english.split_once(" \"")) {
        Some((head, _)) => (head, english.get(head.len()..).unwrap_or_default()),
        None => (english, ""),
    };
    let known = types.into_iter().find(|(name, _)| *name == head);
    known.map_or_else(|| english.to_owned(), |(_, vi)| format!("{vi}{value}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Language;

    #[test]
    fn what_the_reader_of_the_configuration_says_is_said_in_vietnamese() {
        #[derive(Debug, Default, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        #[allow(dead_code)] // only read
        struct Section {
            dir: std::path::PathBuf,
            eve: bool,
            megabytes: usize,
            names: Vec<String>,
        }
        for (text, vietnamese) in [
            ("directory = 'x'", "không có mục `directory`; các mục dùng được: `dir`, `eve`, "),
            ("eve = 'yes'", "sai kiểu giá trị: đang là chuỗi ký tự \"yes\", cần true hoặc false"),
            ("megabytes = -1", "giá trị không hợp lệ: đang là số nguyên `-1`, cần số nguyên không"),
            (
                "megabytes = true",
                "sai kiểu giá trị: đang là true/false `true`, cần số nguyên không",
            ),
            (
                "names = 'x'",
                "sai kiểu giá trị: đang là chuỗi ký tự \"x\", cần danh sách trong ngoặc",
            ),
            ("dir = 1", "sai kiểu giá trị: đang là số nguyên `1`, cần đường dẫn trong dấu nháy"),
            ("eve = true\neve = true", "có mục được ghi hai lần"),
            ("eve = ", "giá trị chữ phải nằm trong dấu nháy"),
            ("names = [eth1]", "giá trị chữ phải nằm trong dấu nháy"),
            ("dir 7", "sai cú pháp TOML: "),
        ] {
            let error = toml::from_str::<Section>(text).unwrap_err();
            let said = of_toml(error.message());
            assert_eq!(said.to_string(), error.message());
            assert!(said.in_language(Language::Vi).starts_with(vietnamese), "{text}: {said:?}");
        }
    }
}
