# What this machine lacks, installed through apt. Sourced by scripts/demo, scripts/test, .ci/run.
# shellcheck shell=bash

# The user's language, if it is one of ours.
language() {
    case "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}" in
        vi*) echo vi ;;
        *) echo en ;;
    esac
}

# in_language ENGLISH [VIETNAMESE]: the one that the user reads. What is for developers is English only.
in_language() { if (($# > 1)) && [[ $(language) == vi ]]; then printf '%s\n' "$2"; else printf '%s\n' "$1"; fi; }

say() { in_language "$@" >&2; }

# A sentence a person can act on, then the end.
give_up() { printf '%s: %s\n' "$(basename "$0")" "$(in_language "$@")" >&2; exit 1; }

# Rust, at least as new as Cargo.toml asks for. It is only named, never downloaded from here.
need_rust() {
    local needed found
    # A fresh rustup installation is in no PATH until the next login.
    command -v cargo >/dev/null || PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
    needed=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' Cargo.toml)
    if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
        give_up "Rust is not installed. Version $needed or newer is needed: run the one line shown on https://rustup.rs as your own user, log in again, then start this script again." \
            "Chưa cài Rust. Cần phiên bản $needed trở lên: chạy dòng lệnh ghi trên https://rustup.rs bằng tài khoản của bạn, đăng nhập lại, rồi chạy lại lệnh này."
    fi
    found=$(rustc --version | cut -d ' ' -f 2)
    if [[ $(printf '%s\n' "$needed" "$found" | sort -V | head -n 1) != "$needed" ]]; then
        give_up "Rust $found is too old, $needed or newer is needed: run 'rustup update' (if Rust came from apt, remove it and follow https://rustup.rs), then start this script again." \
            "Rust $found quá cũ, cần $needed trở lên: chạy 'rustup update' (nếu Rust được cài từ apt, hãy gỡ bỏ rồi làm theo https://rustup.rs), rồi chạy lại lệnh này."
    fi
}

# A compiler, its headers and libpcap are there when a program that uses all three can be linked.
links_libpcap() {
    printf '#include <pcap.h>\nint main(void) { return pcap_lib_version() == 0; }\n' \
        | cc -x c - -o /dev/null -lpcap 2>/dev/null
}

# need_packages PACKAGE...: installs them, as root or with sudo.
need_packages() {
    local as_root=()
    (($# > 0)) || return 0
    command -v apt-get >/dev/null || give_up "missing: $*. This machine has no apt-get (it is neither Debian nor Ubuntu): install what corresponds to these packages, then start this script again." \
        "còn thiếu: $*. Máy này không có apt-get (không phải Debian hay Ubuntu): hãy cài các gói tương ứng, rồi chạy lại lệnh này."
    if ((EUID != 0)); then
        command -v sudo >/dev/null || give_up "missing: $*. Ask root to run 'apt-get install $*' (you are not root, and there is no sudo), then start this script again." \
            "còn thiếu: $*. Hãy nhờ root chạy 'apt-get install $*' (bạn không phải root và máy không có sudo), rồi chạy lại lệnh này."
        as_root=(sudo)
    fi
    say "Installing through apt: $*" "Đang cài qua apt: $*"
    if ! { "${as_root[@]}" apt-get -q update \
        && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "$@"; } >&2; then
        give_up "apt could not install: $*. Its own words stand above; most often the machine has no way to the Internet. Then start this script again: what is done is not done twice." \
            "apt không cài được: $*. Thông báo của apt ở phía trên; thường là do máy không ra được Internet. Sau đó chạy lại lệnh này: việc đã làm xong không phải làm lại."
    fi
}

# What every build needs.
need_build() {
    links_libpcap && return 0
    need_packages gcc libc6-dev libpcap-dev
    links_libpcap || give_up "libpcap cannot be linked although it is installed: 'cc' does not find pcap.h or -lpcap" \
        "không liên kết được libpcap dù đã cài: 'cc' không thấy pcap.h hoặc -lpcap"
}

# What the tests need beside it: pairs of interfaces, a replayer, a ping, time zones.
need_test_tools() {
    local missing=() tool
    for tool in iproute2:ip ethtool:ethtool tcpreplay:tcpreplay iputils-ping:ping util-linux:setpriv git:git; do
        # Debian keeps them in sbin, which an ordinary user's PATH does not hold.
        PATH="$PATH:/usr/sbin:/sbin" command -v "${tool#*:}" >/dev/null || missing+=("${tool%:*}")
    done
    [[ -e /usr/share/zoneinfo/Asia/Ho_Chi_Minh ]] || missing+=(tzdata)
    need_packages "${missing[@]}"
    export PATH="$PATH:/usr/sbin:/sbin"
}
