//! Sends the client elsewhere.

use propylon_config::{Diagnostic, Part, Template, Value, directive};
use propylon_pipeline::variables::Text;
use propylon_pipeline::{Exchange, Fault, Reply};

use crate::CompileContext;

propylon_config::value_enum! {
    /// How lasting a redirect is, and whether the method stays (RFC 9110 section 15.4).
    pub enum Status {
        /// For good; clients may change the method to GET.
        MovedPermanently = "301",
        /// For now; clients may change the method to GET.
        Found = "302",
        /// For now, with GET.
        SeeOther = "303",
        /// For now, with the same method.
        TemporaryRedirect = "307",
        /// For good, with the same method.
        PermanentRedirect = "308",
    }
}

directive! {
    /// Sends the client elsewhere.
    pub struct Config = "redirect" {
        /// Status of the reply.
        positional status: Status = Status::PermanentRedirect,
        /// Where to: a URL or a path, which may hold placeholders such as `{rest}` and `{query}`.
        positional to: Template,
    }
}

/// The settings, ready to be used.
#[derive(Debug)]
pub struct Compiled {
    status: u16,
    to: Text,
}

impl Compiled {
    /// Checks the target and its placeholders.
    pub fn compile(config: &Config, context: &mut CompileContext<'_>) -> Option<Self> {
        let status = match config.status {
            Status::MovedPermanently => 301,
            Status::Found => 302,
            Status::SeeOther => 303,
            Status::TemporaryRedirect => 307,
            Status::PermanentRedirect => 308,
        };
        if let Some(Part::Literal(start)) = config.to.parts.first()
            && !(start.starts_with('/') || start.contains("://"))
        {
            let title = format!("`{}` is neither a URL nor a path", config.to.to_text());
            let diagnostic = Diagnostic::error("bad-location", config.to.span, title);
            let help = match start.parse::<u16>() {
                Ok(status) => format!("write `redirect {status} /PATH`"),
                Err(_) => "begin it with `/` or `https://`".to_owned(),
            };
            context.diagnostics.push(diagnostic.help(help));
            return None;
        }
        Some(Self { status, to: Text::compile(&config.to, context.diagnostics) })
    }

    /// The reply.
    ///
    /// # Errors
    /// The location would not be a valid field value: a placeholder brought a control character.
    pub fn answer(&self, x: &Exchange) -> Result<Reply, Fault> {
        let mut location = Vec::new();
        self.to.write_location(&mut location, x, None);
        let mut reply = Reply::new(self.status);
        reply.fields.append(b"Location", &location).map_err(|_| Fault::NotFound)?;
        Ok(reply)
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::{Lab, lines};

    #[track_caller]
    fn check(config: &str, target: &str, rest: &[u8], expected: (u16, &[&str])) {
        Lab::run(async |lab| {
            let answer = lab.answer(config);
            let mut x = lab.get(target, &["X-A: b"]);
            x.rest = rest.to_vec();
            let reply = answer.answer(&mut x).await.unwrap_or_else(propylon_pipeline::Fault::into_reply);
            let mut fields = lines(&reply.fields);
            fields.retain(|line| line.starts_with("Location"));
            assert_eq!(
                (reply.status, fields),
                (expected.0, expected.1.iter().map(|line| (*line).to_owned()).collect())
            );
        });
    }

    #[test]
    fn clients_are_sent_where_the_config_says() {
        check("redirect /new/{rest}", "/old/a", b"a", (308, &["Location: /new/a"]));
        check("redirect 301 https://{host}{uri}", "/a?b", b"", (301, &["Location: https://example.com/a?b"]));
        check("redirect 303 //cdn.test/{rest}", "/", b"a", (303, &["Location: //cdn.test/a"]));
    }

    #[test]
    fn no_path_leads_to_another_host() {
        for rest in [&b"/evil.test"[..], b"\\evil.test", b"\t/evil.test", b"//\\/evil.test"] {
            check("redirect /{rest}", "/", rest, (308, &["Location: /evil.test"]));
        }
        check("redirect {path}/", "//evil.test", b"", (308, &["Location: /evil.test/"]));
    }

    #[test]
    fn what_cannot_stand_in_a_field_leads_nowhere() {
        check("redirect /{rest}", "/", b"a\r\nSet-Cookie: b", (404, &[]));
    }

    #[test]
    fn mistakes_are_told() {
        Lab::run(async |lab| {
            lab.check_answer_said("redirect", &["lacks its to"]);
            lab.check_answer_said("redirect 302", &["neither a URL nor a path", "redirect 302 /PATH"]);
            lab.check_answer_said("redirect example.com", &["begin it with"]);
            lab.check_answer_said("redirect /{rset}", &["did you mean `{rest}`"]);
        });
    }
}
