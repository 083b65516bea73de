//! The honest side: for each behaviour, at least three conversations that come near to it.

use super::*;
use crate::Noise;
use crate::conversations::{application_data, client_hello, server_flight};

/// Conversations that are not the behaviour of this name.
pub fn near_misses(name: &str) -> Vec<Scene> {
    match name {
        "redline.net-tcp" => wcf(&[]),
        "redline.net-tcp-name" => bare_names(),
        "redline.soap-entity" => {
            wcf(&["http://tempuri.org/IOrders/EntityId", "tempuri.org/Entity/Identity"])
        }
        "redline.msvalue" => wcf(&["http://tempuri.org/Contract/Value1", "MSValueAdded"]),
        "redline.authorization" => {
            wcf(&["Authorization", "Bearer", "0123456789abcdef0123456789abcdef01"])
        }
        "redline.task-list" => task_lists(),
        "redline.soap-http" => soap(),
        "redline.lua-loader-token" => tokens(),
        "redline.lua-screen-upload" => uploads(),
        "redline.lua-winter" => agents(&["Winter/2.1 CFNetwork/978", "WinterBoard", "winter"]),
        "plugx.http-quadruple" | "plugx.http-quadruple-variant" => quadruples(),
        "plugx.update-wd" => updates(),
        "plugx.sec-headers" => sec_headers(),
        "plugx.get-cookie" => cookies(),
        "plugx.dns-tunnel" => long_names(),
        "plugx.worm-sinkhole" => vec![
            Scene::tcp("another port", "45.142.166.112", 8443).client(b"hello"),
            Scene::tcp("its neighbour", "45.142.166.113", 443).client(client_hello("a.example")),
            Scene::tcp("mail", OUTSIDE, 110).server(b"+OK POP3 ready\r\n").client(b"CAPA\r\n"),
        ],
        "sogu.msie9-windows10" => agents(&[
            "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; .NET4.0C; .NET4.0E; .NET CLR 2.0.50727)",
            "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; .NET4.0C; .NET4.0E)",
            "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
        ]),
        "toneshell.http-guid" => guids(),
        "bookworm.wuredir" => windows_update(),
        "host-mismatch.windows-update" => windows_update(),
        "mqsttang.mqtt" => mqtt(),
        "fdmtp.dmtp" => vec![
            Scene::tcp("another port", OUTSIDE, 9000)
                .client(b"dm\x00\x01\x00\x00\x00\x20handshake"),
            Scene::tcp("in the office", INSIDE, 20807)
                .client(b"dm\x00\x01\x00\x00\x00\x20handshake"),
            Scene::tcp("text", OUTSIDE, 20811).client(b"dmesg --follow please\r\n"),
        ],
        "lotuslite.googlebot" | "office.googlebot" => vec![
            get("the office's own site", INSIDE, "Googlebot/2.1", "www.office.example"),
            get("another robot", OUTSIDE, "bingbot/2.0", "www.microsoft.com"),
            get("a browser", OUTSIDE, "Mozilla/5.0 (Windows NT 10.0)", "www.google.example"),
        ],
        "cobalt-strike.mobile-telephone" => agents(&[
            "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
            "Mozilla/5.0 (Linux; Android 14) Mobile; https://mobile.bing.com/search",
            "Mozilla/5.0 (compatible; mobile telephone)",
        ]),
        "cloud-drive.agent" => {
            agents(&["Zoho Mail/1.0", "ZohoWorkDrive/4.2 (Windows)", "IPFetcher-pro/1.0"])
        }
        "hta-download" => hta(),
        "msi-as-bmp" => packages(),
        "script-stage.powershell" => scripts(),
        "side-load.wwlib" | "side-load.unikey" => libraries(),
        "ftp.archive-upload" => ftp(),
        "dev-tunnel.name" => developer_names(),
        _ => honest_tls(),
    }
}

fn get(label: &str, server: &str, agent: &str, host: &str) -> Scene {
    let headers = [format!("Host: {host}"), format!("User-Agent: {agent}")];
    let headers = headers.each_ref().map(String::as_str);
    Scene::tcp(label, server, 80)
        .client(request("GET /", &headers, b""))
        .server(response("text/html", b"<p>"))
}

fn agents(agents: &[&str]) -> Vec<Scene> {
    agents.iter().map(|agent| get(agent, OUTSIDE, agent, "a.example")).collect()
}

fn say(label: &str, server: &str, line: &str, headers: &[&str], body: &[u8]) -> Scene {
    Scene::tcp(label, server, 80)
        .client(request(line, headers, body))
        .server(response("text/plain", b"ok"))
}

