# Two network namespaces joined by a veth pair, for recording and for live tests. To be sourced
# by a bash script that runs as root. Nothing in them has a route out.
#
#   pair_make NAME [MTU]     namespaces NAME-client and NAME-server, interface veth0 in both
#   pair_drop NAME           removes them, with everything that runs in them left to the caller
#   in_client NAME CMD...    runs a command on the client's side; in_server likewise
#   pair_offload NAME on|off segmentation and checksum offload of both ends

# Addresses: documentation ranges (RFC 5737, RFC 3849). MACs: locally administered, invented.
CLIENT4=192.0.2.10 SERVER4=192.0.2.1
CLIENT6=2001:db8::10 SERVER6=2001:db8::1
CLIENT_MAC=02:00:00:00:00:10 SERVER_MAC=02:00:00:00:00:01

in_client() { local name=$1; shift; ip netns exec "$name-client" "$@"; }
in_server() { local name=$1; shift; ip netns exec "$name-server" "$@"; }

pair_make() {
    local name=$1 mtu=${2:-1500} side mac four six
    ip netns add "$name-client"
    ip netns add "$name-server"
    ip -n "$name-client" link add veth0 type veth peer name veth0 netns "$name-server"
    for side in client server; do
        if [[ $side == client ]]; then mac=$CLIENT_MAC four=$CLIENT4 six=$CLIENT6
        else mac=$SERVER_MAC four=$SERVER4 six=$SERVER6; fi
        # No router solicitations, no link-local addresses: only what the clients say.
        ip netns exec "$name-$side" sysctl -qw net.ipv6.conf.veth0.accept_ra=0 \
            net.ipv6.conf.veth0.addr_gen_mode=1 net.ipv6.conf.veth0.dad_transmits=0
        ip -n "$name-$side" link set lo up
        ip -n "$name-$side" link set veth0 address "$mac" mtu "$mtu"
        ip -n "$name-$side" link set veth0 up
        ip -n "$name-$side" address add "$four/24" dev veth0
        ip -n "$name-$side" address add "$six/64" dev veth0 nodad
    done
    mkdir -p "/etc/netns/$name-client"
    echo "nameserver $SERVER4" > "/etc/netns/$name-client/resolv.conf"
}

pair_drop() {
    local name=$1
    ip netns delete "$name-client" 2>/dev/null
    ip netns delete "$name-server" 2>/dev/null
    rm -rf "/etc/netns/$name-client"
    return 0
}

pair_offload() {
    local name=$1 state=$2 side
    for side in client server; do
        ip netns exec "$name-$side" ethtool -K veth0 \
            tx "$state" rx "$state" tso "$state" gso "$state" gro "$state" >/dev/null 2>&1
    done
}
