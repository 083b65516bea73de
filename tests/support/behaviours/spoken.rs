//! The malware's side: for each behaviour what is said when it happens.

use super::*;

const TOKEN: &str = "OTMsOTYsNjIsNmQsYTIsMDcs";

/// Conversations in which the behaviour of this name happens.
pub fn spoken(name: &str) -> Vec<Scene> {
    match name.split('.').next().unwrap() {
        "redline" => redline(name),
        "fake-tls" => fake_tls(name),
        "plugx" | "sogu" => plugx(name),
        _ => others(name),
    }
}

fn post(label: &str, port: u16, bytes: Vec<u8>) -> Vec<Scene> {
    vec![Scene::tcp(label, OUTSIDE, port).client(bytes)]
}

/// The .NET client of 2023: preamble, calls, and the task list as the answer.
fn net_tcp_session() -> Scene {
    let calls = [
        "http://tempuri.org/Entity/Id1",
        "Authorization",
        "ns1",
        "0123456789abcdef0123456789abcdef",
        "Id1",
    ];
    let tasks = [
        "http://tempuri.org/Entity/Id1Response",
        r"%USERPROFILE%\AppData\Local\CocCoc\Browser\User Data",
        r"%userprofile%\Desktop|*.txt,*.doc*,*key*,*wallet*,*seed*|0",
    ];
    Scene::tcp("RedLine", OUTSIDE, 12432)
        .client(net_tcp("net.tcp://198.51.100.7:12432/", &[12]))
        .server([0x0b])
        .client(envelope(&calls))
        .server(envelope(&tasks))
}

fn redline(name: &str) -> Vec<Scene> {
    let address = ["Host: 198.51.100.7", "User-Agent: Mozilla/5.0"];
    match name {
        "redline.msvalue" => vec![
            Scene::tcp("MetaStealer", OUTSIDE, 443)
                .client(net_tcp("net.tcp://198.51.100.7:443/", &[12]))
                .server([0x0b])
                .client(envelope(&["http://tempuri.org/Contract/MSValue1"]))
                .server(envelope(&["http://tempuri.org/Contract/MSValue1Response"])),
        ],
        "redline.soap-http" => {
            let soap = |action: &str| {
                let action = format!("SOAPAction: \"http://tempuri.org/{action}\"");
                let headers =
                    ["Content-Type: text/xml; charset=utf-8", &action, "Host: c2.example:27667"];
                post(&action, 27667, request("POST /", &headers, b"<s:Envelope/>"))
            };
            [soap("Endpoint/EnvironmentSettings"), soap("IRemotePanel/SendClientInfo")].concat()
        }
        "redline.lua-loader-token" => {
            let put =
                |path: &str| post(path, 80, request(&format!("PUT {path}{TOKEN}"), &address, b"x"));
            [put("/api/"), put("/loader/"), put("/clpr/screen/"), put("/task/"), put("/tasks/")]
                .concat()
        }
        "redline.net-tcp-name" => vec![
            Scene::tcp("by name", OUTSIDE, 55615)
                .client(net_tcp("net.tcp://c2.evil.example:55615/", &[12]))
                .server([0x0b]),
            Scene::tcp("on a port of the web", OUTSIDE, 443)
                .client(net_tcp("net.tcp://evil.example:443", &[12])),
        ],
        "redline.lua-screen-upload" => [
            post("path", 80, request("PUT /loader/screen/abc", &address, b"x")),
            post("bitmap", 80, request("PUT /x", &address, &bitmap())),
            post(
                "file name",
                80,
                request("PUT /x", &address, b"--x\r\nfilename=\"Screen.bmp\"\r\n"),
            ),
        ]
        .concat(),
        "redline.lua-winter" => {
            post("Winter", 80, request("PUT /x", &["Host: a.example", "User-Agent: Winter"], b"x"))
        }
        _ => vec![net_tcp_session()],
    }
}