/// Services of the same framework that are none of RedLine's.
fn wcf(texts: &[&str]) -> Vec<Scene> {
    let service = |label: &str, server: &str, port: u16, via: &str, rest: &[u8]| {
        Scene::tcp(label, server, port)
            .client(net_tcp(via, rest))
            .server(if rest[0] == 9 { [0x0a] } else { [0x0b] })
            .client(envelope(texts))
            .server(envelope(texts))
    };
    let upgrade = |name: &[u8]| [&[9, name.len() as u8], name].concat();
    vec![
        service(
            "TLS upgrade",
            OUTSIDE,
            808,
            "net.tcp://198.51.100.7:808/Orders",
            &upgrade(b"application/ssl-tls"),
        ),
        service(
            "negotiation",
            OUTSIDE,
            808,
            "net.tcp://198.51.100.7:808/Orders",
            &upgrade(b"application/negotiate"),
        ),
        service("in the office", INSIDE, 808, "net.tcp://192.168.7.7:808/Orders", &[12]),
        service("by name", OUTSIDE, 808, "net.tcp://orders.vendor.example:808/Orders", &[12]),
        service("joined in its middle", OUTSIDE, 808, "net.tcp://198.51.100.7:808/", &[12])
            .mid_stream(),
    ]
}

fn bare_names() -> Vec<Scene> {
    let open = |label: &str, server, via: &str, rest: &[u8]| {
        Scene::tcp(label, server, 55615).client(net_tcp(via, rest)).server([0x0b])
    };
    let upgrade = [&[9, 19][..], b"application/ssl-tls"].concat();
    let name = "net.tcp://c2.evil.example:55615/";
    vec![
        open("a service with a name", OUTSIDE, "net.tcp://a.example:55615/Orders", &[12]),
        open("protected", OUTSIDE, name, &upgrade),
        open("in the office", INSIDE, name, &[12]),
        open("the usual port", OUTSIDE, "net.tcp://a.example:808/", &[12]),
        open("no port", OUTSIDE, "net.tcp://a.example/", &[12]),
        open("a single label", OUTSIDE, "net.tcp://server:55615/", &[12]),
    ]
}

fn sec_headers() -> Vec<Scene> {
    let ask = |label: &str, server, headers: &[&str]| say(label, server, "GET /x", headers, b"");
    let host = "Host: a.example";
    vec![
        ask("a browser", OUTSIDE, &[host, "Sec-Fetch-Site: none", "Sec-Fetch-Dest: document"]),
        ask("one of them", OUTSIDE, &[host, "Sec-Dest: empty"]),
        ask("the other and a browser's", OUTSIDE, &[host, "Sec-Site: x", "Sec-Fetch-Dest: empty"]),
        ask("a value", OUTSIDE, &[host, "X-Names: Sec-Dest, Sec-Site"]),
        ask("in the office", INSIDE, &[host, "Sec-Dest: empty", "Sec-Site: none"]),
    ]
}

fn scripts() -> Vec<Scene> {
    let shell = "User-Agent: Mozilla/5.0 (Windows NT; Windows NT 10.0) WindowsPowerShell/5.1";
    let ask =
        |label: &str, server, line: &str, headers: &[&str]| say(label, server, line, headers, b"");
    vec![
        ask("a browser", OUTSIDE, "GET /x.ps1", &["Host: a.example", "User-Agent: Mozilla/5.0"]),
        ask("in the office", INSIDE, "GET /x.ps1", &["Host: files.office.example", shell]),
        ask("from a publisher", OUTSIDE, "GET /x.ps1", &["Host: download.microsoft.com", shell]),
        ask("a page", OUTSIDE, "GET /status.txt", &["Host: a.example", shell]),
        ask("a similar ending", OUTSIDE, "GET /x.ps1xml", &["Host: a.example", shell]),
    ]
}

fn libraries() -> Vec<Scene> {
    let ask = |label: &str, server, path: &str, host: &str| {
        say(label, server, &format!("GET {path}"), &[&format!("Host: {host}")], b"")
    };
    vec![
        ask("its publisher", OUTSIDE, "/unikey.exe", "www.unikey.org"),
        ask("a mirror", OUTSIDE, "/project/unikey.exe", "downloads.sourceforge.net"),
        ask("Office", OUTSIDE, "/pr/wwlib.dll", "officecdn.microsoft.com"),
        ask("another library", OUTSIDE, "/mywwlib.dll", "a.example"),
        ask("another program", OUTSIDE, "/setup-unikey.exe", "a.example"),
        ask("in the office", INSIDE, "/unikey.exe", "files.office.example"),
        ask("a word of it", OUTSIDE, "/get?file=/unikey.exe", "a.example"),
    ]
}

