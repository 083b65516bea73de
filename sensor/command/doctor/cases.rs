//! The words of every finding of the doctor: what is so, and the command or setting that mends
//! it, in Vietnamese and English.
//!
//! In braces stands what [`super::words`] fills in. A case is named by its finding's id, unless
//! the same finding has several remedies.

/// What is so, and what to do about it.
type Said = (&'static str, &'static str);

/// A case of a finding, and its words in Vietnamese and English.
pub(super) struct Case(pub(super) &'static str, pub(super) Said, pub(super) Said);

/// How a port is copied, on what stands in offices most often.
macro_rules! mirror_vi {
    () => {
        "sao chép cổng nối với bộ định tuyến, cả hai chiều, sang cổng đang cắm {nic}. Cisco: monitor session 1 source interface Gi1/0/1 both, rồi monitor session 1 destination interface Gi1/0/24. MikroTik: /interface ethernet switch set switch1 mirror-source=ether1 mirror-target=ether5. Loại có trang quản trị web: mục Mirror (Port Mirroring), chọn Ingress và Egress (thay bằng cổng của mình)"
    };
}
macro_rules! mirror_en {
    () => {
        "copy the port of the router, both directions, to the port {nic} is plugged into. Cisco: monitor session 1 source interface Gi1/0/1 both, then monitor session 1 destination interface Gi1/0/24. MikroTik: /interface ethernet switch set switch1 mirror-source=ether1 mirror-target=ether5. Web-managed: page Mirror (Port Mirroring), both Ingress and Egress (with your own ports)"
    };
}
/// How browsers are told not to hide their questions.
macro_rules! browsers {
    () => {
        r"reg add HKLM\SOFTWARE\Policies\Google\Chrome /v DnsOverHttpsMode /t REG_SZ /d off /f; reg add HKLM\SOFTWARE\Policies\Microsoft\Edge /v DnsOverHttpsMode /t REG_SZ /d off /f; reg add HKLM\SOFTWARE\Policies\Mozilla\Firefox\DNSOverHTTPS /v Enabled /t REG_DWORD /d 0 /f"
    };
}

/// Nobody switches the interface on after a reboot.
macro_rules! not_kept_vi {
    () => {
        "không thấy gì bật {nic} sau khi máy khởi động lại hoặc mất điện: khi đó máy giám sát sẽ không thấy gói tin nào"
    };
}
macro_rules! not_kept_en {
    () => {
        "nothing is found that switches {nic} on after a reboot or power cut: the sensor would see no packet then"
    };
}

/// Every case.
pub(super) const CASES: &[Case] = &[
    Case(
        "not-permitted",
        (
            "chương trình không có quyền bắt gói tin trên {nic}",
            "cấp quyền một lần: sudo setcap cap_net_raw=ep {program}; hoặc chạy như dịch vụ: sudo systemctl start wardwatch",
        ),
        (
            "this program may not capture on {nic}",
            "give it the right, once: sudo setcap cap_net_raw=ep {program}; or run it as a service: sudo systemctl start wardwatch",
        ),
    ),
    Case(
        "interface-down",
        ("card mạng {nic} đang tắt", "sudo ip link set {nic} up"),
        ("{nic} is switched off", "sudo ip link set {nic} up"),
    ),
    Case(
        "not-kept-up",
        (
            not_kept_vi!(),
            r#"cho dịch vụ wardwatch tự bật: sudo mkdir -p /etc/systemd/system/wardwatch.service.d; printf "[Service]\nExecStartPre=+/usr/sbin/ip link set {nic} up\n" | sudo tee /etc/systemd/system/wardwatch.service.d/up.conf; sudo systemctl daemon-reload"#,
        ),
        (
            not_kept_en!(),
            r#"let the service switch it on: sudo mkdir -p /etc/systemd/system/wardwatch.service.d; printf "[Service]\nExecStartPre=+/usr/sbin/ip link set {nic} up\n" | sudo tee /etc/systemd/system/wardwatch.service.d/up.conf; sudo systemctl daemon-reload"#,
        ),
    ),
    Case(
        "not-kept-networkd",
        (
            not_kept_vi!(),
            r#"với systemd-networkd: printf "[Match]\nName={nic}\n[Link]\nRequiredForOnline=no\n[Network]\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n" | sudo tee /etc/systemd/network/10-wardwatch.network; sudo networkctl reload"#,
        ),
        (
            not_kept_en!(),
            r#"with systemd-networkd: printf "[Match]\nName={nic}\n[Link]\nRequiredForOnline=no\n[Network]\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n" | sudo tee /etc/systemd/network/10-wardwatch.network; sudo networkctl reload"#,
        ),
    ),
    Case(
        "not-kept-netplan",
        (
            not_kept_vi!(),
            r#"với netplan (Ubuntu): printf "network:\n  version: 2\n  ethernets:\n    {nic}:\n      link-local: []\n      optional: true\n" | sudo tee /etc/netplan/90-wardwatch.yaml; sudo chmod 600 /etc/netplan/90-wardwatch.yaml; sudo netplan apply"#,
        ),
        (
            not_kept_en!(),
            r#"with netplan (Ubuntu): printf "network:\n  version: 2\n  ethernets:\n    {nic}:\n      link-local: []\n      optional: true\n" | sudo tee /etc/netplan/90-wardwatch.yaml; sudo chmod 600 /etc/netplan/90-wardwatch.yaml; sudo netplan apply"#,
        ),
    ),
    Case(
        "not-kept-ifupdown",
        (
            not_kept_vi!(),
            r#"với ifupdown (Debian): printf "auto {nic}\niface {nic} inet manual\n" | sudo tee /etc/network/interfaces.d/wardwatch; sudo ifup {nic}"#,
        ),
        (
            not_kept_en!(),
            r#"with ifupdown (Debian): printf "auto {nic}\niface {nic} inet manual\n" | sudo tee /etc/network/interfaces.d/wardwatch; sudo ifup {nic}"#,
        ),
    ),
    Case(
        "not-kept-networkmanager",
        (
            not_kept_vi!(),
            r#"với NetworkManager: sudo nmcli connection add type ethernet ifname {nic} con-name wardwatch ipv4.method disabled ipv6.method disabled connection.autoconnect yes"#,
        ),
        (
            not_kept_en!(),
            r#"with NetworkManager: sudo nmcli connection add type ethernet ifname {nic} con-name wardwatch ipv4.method disabled ipv6.method disabled connection.autoconnect yes"#,
        ),
    ),
    Case(
        "kept-up",
        (
            "sau khi khởi động lại máy, {nic} được bật bởi {manager} ({file})",
            "không cần làm gì; sau lần khởi động lại tới, kiểm tra bằng: wardwatch status",
        ),
        (
            "after a reboot {nic} is switched on by {manager} ({file})",
            "nothing to do; after the next reboot check with: wardwatch status",
        ),
    ),
    Case(
        "no-carrier",
        (
            "card mạng {nic} đã bật nhưng không có tín hiệu cáp",
            "cắm chặt cáp ở hai đầu hoặc thay cáp, xem đèn của cổng trên bộ chuyển mạch có sáng không và cổng đó có bị tắt không (Cisco: no shutdown); kiểm tra bằng: ip link show {nic} (phải hết chữ NO-CARRIER)",
        ),
        (
            "{nic} is switched on, but has no carrier",
            "push in the cable at both ends or take another one; see whether the light of the switch port is on and the port is not switched off (Cisco: no shutdown); check with: ip link show {nic} (NO-CARRIER must be gone)",
        ),
    ),
    Case(
        "gone",
        (
            "card mạng {nic} đã bị rút ra trong lúc nghe",
            "cắm lại card mạng (USB) đó, xem tên của nó bằng: ip -br link, rồi chạy lại lệnh này",
        ),
        (
            "{nic} was unplugged while this command listened",
            "plug the (USB) adapter in again, see its name with: ip -br link, then run this command again",
        ),
    ),
    Case(
        "no-frames",
        (
            "không có gói tin nào đến {nic}",
            concat!(
                "trên bộ chuyển mạch hoặc bộ định tuyến, bật phiên sao chép (mirror/SPAN): ",
                mirror_vi!(),
                "; xem thử bằng: sudo tcpdump -ni {nic} -c 5"
            ),
        ),
        (
            "nothing at all arrived on {nic}",
            concat!(
                "switch on the mirror (SPAN) session of the switch or router: ",
                mirror_en!(),
                "; see what arrives with: sudo tcpdump -ni {nic} -c 5"
            ),
        ),
    ),
    Case(
        "no-mirror",
        (
            "chỉ có gói quảng bá và lưu lượng của chính máy này đến {nic}: đây là cổng thường, không phải cổng sao chép",
            concat!("trên bộ chuyển mạch hoặc bộ định tuyến: ", mirror_vi!()),
        ),
        (
            "only broadcasts and this machine's own traffic arrive on {nic}: it is an ordinary port, not a mirror",
            concat!("on the switch or router: ", mirror_en!()),
        ),
    ),
    Case(
        "only-outward",
        (
            "chỉ thấy chiều các máy của đơn vị gửi đi, không thấy chiều trả lời",
            "đặt phiên sao chép thành cả hai chiều (both, rx và tx, Ingress và Egress); Cisco: monitor session 1 source interface Gi1/0/1 both",
        ),
        (
            "only what our hosts send is seen, no answers",
            "set the mirror session to both directions (both, rx and tx, Ingress and Egress); Cisco: monitor session 1 source interface Gi1/0/1 both",
        ),
    ),
    Case(
        "only-inward",
        (
            "chỉ thấy chiều các máy của đơn vị nhận về, không thấy chiều gửi đi",
            "đặt phiên sao chép thành cả hai chiều (both, rx và tx, Ingress và Egress); Cisco: monitor session 1 source interface Gi1/0/1 both",
        ),
        (
            "only what our hosts receive is seen, no requests",
            "set the mirror session to both directions (both, rx and tx, Ingress and Egress); Cisco: monitor session 1 source interface Gi1/0/1 both",
        ),
    ),
    Case(
        "every-packet-twice",
        (
            "mỗi gói tin đến hai lần; wardwatch bỏ qua bản thứ hai nhưng phải làm việc gấp đôi",
            "chỉ sao chép cổng nối với bộ định tuyến (cả hai chiều); nếu sao chép nhiều cổng thì mỗi cổng chỉ một chiều nhận (rx, Ingress)",
        ),
        (
            "every packet arrives twice; wardwatch passes over the second, but works twice",
            "copy the router's port only (both directions); if several ports are copied, copy only what they receive (rx, Ingress)",
        ),
    ),
    Case(
        "one-client",
        (
            "mọi liên lạc ra ngoài đều từ {address}: cổng sao chép nằm phía ngoài bộ định tuyến (sau khi chuyển đổi địa chỉ NAT), nên không biết được máy nào",
            "sao chép cổng phía trong (LAN) của bộ định tuyến thay cho cổng WAN; MikroTik: chọn mirror-source là cổng LAN; Cisco: đổi cổng ở lệnh monitor session 1 source interface",
        ),
        (
            "all traffic to the outside comes from {address}: the mirror is outside the router (behind its address translation, NAT), so no PC can be named",
            "copy the inner (LAN) port of the router instead of the WAN port; MikroTik: make the LAN port mirror-source; Cisco: change the port of monitor session 1 source interface",
        ),
    ),
    Case(
        "only-pc",
        (
            "mọi liên lạc ra ngoài đều từ {address}, có vẻ là máy duy nhất đang bật",
            "nếu còn máy khác đang bật thì cổng sao chép không thấy chúng: hãy sao chép cổng phía trong (LAN) của bộ định tuyến; nếu không, chạy lại trong giờ làm việc",
        ),
        (
            "all traffic to the outside comes from {address}, which seems to be the only PC that is on",
            "if others are on, the mirror does not see them: copy the inner (LAN) port of the router; if not, run this again in working hours",
        ),
    ),
    Case(
        "no-hosts",
        (
            "không thấy địa chỉ nào của mạng nội bộ",
            "sao chép cổng phía trong (LAN) của bộ định tuyến; nếu mạng của đơn vị dùng địa chỉ công cộng thì khai báo trong tệp cấu hình, ví dụ: home = [\"203.0.113.0/24\"]",
        ),
        (
            "no address of our own networks is seen",
            "copy the inner (LAN) port of the router; if our network has public addresses, name it in the configuration, for example: home = [\"203.0.113.0/24\"]",
        ),
    ),
    Case(
        "vlan-tags",
        (
            "gói tin có thẻ VLAN; vẫn đọc được",
            "không cần làm gì; đừng thêm biểu thức BPF có số cổng (như 'port 53') vì sẽ che mất các gói này",
        ),
        (
            "frames carry VLAN tags; they are read",
            "nothing to do; do not add a BPF expression that names ports (such as 'port 53'): it would hide these frames",
        ),
    ),
    Case(
        "pppoe",
        (
            "gói tin có PPPoE; vẫn đọc được, nhưng đây là phía nhà mạng của bộ định tuyến",
            "nếu mọi máy hiện ra cùng một địa chỉ, hãy sao chép cổng phía trong (LAN) của bộ định tuyến; đừng thêm biểu thức BPF có số cổng",
        ),
        (
            "frames carry PPPoE; it is read, but this is the provider's side of the router",
            "if PCs all show as one address, copy the inner (LAN) port of the router instead; do not add a BPF expression that names ports",
        ),
    ),
    Case(
        "frames-truncated",
        (
            "gói tin bị cắt ngắn ({sliced} gói): phần bị mất có thể chứa tên miền",
            "đặt phiên sao chép với độ dài gói đầy đủ: tắt mục cắt gói (truncation, packet slicing, maximum-packet-length) trên bộ chuyển mạch hoặc thiết bị trích xuất (TAP)",
        ),
        (
            "frames are cut short ({sliced} of them): what is missing may hold names",
            "set the mirror session to full packet length: switch off truncation (packet slicing, maximum-packet-length) on the switch or tap",
        ),
    ),
    Case(
        "receive-offload",
        (
            "{nic} nhận được khung dài đến {longest} byte: card mạng ghép các đoạn lại (receive offload) hoặc mạng dùng jumbo frame; vẫn đọc được",
            "để đếm gói tin chính xác: sudo ethtool -K {nic} gro off lro off",
        ),
        (
            "frames of up to {longest} bytes arrive on {nic}: it puts segments together (receive offload), or the network uses jumbo frames; they are read",
            "for exact counts of packets: sudo ethtool -K {nic} gro off lro off",
        ),
    ),
    Case(
        "receive-offload-on",
        (
            "{nic} đang bật chức năng ghép các đoạn (receive offload: GRO hoặc LRO); vẫn đọc được",
            "để đếm gói tin chính xác: sudo ethtool -K {nic} gro off lro off",
        ),
        (
            "{nic} is set to put segments together (receive offload: GRO or LRO); they are read",
            "for exact counts of packets: sudo ethtool -K {nic} gro off lro off",
        ),
    ),
    Case(
        "no-dns",
        (
            "không thấy DNS dù các máy có liên lạc ra ngoài, cũng không thấy DNS mã hóa: máy chủ DNS mà chúng dùng nằm ngoài tầm sao chép",
            "sao chép thêm cổng nối với máy chủ DNS của đơn vị (xem địa chỉ trên máy trạm bằng: ipconfig /all), hoặc cho các máy dùng bộ định tuyến làm máy chủ DNS",
        ),
        (
            "no DNS is seen though PCs talk to the outside, and no encrypted DNS either: the resolver they use stands beside the mirror",
            "copy the port of the office's DNS server too (a PC tells its address with: ipconfig /all), or let the PCs use the router as their DNS server",
        ),
    ),
    Case(
        "no-dns-encrypted",
        (
            "không thấy DNS dạng rõ: các máy dùng DNS mã hóa ({encrypted} kết nối), nên không đọc được tên miền chúng hỏi",
            concat!(
                "tắt 'DNS an toàn' của trình duyệt trên các máy trạm bằng chính sách: ",
                browsers!(),
                "; chặn cổng 853 (TCP và UDP) ra ngoài trên bộ định tuyến"
            ),
        ),
        (
            "no DNS is seen in clear: the PCs use encrypted DNS ({encrypted} connections), so the names they ask for cannot be read",
            concat!(
                "switch off 'secure DNS' in the browsers of the PCs by policy: ",
                browsers!(),
                "; block port 853 (TCP and UDP) to the outside on the router"
            ),
        ),
    ),
    Case(
        "encrypted-dns",
        (
            "có máy dùng DNS mã hóa ({encrypted} kết nối): tên miền hỏi theo cách đó không đọc được",
            concat!(
                "tắt 'DNS an toàn' của trình duyệt trên các máy trạm bằng chính sách: ",
                browsers!(),
                "; chặn cổng 853 (TCP và UDP) ra ngoài trên bộ định tuyến"
            ),
        ),
        (
            "some PCs use encrypted DNS ({encrypted} connections): names asked for in that way cannot be read",
            concat!(
                "switch off 'secure DNS' in the browsers of the PCs by policy: ",
                browsers!(),
                "; block port 853 (TCP and UDP) to the outside on the router"
            ),
        ),
    ),
    Case(
        "one-resolver",
        (
            "mọi câu hỏi DNS đều từ {address} dù có {clients} máy liên lạc ra ngoài: các máy hỏi {address} ngoài tầm sao chép, nên cảnh báo về tên miền sẽ chỉ nêu {address}",
            "sao chép thêm cổng nối với {address}, để thấy máy nào hỏi",
        ),
        (
            "all DNS questions come from {address}, though {clients} PCs talk to the outside: they ask {address} beside the mirror, so an alert of a name will show {address} and not the PC",
            "copy the port of {address} too, so that it is seen which PC asks",
        ),
    ),
    Case(
        "loss",
        (
            "mất hơn 0,1 % gói tin ({lost} gói)",
            "tăng ring_mb ở mục [capture] của tệp cấu hình (ví dụ 128) hoặc tăng số luồng: wardwatch run -i {nic} -w 2; nếu chính card mạng làm mất gói: sudo ethtool -G {nic} rx 4096",
        ),
        (
            "more than 0.1 % of the packets are lost ({lost})",
            "raise ring_mb in section [capture] of the configuration (for example to 128) or the workers: wardwatch run -i {nic} -w 2; if the interface itself loses them: sudo ethtool -G {nic} rx 4096",
        ),
    ),
    Case(
        "clock-wrong",
        (
            "đồng hồ của máy sai: đang chỉ thời điểm trước ngày {day}, là ngày của phiên bản wardwatch này",
            "sudo timedatectl set-ntp true; nếu không có Internet: sudo timedatectl set-ntp false, rồi sudo timedatectl set-time 'NĂM-THÁNG-NGÀY GIỜ:PHÚT:GIÂY'; kiểm tra bằng: timedatectl",
        ),
        (
            "the clock is wrong: it stands before {day}, the day of this version of wardwatch",
            "sudo timedatectl set-ntp true; without Internet: sudo timedatectl set-ntp false, then sudo timedatectl set-time 'YYYY-MM-DD HH:MM:SS'; check with: timedatectl",
        ),
    ),
    Case(
        "clock-before-feeds",
        (
            "đồng hồ của máy đang chỉ thời điểm trước ngày {day} của dấu hiệu mới nhất: đồng hồ sai, hoặc ngày ghi trong danh sách dấu hiệu sai",
            "kiểm tra bằng: timedatectl; nếu đồng hồ sai: sudo timedatectl set-ntp true; nếu đồng hồ đúng: sửa ngày đó trong danh sách dấu hiệu",
        ),
        (
            "the clock stands before {day}, the date of the newest indicator: either the clock or that date in the feed is wrong",
            "check with: timedatectl; if the clock is wrong: sudo timedatectl set-ntp true; if it is right: correct that date in the feed",
        ),
    ),
    Case(
        "clock-apart",
        (
            "thời gian ghi trên gói tin lệch {apart} giây so với đồng hồ của máy: đồng hồ vừa bị chỉnh, hoặc card mạng dùng đồng hồ riêng",
            "sudo timedatectl set-ntp true, đợi một phút rồi chạy lại lệnh này; kiểm tra bằng: timedatectl",
        ),
        (
            "frames are stamped {apart} seconds off the clock: the clock has just been set, or the interface has a clock of its own",
            "sudo timedatectl set-ntp true, wait a minute and run this command again; check with: timedatectl",
        ),
    ),
    Case(
        "feeds-old",
        (
            "dấu hiệu mới nhất đã cũ {days} ngày, hơn nửa năm",
            "cài bản wardwatch mới hơn, hoặc nạp danh sách mới: wardwatch run -i {nic} --feeds TỆP",
        ),
        (
            "the newest indicator is {days} days old, more than half a year",
            "install a newer wardwatch, or load newer lists: wardwatch run -i {nic} --feeds FILE",
        ),
    ),
    Case(
        "no-contact",
        (
            "chưa khai báo số điện thoại cần gọi khi có cảnh báo",
            "hỏi số trực của công an cấp xã và PA05, ghi các mục [[contact]] vào tệp `threats` của cấu hình (mẫu: /etc/wardwatch/threats.toml)",
        ),
        (
            "no contact of the office is configured: alerts name nobody to call",
            "ask the ward police and PA05 for their numbers and write them as [[contact]] into the file `threats` of the configuration (example: /etc/wardwatch/threats.toml)",
        ),
    ),
    Case(
        "contact-old",
        (
            "đầu mối liên hệ đã quá ngày cần xác nhận lại",
            "gọi thử, rồi sửa số và `as_of`, `valid_until` của [[contact]] trong tệp `threats` của cấu hình",
        ),
        (
            "the contacts are past the day until which they were good",
            "call them, then correct the number and `as_of`, `valid_until` of [[contact]] in the file `threats` of the configuration",
        ),
    ),
    Case(
        "log-unwritable",
        (
            "không ghi được nhật ký vào {path}: {reason}",
            "cho dịch vụ: sudo install -d -o wardwatch -m 0750 {path}, và nếu trong đó đã có tệp nhật ký: sudo chown -R wardwatch {path}; cho người dùng đang đăng nhập: thay wardwatch bằng $USER",
        ),
        (
            "the log cannot be written in {path}: {reason}",
            "for the service: sudo install -d -o wardwatch -m 0750 {path}, and if there are logs in it already: sudo chown -R wardwatch {path}; for yourself: the same with $USER instead of wardwatch",
        ),
    ),
    Case(
        "log-full",
        (
            "không ghi được nhật ký vào {path}: {reason}",
            "giải phóng chỗ trống trên ổ đĩa đó; xem bằng: df -h {path}; giảm total_mb ở mục [log] của tệp cấu hình",
        ),
        (
            "the log cannot be written in {path}: {reason}",
            "make room on that disk; look with: df -h {path}; lower total_mb in section [log] of the configuration",
        ),
    ),
    Case(
        "log-read-only",
        (
            "không ghi được nhật ký vào {path}: {reason}",
            "hệ thống tệp chỉ cho đọc, thường do lỗi ổ đĩa: xem bằng sudo dmesg | tail; gắn lại: sudo mount -o remount,rw \"$(findmnt -no TARGET -T {path})\"; hoặc chọn thư mục khác bằng --log-dir",
        ),
        (
            "the log cannot be written in {path}: {reason}",
            "the file system is read-only, often after a fault of the disk: look with sudo dmesg | tail; mount it again: sudo mount -o remount,rw \"$(findmnt -no TARGET -T {path})\"; or choose another directory with --log-dir",
        ),
    ),
];
