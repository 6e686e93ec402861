//! Dates as HTTP writes them (RFC 9110 section 5.6.7).

use std::fmt;

use crate::grammar;

const SECONDS_PER_DAY: u64 = 86_400;
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const LONG_DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// How many bytes an IMF-fixdate has.
pub const DATE_BYTES: usize = 29;

/// 9999-12-31 23:59:59, the last date that has four digits of year.
const LAST: u64 = 253_402_300_799;

/// A date, as seconds since 1970-01-01 00:00:00 UTC, up to the end of the year 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpDate(pub u64);

impl HttpDate {
    /// The date as an IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`.
    #[must_use]
    pub fn format(self) -> [u8; DATE_BYTES] {
        let seconds = self.0.min(LAST);
        let days = seconds / SECONDS_PER_DAY;
        let (year, month, day) = civil_from_days(days);
        let in_day = seconds % SECONDS_PER_DAY;
        let mut text = *b"day, 00 mon 0000 00:00:00 GMT";
        text[..3].copy_from_slice(DAYS[(days % 7) as usize].as_bytes());
        put_digits(&mut text[5..7], day);
        text[8..11].copy_from_slice(MONTHS[month as usize - 1].as_bytes());
        put_digits(&mut text[12..16], year);
        put_digits(&mut text[17..19], in_day / 3600);
        put_digits(&mut text[20..22], in_day / 60 % 60);
        put_digits(&mut text[23..25], in_day % 60);
        text
    }

    /// Reads any of the three formats that a recipient must accept: IMF-fixdate, RFC 850 and asctime.
    ///
    /// `now` decides the century of an RFC 850 date, which has two digits of year: one that appears to be more than 50
    /// years in the future is in the past. A day of the week that does not fit its date is not looked at: origins get
    /// it wrong, and nothing hangs on it. Dates before 1970 are none.
    #[must_use]
    pub fn parse(text: &[u8], now: Self) -> Option<Self> {
        match text.get(3)? {
            b',' => imf_fixdate(text),
            b' ' => asctime(text),
            _ => rfc_850(text, now),
        }
    }
}

impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.format()).unwrap_or_default())
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn imf_fixdate(text: &[u8]) -> Option<HttpDate> {
    let text: &[u8; DATE_BYTES] = text.try_into().ok()?;
    if !DAYS.iter().any(|day| day.as_bytes() == &text[..3]) {
        return None;
    }
    if text[3..5] != *b", "
        || text[7] != b' '
        || text[11] != b' '
        || text[16] != b' '
        || text[25..] != *b" GMT"
    {
        return None;
    }
    date(number(&text[12..16])?, month(&text[8..11])?, number(&text[5..7])?, time(&text[17..25])?)
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`
fn rfc_850(text: &[u8], now: HttpDate) -> Option<HttpDate> {
    let comma = memchr::memchr(b',', text)?;
    if !LONG_DAYS.iter().any(|day| day.as_bytes() == &text[..comma]) {
        return None;
    }
    let text: &[u8; 24] = text[comma..].try_into().ok()?;
    if text[..2] != *b", " || text[4] != b'-' || text[8] != b'-' || text[11] != b' ' || text[20..] != *b" GMT"
    {
        return None;
    }
    let this_year = civil_from_days(now.0.min(LAST) / SECONDS_PER_DAY).0;
    let mut year = this_year / 100 * 100 + number(&text[9..11])?;
    if year > this_year + 50 {
        year -= 100;
    }
    date(year, month(&text[5..8])?, number(&text[2..4])?, time(&text[12..20])?)
}

/// `Sun Nov  6 08:49:37 1994`
fn asctime(text: &[u8]) -> Option<HttpDate> {
    let text: &[u8; 24] = text.try_into().ok()?;
    if !DAYS.iter().any(|day| day.as_bytes() == &text[..3]) {
        return None;
    }
    if text[3] != b' ' || text[7] != b' ' || text[10] != b' ' || text[19] != b' ' {
        return None;
    }
    let day = if text[8] == b' ' { number(&text[9..10])? } else { number(&text[8..10])? };
    date(number(&text[20..])?, month(&text[4..7])?, day, time(&text[11..19])?)
}

fn date(year: u64, month: u64, day: u64, in_day: u64) -> Option<HttpDate> {
    let days = days_from_civil(year, month, day)?;
    Some(HttpDate(days * SECONDS_PER_DAY + in_day))
}

/// `08:49:37`. A leap second counts as the second before it.
fn time(text: &[u8]) -> Option<u64> {
    let [h1, h2, b':', m1, m2, b':', s1, s2] = *text else { return None };
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[m1, m2])?, number(&[s1, s2])?);
    (hour < 24 && minute < 60 && second <= 60).then(|| hour * 3600 + minute * 60 + second.min(59))
}

fn month(text: &[u8]) -> Option<u64> {
    MONTHS.iter().position(|month| month.as_bytes() == text).map(|index| index as u64 + 1)
}

fn number(text: &[u8]) -> Option<u64> {
    grammar::decimal(text)
}

fn put_digits(out: &mut [u8], mut number: u64) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Year, month and day of a day since 1970-01-01, by Howard Hinnant's `civil_from_days`.
const fn civil_from_days(days: u64) -> (u64, u64, u64) {
    // Years begin in March, so that a leap day is the last of its year; eras have 400 years.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// Days since 1970-01-01, or `None` for a day that no calendar has or that lies before.
fn days_from_civil(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || day == 0 {
        return None;
    }
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let year_of_era = shifted_year % 400;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = (shifted_year / 400 * 146_097 + day_of_era).checked_sub(719_468)?;
    // A day that its month does not have has become one of the next month.
    (civil_from_days(days) == (year, month, day)).then_some(days)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: HttpDate = HttpDate(784_111_777);
    const NOW: HttpDate = HttpDate(1_763_700_000);

    #[test]
    fn the_three_formats_are_read() {
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(HttpDate::parse(text.as_bytes(), NOW), Some(EXAMPLE), "{text}");
        }
        assert_eq!(EXAMPLE.to_string(), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(HttpDate(0).to_string(), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(HttpDate(u64::MAX).to_string(), "Fri, 31 Dec 9999 23:59:59 GMT");
    }

    #[test]
    fn two_digits_of_year_follow_the_clock() {
        let year = |text: &[u8]| HttpDate::parse(text, NOW).map(|date| date.to_string()[12..16].to_owned());
        assert_eq!(year(b"Monday, 01-Jan-75 00:00:00 GMT"), Some("2075".to_owned()));
        assert_eq!(year(b"Monday, 01-Jan-76 00:00:00 GMT"), Some("1976".to_owned()));
        assert_eq!(year(b"Monday, 01-Jan-00 00:00:00 GMT"), Some("2000".to_owned()));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "Sun",
            "0",
            "-1",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 29 Feb 1900 08:49:37 GMT",
            "Wed, 29 Feb 2023 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:60:00 GMT",
            "Sun, 06 Nov 1969 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Xun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun Nov 06 08:49:37 1994 ",
            "Sunday, 06-Nov-1994 08:49:37 GMT",
        ] {
            assert_eq!(HttpDate::parse(text.as_bytes(), NOW), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seconds in 0..=LAST) {
            let date = HttpDate(seconds);
            prop_assert_eq!(HttpDate::parse(&date.format(), NOW), Some(date));
        }

        #[test]
        fn any_bytes_are_survived(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = HttpDate::parse(&text, NOW);
        }
    }
}
