//! One invented indicator of every type, and a conversation that shows it: proves the path of
//! each type, whatever the feeds in use happen to list. A digest of a feed cannot be turned back
//! into what it was made of; these were made of what is said here.

use std::sync::Arc;

use ioc_feeds::Pattern;
use ioc_feeds::format::{self, FeedError};
use ioc_feeds::lint::Lint;

use super::packets::Protocol;
use super::probes::{NOBODY, Probe, probes};
use crate::matching::behaviour::{BehaviourError, Behaviours, Modes};
use crate::matching::{IndicatorId, IndicatorSet};
use crate::observation::Kind;

/// The feed's name, as the lines say it.
const NAME: &str = "(selftest)";

/// Names below `.test`, documentation addresses. JA3 and JA4 are those of the ClientHello that
/// [`super::packets`] makes, computed by other means; SHA-1 that of [`CERTIFICATE`].
const FEED: &str = "\
indicator,type,scope,threat
subtree.selftest.test,domain,subtree,canary
exact.selftest.test,domain,exact,canary
198.51.100.201,ip,,canary
198.51.100.202:8443,ip:port,,canary
203.0.113.192/26,cidr,,canary
url.selftest.test/gate,url,,canary
/selftest/only/a/path.bin,path,,canary
WardwatchSelftest/1.0,user-agent,,canary
56c6570d0a7ba0fe6e87bebfd10931de,ja3,,canary
t13d010200_0f2cb44170f4_b9a491fefe05,ja4,,canary
bff384c023e6368a3c8be377fe8e5dd62d556000,cert-sha1,,canary
";
/// What stands where a certificate would: only its digest is looked at.
const CERTIFICATE: &[u8] = b"wardwatch selftest certificate";

/// Why they could not be made: a fault of this program.
#[derive(Debug, thiserror::Error)]
pub(super) enum TypesError {
    #[error(transparent)]
    Feed(#[from] FeedError),
    #[error(transparent)]
    Behaviours(#[from] BehaviourError),
}

/// Indicators of every type, with behaviours in their usual modes.
pub(super) fn set() -> Result<Arc<IndicatorSet>, TypesError> {
    let loaded = format::load_text(NAME, FEED, Lint::Trusted)?;
    let behaviours = Behaviours::load(&Modes::new())?;
    Ok(Arc::new(IndicatorSet::build_with(loaded.indicators, &[], Arc::new(behaviours))))
}

/// The probes of every type.
pub(super) fn each(set: &IndicatorSet) -> Vec<(IndicatorId, Probe)> {
    let mut all = Vec::new();
    for (indicator, id) in set.indicators().iter().zip((0..).map(IndicatorId)) {
        let hello = |name: &str| Probe::spoken(Protocol::Tls(name.into()), NOBODY, 443);
        let probes = match &indicator.pattern {
            Pattern::Ja3(_) => vec![hello("ja3.test").seen_as(Kind::Ja3)],
            Pattern::Ja4(_) => vec![hello("ja4.test").seen_as(Kind::Ja4)],
            Pattern::CertSha1(_) => {
                vec![Probe::spoken(Protocol::Certificate(CERTIFICATE), NOBODY, 443)]
            }
            _ => probes(indicator),
        };
        all.extend(probes.into_iter().map(|probe| (id, probe)));
    }
    let behaviours = (0..).map(IndicatorId).skip(set.len()).zip(set.behaviours().all());
    for (id, behaviour) in behaviours {
        all.extend(spoken(&behaviour.name).map(|probe| (id, probe)));
    }
    all
}

/// Of each way behaviours are found, one that takes few words: the first bytes of a connection, a
/// request, a question. The tests of behaviours speak them all.
fn spoken(behaviour: &str) -> Option<Probe> {
    let probe = match behaviour {
        "redline.net-tcp" => {
            let via = format!("net.tcp://{NOBODY}:6677/");
            let length = [u8::try_from(via.len()).unwrap_or(u8::MAX)];
            let said = [&[0, 1, 0, 1, 2, 2][..], &length, via.as_bytes(), &[3, 8, 12]].concat();
            Probe::spoken(Protocol::Bytes(said), NOBODY, 6677)
        }
        "redline.lua-winter" => {
            let head = "GET / HTTP/1.1\r\nHost: host.test\r\nUser-Agent: Winter\r\n\r\n";
            Probe::spoken(Protocol::Http(head.into()), NOBODY, 80)
        }
        "plugx.dns-tunnel" => {
            let label = "abcdefghijklmno".repeat(4);
            let name = format!("{label}.{label}.host.test");
            Probe::spoken(Protocol::DnsUdp(name), NOBODY, 53)
        }
        _ => return None,
    };
    Some(probe.seen_as(Kind::Behaviour))
}
