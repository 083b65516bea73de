//! What may be read again of stretches that contradict themselves, and who has spent his part.
//!
//! Each host has an account. Packet time pays into it, and a little what the host sends: whoever
//! contradicts himself much waits, and nobody else does. Owns the accounts; knows no stream.

use crate::net::{Address, Timestamp};

/// Accounts. Hosts share them: one that shares with a flood waits as the flood does. Together they
/// allow 16 MiB in a second, some 2 % of a processor.
const ACCOUNTS: usize = 256;
/// Bytes that an account holds at most.
const MOST: i64 = 128 * 1024;
/// Bytes that it gains in a second.
const A_SECOND: i64 = 64 * 1024;
/// Bytes that it gains for each byte that comes.
const A_BYTE: i64 = 1;
/// Bytes that it may owe before even what is about to be forgotten is not read.
const OWED: i64 = 256 * 1024;
/// An account gains nothing for less than this, in nanoseconds.
const TICK: u64 = 1_000_000;

/// What one account holds, below zero what it owes, and when it last gained.
#[derive(Clone, Copy, Debug)]
struct Account {
    left: i64,
    at: Timestamp,
}

/// The accounts of all hosts.
#[derive(Debug)]
pub struct Credit {
    accounts: Box<[Account]>,
    /// Who sent what is in hand.
    payer: Address,
}

impl Default for Credit {
    fn default() -> Self {
        let full = Account { left: MOST, at: Timestamp::default() };
        Self { accounts: vec![full; ACCOUNTS].into(), payer: Address::default() }
    }
}

impl Credit {
    /// From now on this host pays.
    #[inline]
    pub const fn charge(&mut self, host: Address) {
        self.payer = host;
    }

    /// So many bytes came that contradict others.
    pub(super) fn earn(&mut self, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(0);
        if let Some(account) = self.account() {
            account.left = (account.left + A_BYTE * bytes).min(MOST);
        }
    }

    /// May the payer have something read again? However much it is, it is owed then.
    pub(super) fn is_left(&mut self, time: Timestamp) -> bool {
        self.left(time) > 0
    }

    /// May the payer have something read that is about to be forgotten?
    pub(super) fn is_lent(&mut self, time: Timestamp) -> bool {
        self.left(time) > -OWED
    }

    /// So many bytes are read again.
    pub(super) fn spend(&mut self, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        if let Some(account) = self.account() {
            account.left = account.left.saturating_sub(bytes).max(i64::MIN / 2);
        }
    }

    fn account(&mut self) -> Option<&mut Account> {
        self.accounts.get_mut(place(self.payer))
    }

    /// What the payer's account holds now.
    fn left(&mut self, time: Timestamp) -> i64 {
        let Some(account) = self.account() else { return 0 };
        let passed = time.since(account.at);
        if passed >= TICK {
            let gained = passed.min(1 << 40) / TICK * A_SECOND.cast_unsigned() / 1_000;
            account.left = (account.left + gained.cast_signed()).min(MOST);
        }
        // A clock that was ahead and came back gains from now on.
        if passed >= TICK || time < account.at {
            account.at = time;
        }
        account.left
    }
}

/// The account of a host.
const fn place(host: Address) -> usize {
    let [high, low] = host.halves();
    ((high ^ low).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize % ACCOUNTS
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOISY: Address = Address::v4([192, 0, 2, 1]);
    const QUIET: Address = Address::v4([192, 0, 2, 2]);
    const SECOND: u64 = 1_000_000_000;

    /// How often 16 KiB of a host are read at a time.
    fn reads(credit: &mut Credit, host: Address, time: Timestamp) -> usize {
        credit.charge(host);
        let mut read = 0;
        while credit.is_left(time) {
            credit.spend(16 * 1024);
            read += 1;
        }
        read
    }

    #[test]
    fn who_has_spent_much_waits_and_others_do_not() {
        let (mut credit, now) = (Credit::default(), Timestamp::new(1_000, 0));
        assert_ne!(place(NOISY), place(QUIET));
        assert_eq!(reads(&mut credit, NOISY, now), 8);
        assert_eq!(reads(&mut credit, NOISY, now), 0);
        assert_eq!(reads(&mut credit, QUIET, now), 8);
        assert_eq!(reads(&mut credit, NOISY, now.after(SECOND / 2)), 2);
        assert_eq!(
            reads(&mut credit, NOISY, now.after(SECOND * 3_600)),
            8,
            "no more than it holds"
        );
    }

    #[test]
    fn what_is_owed_is_paid_by_time_and_by_what_comes_before_more_is_read() {
        let (mut credit, now) = (Credit::default(), Timestamp::new(1_000, 0));
        credit.charge(NOISY);
        assert!(credit.is_left(now));
        credit.spend((MOST + A_SECOND) as usize);
        assert!(!credit.is_left(now) && credit.is_lent(now));
        let now = now.after(SECOND);
        assert!(!credit.is_left(now));
        credit.earn(A_SECOND as usize + 1);
        assert!(credit.is_left(now));
        credit.spend((OWED + MOST) as usize);
        assert!(!credit.is_lent(now));
        credit.charge(QUIET);
        assert!(credit.is_left(now));
    }

    #[test]
    fn a_clock_that_goes_back_stops_no_account() {
        let (mut credit, now) = (Credit::default(), Timestamp::new(1_000, 0));
        assert_eq!(reads(&mut credit, NOISY, now.after(SECOND * 86_400)), 8);
        assert_eq!(reads(&mut credit, NOISY, now), 0);
        assert_eq!(reads(&mut credit, NOISY, now.after(SECOND)), 4);
    }
}
