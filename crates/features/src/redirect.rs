//! Sends the client elsewhere.

use propylon_config::{Template, directive};
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
    /// Checks the placeholders.
    pub fn compile(config: &Config, context: &mut CompileContext<'_>) -> Option<Self> {
        let status = match config.status {
            Status::MovedPermanently => 301,
            Status::Found => 302,
            Status::SeeOther => 303,
            Status::TemporaryRedirect => 307,
            Status::PermanentRedirect => 308,
        };
        Some(Self { status, to: Text::compile(&config.to, context.diagnostics) })
    }

    /// The reply.
    ///
    /// # Errors
    /// The location would not be a valid field value: a placeholder brought a control character.
    pub fn answer(&self, x: &Exchange) -> Result<Reply, Fault> {
        let mut location = Vec::new();
        self.to.write(&mut location, x, None);
        let mut reply = Reply::new(self.status);
        reply.fields.append(b"Location", &location).map_err(|_| Fault::NotFound)?;
        Ok(reply)
    }
}
