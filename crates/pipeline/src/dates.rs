//! Times as logs write them, in UTC.

use std::io::Write;

use propylon_base::clock::WallTime;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A date and time of day by the Gregorian calendar.
struct Civil {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
}

/// Writes `2026-11-21T12:34:56.789Z` (RFC 3339).
pub fn write_rfc3339(out: &mut Vec<u8>, time: WallTime) {
    let Civil { year, month, day, hour, minute, second } = civil(time.secs);
    let millis = time.nanos / 1_000_000;
    // Writing to memory cannot fail.
    let _ = write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z");
}

/// Writes `21/Nov/2026:12:34:56 +0000`, as the common and combined log formats have it.
pub fn write_clf(out: &mut Vec<u8>, time: WallTime) {
    let Civil { year, month, day, hour, minute, second } = civil(time.secs);
    let month =
        usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month)).copied().unwrap_or_default();
    let _ = write!(out, "{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000");
}

/// Days are counted from 1 March of the year 0, so that a leap day is the last of its year.
fn civil(secs: u64) -> Civil {
    const DAYS_TO_EPOCH: u64 = 719_468;
    const DAYS_PER_ERA: u64 = 146_097;
    let days = secs / 86_400 + DAYS_TO_EPOCH;
    let (era, day_of_era) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let of_day = secs % 86_400;
    Civil { year, month, day, hour: of_day / 3_600, minute: of_day / 60 % 60, second: of_day % 60 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(secs: u64) -> (String, String) {
        let (mut rfc3339, mut clf) = (Vec::new(), Vec::new());
        let time = WallTime { secs, nanos: 7_000_000 };
        write_rfc3339(&mut rfc3339, time);
        write_clf(&mut clf, time);
        (String::from_utf8(rfc3339).unwrap(), String::from_utf8(clf).unwrap())
    }

    #[test]
    fn known_moments_are_written_as_the_calendar_has_them() {
        assert_eq!(both(0).0, "1970-01-01T00:00:00.007Z");
        assert_eq!(both(951_782_400).1, "29/Feb/2000:00:00:00 +0000");
        assert_eq!(both(1_795_264_496).0, "2026-11-21T12:34:56.007Z");
        assert_eq!(both(4_107_542_399).0, "2100-02-28T23:59:59.007Z");
        assert_eq!(both(4_107_542_400).0, "2100-03-01T00:00:00.007Z");
    }
}
