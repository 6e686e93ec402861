//! Status codes as a config names them: one, or a range.

use propylon_config::value::{Problem, Value};
use propylon_config::{Json, Word};

/// Status codes from one to another, both included: `404`, or `500-599`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statuses {
    /// The first.
    pub from: u16,
    /// The last.
    pub to: u16,
}

impl Statuses {
    /// Whether it is one of them.
    pub fn contains(self, status: u16) -> bool {
        (self.from..=self.to).contains(&status)
    }
}

impl Value for Statuses {
    const KIND: &'static str = "a status such as `404`, or a range such as `500-599`";

    fn parse(word: &Word) -> Result<Self, Problem> {
        let text = word.text.as_str();
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        let status = |digits: &str| {
            let number = digits.parse().ok().filter(|status| (100..=599).contains(status));
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            number.filter(|_| plain).ok_or_else(|| {
                let problem = Problem::new("a status is a number from 100 to 599");
                match text.as_bytes() {
                    [class @ b'1'..=b'5', b'x' | b'X', b'x' | b'X'] => {
                        let class = char::from(*class);
                        problem.help(format!("write `{class}00-{class}99`"))
                    }
                    _ => problem,
                }
            })
        };
        let (from, to) = (status(from)?, status(to)?);
        if from > to {
            return Err(Problem::new("the range ends before it begins").help(format!("write `{to}-{from}`")));
        }
        Ok(Self { from, to })
    }

    fn to_text(&self) -> String {
        if self.from == self.to { self.from.to_string() } else { format!("{}-{}", self.from, self.to) }
    }

    fn schema() -> Json {
        let mut schema = propylon_config::JsonMap::new();
        schema.insert("type".to_owned(), "string".into());
        schema.insert("pattern".to_owned(), "^[1-5][0-9]{2}(-[1-5][0-9]{2})?$".into());
        Json::Object(schema)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_status_or_a_range() {
        let read = |text: &str| Statuses::parse(&Word::new(text));
        assert_eq!(read("404"), Ok(Statuses { from: 404, to: 404 }));
        assert_eq!(read("500-599").map(|range| range.to_text()), Ok("500-599".to_owned()));
        assert!(read("500-599").is_ok_and(|range| range.contains(599) && !range.contains(499)));
        for (text, help) in [("5xx", "500-599"), ("599-500", "500-599"), ("600", ""), ("", ""), ("+404", "")]
        {
            let problem = read(text).unwrap_err();
            assert!(problem.help.unwrap_or_default().contains(help), "{text}");
        }
    }
}
