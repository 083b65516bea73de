//! Lists and exports of other programs, each in its own form.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]

mod support;

use support::import;

fn text(text: &str) -> support::Read {
    import(text.as_bytes())
}

#[test]
fn tables_are_known_by_their_columns() {
    for table in [
        "indicator,type\nbad.example,domain\n198.51.100.7,ip\n",
        "Indicator,Type,Description\nbad.example,Domain,C2\n198.51.100.7,IPv4,C2\n",
        "type,value,comment\ndomain,bad.example,x\nip,198.51.100.7,y\n",
        "Indicator_type,Data,Note\ndomain,bad.example,\nip,198.51.100.7,\n",
        "\u{feff}sep=;\r\nioc;loại\r\nbad.example;tên miền\r\n198.51.100.7;ip\r\n",
        "# made 2026\n\nIOC\tTYPE\nbad[.]example\tdomain\n198[.]51[.]100[.]7\tip\n",
        "indicator\nbad.example\n198.51.100.7\n",
        "uuid,event_id,category,type,value,comment,to_ids,date\n1,2,Network activity,domain,bad.example,,1,20260901\n1,2,Network activity,ip-dst,198.51.100.7,,1,20260901\n",
    ] {
        text(table).loads(&["bad.example", "198.51.100.7"]);
    }
    let read = text("domain,ip,owner\nbad.example,198.51.100.7,me\n");
    read.loads(&["bad.example", "198.51.100.7"]);
    text("type,value,to_ids\ndomain,bad.example,0\n").loads(&[]).refuses(&["bad.example"]);
}

#[test]
fn exports_of_abuse_ch_have_their_heading_in_a_remark() {
    let threatfox = "# ThreatFox\n# \"first_seen_utc\",\"ioc_id\",\"ioc_value\",\"ioc_type\",\"threat_type\",\"fk_malware\",\"malware_alias\",\"malware_printable\",\"last_seen_utc\",\"confidence_level\",\"is_compromised\",\"reference\",\"tags\",\"anonymous\",\"reporter\"\n\
        \"2026-09-01 04:12:55\", \"1\", \"198.51.100.7:6677\", \"ip:port\", \"botnet_cc\", \"win.redline_stealer\", \"None\", \"RedLine Stealer\", \"\", \"75\", \"False\", \"https://report.example/1\", \"c2\", \"0\", \"x\"\n\
        \"2026-09-01 04:12:55\", \"2\", \"shop.example\", \"domain\", \"botnet_cc\", \"win.x\", \"None\", \"X\", \"\", \"50\", \"True\", \"None\", \"None\", \"0\", \"x\"\n\
        \"2026-09-01 04:12:55\", \"3\", \"d41d8cd98f00b204e9800998ecf8427e\", \"md5_hash\", \"payload\", \"win.x\", \"None\", \"X\", \"\", \"50\", \"False\", \"None\", \"None\", \"0\", \"x\"\n# Number of entries: 3\n";
    let read = text(threatfox);
    read.read_as("ThreatFox").loads(&["198.51.100.7:6677"]).asks(&["shop.example"]);
    let facts = read.rows()[0].facts();
    assert_eq!(facts.malware, "RedLine Stealer");
    assert_eq!(facts.first_seen.unwrap().to_string(), "2026-09-01");
    assert_eq!(facts.reference, "https://report.example/1");

    let urlhaus = "# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter\r\n\"1\",\"2026-09-01 03:00:11\",\"http://198.51.100.7/a.exe\",\"online\",\"\",\"malware_download\",\"exe\",\"https://u.example/1/\",\"x\"\r\n";
    text(urlhaus).read_as("URLhaus").loads(&["198.51.100.7/a.exe"]);
    let sslbl = "# Listingdate,SHA1,Listingreason\n2026-09-02 06:17:52,4da14224452c1fe61f46b1112c43ecfd9f322c82,Bad, and worse C&C\n";
    text(sslbl).read_as("SSLBL").loads(&["4da14224452c1fe61f46b1112c43ecfd9f322c82"]);
    text("# Firstseen,DstIP,DstPort\n2026-09-02 06:17:52,198.51.100.7,443\n")
        .loads(&["198.51.100.7:443"]);
}

#[test]
fn resolvers_and_blockers_are_understood() {
    for list in [
        "127.0.0.1\tlocalhost\n0.0.0.0 a.bad.example b.bad.example\n",
        "||a.bad.example^\n||b.bad.example^$all\n@@||good.example^\n! remark\n",
        "server=/a.bad.example/\naddress=/b.bad.example/0.0.0.0\n",
        "server:\nlocal-zone: \"a.bad.example\" always_nxdomain\nlocal-data: \"b.bad.example A 0.0.0.0\"\n",
        "$TTL 60\n@ SOA a. b. 1 2 3 4 5\na.bad.example CNAME .\nb.bad.example CNAME .\n",
        "*://*.a.bad.example/*\n*://b.bad.example/*\n",
        "#fields\tindicator\tindicator_type\tmeta.source\na.bad.example\tIntel::DOMAIN\tx\nb.bad.example\tIntel::DOMAIN\tx\n",
        "YS5iYWQuZXhhbXBsZQ==\nYi5iYWQuZXhhbXBsZQ==,90\n",
    ] {
        text(list).loads(&["a.bad.example", "b.bad.example"]);
    }
    text("198.51.100.0/24,1,90\n198.51.100.7,1,100\n").loads(&["198.51.100.0/24", "198.51.100.7"]);
}