fn fake_tls(name: &str) -> Vec<Scene> {
    let talk = |mark| {
        Scene::tcp("fake TLS", OUTSIDE, 443).client(marked(mark, 96)).server(marked(mark, 900))
    };
    match name {
        "fake-tls.17-03-03-first" => vec![talk([0x17, 3, 3])],
        "fake-tls.17-03-04" => vec![talk([0x17, 3, 4])],
        "fake-tls.fwm" => {
            let http = |mark| {
                let headers = ["Host: www.asia.microsoft.com", "User-Agent: Windows-Update-Agent"];
                post("hidden", 80, request("POST /x", &headers, &marked(mark, 80)))
            };
            [vec![talk(*b"FwM")], http(*b"FwM"), http([0x17, 3, 3])].concat()
        }
        _ => vec![talk([0x17, 3, 3]), talk([0x17, 3, 4]), talk(*b"FwM")],
    }
}

fn plugx(name: &str) -> Vec<Scene> {
    let agent = "User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1;SV1;";
    let quadruple = |names: [&str; 4]| {
        let values = ["0", "0", "61456", "1"];
        let lines: Vec<String> =
            names.iter().zip(values).map(|(name, value)| format!("{name}: {value}")).collect();
        let mut headers: Vec<&str> = lines.iter().map(String::as_str).collect();
        headers.extend([agent, "Host: 198.51.100.7:8080", "Content-Length: 0"]);
        post(names[0], 8080, request("POST /update?wd=b6ec1f0a", &headers, b""))
    };
    match name {
        "plugx.http-quadruple-variant" => [
            quadruple(["jsp-se", "jsp-st", "jsp-si", "jsp-sn"]),
            quadruple(["X-Session", "X-Status", "X-Size", "X-Sn"]),
            quadruple(["HHV1", "HHV2", "HHV3", "HHV4"]),
        ]
        .concat(),
        "plugx.sec-headers" => {
            let ask = |line: &str, headers: &[&str]| post(line, 80, request(line, headers, b""));
            [
                ask("GET /x", &["Host: a.example", "Sec-Dest: empty", "Sec-Site: none"]),
                ask("POST /x", &["sec-site: none", "Accept: */*", "sec-dest: document"]),
            ]
            .concat()
        }
        "plugx.get-cookie" => {
            let headers = ["Host: a.example", agent, "Cookie: QUJDREVGR0hJSktMTU5PUFFSUw=="];
            post("GET", 80, request("GET /0123456789ABCDEF01234567", &headers, b""))
        }
        "plugx.dns-tunnel" => {
            let label = |seed| two_letters(&crate::Noise::new(seed).bytes(31));
            let name = |seed| format!("{}.{}.bca.evil.example", label(seed), label(seed + 9));
            vec![Scene::dns("tunnel", &[name(1), name(2), name(3).to_uppercase()])]
        }
        "plugx.worm-sinkhole" => vec![
            Scene::tcp("443", "45.142.166.112", 443).client(b"\x9c\x11\x02\x44check in"),
            Scene::tcp("110", "45.142.166.112", 110),
        ],
        "sogu.msie9-windows10" => {
            let agent = "User-Agent: Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 10.0; .NET4.0C; \
                .NET4.0E; .NET CLR 2.0.50727; .NET CLR 3.0.30729; .NET CLR 3.5.30729)";
            post("SOGU", 80, request("GET /download", &["Host: a.example", agent], b""))
        }
        _ => quadruple(["x-debug", "x-request", "x-content", "x-storage"]),
    }
}

