//! Durations and rates. A unit is always written: nobody should have to guess whether `10` means seconds.

use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::json;

use super::{Problem, Value, scale, split_unit};
use crate::Word;

const MILLIS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Durations have whole milliseconds and are at most this long, so that adding one to a clock never overflows.
const DAYS_MAX: u64 = 36_500;

impl Value for Duration {
    const KIND: &'static str = "a duration such as `10s`";

    fn parse(word: &Word) -> Result<Self, Problem> {
        let text = word.text.as_str();
        let (whole, fraction, unit) = split_unit(text)?;
        if unit.is_empty() {
            let problem = Problem::new("a duration needs a unit");
            return Err(if whole == 0 {
                problem.help("write `0s`")
            } else {
                problem.help(format!("write `{text}s` for seconds; the units are ms, s, m, h and d"))
            });
        }
        let Some((_, millis)) = MILLIS.iter().find(|(name, _)| *name == unit) else {
            let at = text.len() - unit.len();
            let help = match unit {
                "sec" | "secs" | "second" | "seconds" | "S" => format!("write `{whole}s`"),
                "min" | "mins" | "minute" | "minutes" => format!("write `{whole}m`"),
                "us" | "µs" | "ns" => "the smallest unit is `ms`".to_owned(),
                "w" => format!("write `{}d`", whole.saturating_mul(7)),
                _ => "the units are ms, s, m, h and d; write `90s`, not `1m30s`".to_owned(),
            };
            return Err(Problem::new("this is not a unit of time").part(at..text.len()).help(help));
        };
        scale(whole, fraction, *millis)
            .filter(|total| *total <= DAYS_MAX * 86_400_000)
            .map(Self::from_millis)
            .ok_or_else(|| {
                Problem::new(format!("it must be a whole number of milliseconds and at most {DAYS_MAX}d"))
            })
    }

    fn to_text(&self) -> String {
        let millis = u64::try_from(self.as_millis()).unwrap_or(u64::MAX);
        if millis == 0 {
            return "0s".to_owned();
        }
        let fitting = MILLIS.iter().rev().find(|(_, unit)| millis.is_multiple_of(*unit));
        let (name, unit) = fitting.unwrap_or(&MILLIS[0]);
        format!("{}{name}", millis / unit)
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$" })
    }
}

/// So many in so much time: `50/s`, `10/m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// How many.
    pub count: NonZeroU32,
    /// In how much time: a second, a minute, an hour or a day.
    pub per: Duration,
}

impl Rate {
    /// How many in one second.
    pub fn per_second(self) -> f64 {
        f64::from(self.count.get()) / self.per.as_secs_f64()
    }
}

impl Value for Rate {
    const KIND: &'static str = "a rate such as `50/s`";

    fn parse(word: &Word) -> Result<Self, Problem> {
        let text = word.text.as_str();
        let Some((count, unit)) = text.split_once('/') else {
            let problem = Problem::new("a rate says how many in which time");
            let number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            return Err(if number { problem.help(format!("write `{text}/s`")) } else { problem });
        };
        let count = NonZeroU32::parse(&Word::new(count))?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => {
                let at = text.len() - unit.len();
                let problem = Problem::new("this is not a unit of a rate").part(at..text.len());
                return Err(problem.help("the units are `/s`, `/m`, `/h` and `/d`"));
            }
        };
        Ok(Self { count, per: Duration::from_secs(seconds) })
    }

    fn to_text(&self) -> String {
        let unit = match self.per.as_secs() {
            60 => "m",
            3600 => "h",
            86_400 => "d",
            _ => "s",
        };
        format!("{}/{unit}", self.count)
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "pattern": "^[0-9]+/[smhd]$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::tests::check;

    #[test]
    fn durations_and_rates() {
        check::<Duration>(&[
            ("10s", Ok("10s")),
            ("60s", Ok("1m")),
            ("1.5h", Ok("90m")),
            ("0.5s", Ok("500ms")),
            ("0s", Ok("0s")),
            ("10", Err("write `10s`")),
            ("1m30s", Err("write `90s`")),
            ("5min", Err("write `5m`")),
            ("0.5ms", Err("whole number of milliseconds")),
            ("99999999999999999999s", Err("too large")),
            ("99999999999999999d", Err("at most 36500d")),
            ("s", Err("begin with a number")),
            ("1.s", Err("decimal point")),
        ]);
        check::<Rate>(&[
            ("50/s", Ok("50/s")),
            ("10/m", Ok("10/m")),
            ("50", Err("write `50/s`")),
            ("0/s", Err("at least 1")),
            ("5/w", Err("/h")),
        ]);
    }
}