#[test]
fn trails_of_maltrail_keep_the_report_they_stand_under() {
    let trails = "# Copyright (c) 2014\n# Reference: https://report.example/1\n\na.bad.example\n198.51.100.7:443\nhttp://198.51.100.8\nb.bad.example/x.php\n/long/path/index.php\n\n# Generic\n\nc.bad.example\n";
    let read = text(trails);
    read.read_as("Maltrail")
        .loads(&[
            "a.bad.example",
            "198.51.100.7:443",
            "198.51.100.8",
            "b.bad.example/x.php",
            "c.bad.example",
        ])
        .asks(&["/long/path/index.php"]);
    assert_eq!(read.rows()[0].reference, "https://report.example/1");
    assert_eq!(read.rows().last().unwrap().reference, "");
    text("a.bad.example,redline (malware),(static)\nb.bad.example,x,https://r.example\n198.51.100.7:80,x,y\n")
        .loads(&["a.bad.example", "b.bad.example", "198.51.100.7:80"]);
}

#[test]
fn rules_give_their_addresses_and_whole_names_only() {
    let rules = "alert dns $HOME_NET any -> any any (msg:\"A\"; dns.query; content:\"a.bad.example\"; nocase; bsize:13; sid:1; rev:1;)\n\
        alert tls $HOME_NET any -> $EXTERNAL_NET any (msg:\"B\"; tls.sni; dotprefix; content:\".b.bad.example\"; endswith; reference:url,report.example/1; sid:2;)\n\
        alert tcp $HOME_NET any -> [198.51.100.7,198.51.100.8] 443 (msg:\"C\"; sid:3;)\n\
        alert http any any -> any any (msg:\"D\"; content:\"|0d 0a|Host: x\"; http_header; sid:4;)\n\
        #alert dns any any -> any any (msg:\"E\"; dns.query; content:\"off.example\"; sid:5;)\n\
        alert http any any -> any any (msg:\"F\"; content:\"c.bad.example\"; http_host; sid:6;)\n";
    let read = text(rules);
    read.read_as("rules")
        .loads(&[
            "a.bad.example",
            "b.bad.example",
            "198.51.100.7:443",
            "198.51.100.8:443",
            "c.bad.example",
        ])
        .refuses(&["D"]);
    assert_eq!(read.rows()[1].reference, "https://report.example/1");
}

