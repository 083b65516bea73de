//! Behaviours on a worker's way: the tracker is asked, and what it has seen is said.

use super::Watch;
use crate::decode::packet::Transport;
use crate::extract::dns::glance::{Glance, LABEL_MAX};
use crate::matching::behaviour::{Flow, Seen, may_be_meant};
use crate::net::IpProtocol;
use crate::observation::{HttpRequest, Kind, StreamHead};
use crate::stats::Counter;
use crate::worker::context::PacketContext;

/// Bytes of a stream or a request that an alert shows.
const SHOWN: usize = 160;

impl Watch {
    fn flow(&self, context: &PacketContext<'_>) -> Flow {
        let packet = context.packet;
        let (from_client, server) = (packet.source == context.client, context.server());
        let at_home = self.home.contains(server.address);
        Flow { id: context.flow_id(), server, at_home, from_client }
    }

    /// Looks at a new flow.
    pub(super) fn connection(&mut self, context: &PacketContext<'_>) {
        let tcp = context.packet.protocol == IpProtocol::TCP
            && matches!(context.packet.transport, Transport::Tcp(_));
        if tcp && self.matcher.set().behaviours().names_server(context.server().address) {
            let flow = self.flow(context);
            let seen = self.behaviours.connection(self.matcher.set().behaviours(), &flow);
            self.behaved(context, &seen, || flow.server.to_string());
        }
    }

    /// Does a DNS message that was only glanced at concern nobody? Then it is counted.
    #[inline]
    pub(in crate::worker) fn dismisses(&mut self, glance: &Glance<'_>) -> bool {
        const { assert!(!may_be_meant(LABEL_MAX as usize), "no name glanced at is a behaviour") };
        let Some(observations) = self.matcher.dismisses(glance) else { return false };
        self.counters.count(Counter::Dns);
        self.counters.add(Counter::Observations, observations);
        true
    }

    /// Looks at a name asked for.
    #[inline]
    pub(super) fn question(&mut self, context: &PacketContext<'_>, name: &str) {
        if !may_be_meant(name.len()) {
            return;
        }
        let flow = self.flow(context);
        let seen = self.behaviours.question(self.matcher.set().behaviours(), &flow, name);
        self.behaved(context, &seen, || name.to_owned());
    }

    /// Looks at first bytes; true if more of them are worth showing.
    pub(super) fn head(&mut self, context: &PacketContext<'_>, head: &StreamHead<'_>) -> bool {
        // Nearly every direction ends here, at its first byte.
        let from_client = context.packet.source == context.client;
        let table = self.matcher.set().behaviours();
        let starts = |first: &u8| table.names_start(from_client, *first);
        if head.offset == 0 && !head.bytes.first().is_some_and(starts) {
            return false;
        }
        let flow = self.flow(context);
        let Self { behaviours, matcher, counters, .. } = self;
        let count = &mut |counter| counters.count(counter);
        let seen = behaviours.head(matcher.set().behaviours(), &flow, head, count);
        self.behaved(context, &seen, || start_text(head));
        seen.more
    }

    /// Looks at a request; true if the first bytes of its body are worth showing.
    pub(super) fn request(
        &mut self,
        context: &PacketContext<'_>,
        request: &HttpRequest<'_>,
    ) -> bool {
        if self.matcher.set().behaviours().dismisses(request) {
            return false;
        }
        let flow = self.flow(context);
        let Self { behaviours, matcher, counters, .. } = self;
        let count = &mut |counter| counters.count(counter);
        let seen = behaviours.request(matcher.set().behaviours(), &flow, request, count);
        self.behaved(context, &seen, || request_text(request));
        seen.more
    }

    /// Looks at the first bytes of a body.
    pub(super) fn body(&mut self, context: &PacketContext<'_>, bytes: &[u8]) {
        let flow = self.flow(context);
        let seen = self.behaviours.body(self.matcher.set().behaviours(), &flow, bytes);
        let shown = StreamHead { offset: 0, bytes, last: true };
        self.behaved(context, &seen, || start_text(&shown));
    }

    fn behaved(&mut self, context: &PacketContext<'_>, seen: &Seen, text: impl Fn() -> String) {
        for id in &seen.hits {
            self.counters.count(Counter::Behaviours);
            let indicator = self.matcher.set().behaviour_indicator(*id);
            self.say(context, (Kind::Behaviour, indicator), text());
        }
    }
}

/// Bytes as a person reads them: text if it is text, otherwise hexadecimal pairs.
fn start_text(head: &StreamHead<'_>) -> String {
    let bytes = head.bytes;
    if bytes.len() >= 8 && bytes.iter().take(8).all(|byte| matches!(byte, b' '..=b'~')) {
        let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or(bytes);
        return String::from_utf8_lossy(line.get(..SHOWN).unwrap_or(line)).into_owned();
    }
    let pairs: Vec<String> = bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}

fn request_text(request: &HttpRequest<'_>) -> String {
    let method = String::from_utf8_lossy(request.method);
    let target = request.target.get(..SHOWN).unwrap_or(request.target);
    format!("{method} {}{}", request.host.unwrap_or(""), String::from_utf8_lossy(target))
}
