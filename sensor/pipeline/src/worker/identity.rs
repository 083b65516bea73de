//! Which messages tell who a host is: ARP, neighbour discovery, DHCP, NetBIOS registrations,
//! mDNS and LLMNR answers.

use super::context::PacketContext;
use super::watch::Watch;
use crate::alert::identity::{Identity, News};
use crate::decode::packet::{Packet, Transport};
use crate::extract::spelling::readable;
use crate::net::{Address, Mac, Timestamp};
use crate::observation::{DhcpMessage, DnsData, DnsMessage, NameClaim};
use crate::stats::Counter;

/// Ports of mDNS (RFC 6762) and LLMNR (RFC 4795).
const NAMING_PORTS: [u16; 2] = [5353, 5355];

/// May an answer from this port tell who a host is?
#[inline]
pub(super) const fn is_naming_port(port: u16) -> bool {
    let [mdns, llmnr] = NAMING_PORTS;
    port == mdns || port == llmnr
}

/// Neighbour solicitation and advertisement (RFC 4861 4.3, 4.4).
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;

/// DHCP message types that bind an address (RFC 2132 9.6).
const REQUEST: u8 = 3;
const ACK: u8 = 5;
const INFORM: u8 = 8;

impl Watch {
    /// An ARP message tells its sender (RFC 826).
    pub(super) fn arp(&mut self, mac: Mac, address: Address, time: Timestamp) {
        self.learn(time, Some(address), Some(mac), None);
    }

    /// Neighbour discovery tells its sender as ARP does.
    pub(super) fn neighbour(&mut self, packet: &Packet<'_>, time: Timestamp) {
        let (Transport::Icmp { kind, payload, .. }, Some((mac, _))) =
            (packet.transport, packet.macs)
        else {
            return;
        };
        let address = match kind {
            SOLICITATION => packet.source.address,
            ADVERTISEMENT => match payload.first_chunk::<16>() {
                Some(target) => Address::v6(*target),
                None => return,
            },
            _ => return,
        };
        self.learn(time, Some(address), Some(mac), None);
    }

    /// A DHCP client names itself; the server's acknowledgement binds the address.
    pub(super) fn dhcp(&mut self, message: &DhcpMessage<'_>, time: Timestamp) {
        let address = match message.message_type {
            ACK => message.assigned_ip.or(message.client_ip),
            REQUEST => message.client_ip.or(message.requested_ip),
            INFORM => message.client_ip,
            _ => None,
        };
        // A server may repeat the client's name; its own it does not tell.
        self.learn(time, address, Some(message.client_mac), message.hostname);
    }

    /// A host that answers for its own address by mDNS or LLMNR tells its name.
    pub(super) fn answer(&mut self, message: &DnsMessage<'_>, context: &PacketContext<'_>) {
        let source = context.packet.source;
        if !is_naming_port(source.port) || !message.is_response() {
            return;
        }
        let mac = context.packet.macs.map(|(source, _)| source);
        for record in message.records {
            if matches!(record.data, DnsData::Address(address) if address == source.address) {
                let owner = message.text(record.owner);
                let name = owner.strip_suffix(".local").unwrap_or(owner);
                self.learn(context.time, Some(source.address), mac, Some(name));
                return;
            }
        }
    }

    /// A host that claims a name for its own address is called so.
    pub(super) fn claim(&mut self, claim: &NameClaim<'_>, context: &PacketContext<'_>) {
        if claim.address == context.packet.source.address {
            let mac = context.packet.macs.map(|(source, _)| source);
            self.learn(context.time, Some(claim.address), mac, Some(claim.name));
        }
    }

    /// Passes a fact on if it is new and about a host of ours. Cooked captures show receivers
    /// with a hardware address of zeros, which is none.
    fn learn(
        &mut self,
        time: Timestamp,
        address: Option<Address>,
        mac: Option<Mac>,
        name: Option<&str>,
    ) {
        let mac = mac.filter(|Mac(mac)| *mac != [0; 6] && mac.first().is_some_and(|b| b & 1 == 0));
        let address = address.filter(|address| self.home.contains(*address));
        let name = name.filter(|name| !name.is_empty()).map(readable);
        let name = name.as_deref();
        if (address.is_none() && (mac.is_none() || name.is_none()))
            || (mac.is_none() && name.is_none())
        {
            return;
        }
        match self.announced.news(time, (address, mac), name) {
            News::Old => {}
            News::TooMuch => self.counters.count(Counter::IdentitiesDropped),
            News::New => {
                let identity = Identity { time, address, mac, name: name.map(Into::into) };
                if !self.outbox.identity(Box::new(identity)) {
                    self.announced.forget((address, mac));
                    self.counters.count(Counter::IdentitiesDropped);
                }
            }
        }
    }
}
