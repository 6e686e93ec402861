//! Whole numbers and percentages.

use std::num::{NonZeroU16, NonZeroU32, NonZeroU64, NonZeroUsize};

use serde_json::json;

use super::{Problem, Value, scale, split_unit};
use crate::Word;

/// Whole numbers: digits and nothing else, so that `0x10` or `1_000` cannot mean two things.
macro_rules! whole {
    ($($type:ty, $low:literal, $kind:literal;)*) => {$(
        impl Value for $type {
            const KIND: &'static str = $kind;

            fn parse(word: &Word) -> Result<Self, Problem> {
                digits(&word.text)?;
                let cause = || format!("it must be {} to {}", $low, <$type>::MAX);
                word.text.parse().map_err(|_| Problem::new(cause()))
            }

            fn to_text(&self) -> String {
                self.to_string()
            }

            fn to_json(&self) -> serde_json::Value {
                json!(u64::try_from(*self).unwrap_or(u64::MAX))
            }

            fn schema() -> serde_json::Value {
                json!({ "type": "integer", "minimum": $low, "maximum": <$type>::MAX })
            }
        }
    )*};
}

macro_rules! non_zero {
    ($($type:ty, $inner:ty;)*) => {$(
        impl Value for $type {
            const KIND: &'static str = "a whole number above zero";

            fn parse(word: &Word) -> Result<Self, Problem> {
                let number = <$inner as Value>::parse(word)?;
                Self::new(number).ok_or_else(|| Problem::new("it must be at least 1"))
            }

            fn to_text(&self) -> String {
                self.to_string()
            }

            fn to_json(&self) -> serde_json::Value {
                self.get().to_json()
            }

            fn schema() -> serde_json::Value {
                json!({ "type": "integer", "minimum": 1, "maximum": <$inner>::MAX })
            }
        }
    )*};
}

whole! {
    u8, 0, "a whole number";
    u16, 0, "a whole number";
    u32, 0, "a whole number";
    u64, 0, "a whole number";
    usize, 0, "a whole number";
}

non_zero! {
    NonZeroU16, u16;
    NonZeroU32, u32;
    NonZeroU64, u64;
    NonZeroUsize, usize;
}

fn digits(text: &str) -> Result<(), Problem> {
    let odd = text.find(|c: char| !c.is_ascii_digit());
    match odd {
        None if text.is_empty() => Err(Problem::new("a number needs digits")),
        None => Ok(()),
        Some(0) if text.starts_with('-') => Err(Problem::new("it cannot be negative")),
        Some(0) => Err(Problem::new("it does not begin with a digit")),
        Some(at) => Err(Problem::new("a whole number holds digits only").part(at..text.len())),
    }
}

/// A share such as `2.5%`, at most 100 %, in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u16);

impl Percent {
    /// That many percent; more than 100 is 100.
    pub const fn whole(percent: u16) -> Self {
        Self(if percent > 100 { 10_000 } else { percent * 100 })
    }

    /// In hundredths of a percent: 0 to 10,000.
    pub const fn hundredths(self) -> u16 {
        self.0
    }

    /// As a share of one: 0.0 to 1.0.
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }
}

impl Value for Percent {
    const KIND: &'static str = "a percentage such as `5%`";

    fn parse(word: &Word) -> Result<Self, Problem> {
        let (whole, fraction, unit) = split_unit(&word.text)?;
        if unit != "%" {
            let problem = Problem::new("a percentage ends in `%`");
            return Err(if unit.is_empty() { problem.help(format!("write `{whole}%`")) } else { problem });
        }
        scale(whole, fraction, 100)
            .and_then(|hundredths| u16::try_from(hundredths).ok())
            .filter(|hundredths| *hundredths <= 10_000)
            .map(Self)
            .ok_or_else(|| Problem::new("it must be 0% to 100% with at most two digits after the point"))
    }

    fn to_text(&self) -> String {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => format!("{whole}%"),
            (whole, part) if part % 10 == 0 => format!("{whole}.{}%", part / 10),
            (whole, part) => format!("{whole}.{part:02}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::tests::check;

    #[test]
    fn numbers() {
        check::<u16>(&[
            ("0", Ok("0")),
            ("65535", Ok("65535")),
            ("65536", Err("0 to 65535")),
            ("-1", Err("negative")),
            ("1k", Err("digits only")),
            ("", Err("digits")),
        ]);
        check::<NonZeroU32>(&[("1", Ok("1")), ("0", Err("at least 1"))]);
        check::<Percent>(&[
            ("5%", Ok("5%")),
            ("0.25%", Ok("0.25%")),
            ("2.50%", Ok("2.5%")),
            ("5", Err("write `5%`")),
            ("101%", Err("100%")),
            ("0.001%", Err("two digits")),
        ]);
    }
}
