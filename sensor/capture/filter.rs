//! BPF expressions for captures, compiled by libpcap once a link type.

use super::{CaptureError, LinkType};

/// A BPF expression, ready for any link type a file may hold.
pub struct Filter {
    expression: String,
    #[cfg(feature = "live")]
    programs: Vec<(LinkType, pcap::BpfProgram)>,
}

#[cfg(feature = "live")]
impl Filter {
    /// Takes an expression, checking it against Ethernet.
    ///
    /// # Errors
    /// When libpcap does not understand it.
    pub fn new(expression: &str) -> Result<Self, CaptureError> {
        let mut filter = Self { expression: expression.into(), programs: Vec::new() };
        let ethernet = LinkType(1);
        let program = filter.compile(ethernet)?;
        filter.programs.push((ethernet, program));
        Ok(filter)
    }

    /// Does the expression accept this frame?
    ///
    /// # Errors
    /// When the expression cannot be used on this link type.
    pub(crate) fn accepts(&mut self, link: LinkType, data: &[u8]) -> Result<bool, CaptureError> {
        if !self.programs.iter().any(|(known, _)| *known == link) {
            let program = self.compile(link)?;
            self.programs.push((link, program));
        }
        let program = self.programs.iter().find(|(known, _)| *known == link);
        Ok(program.is_none_or(|(_, program)| program.filter(data)))
    }

    fn compile(&self, link: LinkType) -> Result<pcap::BpfProgram, CaptureError> {
        pcap::Capture::dead(pcap::Linktype(i32::from(link.0)))
            .and_then(|capture| capture.compile(&self.expression, true))
            .map_err(|error| CaptureError::Filter {
                expression: self.expression.clone(),
                reason: match error {
                    pcap::Error::PcapError(text) => text,
                    other => other.to_string(),
                },
            })
    }
}

#[cfg(not(feature = "live"))]
impl Filter {
    /// Refuses: expressions need libpcap, which this build was made without.
    ///
    /// # Errors
    /// Always.
    pub fn new(expression: &str) -> Result<Self, CaptureError> {
        Err(CaptureError::Filter {
            expression: expression.into(),
            reason: "this wardwatch was built without libpcap (feature `live`)".into(),
        })
    }

    #[allow(clippy::needless_pass_by_ref_mut)] // as with libpcap, which compiles as it goes
    pub(crate) fn accepts(&mut self, _: LinkType, _: &[u8]) -> Result<bool, CaptureError> {
        Err(CaptureError::Filter { expression: self.expression.clone(), reason: String::new() })
    }
}
