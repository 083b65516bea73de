//! The texts of the command line in Vietnamese. The English ones stand in [`crate::cli`], where
//! they are written; a test sees to it that none is missing here.

/// English as the command line has it, and its Vietnamese.
const TEXTS: &[(&str, &str)] = &[
    (
        "Passive sensor for RedLine Stealer and Mustang Panda contacts on a mirror port",
        "Máy giám sát thụ động: qua cổng sao chép, tìm máy tính đã liên lạc với hạ tầng đã biết của RedLine Stealer hoặc Mustang Panda",
    ),
    (
        "Exit codes: 0 done (also when stopped by a signal), 1 could not do it, 2 usage or configuration.\n\
         wardwatch only listens: it resolves no name, contacts no indicator and has no network. What leaves\n\
         this machine is wardwatch-relay's to send.",
        "Mã thoát: 0 hoàn thành (kể cả khi dừng bằng tín hiệu), 1 không thực hiện được, 2 sai tham số hoặc cấu hình.\n\
         wardwatch chỉ lắng nghe: không phân giải tên miền, không liên lạc với dấu hiệu (IoC) nào, không dùng mạng.\n\
         Những gì rời khỏi máy này là do wardwatch-relay gửi.",
    ),
    (
        "Configuration file (TOML) [default: /etc/wardwatch/wardwatch.toml if it is there]",
        "Tệp cấu hình (TOML) [mặc định: /etc/wardwatch/wardwatch.toml nếu có]",
    ),
    (
        "Language of alerts and the log [default: from the locale]",
        "Ngôn ngữ của cảnh báo và nhật ký [mặc định: theo hệ thống]",
    ),
    ("Say more on standard error", "In thêm thông tin ra đầu ra lỗi chuẩn"),
    (
        "Read captures: pcap, pcapng, snoop, also packed (gzip, zstd, xz, bzip2); a directory; `-` is standard input",
        "Đọc tệp bắt gói tin: pcap, pcapng, snoop, kể cả khi nén (gzip, zstd, xz, bzip2); hoặc cả thư mục; `-` là đầu vào chuẩn",
    ),
    (
        "Captures of one directory whose names differ only in numbers (x.pcap0 and x.pcap1, x-1200.pcap and\n\
         x-1205.pcap) are taken for parts of one recording: they are read in the order of their first packets,\n\
         and where one begins no more than 2 s before and 15 min after the end of the one before, connections\n\
         and counts go on. Any other capture is read by itself.\n\n\
         A directory is searched to its depth; links are not followed. Whatever looks like a capture there and\n\
         cannot be read is named, and the exit code is 1. A scan that a signal stops says how much was read and\n\
         exits with 130.",
        "Các tệp cùng thư mục có tên chỉ khác nhau ở chữ số (x.pcap0 và x.pcap1, x-1200.pcap và x-1205.pcap)\n\
         được coi là các phần của một bản ghi: chúng được đọc theo thứ tự gói tin đầu tiên; tệp nào bắt đầu\n\
         không sớm hơn 2 giây và không muộn hơn 15 phút so với lúc tệp trước kết thúc thì các kết nối và số đếm\n\
         được nối tiếp. Tệp khác được đọc riêng.\n\n\
         Thư mục được tìm đến tận cùng, không đi theo liên kết. Tệp nào trông giống tệp bắt gói tin mà không đọc\n\
         được thì được nêu tên và mã thoát là 1. Khi bị ngắt bằng tín hiệu, chương trình nói đã đọc được bao\n\
         nhiêu và thoát với mã 130.",
    ),
    (
        "Captures, directories or `-`; behind them a BPF expression, in one word or several",
        "Tệp bắt gói tin, thư mục hoặc `-`; sau đó có thể là biểu thức lọc BPF, viết liền hoặc tách rời",
    ),
    (
        "Write EVE JSON lines to a file, or with `-` to standard output instead of text",
        "Ghi EVE (mỗi dòng một JSON) ra tệp, hoặc với `-` ra đầu ra chuẩn thay cho văn bản",
    ),
    (
        "Event records in EVE beside alerts: dns,tls,quic,http,dhcp or all",
        "Ghi thêm sự kiện vào EVE ngoài cảnh báo: dns,tls,quic,http,dhcp hoặc all",
    ),
    (
        "Load indicators from a file or a directory of files too; may be given again",
        "Nạp thêm dấu hiệu (IoC) từ tệp hoặc thư mục; có thể ghi nhiều lần",
    ),
    (
        "Do not load the curated RedLine and Mustang Panda feeds (the canary stays)",
        "Không nạp danh sách RedLine và Mustang Panda có sẵn (dấu hiệu kiểm tra vẫn còn)",
    ),
    ("How alerts are printed", "Cách in cảnh báo"),
    ("Exit with N when alerts were raised", "Thoát với mã N khi có cảnh báo"),
    (
        "Threads that read, each another recording: a number or `auto`, one a processor; the output is the same for any N",
        "Số luồng đọc, mỗi luồng một bản ghi khác nhau: một số, hoặc `auto` là mỗi bộ xử lý một luồng; kết quả giống nhau với mọi N",
    ),
    (
        "Watch interfaces and write the log; needs CAP_NET_RAW, not root",
        "Giám sát card mạng và ghi nhật ký; cần CAP_NET_RAW, không cần root",
    ),
    ("Interface to watch; may be given again", "Card mạng cần giám sát; có thể ghi nhiều lần"),
    (
        "Workers an interface, each with its own socket: a number or `auto`, one a processor [default: 1]",
        "Số luồng cho mỗi card mạng, mỗi luồng một socket riêng: một số, hoặc `auto` là mỗi bộ xử lý một luồng [mặc định: 1]",
    ),
    ("Directory of alerts.log and eve.json", "Thư mục chứa alerts.log và eve.json"),
    (
        "Write EVE JSON lines to this file, or with `-` to standard output [default: eve.json in the log directory]",
        "Ghi EVE (mỗi dòng một JSON) ra tệp này, hoặc với `-` ra đầu ra chuẩn [mặc định: eve.json trong thư mục nhật ký]",
    ),
    (
        "Print each alert on standard output too, as it stands in alerts.log",
        "In thêm mỗi cảnh báo ra đầu ra chuẩn, đúng như trong alerts.log",
    ),
    (
        "Check configuration, feeds, log directory and interfaces, then exit",
        "Kiểm tra cấu hình, danh sách dấu hiệu, thư mục nhật ký và card mạng rồi thoát",
    ),
    (
        "BPF expression; none by default, because one that names ports also drops tags and PPPoE",
        "Biểu thức lọc BPF; mặc định không lọc, vì lọc theo cổng sẽ bỏ sót thẻ VLAN và PPPoE",
    ),
    (
        "Say on one screen how the sensor fares; exits with 1 when something is wrong, not for mere hints",
        "Cho biết trên một màn hình máy giám sát đang ra sao; thoát với mã 1 khi có lỗi, nếu chỉ có gợi ý thì không",
    ),
    (
        "Directory of the log of the sensor that is asked about",
        "Thư mục nhật ký của máy giám sát cần hỏi",
    ),
    ("Print the figures as JSON, for programs", "In các số liệu dạng JSON, dành cho phần mềm khác"),
    (
        "Listen to a mirror port for some seconds; say what is wrong with it and what mends it",
        "Lắng nghe cổng sao chép trong vài giây; cho biết có gì sai và cách khắc phục",
    ),
    (
        "Each finding has an id, a severity and a remedy. Exit codes: 0 the port can be used (there may be\n\
         NOTEs), 1 there is a PROBLEM. Ctrl-C ends the listening and judges what was heard so far.",
        "Mỗi kết luận có mã, mức độ và cách khắc phục. Mã thoát: 0 cổng dùng được (có thể có LƯU Ý), 1 có LỖI.\n\
         Ctrl-C dừng lắng nghe và kết luận theo những gì đã thấy.",
    ),
    (
        "Interface to listen on [default: the first of the configuration]",
        "Card mạng cần lắng nghe [mặc định: card đầu tiên trong cấu hình]",
    ),
    ("Seconds to listen", "Số giây lắng nghe"),
    ("Directory the log is to be written in", "Thư mục sẽ ghi nhật ký"),
    ("Look at the indicators", "Xem các dấu hiệu (IoC)"),
    (
        "Say that what a feed holds now is meant, although it has lost more than half of its rows",
        "Xác nhận nội dung hiện tại của danh sách là đúng ý, dù đã mất hơn nửa số dòng",
    ),
    ("Feed files, or directories of them", "Tệp danh sách dấu hiệu, hoặc thư mục chứa chúng"),
    ("List the indicators that are loaded", "Liệt kê các dấu hiệu đang được nạp"),
    (
        "Explain the behaviours that are looked for, in both languages, instead",
        "Thay vào đó, giải thích các hành vi được tìm, bằng cả hai ngôn ngữ",
    ),
    (
        "Turn documents and foreign lists into a feed; what is doubtful is asked about",
        "Chuyển tài liệu và danh sách của nơi khác thành tệp dấu hiệu; giá trị nghi ngờ thì được hỏi",
    ),
    (
        "A document is read by a process of its own that can reach no file and no network. Exit codes: 0\n\
         everything was taken, 1 something was refused or left out, 3 nothing was.",
        "Tài liệu được đọc bởi một tiến trình riêng, không với tới tệp nào và mạng nào. Mã thoát: 0 nạp hết,\n\
         1 có giá trị không nạp, 3 không nạp được gì.",
    ),
    (
        "Documents and lists: PDF, DOCX, XLSX, EML, HTML, CSV, STIX, MISP ...; a directory is one feed; `-` is standard input",
        "Tài liệu và danh sách: PDF, DOCX, XLSX, EML, HTML, CSV, STIX, MISP ...; một thư mục là một danh sách; `-` là đầu vào chuẩn",
    ),
    (
        "Read as this format, whatever it looks like",
        "Đọc theo dạng này, bất kể nội dung trông giống gì",
    ),
    (
        "File or directory the feed is written to, or `-` for standard output [default: the first directory of feeds in the configuration]",
        "Tệp hoặc thư mục để ghi kết quả, hoặc `-` là đầu ra chuẩn [mặc định: thư mục đầu tiên ở mục feeds của tệp cấu hình]",
    ),
    ("Load what is doubtful too, without a question", "Nạp cả giá trị nghi ngờ, không hỏi"),
    ("Leave out what is doubtful, without a question", "Để lại mọi giá trị nghi ngờ, không hỏi"),
    (
        "Threat of every row, such as redline or mustang-panda",
        "Mối đe dọa của mọi dòng, ví dụ redline hoặc mustang-panda",
    ),
    (
        "Report of every row: a link or the number of a letter",
        "Nguồn của mọi dòng: liên kết hoặc số công văn",
    ),
    (
        "Confidence of every row: low, medium or high",
        "Độ tin cậy của mọi dòng: low, medium hoặc high",
    ),
    (
        "Last day the rows are used, or never [default: 90 days for addresses, never for the rest]",
        "Ngày cuối cùng còn dùng, hoặc never (không hết hạn) [mặc định: 90 ngày với địa chỉ IP, còn lại không hết hạn]",
    ),
    (
        "Write the indicators in the format of another program",
        "Ghi các dấu hiệu theo dạng của phần mềm khác",
    ),
    ("The format", "Dạng cần ghi"),
    (
        "Files to write; without any, everything that would be loaded",
        "Các tệp cần ghi; nếu không nêu thì ghi tất cả những gì sẽ được nạp",
    ),
    ("File that is written [default: standard output]", "Tệp được ghi [mặc định: đầu ra chuẩn]"),
    (
        "Say which indicators one list has more, fewer or otherwise than another; exit code 1 when they differ",
        "Cho biết danh sách này thêm, bớt hoặc khác gì so với danh sách kia; mã thoát 1 khi khác nhau",
    ),
    ("The list before", "Danh sách trước"),
    ("The list now", "Danh sách hiện nay"),
    (
        "Check feed files: every bad or doubtful line, by its number",
        "Kiểm tra tệp dấu hiệu: nêu từng dòng sai hoặc đáng ngờ, kèm số dòng",
    ),
    (
        "Files to check; without any, everything that would be loaded",
        "Các tệp cần kiểm tra; nếu không ghi thì kiểm tra mọi thứ sẽ được nạp",
    ),
    (
        "Say whether a name, address, address:port or url would raise an alert, and why; exit code 1 when none would",
        "Cho biết một tên miền, địa chỉ, địa chỉ:cổng hoặc URL có gây cảnh báo không, vì sao; mã thoát 1 khi không có giá trị nào gây cảnh báo",
    ),
    (
        "What to look up, plain or as reports write it (hxxp, [.]); nothing is contacted",
        "Giá trị cần tra cứu, viết nguyên dạng hoặc như trong báo cáo (hxxp, [.]); không kết nối tới đâu",
    ),
    (
        "Prove that every protocol is read and every feed can fire, else exit with 1; nothing is sent",
        "Chứng minh mọi giao thức đều đọc được và mọi danh sách dấu hiệu đều cảnh báo được, nếu không thì thoát với mã 1; không gửi gì",
    ),
    (
        "Print this message or the help of the given subcommand(s)",
        "In hướng dẫn này, hoặc hướng dẫn của lệnh được nêu",
    ),
    ("Print help", "In hướng dẫn"),
    ("Print help (see more with '--help')", "In hướng dẫn (đầy đủ hơn: '--help')"),
    ("Print help (see a summary with '-h')", "In hướng dẫn (tóm tắt: '-h')"),
    ("Print version", "In số phiên bản"),
    ("Print help for the subcommand(s)", "In hướng dẫn của lệnh"),
];

