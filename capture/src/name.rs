//! The name of a dump's directory: the time of the crash in UTC, as `2026-11-28T17-33-33Z`. It has no colons,
//! which FAT doesn't allow in names.

use std::fmt;

/// The name of a dump's directory. Names sort in the order of the crashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The time of the crash in seconds since 1970.
    seconds: u64,
    /// 0, or the number that distinguishes further dumps from the same second.
    again: u32,
}

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

impl Name {
    /// The name for a crash at this time, in seconds since 1970.
    #[must_use]
    pub fn of(seconds: u64) -> Name {
        Name {
            seconds: seconds.min(LAST),
            again: 0,
        }
    }

    /// The name to try if this one is taken.
    #[must_use]
    pub fn next(self) -> Name {
        Name {
            again: self.again.saturating_add(1),
            ..self
        }
    }

    /// Parses a directory's name; `None` if it isn't a dump's.
    #[must_use]
    pub fn parse(text: &str) -> Option<Name> {
        let (time, again) = match text.split_once("Z-") {
            Some((time, again)) => (time, again.parse().ok().filter(|it| *it > 0)?),
            None => (text.strip_suffix('Z')?, 0),
        };
        let number = |at: std::ops::Range<usize>| time.get(at)?.parse::<u64>().ok();
        let days = days(number(0..4)?, number(5..7)?, number(8..10)?);
        let seconds = number(11..13)? * 3600 + number(14..16)? * 60 + number(17..19)?;
        let name = Name {
            seconds: days.checked_mul(86400)?.checked_add(seconds)?,
            again,
        };
        // Only the canonical form is accepted.
        (name.to_string() == text).then_some(name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&time(self.seconds).replace(':', "-"))?;
        match self.again {
            0 => Ok(()),
            again => write!(f, "-{again}"),
        }
    }
}

/// A time in RFC 3339: `2026-11-28T17:33:33Z`.
#[must_use]
pub fn time(seconds: u64) -> String {
    let seconds = seconds.min(LAST);
    let (year, month, day) = date(seconds / 86400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

const MONTHS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

fn leap(year: u64) -> u64 {
    u64::from(year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)))
}

fn month_length(year: u64, month: usize) -> u64 {
    let days = MONTHS.get(month).copied().unwrap_or(31);
    if month == 1 { days + leap(year) } else { days }
}

/// The year, month and day that lie this number of days after 1 January 1970.
fn date(mut days: u64) -> (u64, u64, u64) {
    let mut year = 1970;
    while days >= 365 + leap(year) {
        days -= 365 + leap(year);
        year += 1;
    }
    let mut month = 0;
    while days >= month_length(year, month) {
        days -= month_length(year, month);
        month += 1;
    }
    (year, month as u64 + 1, days + 1)
}

/// The number of days from 1 January 1970 to a date. A date that doesn't exist gives an arbitrary number.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let years: u64 = (1970..year.min(9999)).map(|it| 365 + leap(it)).sum();
    let months = usize::try_from(month.min(12)).unwrap_or(0);
    let months: u64 = (1..months).map(|it| month_length(year, it - 1)).sum();
    years + months + day.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_time_of_the_crash() {
        for (seconds, name) in [
            (0, "1970-01-01T00-00-00Z"),
            (951_782_400, "2000-02-29T00-00-00Z"),
            (1_795_887_213, "2026-11-28T17-33-33Z"),
            (4_107_542_399, "2100-02-28T23-59-59Z"),
            (4_107_542_400, "2100-03-01T00-00-00Z"),
            (LAST, "9999-12-31T23-59-59Z"),
            (u64::MAX, "9999-12-31T23-59-59Z"),
        ] {
            assert_eq!(Name::of(seconds).to_string(), name);
        }
        assert_eq!(time(1_795_887_213), "2026-11-28T17:33:33Z");
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        let far_apart = (0..LAST).step_by(86_400 * 3701 + 1234);
        // The years from 2096 to 2104, day by day.
        let near = (3_976_214_400..4_260_211_200).step_by(86_400);
        for seconds in far_apart.chain(near) {
            let name = Name::of(seconds);
            assert_eq!(Name::parse(&name.to_string()), Some(name));
            assert_eq!(Name::parse(&name.next().to_string()), Some(name.next()));
        }
    }

    #[test]
    fn names_sort_as_the_dumps_were_taken() {
        let first = Name::of(1_795_887_213);
        let mut tenth = first;
        for _ in 0..10 {
            assert!(tenth < tenth.next());
            tenth = tenth.next();
        }
        assert_eq!(tenth.to_string(), "2026-11-28T17-33-33Z-10");
        assert!(tenth < Name::of(1_795_887_214));
    }

    #[test]
    fn what_is_not_the_name_of_a_dump_is_none() {
        for text in [
            "",
            "Z",
            "lost+found",
            "202611281733",
            "127.0.0.1-2026-11-28-17:33:33",
            "2026-11-28T17:33:33Z",
            "2026-11-28T17-33-33",
            "2026-02-30T17-33-33Z",
            "2026-13-28T17-33-33Z",
            "2026-11-28T24-33-33Z",
            "2026-11-28T17-33-33Z-",
            "2026-11-28T17-33-33Z-0",
            "2026-11-28T17-33-33Z-01",
            "2026-11-28T17-33-33Z-1/..",
            "+026-11-28T17-33-33Z",
            "2026-11-28T17-33-33Zß",
        ] {
            assert_eq!(Name::parse(text), None, "{text}");
        }
    }
}