fn others(name: &str) -> Vec<Scene> {
    let get = |agent: &str, host: &str| {
        let headers = [format!("Host: {host}"), format!("User-Agent: {agent}")];
        post(agent, 80, request("GET /", &headers.each_ref().map(String::as_str), b""))
    };
    let mqtt = |topic: &[u8]| {
        Scene::tcp("MQTT", OUTSIDE, 1883)
            .client(b"\x10\x12\x00\x04MQTT\x04\x02\x00\x3c\x00\x06victim")
            .server([0x20, 2, 0, 0])
            .client([&[0x82, 16, 0, 1, 0, 11], topic, &[0]].concat())
    };
    let googlebot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
    match name {
        "toneshell.http-guid" => {
            let headers = ["Host: a.example", "Guid: 01234567-89ab-cdef-0123-456789abcdef"];
            post("TONESHELL C", 80, request("POST /", &headers, b"\x8a\x01"))
        }
        "bookworm.wuredir" => {
            let line = "POST /v6/3/windowsupdate/redir/v6-winsp1-wuredir/8a1f";
            post("Bookworm", 80, request(line, &["Host: www.fjke5oe.example"], b"x"))
        }
        "host-mismatch.windows-update" => {
            let ask = |line: &str, host: &str| {
                post(host, 80, request(line, &[&format!("Host: {host}")], b"x"))
            };
            [
                ask("GET /x", "www.download.wndowsupdate.com"),
                ask("POST /x", "wpstatic.microsoft.com"),
                ask("POST /x", "www.asia.microsoft.com"),
                ask("POST /x", "www.download.windowsupdate.com"),
            ]
            .concat()
        }
        "mqsttang.mqtt" => vec![mqtt(b"iot/server0")],
        "fdmtp.dmtp" => post("FDMTP", 20807, b"dm\x00\x01\x00\x00\x00\x20handshake".to_vec()),
        "lotuslite.googlebot" => get(googlebot, "update.microsoft.com"),
        "office.googlebot" => get(googlebot, "a.example"),
        "cobalt-strike.mobile-telephone" => get(
            "Mozilla/5.0 (compatible; mobile! telephone; https://mobile.bing.com/search)",
            "a.example",
        ),
        "cloud-drive.agent" => {
            [get("IPFetcher/1.0", "a.example"), get("Zoho Client/1.0", "b.example")].concat()
        }
        "hta-download" => vec![
            Scene::tcp("path", OUTSIDE, 80).client(request(
                "GET /tax/form.HTA?x=1",
                &["Host: a.example"],
                b"",
            )),
            Scene::tcp("type", OUTSIDE, 8000)
                .client(request("GET /form", &["Host: a.example"], b""))
                .server(response("application/hta", b"<script>")),
        ],
        "script-stage.powershell" => {
            let agent = "User-Agent: Mozilla/5.0 (Windows NT; Windows NT 10.0; vi-VN) \
                WindowsPowerShell/5.1.19041.4412";
            let ask = |path: &str, host: &str| {
                post(path, 80, request(&format!("GET {path}"), &[host, agent], b""))
            };
            [ask("/newrun.PS1", "Host: a.example"), ask("/x/init.txt?v=1", "Host: 198.51.100.7")]
                .concat()
        }
        "side-load.wwlib" => {
            post("wwlib", 80, request("GET /up/wwlib.dll", &["Host: a.example"], b""))
        }
        "side-load.unikey" => [
            post("unikey", 80, request("GET /UniKey.exe", &["Host: a.example"], b"")),
            post("by address", 8000, request("GET /unikey.exe", &["Host: 198.51.100.7"], b"")),
        ]
        .concat(),
        "ftp.archive-upload" => {
            let session = |user: &str, name: &str| {
                Scene::tcp(name, OUTSIDE, 21)
                    .server(b"220 ready\r\n")
                    .client(format!("{user} ftpuser\r\n"))
                    .server(b"331 password\r\n")
                    .client(b"PASS x\r\n")
                    .server(b"230 in\r\n")
                    .client(b"EPSV\r\nTYPE I\r\n")
                    .server(b"229 (|||40000|)\r\n200 I\r\n")
                    .client(format!("STOR {name}\r\n"))
                    .server(b"150 go\r\n")
            };
            vec![session("USER", "PC-01_docs.rar"), session("user", "/in/tai lieu.ZIP")]
        }
        "dev-tunnel.name" => vec![
            Scene::dns("question", &["global.rel.tunnels.api.visualstudio.com".to_owned()]),
            Scene::tcp("tunnel", OUTSIDE, 443)
                .client(crate::conversations::client_hello("abcd-8080.asse.devtunnels.ms")),
        ],
        "msi-as-bmp" => vec![
            Scene::tcp("by name", OUTSIDE, 80)
                .client(request("GET /20250509.bmp", &["Host: a.example"], b""))
                .server(response("application/octet-stream", &compound())),
            Scene::tcp("by type", OUTSIDE, 80)
                .client(request("GET /picture", &["Host: a.example"], b""))
                .server(response("image/bmp", &compound())),
        ],
        _ => Vec::new(),
    }
}
