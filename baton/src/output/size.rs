//! Sizes and ages as people read them. Programs read bytes and times, in JSON.

/// A number of bytes in the largest unit of which there is one, with one decimal below ten.
#[must_use]
pub fn bytes(count: u64) -> String {
    const UNITS: [(&str, u32); 4] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    for (unit, shift) in UNITS {
        if count >> shift > 0 {
            let tenths = (u128::from(count) * 10) >> shift;
            return if tenths < 100 && tenths % 10 != 0 {
                format!("{}.{} {unit}", tenths / 10, tenths % 10)
            } else {
                format!("{} {unit}", tenths / 10)
            };
        }
    }
    format!("{count} bytes")
}

/// How long ago something was, in the largest unit of which there is one.
#[must_use]
pub fn age(seconds: u64) -> String {
    const UNITS: [(&str, u64); 4] = [
        ("year", 31_556_952),
        ("day", 86_400),
        ("hour", 3600),
        ("minute", 60),
    ];
    for (unit, length) in UNITS {
        match seconds / length {
            0 => {}
            1 => return format!("1 {unit} ago"),
            count => return format!("{count} {unit}s ago"),
        }
    }
    "now".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_a_unit() {
        for (count, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            (10 << 20, "10 MiB"),
            ((10 << 20) + (1 << 19), "10 MiB"),
            (5 << 30, "5 GiB"),
            (u64::MAX, "16777215 TiB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn ages_have_one() {
        for (seconds, text) in [
            (0, "now"),
            (59, "now"),
            (60, "1 minute ago"),
            (7199, "1 hour ago"),
            (7200, "2 hours ago"),
            (86_400 * 3, "3 days ago"),
            (31_556_952, "1 year ago"),
        ] {
            assert_eq!(age(seconds), text);
        }
    }
}