fn ftp() -> Vec<Scene> {
    let session = |label: &str, server, port, line: &str| {
        Scene::tcp(label, server, port)
            .server(b"220 ready\r\n")
            .client(b"USER web\r\nPASS x\r\n")
            .client(format!("{line}\r\n"))
    };
    vec![
        session("a page of the web site", OUTSIDE, 21, "STOR index.html"),
        session("a download", OUTSIDE, 21, "RETR drivers.zip"),
        session("in the office", INSIDE, 21, "STOR backup.zip"),
        session("mail", OUTSIDE, 110, "STOR x.zip"),
        session("a word of it", OUTSIDE, 21, "SITE STOR x.zip"),
    ]
}

fn developer_names() -> Vec<Scene> {
    let names = ["www.visualstudio.com", "tunnels.visualstudio.com", "notdevtunnels.ms", "ms"];
    let question = |name: &&str| Scene::dns(name, &[(*name).to_owned()]);
    names.iter().map(question).collect()
}

fn task_lists() -> Vec<Scene> {
    let list = r"%userprofile%\Desktop|*.txt|0 %USERPROFILE%\AppData\Local\X\User Data";
    vec![
        Scene::tcp("a page about it", OUTSIDE, 80)
            .client(request("GET /report", &["Host: a.example"], b""))
            .server(response("text/html", list.as_bytes())),
        Scene::tcp("a mail about it", OUTSIDE, 110).server(format!("+OK\r\n{list}\r\n")),
        Scene::tcp("joined in its middle", OUTSIDE, 808)
            .client(net_tcp("net.tcp://a.example/", &[12]))
            .server([&[0x0b], &envelope(&[list])[..]].concat())
            .mid_stream(),
        Scene::tcp("a settings service", OUTSIDE, 808)
            .client(net_tcp("net.tcp://a.example/", &[12]))
            .server(
                [&[0x0b], &envelope(&[r"%USERPROFILE%\Documents", r"\User Data"])[..]].concat(),
            ),
    ]
}

fn soap() -> Vec<Scene> {
    let action = |label: &str, server, action: &str, body: &[u8]| {
        let action = format!("SOAPAction: \"{action}\"");
        say(
            label,
            server,
            "POST /Service.asmx",
            &["Host: a.example", "Content-Type: text/xml", &action],
            body,
        )
    };
    vec![
        action("an unfinished service", OUTSIDE, "http://tempuri.org/IService1/GetData", b"<x/>"),
        action("another unfinished one", OUTSIDE, "http://tempuri.org/EndpointStatus", b"<x/>"),
        action(
            "its own name space",
            OUTSIDE,
            "http://tax.example/Endpoint/SetEnvironment",
            b"<x/>",
        ),
        action("in the office", INSIDE, "http://tempuri.org/Endpoint/CheckConnect", b"<x/>"),
        action(
            "only in the body",
            OUTSIDE,
            "http://a.example/Log",
            b"http://tempuri.org/Endpoint/CheckConnect",
        ),
    ]
}

fn tokens() -> Vec<Scene> {
    let ip = ["Host: 198.51.100.7"];
    vec![
        say("an interface by address", OUTSIDE, "PUT /api/v1devices/status24", &ip, b"{}"),
        say("a short token", OUTSIDE, "PUT /api/OTMsOTYs", &ip, b"{}"),
        say(
            "Base64 of something else",
            OUTSIDE,
            "PUT /task/QUJDREVGR0hJSktMTU5PUFFSU1RV",
            &ip,
            b"{}",
        ),
        say(
            "in the office",
            INSIDE,
            "PUT /api/OTMsOTYsNjIsNmQsYTIsMDcs",
            &["Host: 192.168.7.7"],
            b"{}",
        ),
        say("by name", OUTSIDE, "PUT /api/OTMsOTYsNjIsNmQsYTIsMDcs", &["Host: api.example"], b"{}"),
    ]
}

