//! Sizes in bytes.

use serde_json::json;

use super::{Problem, Value, scale, split_unit};
use crate::Word;

/// A size; the unit is always written, and `KB` is 1000 where `KiB` is 1024.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("KB", 1000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
    ("TB", 1_000_000_000_000),
    ("TiB", 1 << 40),
];

impl Bytes {
    /// That many KiB.
    pub const fn kib(count: u64) -> Self {
        Self(count << 10)
    }

    /// That many MiB.
    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }

    /// That many GiB.
    pub const fn gib(count: u64) -> Self {
        Self(count << 30)
    }

    /// As a length in memory; a size no memory has is the largest length.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl Value for Bytes {
    const KIND: &'static str = "a size such as `1MiB`";

    fn parse(word: &Word) -> Result<Self, Problem> {
        let text = word.text.as_str();
        let (whole, fraction, unit) = split_unit(text)?;
        if let Some((_, bytes)) = UNITS.iter().find(|(name, _)| *name == unit) {
            return scale(whole, fraction, *bytes)
                .map(Self)
                .ok_or_else(|| Problem::new("it must be a whole number of bytes below 16 EiB"));
        }
        if unit.is_empty() {
            let help = format!("write `{text}B` for bytes; the units are B, KiB, MiB, GiB, KB, MB and GB");
            return Err(Problem::new("a size needs a unit").help(help));
        }
        let letter = unit.trim_end_matches(['b', 'B', 'i', 'I']).to_ascii_uppercase();
        let help = match letter.as_str() {
            "K" | "M" | "G" | "T" => {
                format!(
                    "write `{whole}{letter}iB` for powers of 1024 or `{whole}{letter}B` for powers of 1000"
                )
            }
            _ => "the units are B, KiB, MiB, GiB, KB, MB and GB".to_owned(),
        };
        Err(Problem::new("this is not a unit of size").part(text.len() - unit.len()..text.len()).help(help))
    }

    fn to_text(&self) -> String {
        let fitting = UNITS.iter().filter(|(_, unit)| self.0 != 0 && self.0.is_multiple_of(*unit));
        // The unit that leaves the smallest number reads best: 1024 B is 1 KiB, 1000 B is 1 KB.
        let (name, unit) = fitting.max_by_key(|(_, unit)| *unit).unwrap_or(&UNITS[0]);
        format!("{}{name}", self.0 / unit)
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(B|[KMGT]i?B)$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::tests::check;

    #[test]
    fn sizes() {
        check::<Bytes>(&[
            ("1MiB", Ok("1MiB")),
            ("1024B", Ok("1KiB")),
            ("1000B", Ok("1KB")),
            ("1.5KiB", Ok("1536B")),
            ("0B", Ok("0B")),
            ("10", Err("write `10B`")),
            ("10m", Err("write `10MiB`")),
            ("1.3B", Err("whole number of bytes")),
            ("99999999TiB", Err("16 EiB")),
        ]);
    }
}
