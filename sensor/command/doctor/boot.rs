//! Who switches an interface on after the machine has started: without anybody the sensor is blind
//! from the first power cut on.
//!
//! Reads the files of systemd-networkd, netplan, ifupdown, NetworkManager and of the sensor's own
//! service; asks no program. What is read is looked for the interface's name only.

use std::fs;
use std::path::{Path, PathBuf};

use ioc_feeds::file;

/// What the package's unit runs before the sensor.
const RAISES: &str = "\nExecStartPre=-+/usr/lib/wardwatch/raise-interfaces ";

/// Files read of a directory.
const FILES: usize = 256;

/// What brings interfaces up on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manager {
    Networkd,
    Netplan,
    Ifupdown,
    /// NetworkManager.
    Nm,
    /// An `ExecStartPre=` of the service, the package's or the office's.
    Service,
    /// None that is known.
    None,
}

impl Manager {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Networkd => "systemd-networkd",
            Self::Netplan => "netplan",
            Self::Ifupdown => "ifupdown",
            Self::Nm => "NetworkManager",
            Self::Service => "wardwatch.service",
            Self::None => "-",
        }
    }
}

/// How an interface comes up at boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Boot {
    /// The file that says so, if there is one, and whose it is.
    pub(super) kept: Option<(Manager, PathBuf)>,
    /// What this machine uses for its other interfaces.
    pub(super) usual: Manager,
}

impl Boot {
    /// Of an interface that is hardware; what software makes comes up with that software.
    pub(super) fn of(interface: &str) -> Option<Self> {
        let device = Path::new("/sys/class/net").join(interface).join("device");
        device.exists().then(|| Self::below(Path::new("/"), interface))
    }

    fn below(root: &Path, interface: &str) -> Self {
        let netplan = files(root, &["etc/netplan"], "yaml");
        let networkd = ["etc/systemd/network", "run/systemd/network", "usr/lib/systemd/network"];
        let networkd = files(root, &networkd, "network");
        let mut ifupdown = files(root, &["etc/network/interfaces.d"], "");
        ifupdown.insert(0, root.join("etc/network/interfaces"));
        let network_manager =
            files(root, &["etc/NetworkManager/system-connections"], "nmconnection");
        let service = files(root, &["etc/systemd/system/wardwatch.service.d"], "conf");
        // The unit of the package switches on what the configuration names.
        let unit = root.join("usr/lib/systemd/system/wardwatch.service");
        let raises = file::read_text(&unit).is_ok_and(|text| text.contains(RAISES));
        let config = raises.then(|| root.join("etc/wardwatch/wardwatch.toml"));
        let ways: [(Manager, &[PathBuf], Says); 6] = [
            (Manager::Service, &service, of_service),
            (Manager::Service, config.as_slice(), of_configuration),
            (Manager::Netplan, &netplan, of_netplan),
            (Manager::Networkd, &networkd, of_networkd),
            (Manager::Ifupdown, &ifupdown, of_ifupdown),
            (Manager::Nm, &network_manager, of_network_manager),
        ];
        let kept = ways.iter().find_map(|(manager, files, says)| {
            let says =
                |path: &&PathBuf| file::read_text(path).is_ok_and(|text| says(&text, interface));
            files.iter().find(says).map(|path| (*manager, path.clone()))
        });
        let any = |path: &str| root.join(path).exists();
        let usual = match () {
            () if !netplan.is_empty() => Manager::Netplan,
            () if any("run/NetworkManager") => Manager::Nm,
            () if any("run/systemd/netif/links") => Manager::Networkd,
            () if any("etc/network/interfaces") => Manager::Ifupdown,
            () => Manager::None,
        };
        Self { kept, usual }
    }
}

/// Does a file say that an interface is to be up?
type Says = fn(&str, &str) -> bool;

/// Files of these directories that end so; of one name only the first.
fn files(root: &Path, directories: &[&str], extension: &str) -> Vec<PathBuf> {
    let listed = |directory: &&str| fs::read_dir(root.join(directory)).ok();
    let mut found: Vec<PathBuf> = directories
        .iter()
        .filter_map(listed)
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_none_or(|e| e == extension) || extension.is_empty())
        .take(FILES)
        .collect();
    found.sort();
    found
}

/// Lines without comments and the blanks around them.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']))
}

/// `Name=eth1` or a pattern of it below `[Match]`.
fn of_networkd(text: &str, interface: &str) -> bool {
    let mut in_match = false;
    let (mut named, mut unmanaged) = (false, false);
    for line in lines(text) {
        if line.starts_with('[') {
            in_match = line == "[Match]";
        } else if let Some((key, value)) = line.split_once('=') {
            let value = value.trim();
            match key.trim() {
                "Name" if in_match => {
                    named |= value.split_whitespace().any(|pattern| fits(pattern, interface));
                }
                "Unmanaged" => unmanaged |= matches!(value, "yes" | "true" | "1"),
                "ActivationPolicy" => {
                    unmanaged |= matches!(value, "manual" | "down" | "always-down")
                }
                _ => {}
            }
        }
    }
    named && !unmanaged
}

/// The only pattern that is in use: a star at the end.
fn fits(pattern: &str, interface: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(head) => interface.starts_with(head),
        None => pattern == interface,
    }
}

/// `eth1:` anywhere.
fn of_netplan(text: &str, interface: &str) -> bool {
    let key =
        |line: &str| line.strip_suffix(':').map(|key| key.trim_matches(['"', '\'']).to_owned());
    lines(text).any(|line| key(line).is_some_and(|key| key == interface))
}