#[test]
fn events_of_misp_give_what_may_be_used_for_detection() {
    let event = r#"{"Event":{"info":"x","date":"2026-09-01","Tag":[{"name":"misp-galaxy:malpedia=\"RedLine Stealer\""}],
        "Attribute":[{"type":"domain","to_ids":true,"value":"a.bad.example"},{"type":"ip-dst|port","to_ids":true,"value":"198.51.100.7|443"},
        {"type":"domain","to_ids":false,"value":"context.example"},{"type":"domain","to_ids":true,"deleted":true,"value":"gone.example"},
        {"type":"sha256","to_ids":true,"value":"x"}],
        "Object":[{"name":"domain-ip","Attribute":[{"type":"domain|ip","to_ids":true,"value":"b.bad.example|198.51.100.8"}]}]}}"#;
    let read = text(event);
    read.read_as("MISP")
        .loads(&["a.bad.example", "198.51.100.7:443", "b.bad.example", "198.51.100.8"])
        .refuses(&["context.example", "gone.example", "x"]);
    assert_eq!(read.rows()[0].malware, "RedLine Stealer");
    text(&format!("{{\"response\":[{event}]}}")).loads(&[
        "a.bad.example",
        "198.51.100.7:443",
        "b.bad.example",
        "198.51.100.8",
    ]);
    text(r#"{"response":{"Attribute":[{"type":"hostname","value":"h.bad.example"}]}}"#)
        .loads(&["h.bad.example"]);
    text(r#"{"name":"x","list":["good.example"],"matching_attributes":["domain"]}"#)
        .fails("warning list");
}

#[test]
fn bundles_of_stix_give_the_newest_indicator_that_is_not_revoked() {
    let indicator = |id: &str, modified: &str, pattern: &str, more: &str| {
        format!(
            r#"{{"type":"indicator","id":"indicator--{id}","modified":"{modified}","pattern":"{pattern}","pattern_type":"stix","valid_from":"2026-08-30T00:00:00Z"{more}}}"#
        )
    };
    let objects = [
        indicator("1", "2026-01-01", "[domain-name:value = 'old.example']", ""),
        indicator("1", "2026-02-01", "[domain-name:value = 'new.bad.example']", ""),
        indicator("2", "2026-01-01", "[domain-name:value = 'gone.example']", r#","revoked":true"#),
        indicator("3", "2026-01-01", "[ipv4-addr:value = '198.51.100.7'] OR [url:value = 'http://u.bad.example/x']", ""),
        indicator("4", "2026-01-01", "[domain-name:value LIKE '%.example']", ""),
        r#"{"type":"malware","id":"malware--1","name":"PlugX"}"#.into(),
        r#"{"type":"relationship","id":"r","source_ref":"indicator--1","target_ref":"malware--1","relationship_type":"indicates"}"#.into(),
        r#"{"type":"domain-name","id":"d","value":"seen.example"}"#.into(),
    ];
    let list = objects.join(",");
    for file in [
        format!(r#"{{"type":"bundle","id":"bundle--1","objects":[{list}]}}"#),
        format!(r#"{{"more":false,"objects":[{list}]}}"#),
        objects.join("\n"),
    ] {
        let read = text(&file);
        read.loads(&["new.bad.example", "198.51.100.7", "u.bad.example/x"]);
        assert_eq!(
            read.rows().iter().find(|row| !row.readings.is_empty()).unwrap().malware,
            "PlugX"
        );
    }
}

#[test]
fn other_json_is_read_by_the_names_of_its_fields() {
    text(r#"{"indicators":[{"indicator":"a.bad.example","type":"domain","is_active":1},{"indicator":"198.51.100.7","type":"IPv4"},{"indicator":"x","type":"FileHash-MD5"}],"name":"pulse","tags":["b.example"],"references":["https://r.example"]}"#)
        .loads(&["a.bad.example", "198.51.100.7"]);
    text(r#"{"1":[{"ioc_value":"a.bad.example","ioc_type":"domain","malware_printable":"X","last_seen_utc":null}]}"#).loads(&["a.bad.example"]);
    text(r#"{"query_status":"ok","data":[{"id":"1","ioc":"198.51.100.7:443","ioc_type":"ip:port"}]}"#).loads(&["198.51.100.7:443"]);
    text(r#"[{"ip_address":"198.51.100.7","port":443,"status":"online","malware":"X"}]"#)
        .loads(&["198.51.100.7:443"]);
    text(r#"["a.bad.example","198.51.100.7"]"#).loads(&["a.bad.example", "198.51.100.7"]);
    text(r#"{"indicators":[{"observable":{"object":{"properties":{"xsi:type":"DomainNameObjectType","value":{"value":"a.bad.example"}}}}}]}"#).loads(&["a.bad.example"]);
    text(r#"{"a":{"b":1}}"#).fails("without a field of indicators");
    text("{\"indicators\": [\n{\"indicator\": \"a.bad.example\",,}]}").fails("broken JSON");
}

#[test]
fn xml_of_openioc_and_stix_1_is_read_and_its_namespaces_are_not() {
    let openioc = r#"<?xml version="1.0"?><ioc xmlns="http://schemas.mandiant.com/2010/ioc"><short_description>X</short_description>
        <link rel="license">http://www.licence.example/LICENSE-2.0</link><definition><Indicator operator="OR">
        <IndicatorItem condition="is"><Context document="Network" search="Network/DNS" type="mir"/><Content type="string">a.bad.example</Content></IndicatorItem>
        <IndicatorItem condition="contains"><Context document="Network" search="Network/URI"/><Content type="string">http://b.bad.example/x</Content></IndicatorItem>
        <IndicatorItem condition="is"><Context search="FileItem/Md5sum"/><Content type="md5">d41d8cd98f00b204e9800998ecf8427e</Content></IndicatorItem>
        </Indicator></definition></ioc>"#;
    text(openioc).read_as("OpenIOC").loads(&["a.bad.example"]).asks(&["b.bad.example/x"]);
    let stix = r#"<stix:STIX_Package xmlns:stix="http://stix.mitre.org/stix-1"><cybox:Properties xsi:type="AddressObj:AddressObjectType"><AddressObj:Address_Value condition="Equals">198.51.100.7##comma##198.51.100.8</AddressObj:Address_Value></cybox:Properties>
        <cybox:Properties xsi:type="DomainNameObj:DomainNameObjectType"><DomainNameObj:Value>a.bad.example</DomainNameObj:Value></cybox:Properties></stix:STIX_Package>"#;
    text(stix).read_as("STIX 1").loads(&["198.51.100.7", "198.51.100.8", "a.bad.example"]);
}

#[test]
fn vendors_write_bullets_headings_and_remarks() {
    let list = "INDICATORS OF COMPROMISE\n\nC2 DOMAINS\n- a[.]bad[.]example\n- hxxps[:]//b[.]bad[.]example/path   <-- seen on 1 September\n- d32t[.]cdn[.]example   <-- not inherently malicious\n\nIPs\n- 198.51.100[.]7\n198.51.100.8|443\nc.bad[.]example:8443\n\nSHA256\n- e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n";
    let read = text(list);
    read.loads(&[
        "a.bad.example",
        "b.bad.example/path",
        "198.51.100.7",
        "198.51.100.8:443",
        "c.bad.example",
    ])
    .asks(&["d32t.cdn.example"]);
    assert_eq!(read.rows()[1].host.as_ref().unwrap().value, "b.bad.example");
}
