//! The request that is asked about, as a command line or a query gives it.

use std::net::IpAddr;

/// Fields that a question may add.
const FIELDS_MAX: usize = 64;

/// A request to be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) is_https: bool,
    pub(super) authority: String,
    pub(super) port: u16,
    target: String,
    fields: Vec<(String, String)>,
    pub(super) client: Option<IpAddr>,
}

impl Question {
    /// A question about `METHOD URL` with fields `NAME: VALUE`, from `client` or else from this machine.
    ///
    /// # Errors
    /// What cannot be a request.
    pub fn new(method: &str, url: &str, fields: &[String], client: Option<IpAddr>) -> Result<Self, String> {
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain(method) {
            return Err(format!("`{}` is no method", method.escape_debug()));
        }
        if !plain(url) {
            return Err(format!("`{}` is no URL: write what is not plain ASCII as %XX", url.escape_debug()));
        }
        let (is_https, rest) = match url.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            Some((scheme, _)) => return Err(format!("the scheme `{scheme}` is neither http nor https")),
            None => (false, url),
        };
        // What follows `#` never leaves a browser.
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        let authority = if authority.is_empty() { "localhost" } else { authority };
        let default_port = if is_https { 443 } else { 80 };
        let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(default_port);
        if fields.len() > FIELDS_MAX {
            return Err(format!("there are more than {FIELDS_MAX} fields"));
        }
        let fields = fields.iter().map(|field| split_field(field)).collect::<Result<_, _>>()?;
        Ok(Self {
            method: method.to_owned(),
            url: url.to_owned(),
            is_https,
            authority: authority.to_owned(),
            port,
            target,
            fields,
            client,
        })
    }

    /// A question as a query has it: `method=GET&url=…&header=N%3A%20V&client=…`.
    ///
    /// # Errors
    /// What cannot be a request.
    pub fn from_query(query: &[u8]) -> Result<Self, String> {
        let (mut method, mut url, mut fields, mut client) = ("GET".to_owned(), None, Vec::new(), None);
        for pair in query.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let equals = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let value = decode(pair.get(equals + 1..).unwrap_or_default())?;
            match &pair[..equals] {
                b"method" => method = value,
                b"url" => url = Some(value),
                b"header" => fields.push(value),
                b"client" => client = Some(value.parse().map_err(|_| format!("`{value}` is no address"))?),
                other => return Err(format!("there is no parameter `{}`", String::from_utf8_lossy(other))),
            }
        }
        let url = url.ok_or("which `url` is asked about?")?;
        Self::new(&method, &url, &fields, client)
    }

    /// The question as a query: what [`Question::from_query`] reads.
    pub fn to_query(&self) -> String {
        let mut query = format!("method={}&url={}", encode(&self.method), encode(&self.url));
        for (name, value) in &self.fields {
            query += &format!("&header={}", encode(&format!("{name}: {value}")));
        }
        if let Some(client) = self.client {
            query += &format!("&client={}", encode(&client.to_string()));
        }
        query
    }

    /// The head that a client would send. A `Host` among the fields takes the place of the URL's.
    pub(super) fn head(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        if !self.fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head += &format!("Host: {}\r\n", self.authority);
        }
        for (name, value) in &self.fields {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        head.into_bytes()
    }
}

/// `NAME: VALUE`, without anything that could begin another line.
fn split_field(field: &str) -> Result<(String, String), String> {
    let shown = field.escape_debug();
    let (name, value) = field.split_once(':').ok_or_else(|| format!("`{shown}` is no `NAME: VALUE`"))?;
    if field.chars().any(|c| c.is_control() && c != '\t') {
        return Err(format!("`{shown}` holds a control character"));
    }
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn encode(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' => {
            (byte as char).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn decode(text: &[u8]) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.ok_or("a `%` without two hexadecimal digits")?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).map_err(|_| "a value that is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_survives_the_way_through_a_query() {
        let fields = ["X-A: b & c".to_owned(), "Host: é.test".to_owned()];
        let client = Some("::1".parse().unwrap());
        let question = Question::new("POST", "https://a.test:8443/x?y=%20&z", &fields, client).unwrap();
        assert_eq!((question.port, question.is_https), (8443, true));
        assert_eq!(Question::from_query(question.to_query().as_bytes()), Ok(question));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for (method, url, field) in [
            ("GET\r\n", "/", "A: b"),
            ("GET", "/ x", "A: b"),
            ("GET", "ftp://a/", "A: b"),
            ("GET", "/", "no colon"),
            ("GET", "/", "A: b\r\nC: d"),
        ] {
            assert!(Question::new(method, url, &[field.to_owned()], None).is_err(), "{method} {url} {field}");
        }
        assert!(Question::from_query(b"url=%2").is_err() && Question::from_query(b"method=GET").is_err());
    }
}
