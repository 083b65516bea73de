//! Lines about the sensor itself that are no heartbeat: an interface that goes and comes back,
//! what the process may still do.

use super::clock::ClockFault;
use crate::alert::Record;
use crate::lang::{self, Language};
use crate::net::Timestamp;
use crate::sink::heartbeat;
use crate::sink::text::LineFormat;

/// Something to say of the sensor itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An interface is down or has no carrier: nothing can be seen there.
    Down(String),
    /// It is up again.
    Up(String),
    /// An interface cannot be read any more; it is tried again and again.
    Gone {
        /// The interface.
        interface: String,
        /// What the system says.
        reason: String,
    },
    /// It could be opened again.
    Back(String),
    /// What the process holds from now on.
    Holds(String),
    /// A protection that could not be had, and the remedy.
    Unprotected(String),
    /// The machine's clock cannot be right.
    Clock(ClockFault),
}

impl Notice {
    /// Is it something to look after?
    pub const fn is_warning(&self) -> bool {
        !matches!(self, Self::Up(_) | Self::Back(_) | Self::Holds(_))
    }

    /// In a language.
    pub fn text(&self, language: Language) -> String {
        let vi = language == Language::Vi;
        match self {
            Self::Down(name) if vi => {
                format!("cổng mạng {name} đã ngắt hoặc mất tín hiệu cáp: không thấy được gì ở đó")
            }
            Self::Down(name) => {
                format!("interface {name} is down or without carrier: nothing can be seen there")
            }
            Self::Up(name) if vi => format!("cổng mạng {name} đã hoạt động trở lại"),
            Self::Up(name) => format!("interface {name} is up again"),
            Self::Gone { interface, reason } if vi => {
                format!("không đọc được cổng mạng {interface} ({reason}); đang thử mở lại")
            }
            Self::Gone { interface, reason } => {
                format!("interface {interface} cannot be read ({reason}); trying again")
            }
            Self::Back(name) if vi => format!("đã mở lại cổng mạng {name}, tiếp tục giám sát"),
            Self::Back(name) => format!("interface {name} is open again, watching goes on"),
            Self::Holds(what) if vi => format!("quyền của tiến trình: {what}"),
            Self::Holds(what) => format!("this process holds: {what}"),
            Self::Unprotected(what) if vi => format!("thiếu lớp bảo vệ: {what}"),
            Self::Unprotected(what) => format!("less protected than it should be: {what}"),
            Self::Clock(ClockFault::BeforeBuild(day)) => lang::clock_before_build(language, *day),
            Self::Clock(ClockFault::BeforeFeeds(day)) => lang::clock_before_feeds(language, *day),
        }
    }

    /// As a line of the log.
    pub fn record(&self, format: &LineFormat, time: Timestamp) -> Record {
        let text = self.text(format.language);
        Record::Notice(match self.is_warning() {
            true => heartbeat::warning(format, time, &text),
            false => heartbeat::information(format, time, &text),
        })
    }
}
