//! What a direction that waits was shown before, so that what is new is known from it.

/// What a direction that waits was shown before: how many bytes at the front of the next chunk,
/// and whether they stand behind a hole, which the next chunk will then say again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shown(u32);

impl Shown {
    const TORN: u32 = 1 << 31;

    pub(super) const NONE: Self = Self(0);

    pub(super) fn new(kept: usize, torn: bool) -> Self {
        let kept = u32::try_from(kept).map_or(Self::TORN - 1, |kept| kept.min(Self::TORN - 1));
        Self(if torn { kept | Self::TORN } else { kept })
    }

    /// Bytes at the front of the next chunk.
    pub(super) const fn kept(self) -> usize {
        (self.0 & !Self::TORN) as usize
    }

    /// Is a chunk behind a hole the one that was shown before?
    pub(super) const fn is_told(self) -> bool {
        self.0 > Self::TORN
    }
}

/// A parser that may wait.
#[derive(Debug, Default)]
pub(super) struct Kept<P> {
    pub(super) parser: P,
    pub(super) shown: Shown,
}

impl<P> Kept<P> {
    pub(super) fn new(parser: P) -> Box<Self> {
        Box::new(Self { parser, shown: Shown::default() })
    }
}
