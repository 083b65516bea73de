//! What facts mean, and what to do.

use super::facts::Facts;
use crate::lang::Language;
use crate::stats::Counter;

/// Frames from which on shares mean something.
const ENOUGH: u64 = 50;
/// Flows of a single client from which on it is no accident.
const MANY_FLOWS: u64 = 100;
/// Days after which feeds are old.
const OLD_DAYS: i64 = 180;

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// Contacts will be missed.
    Problem,
    /// Good to know.
    Note,
}

/// Something about this mirror port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    NotPermitted,
    InterfaceDown,
    NoFrames,
    NoMirror,
    OnlyOutward,
    OnlyInward,
    Copies,
    OneClient,
    NoHosts,
    Tagged,
    Pppoe,
    Truncated,
    Merged,
    NoDns,
    Loss,
    ClockWrong,
    FeedsOld,
    LogUnwritable,
}

/// Everything that is wrong or good to know, the cause before its consequences.
pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |finding, is| {
        if is {
            found.push(finding);
        }
    };
    let count = |counter| facts.counters.get(counter);
    let frames = &facts.frames;
    add(Finding::LogUnwritable, facts.log_error.is_some());
    add(Finding::ClockWrong, facts.age_days.is_some_and(|days| days < -1));
    add(Finding::FeedsOld, facts.age_days.is_some_and(|days| days > OLD_DAYS));
    if !facts.permitted {
        add(Finding::NotPermitted, true);
        return found;
    }
    let down = facts.up == Some(false);
    add(Finding::InterfaceDown, down);
    add(Finding::NoFrames, !down && frames.all == 0);
    let mirrored = frames.foreign > 0;
    add(Finding::NoMirror, frames.all > 0 && !mirrored && !down);
    if !mirrored {
        return found;
    }
    let lost = facts.drops.kernel + facts.drops.interface;
    add(Finding::Loss, lost * 1000 > frames.all + lost);
    let (out, back) = (count(Counter::PacketsOut), count(Counter::PacketsIn));
    add(Finding::OnlyOutward, out >= ENOUGH && back == 0);
    add(Finding::OnlyInward, back >= ENOUGH && out == 0);
    add(Finding::Copies, frames.all >= ENOUGH && frames.copies * 10 > frames.all * 3);
    let flows = count(Counter::Flows);
    add(Finding::NoHosts, facts.hosts == 0 && flows > 0 && frames.all >= ENOUGH);
    add(Finding::OneClient, facts.clients == 1 && count(Counter::FlowsOut) >= MANY_FLOWS);
    add(Finding::Truncated, count(Counter::FramesTruncated) > 0);
    add(Finding::NoDns, out >= ENOUGH && count(Counter::Dns) == 0);
    add(Finding::Merged, frames.merged > 0);
    add(Finding::Tagged, frames.tagged > 0);
    add(Finding::Pppoe, frames.pppoe > 0);
    found
}

