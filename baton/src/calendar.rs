//! Dates and times, as people read them and as certificates have them.

/// A time in seconds since 1970 as `2026-11-28T17:33:33Z`. Years have four digits.
#[must_use]
pub fn rfc3339(seconds: u64) -> String {
    // The last second of 9999.
    let seconds = seconds.min(253_402_300_799);
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The year, month and day that lie this number of days after 1 January 1970. Years are counted from March, so that
/// the leap day comes last, and in cycles of 400 years, which all have the same number of days.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (cycle, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let first = (153 * month + 2) / 5;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (400 * cycle + year + next, month, day - first + 1)
}

/// The date of a time in seconds since 1970, as `2026-11-28`.
#[must_use]
pub fn day(seconds: u64) -> String {
    rfc3339(seconds).chars().take(10).collect()
}

/// The seconds since 1970 at a time of the calendar; `None` if there is no such time, or it was before.
#[must_use]
pub fn seconds(date: [u64; 3], time: [u64; 3]) -> Option<u64> {
    let ([year, month, day], [hour, minute, second]) = (date, time);
    let valid = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !valid {
        return None;
    }
    // March comes first, as in `date`.
    let (year, month) = if month < 3 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let seconds = (days.checked_sub(719_468)? * 24 + hour) * 3600 + minute * 60 + second;
    // A day that its month doesn't have would be one of the next month.
    let shown = rfc3339(seconds);
    shown
        .get(8..10)?
        .parse()
        .ok()
        .filter(|it: &u64| *it == date[2])
        .map(|_| seconds)
}

/// Now, in seconds since 1970.
#[must_use]
pub fn now() -> u64 {
    now_in_milliseconds() / 1000
}

/// Now, in milliseconds since 1970. A clock before that says 1970.
#[must_use]
pub fn now_in_milliseconds() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |it| u64::try_from(it.as_millis()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_the_calendar_is_found_again() {
        for at in (0..300_000_000_000).step_by(12_345_678) {
            let text = rfc3339(at);
            let number = |range: std::ops::Range<usize>| text[range].parse().unwrap();
            let date = [number(0..4), number(5..7), number(8..10)];
            let time = [number(11..13), number(14..16), number(17..19)];
            // Years of five digits aren't written.
            assert!(
                at > 253_402_300_799 || seconds(date, time) == Some(at),
                "{text}"
            );
        }
        assert_eq!(day(951_782_400), "2000-02-29");
    }

    #[test]
    fn what_no_calendar_has_is_no_time() {
        for date in [
            [1969, 12, 31],
            [2026, 0, 1],
            [2026, 13, 1],
            [2026, 2, 29],
            [2026, 4, 31],
            [2026, 1, 0],
        ] {
            assert_eq!(seconds(date, [0; 3]), None, "{date:?}");
        }
        assert_eq!(seconds([2026, 1, 1], [24, 0, 0]), None);
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_887_213, "2026-11-28T17:33:33Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (u64::MAX, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(seconds), text);
        }
    }
}