/// `auto eth1` or `allow-hotplug eth1`, and a stanza.
fn of_ifupdown(text: &str, interface: &str) -> bool {
    let line_has = |heads: &[&str]| {
        lines(text).any(|line| {
            let mut words = line.split_whitespace();
            let head = words.next().unwrap_or_default();
            heads.contains(&head) && words.any(|word| word == interface)
        })
    };
    line_has(&["auto", "allow-auto", "allow-hotplug"]) && line_has(&["iface"])
}

fn of_network_manager(text: &str, interface: &str) -> bool {
    let says = |wanted: &str| lines(text).any(|line| line.replace(' ', "") == wanted);
    says(&format!("interface-name={interface}")) && !says("autoconnect=false")
}

/// `ExecStartPre=+/usr/sbin/ip link set eth1 up`.
fn of_service(text: &str, interface: &str) -> bool {
    let ups = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        line.starts_with("ExecStartPre=") && words.contains(&interface) && words.contains(&"up")
    };
    lines(text).any(ups)
}

/// `capture.interfaces` of the sensor's configuration.
fn of_configuration(text: &str, interface: &str) -> bool {
    let config: Option<toml::Table> = text.parse().ok();
    let named = config.as_ref().and_then(|config| config.get("capture")?.get("interfaces"));
    let named = named.and_then(toml::Value::as_array);
    named.is_some_and(|names| names.iter().any(|name| name.as_str() == Some(interface)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Boot) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let boot = Boot::below(root.path(), "eth1");
        (root, boot)
    }

    #[test]
    fn each_way_in_which_an_interface_comes_up_is_found() {
        let network = "[Match]\nName=eth0 eth1\n[Network]\nLinkLocalAddressing=no\n";
        let netplan = "network:\n  ethernets:\n    eth1:\n      optional: true\n";
        let interfaces = "auto lo\niface lo inet loopback\nauto eth1\niface eth1 inet manual\n";
        let connection = "[connection]\ninterface-name=eth1\nautoconnect=true\n";
        let service = "[Service]\nExecStartPre=+/usr/sbin/ip link set eth1 up\n";
        for (path, text, manager) in [
            ("etc/systemd/network/10-mirror.network", network, Manager::Networkd),
            ("etc/netplan/60-mirror.yaml", netplan, Manager::Netplan),
            ("etc/network/interfaces.d/mirror", interfaces, Manager::Ifupdown),
            ("etc/NetworkManager/system-connections/m.nmconnection", connection, Manager::Nm),
            ("etc/systemd/system/wardwatch.service.d/up.conf", service, Manager::Service),
        ] {
            let (root, boot) = machine(&[(path, text)]);
            assert_eq!(boot.kept, Some((manager, root.path().join(path))));
        }
    }

    #[test]
    fn the_unit_of_the_package_keeps_up_what_the_configuration_names() {
        let unit = include_str!("../../dist/wardwatch.service");
        let unit = ("usr/lib/systemd/system/wardwatch.service", unit);
        let path = "etc/wardwatch/wardwatch.toml";
        let config = (path, "[capture]\ninterfaces = [\"eth0\", \"eth1\"]\n");
        let (root, boot) = machine(&[unit, config]);
        assert_eq!(boot.kept, Some((Manager::Service, root.path().join(path))));
        for other in ["", "#interfaces = [\"eth1\"]\n", "interfaces = [\"eth10\"]\n", "[broken"] {
            let text = format!("[capture]\n{other}");
            assert_eq!(machine(&[unit, (path, &text)]).1.kept, None, "{other}");
        }
        assert_eq!(machine(&[config]).1.kept, None, "without the unit");
    }

    #[test]
    fn what_looks_alike_keeps_nothing_up() {
        for (path, text) in [
            ("etc/systemd/network/a.network", "[Match]\nName=eth10\n"),
            ("etc/systemd/network/a.network", "[Network]\nName=eth1\n"),
            ("etc/systemd/network/a.network", "[Match]\nName=eth1\n[Link]\nUnmanaged=yes\n"),
            ("etc/systemd/network/a.network", "[Match]\n#Name=eth1\n"),
            ("etc/netplan/a.yaml", "network:\n  # eth1:\n  ethernets:\n    eth10:\n"),
            ("etc/network/interfaces", "iface eth1 inet manual\n"),
            ("etc/network/interfaces", "auto eth10\niface eth1 inet manual\n"),
            (
                "etc/NetworkManager/system-connections/a.nmconnection",
                "interface-name=eth1\nautoconnect=false\n",
            ),
            ("etc/systemd/system/wardwatch.service.d/a.conf", "ExecStartPre=/bin/true eth1\n"),
            ("etc/other", "eth1:\n"),
        ] {
            let (_, boot) = machine(&[(path, text)]);
            assert_eq!(boot.kept, None, "{path}: {text}");
        }
    }

    #[test]
    fn the_remedy_is_that_of_the_manager_in_use() {
        let usual = |path: &str| machine(&[(path, "")]).1.usual;
        assert_eq!(usual("etc/netplan/50-cloud-init.yaml"), Manager::Netplan);
        assert_eq!(usual("run/NetworkManager/x"), Manager::Nm);
        assert_eq!(usual("run/systemd/netif/links/1"), Manager::Networkd);
        assert_eq!(usual("etc/network/interfaces"), Manager::Ifupdown);
        assert_eq!(usual("etc/hostname"), Manager::None);
    }
}