fn uploads() -> Vec<Scene> {
    let ip = ["Host: 198.51.100.7"];
    vec![
        say(
            "a printer in the office",
            INSIDE,
            "PUT /scan/0001.bmp",
            &["Host: 192.168.7.7"],
            &bitmap(),
        ),
        say(
            "a camera in the office",
            INSIDE,
            "PUT /loader/screen/1",
            &["Host: 192.168.7.7"],
            &bitmap(),
        ),
        say("a photograph by address", OUTSIDE, "PUT /upload/1.jpg", &ip, b"\xff\xd8\xff\xe0 JFIF"),
        say(
            "text that begins with BM",
            OUTSIDE,
            "PUT /notes",
            &ip,
            b"BMW 320, first registration 2011",
        ),
        say("a bitmap to a name", OUTSIDE, "PUT /x", &["Host: upload.example"], &bitmap()),
        say("a bitmap in a POST", OUTSIDE, "POST /x", &ip, &bitmap()),
    ]
}

fn quadruples() -> Vec<Scene> {
    let line = "POST /x";
    let near = |label, server, headers: &[&str]| say(label, server, line, headers, b"x");
    vec![
        near("one of them", OUTSIDE, &["Host: a.example", "x-request: 1", "x-content: 61456"]),
        near(
            "another value",
            OUTSIDE,
            &["x-debug: 0", "x-request: 0", "x-content: 4096", "x-storage: 1"],
        ),
        near(
            "another order",
            OUTSIDE,
            &["x-storage: 1", "x-content: 61456", "x-request: 0", "x-debug: 0"],
        ),
        near(
            "in the office",
            INSIDE,
            &["x-debug: 0", "x-request: 0", "x-content: 61456", "x-storage: 1"],
        ),
        near("a body of that length", OUTSIDE, &["Host: a.example", "X-Total: 61456"]),
        near(
            "a phone system",
            OUTSIDE,
            &["X-Session: 1", "X-Status: 200", "X-Size: 512", "X-Sn: 4"],
        ),
    ]
}

fn updates() -> Vec<Scene> {
    let debug = ["Host: a.example", "x-debug: 0"];
    vec![
        say("a search engine", OUTSIDE, "GET /update?wd=b6ec1f0a", &["Host: a.example"], b""),
        say("without its header", OUTSIDE, "POST /update?wd=b6ec1f0a", &["Host: a.example"], b"x"),
        say("a longer word", OUTSIDE, "POST /update?wd=b6ec1f0a11", &debug, b"x"),
        say("in the office", INSIDE, "POST /update?wd=b6ec1f0a", &debug, b"x"),
    ]
}

fn cookies() -> Vec<Scene> {
    let old = "User-Agent: Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1)";
    let new = "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
    let cookie = "Cookie: QUJDREVGR0hJSktMTU5PUFFSUw==";
    let path = "GET /0123456789ABCDEF01234567";
    vec![
        say("today's browser", OUTSIDE, path, &["Host: a.example", new, cookie], b""),
        say(
            "a named cookie",
            OUTSIDE,
            path,
            &["Host: a.example", old, "Cookie: id=QUJDREVGR0hJSktM"],
            b"",
        ),
        say(
            "an object's number",
            OUTSIDE,
            "GET /0123456789abcdef01234567",
            &["Host: a.example", old, cookie],
            b"",
        ),
        say("no cookie", OUTSIDE, path, &["Host: a.example", old], b""),
    ]
}

