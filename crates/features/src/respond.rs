//! Says something fixed, perhaps with placeholders in it.

use propylon_config::{Template, directive};
use propylon_http::Known;
use propylon_pipeline::variables::Text;
use propylon_pipeline::{Body, Exchange, Reply};

use crate::CompileContext;

directive! {
    /// Answers with a fixed reply.
    pub struct Config = "respond" {
        /// Status of the reply.
        positional status: u16 [200..=599] = 200,
        /// What it says; may hold placeholders.
        positional text: Option<Template>,
        /// Media type of what it says.
        keyword media_type: String = "text/plain; charset=utf-8".to_owned(),
    }
}

/// The settings, ready to be used.
#[derive(Debug)]
pub struct Compiled {
    status: u16,
    text: Option<Text>,
    media_type: Box<str>,
}

impl Compiled {
    /// Checks the placeholders.
    pub fn compile(config: &Config, context: &mut CompileContext<'_>) -> Option<Self> {
        let text = config.text.as_ref().map(|text| Text::compile(text, context.diagnostics));
        Some(Self { status: config.status, text, media_type: config.media_type.as_str().into() })
    }

    /// The reply.
    pub fn answer(&self, x: &Exchange) -> Reply {
        let mut reply = Reply::new(self.status);
        if let Some(text) = &self.text {
            let mut said = Vec::new();
            text.write(&mut said, x, None);
            reply.body = Body::owned(said);
            // The type is checked nowhere else: one that is no field value is left out.
            let _ = reply.fields.append(Known::ContentType.name().as_bytes(), self.media_type.as_bytes());
        }
        reply
    }
}