impl Finding {
    /// Stable, for scripts and for asking on the telephone.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::NotPermitted => "not-permitted",
            Self::InterfaceDown => "interface-down",
            Self::NoFrames => "no-frames",
            Self::NoMirror => "no-mirror",
            Self::OnlyOutward => "only-outward",
            Self::OnlyInward => "only-inward",
            Self::Copies => "every-packet-twice",
            Self::OneClient => "one-client",
            Self::NoHosts => "no-hosts",
            Self::Tagged => "vlan-tags",
            Self::Pppoe => "pppoe",
            Self::Truncated => "frames-truncated",
            Self::Merged => "receive-offload",
            Self::NoDns => "no-dns",
            Self::Loss => "loss",
            Self::ClockWrong => "clock-wrong",
            Self::FeedsOld => "feeds-old",
            Self::LogUnwritable => "log-unwritable",
        }
    }

    /// Does it make contacts go unseen?
    pub(super) const fn severity(self) -> Severity {
        match self {
            Self::Tagged | Self::Pppoe | Self::Merged | Self::FeedsOld | Self::NoDns => {
                Severity::Note
            }
            Self::Copies => Severity::Note,
            _ => Severity::Problem,
        }
    }

    /// What is so, and what to do about it.
    pub(super) fn words(self, language: Language, facts: &Facts) -> (String, String) {
        let nic = &facts.interface;
        let (path, reason) = match &facts.log_error {
            Some((path, reason)) => (path.display().to_string(), reason.as_str()),
            None => (String::new(), ""),
        };
        let (what, remedy) = match language {
            Language::Vi => self.vietnamese(),
            Language::En => self.english(),
        };
        let fill =
            |text: &str| text.replace("NIC", nic).replace("PATH", &path).replace("REASON", reason);
        (fill(what), fill(remedy))
    }

    const fn english(self) -> (&'static str, &'static str) {
        match self {
            Self::NotPermitted => (
                "this program may not capture on NIC",
                "sudo setcap cap_net_raw+ep /usr/bin/wardwatch, or run it through its systemd unit",
            ),
            Self::InterfaceDown => (
                "NIC is down or has no carrier",
                "sudo ip link set NIC up; check the cable at both ends and the light of the switch port",
            ),
            Self::NoFrames => (
                "nothing at all arrived on NIC",
                "enable the mirror (SPAN) session on the switch with this port as its destination; see what arrives with: sudo tcpdump -i NIC -c 5",
            ),
            Self::NoMirror => (
                "only broadcasts and this machine's own traffic arrive on NIC: it is an ordinary port, not a mirror",
                "on the switch, mirror the port of the router (both directions) to the port NIC is plugged into",
            ),
            Self::OnlyOutward => (
                "only what our hosts send is seen, no answers",
                "set the mirror session to both directions (rx and tx, 'both')",
            ),
            Self::OnlyInward => (
                "only what our hosts receive is seen, no requests",
                "set the mirror session to both directions (rx and tx, 'both')",
            ),
            Self::Copies => (
                "every packet arrives twice",
                "mirror only the router's port, or only one direction of all other ports; wardwatch copes, but works twice",
            ),
            Self::OneClient => (
                "all traffic to the outside comes from one address: the mirror is behind the router's address translation, so no PC can be named",
                "mirror the inner (LAN) port of the router instead of the WAN port",
            ),
            Self::NoHosts => (
                "no address of our own networks is seen",
                "mirror the inner (LAN) port of the router; if our network has public addresses, name it in the configuration: home = [\"203.0.113.0/24\"]",
            ),
            Self::Tagged => (
                "frames carry VLAN tags; they are read",
                "nothing to do; do not use a BPF expression that names ports, it would hide them",
            ),
            Self::Pppoe => (
                "frames carry PPPoE; it is read, but this is the provider's side of the router",
                "if PCs all show as one address, mirror the inner (LAN) port instead",
            ),
            Self::Truncated => (
                "frames are cut short",
                "set the mirror session to full packet length (no truncation, no 'packet slicing')",
            ),
            Self::Merged => (
                "NIC puts segments together before we see them; they are read",
                "for exact counts: sudo ethtool -K NIC gro off lro off",
            ),
            Self::NoDns => (
                "no DNS is seen, though PCs talk to the outside: they use encrypted DNS or the resolver stands beside the mirror",
                "let the PCs use the resolver of the office, and switch off 'secure DNS' in their browsers by policy",
            ),
            Self::Loss => (
                "more than 0.1 % of the packets are lost",
                "raise [capture] ring_mb (for example to 128) or the workers: -w 2",
            ),
            Self::ClockWrong => (
                "the clock stands before the newest indicator: it is wrong",
                "sudo timedatectl set-ntp true; check with: timedatectl",
            ),
            Self::FeedsOld => (
                "the newest indicator is more than half a year old",
                "install a newer wardwatch or load newer feeds with --feeds",
            ),
            Self::LogUnwritable => (
                "the log cannot be written in PATH: REASON",
                "sudo install -d -o wardwatch -m 0750 PATH, and make room on that disk",
            ),
        }
    }

    const fn vietnamese(self) -> (&'static str, &'static str) {
        match self {
            Self::NotPermitted => (
                "chương trình không có quyền bắt gói tin trên NIC",
                "sudo setcap cap_net_raw+ep /usr/bin/wardwatch, hoặc chạy bằng dịch vụ systemd",
            ),
            Self::InterfaceDown => (
                "cổng NIC đang tắt hoặc không có tín hiệu cáp",
                "sudo ip link set NIC up; kiểm tra cáp ở hai đầu và đèn của cổng trên bộ chuyển mạch",
            ),
            Self::NoFrames => (
                "không có gì đến cổng NIC",
                "bật phiên sao chép (mirror/SPAN) trên bộ chuyển mạch với cổng này là cổng đích; xem thử bằng: sudo tcpdump -i NIC -c 5",
            ),
            Self::NoMirror => (
                "chỉ có gói quảng bá và lưu lượng của chính máy này đến NIC: đây là cổng thường, không phải cổng sao chép",
                "trên bộ chuyển mạch, hãy sao chép cổng của bộ định tuyến (cả hai chiều) đến cổng đang cắm NIC",
            ),
            Self::OnlyOutward => (
                "chỉ thấy chiều gửi đi, không thấy trả lời",
                "đặt phiên sao chép thành cả hai chiều (rx và tx, 'both')",
            ),
            Self::OnlyInward => (
                "chỉ thấy chiều nhận về, không thấy yêu cầu",
                "đặt phiên sao chép thành cả hai chiều (rx và tx, 'both')",
            ),
            Self::Copies => (
                "mỗi gói tin đến hai lần",
                "chỉ sao chép cổng của bộ định tuyến, hoặc chỉ một chiều của các cổng khác; wardwatch vẫn hoạt động nhưng phải làm việc gấp đôi",
            ),
            Self::OneClient => (
                "mọi liên lạc ra ngoài đều từ một địa chỉ: cổng sao chép nằm phía ngoài bộ định tuyến, nên không biết được máy nào",
                "sao chép cổng phía trong (LAN) của bộ định tuyến thay cho cổng WAN",
            ),
            Self::NoHosts => (
                "không thấy địa chỉ nào của mạng nội bộ",
                "sao chép cổng phía trong (LAN) của bộ định tuyến; nếu mạng dùng địa chỉ công cộng, khai báo trong cấu hình: home = [\"203.0.113.0/24\"]",
            ),
            Self::Tagged => (
                "gói tin có thẻ VLAN; vẫn đọc được",
                "không cần làm gì; đừng dùng biểu thức BPF có số cổng vì sẽ che mất chúng",
            ),
            Self::Pppoe => (
                "gói tin có PPPoE; vẫn đọc được, nhưng đây là phía nhà mạng của bộ định tuyến",
                "nếu mọi máy hiện ra cùng một địa chỉ, hãy sao chép cổng phía trong (LAN)",
            ),
            Self::Truncated => {
                ("gói tin bị cắt ngắn", "đặt phiên sao chép với độ dài đầy đủ (không cắt gói)")
            }
            Self::Merged => (
                "NIC ghép các đoạn trước khi chúng tôi thấy; vẫn đọc được",
                "để đếm chính xác: sudo ethtool -K NIC gro off lro off",
            ),
            Self::NoDns => (
                "không thấy DNS dù các máy có liên lạc ra ngoài: chúng dùng DNS mã hóa, hoặc máy chủ DNS nằm ngoài tầm sao chép",
                "cho các máy dùng máy chủ DNS của cơ quan và tắt 'DNS an toàn' trong trình duyệt bằng chính sách",
            ),
            Self::Loss => (
                "mất hơn 0,1 % gói tin",
                "tăng [capture] ring_mb (ví dụ 128) hoặc số luồng xử lý: -w 2",
            ),
            Self::ClockWrong => (
                "đồng hồ chạy trước ngày của dấu hiệu mới nhất: đồng hồ sai",
                "sudo timedatectl set-ntp true; kiểm tra bằng: timedatectl",
            ),
            Self::FeedsOld => (
                "dấu hiệu mới nhất đã cũ hơn nửa năm",
                "cài bản wardwatch mới hơn hoặc nạp nguồn mới bằng --feeds",
            ),
            Self::LogUnwritable => (
                "không ghi được nhật ký vào PATH: REASON",
                "sudo install -d -o wardwatch -m 0750 PATH, và giải phóng chỗ trống trên ổ đĩa",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mirror as it should be.
    fn healthy() -> Facts {
        let mut facts = Facts { interface: "eth1".into(), up: Some(true), ..Facts::default() };
        (facts.frames.all, facts.frames.foreign) = (1000, 900);
        let counts = [
            (Counter::PacketsOut, 400),
            (Counter::PacketsIn, 500),
            (Counter::Dns, 20),
            (Counter::Flows, 300),
        ];
        for (counter, n) in counts {
            facts.counters.add(counter, n);
        }
        (facts.hosts, facts.clients, facts.age_days) = (12, 10, Some(30));
        facts
    }

    #[track_caller]
    fn found(change: impl FnOnce(&mut Facts)) -> Vec<Finding> {
        let mut facts = healthy();
        change(&mut facts);
        findings(&facts)
    }

    #[test]
    fn a_healthy_mirror_has_no_finding() {
        assert!(found(|_| {}).is_empty());
    }

    #[test]
    fn each_cause_has_its_finding_and_no_other() {
        use Finding::*;
        assert_eq!(found(|f| f.permitted = false), [NotPermitted]);
        assert_eq!(
            found(|f| (f.up, f.frames) = (Some(false), Default::default())),
            [InterfaceDown]
        );
        assert_eq!(found(|f| f.frames = Default::default()), [NoFrames]);
        assert_eq!(found(|f| f.frames.foreign = 0), [NoMirror]);
        assert_eq!(found(|f| f.frames.copies = 450), [Copies]);
        assert_eq!(found(|f| f.frames.tagged = 1), [Tagged]);
        assert_eq!(found(|f| f.frames.pppoe = 1), [Pppoe]);
        assert_eq!(found(|f| f.frames.merged = 1), [Merged]);
        assert_eq!(found(|f| f.hosts = 0), [NoHosts]);
        assert_eq!(found(|f| f.drops.kernel = 2), [Loss]);
        assert_eq!(found(|f| f.age_days = Some(-400)), [ClockWrong]);
        assert_eq!(found(|f| f.age_days = Some(181)), [FeedsOld]);
        assert_eq!(found(|f| f.log_error = Some(("/x".into(), "full".into()))), [LogUnwritable]);
        assert_eq!(found(|f| f.counters.add(Counter::FramesTruncated, 1)), [Truncated]);
        let one = |f: &mut Facts| {
            f.clients = 1;
            f.counters.add(Counter::FlowsOut, 100);
        };
        assert_eq!(found(one), [OneClient]);
    }

    #[test]
    fn a_mirror_of_one_direction_is_said_with_its_direction() {
        let only = |counter| {
            let mut facts = healthy();
            facts.counters = crate::stats::Counters::default();
            facts.counters.add(counter, 500);
            facts.counters.add(Counter::Dns, 1);
            findings(&facts)
        };
        assert_eq!(only(Counter::PacketsOut), [Finding::OnlyOutward]);
        assert_eq!(only(Counter::PacketsIn), [Finding::OnlyInward]);
    }

    #[test]
    fn words_name_the_interface_in_both_languages() {
        for language in [Language::Vi, Language::En] {
            let (_, remedy) = Finding::InterfaceDown.words(language, &healthy());
            assert!(remedy.contains("ip link set eth1 up"), "{remedy}");
        }
    }
}
