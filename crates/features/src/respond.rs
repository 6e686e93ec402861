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

#[cfg(test)]
mod tests {
    use crate::tests::{Lab, lines};
    use propylon_pipeline::Body;

    #[track_caller]
    fn check(config: &str, expected: (u16, &[&str], &str)) {
        Lab::run(async |lab| {
            let answer = lab.answer(config);
            let mut x = lab.get("/a?b", &[]);
            let reply = answer.answer(&mut x).await.unwrap();
            let body = match &reply.body {
                Body::Empty => String::new(),
                Body::Memory(bytes, _) => String::from_utf8_lossy(bytes).into_owned(),
                other => panic!("{other:?}"),
            };
            let fields = lines(&reply.fields);
            assert_eq!(
                (reply.status, fields.iter().map(String::as_str).collect::<Vec<_>>(), body.as_str()),
                (expected.0, expected.1.to_vec(), expected.2)
            );
        });
    }

    #[test]
    fn status_text_and_type_are_as_said() {
        let plain = "Content-Type: text/plain; charset=utf-8";
        check("respond 204", (204, &[], ""));
        check("respond hello", (200, &[plain], "hello"));
        check("respond 404 \"no {path}\"", (404, &[plain], "no /a"));
        let json = "respond 200 \"\\{}\" media-type application/json";
        check(json, (200, &["Content-Type: application/json"], "{}"));
    }

    #[test]
    fn mistakes_are_told() {
        Lab::run(async |lab| {
            lab.check_answer_said("respond 100 x", &["200 to 599"]);
            lab.check_answer_said("respond 200 {nothing}", &["no placeholder"]);
        });
    }
}