/// What stands for a value.
const NAMES: &[(&str, &str)] = &[
    ("FILE", "TỆP"),
    ("FILE|-", "TỆP|-"),
    ("PATH", "ĐƯỜNG_DẪN"),
    ("DIR", "THƯ_MỤC"),
    ("IFACE", "CARD"),
    ("VALUE", "GIÁ_TRỊ"),
    ("LIST|all", "DANH_SÁCH|all"),
    ("BPF expression", "biểu thức BPF"),
    ("FORMAT", "DẠNG"),
    ("KEY", "KHÓA"),
    ("TEXT", "VĂN_BẢN"),
    ("WORD", "MỨC"),
    ("DAY", "NGÀY"),
    ("OLD", "CŨ"),
    ("NEW", "MỚI"),
    ("COMMAND", "LỆNH"),
    ("N", "N"),
    ("N|auto", "N|auto"),
    ("vi|en", "vi|en"),
];

/// Words that clap puts around the texts.
const FRAME: &[(&str, &str)] = &[
    ("Usage:", "Cách dùng:"),
    ("[OPTIONS]", "[TÙY_CHỌN]"),
    ("[default: ", "[mặc định: "),
    ("[possible values: ", "[các giá trị: "),
    ("Possible values:", "Các giá trị:"),
    ("Options:", "Tùy chọn:"),
    ("Arguments:", "Tham số:"),
    ("Commands:", "Lệnh:"),
    ("<COMMAND>", "<LỆNH>"),
    ("[COMMAND]", "[LỆNH]"),
    // Of values, whose texts cannot be set.
    ("One line an alert, as in alerts.log", "mỗi cảnh báo một dòng, như trong alerts.log"),
    ("One EVE record an alert", "mỗi cảnh báo một bản ghi EVE"),
    (": English", ": tiếng Anh"),
];

