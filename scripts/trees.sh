# Debian trees in which scripts/try-package and scripts/try-unit try a package, of this machine's
# architecture or of arm64. To be sourced after machine.sh, by root, in mounts of one's own.
# shellcheck shell=bash

is_foreign() { [[ $1 != "$(dpkg --print-architecture)" ]]; }

# The kernel hands programs of arm64 to qemu-user, in every tree, until we are done.
run_arm64_programs() {
    local handlers=/proc/sys/fs/binfmt_misc qemu=/usr/lib/binfmt.d/qemu-aarch64.conf
    [[ -e $qemu ]] || need_packages qemu-user-static
    [[ -e $handlers/register ]] || mount -t binfmt_misc binfmt_misc "$handlers"
    if [[ ! -e $handlers/qemu-aarch64 ]]; then
        cat "$qemu" > "$handlers/register"
        trap 'echo -1 > /proc/sys/fs/binfmt_misc/qemu-aarch64' EXIT
    fi
}

# debian_tree TREE SUITE ARCHITECTURE PACKAGE,...: makes it with those packages, once.
debian_tree() {
    local tree=$1
    if is_foreign "$3"; then run_arm64_programs; fi
    [[ ! -e $tree/wardwatch-tree ]] || return 0
    command -v debootstrap >/dev/null || need_packages debootstrap
    # Not --foreign: its second stage reads the archive's lists inside, and emulated that takes for ever.
    debootstrap --variant=minbase "--arch=$3" "--include=$4" "$2" "$tree" >/dev/null
    touch "$tree/wardwatch-tree"
}