fn long_names() -> Vec<Scene> {
    let hex = |seed| -> String {
        Noise::new(seed).bytes(31).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let id = two_letters(&Noise::new(5).bytes(16));
    let base32: String = Noise::new(6)
        .bytes(62)
        .iter()
        .map(|byte| char::from(b"abcdefghijklmnopqrstuvwxyz234567"[usize::from(byte & 31)]))
        .collect();
    vec![
        Scene::dns(
            "a backup's hexadecimal labels",
            &[format!("{}.{}.backup.example", hex(1), hex(2))],
        ),
        Scene::dns("a browser extension's number", &[format!("{id}.extension.example")]),
        Scene::dns("Base32", &[format!("{base32}.cloud.example")]),
        Scene::dns("a filled label", &[format!("{}.test.example", "abab".repeat(15))]),
    ]
}

/// TLS that shows its data first because the capture shows no beginning, and other beginnings.
fn honest_tls() -> Vec<Scene> {
    let mut noise = Noise::new(3);
    let data = application_data(&mut noise, 300);
    let session = Scene::tcp("a whole session", OUTSIDE, 443)
        .client(client_hello("www.office.example"))
        .server(server_flight(&mut noise, 2000))
        .client(&data)
        .server(&data);
    let mut joined = Scene::tcp("joined in its middle", OUTSIDE, 443).client(&data).server(&data);
    joined = joined.mid_stream();
    let mut resumed = session.clone().lost(2);
    resumed.label = "a capture that paused".into();
    vec![
        session,
        joined,
        resumed,
        Scene::tcp("in the office", INSIDE, 443).client(&data).server(&data),
        Scene::tcp("an alert first", OUTSIDE, 443).client(b"\x15\x03\x03\x00\x02\x02\x28"),
        Scene::tcp("no such size", OUTSIDE, 443).client(b"\x17\x03\x03\xff\xffdata"),
        Scene::tcp("text", OUTSIDE, 4000)
            .client(b"FwMessage: hello\r\n")
            .server(b"FwMessage: hello\r\n"),
        say("a POST elsewhere", OUTSIDE, "POST /x", &["Host: a.example"], b"FwM\x00\x20data"),
    ]
}

fn guids() -> Vec<Scene> {
    let near =
        |label, server, header| say(label, server, "POST /", &["Host: a.example", header], b"x");
    vec![
        near("in the office", INSIDE, "Guid: 01234567-89ab-cdef-0123-456789abcdef"),
        near("another name", OUTSIDE, "X-Request-Guid: 01234567-89ab-cdef-0123-456789abcdef"),
        near("no guid", OUTSIDE, "Guid: none"),
    ]
}

fn windows_update() -> Vec<Scene> {
    let agent = "User-Agent: Windows-Update-Agent";
    let cab = "HEAD /v11/2/windowsupdate/redir/v6-win7sp1-wuredir.cab?2401";
    let real = "20.42.73.29";
    vec![
        say("the real redirect", OUTSIDE, cab, &["Host: download.windowsupdate.com", agent], b""),
        say(
            "from a provider's cache",
            "203.0.113.80",
            "GET /d/x.cab",
            &["Host: www.download.windowsupdate.com", agent],
            b"",
        ),
        say(
            "a report to Microsoft",
            real,
            "POST /v6/ClientWebService/client.asmx",
            &["Host: www.download.windowsupdate.com", agent],
            b"<x/>",
        ),
        say(
            "an update server in the office",
            INSIDE,
            "POST /ClientWebService/client.asmx",
            &["Host: wsus.office.example", agent],
            b"<x/>",
        ),
        say(
            "the office's cache",
            INSIDE,
            "POST /x",
            &["Host: www.download.windowsupdate.com", agent],
            b"x",
        ),
    ]
}

fn mqtt() -> Vec<Scene> {
    let connect = b"\x10\x12\x00\x04MQTT\x04\x02\x00\x3c\x00\x06camera";
    vec![
        Scene::tcp("a camera in the office", INSIDE, 1883).client(connect).server([0x20, 2, 0, 0]),
        Scene::tcp("joined in its middle", OUTSIDE, 1883).client(connect).mid_stream(),
        Scene::tcp("a broker behind TLS", OUTSIDE, 8883).client(client_hello("mqtt.example")),
        Scene::tcp("no MQTT", OUTSIDE, 1883).client(b"\x10\x12\x00\x04MUTT\x04\x02iot/server0"),
    ]
}

fn hta() -> Vec<Scene> {
    let ask = |label: &str, server, path: &str, kind: &str| {
        Scene::tcp(label, server, 80)
            .client(request(&format!("GET {path}"), &["Host: a.example"], b""))
            .server(response(kind, b"<html>"))
    };
    vec![
        ask("in the office", INSIDE, "/form.hta", "application/hta"),
        ask("a word of it", OUTSIDE, "/delta.html?file=form.hta", "text/html"),
        ask("a similar ending", OUTSIDE, "/form.htaccess", "application/htaccess+x"),
        ask("a page about it", OUTSIDE, "/hta", "text/html; note=\"application/hta\""),
    ]
}

fn packages() -> Vec<Scene> {
    let ask = |label: &str, server, path: &str, kind: &str, body: &[u8]| {
        Scene::tcp(label, server, 80)
            .client(request(&format!("GET {path}"), &["Host: a.example"], b""))
            .server(response(kind, body))
    };
    vec![
        ask("a package by its name", OUTSIDE, "/setup.msi", "application/x-msi", &compound()),
        ask("a picture", OUTSIDE, "/logo.bmp", "image/bmp", &bitmap()),
        ask("an old document", OUTSIDE, "/report.doc", "application/msword", &compound()),
        ask("in the office", INSIDE, "/x.bmp", "image/bmp", &compound()),
        ask("an error page", OUTSIDE, "/x.bmp", "text/html", b"not found"),
    ]
}