/// A text of the command line, if it is known.
pub fn known(english: &str) -> Option<&'static str> {
    let bare = english.trim_end_matches('.');
    TEXTS.iter().find(|(text, _)| text.trim_end_matches('.') == bare).map(|(_, text)| *text)
}

/// A text of the command line; what is not known stays English.
pub fn vietnamese(english: &str) -> String {
    known(english).map_or_else(|| english.to_owned(), str::to_owned)
}

/// What stands for a value, if it is known.
pub fn known_name(english: &str) -> Option<&'static str> {
    NAMES.iter().find(|(name, _)| *name == english).map(|(_, name)| *name)
}

/// What stands for a value; what is not known is called one.
pub fn value_name(english: &str) -> &'static str {
    known_name(english).unwrap_or("GIÁ_TRỊ")
}

/// Puts the words around the texts into Vietnamese.
pub fn frame(text: &str) -> String {
    FRAME
        .iter()
        .fold(text.to_owned(), |text, (english, vietnamese)| text.replace(english, vietnamese))
}

/// Names of values that an error shows as `<FILE>`.
pub fn names_in(text: &str) -> String {
    NAMES.iter().fold(text.to_owned(), |text, (english, vietnamese)| {
        text.replace(&format!("<{english}>"), &format!("<{vietnamese}>"))
    })
}
