//! What a user can say of fields, and what is made of it.

use propylon_config::{Diagnostic, Diagnostics, Spanned, Template, directive, value_enum};
use propylon_http::{Fields, Known};
use propylon_pipeline::variables::Text;

use crate::CompileContext;

value_enum! {
    /// What is done with a field.
    pub enum Action {
        /// Makes it the only field of its name.
        Set = "set",
        /// Puts it beside those of its name.
        Add = "add",
        /// Sets it unless there is one already.
        Default = "default",
        /// Removes all fields of its name.
        Remove = "remove",
    }
}

directive! {
    /// Sets, adds and removes fields of the reply, and of the request before an answer sees it.
    ///
    /// Setting comes first, then adding, then removing, in whatever order the lines stand: values may still name what is
    /// removed. Only a field that is also set or added is removed before.
    pub struct Config = "headers" {
        /// Sets a field of the reply.
        child set: Vec<SetConfig> = vec![],
        /// Adds a field to the reply.
        child add: Vec<AddConfig> = vec![],
        /// Sets a field of the reply unless there is one.
        child default: Vec<DefaultConfig> = vec![],
        /// Removes a field of the reply.
        child remove: Vec<RemoveConfig> = vec![],
        /// Does the same with a field of the request.
        child request: Vec<RequestConfig> = vec![],
    }
}

directive! {
    /// Makes this the only field of its name in the reply.
    pub struct SetConfig = "set" {
        /// The field's name.
        positional name: Spanned<String>,
        /// Its value, which may hold placeholders.
        positional value: Template,
    }
}

directive! {
    /// Puts a field beside those of its name in the reply.
    pub struct AddConfig = "add" {
        /// The field's name.
        positional name: Spanned<String>,
        /// Its value, which may hold placeholders.
        positional value: Template,
    }
}

directive! {
    /// Sets a field of the reply unless there is one already.
    pub struct DefaultConfig = "default" {
        /// The field's name.
        positional name: Spanned<String>,
        /// Its value, which may hold placeholders.
        positional value: Template,
    }
}

directive! {
    /// Removes all fields of these names from the reply.
    pub struct RemoveConfig = "remove" {
        /// The fields' names.
        positional names: Vec<Spanned<String>>,
    }
}

directive! {
    /// Does the same with a field of the request: `request set NAME VALUE`, `request remove NAME`.
    pub struct RequestConfig = "request" {
        /// What is done with the field.
        positional action: Action,
        /// The field's name.
        positional name: Spanned<String>,
        /// Its value, which may hold placeholders; none for `remove`.
        positional value: Option<Template>,
    }
}

/// The settings, ready to be used: for each direction, the edits in their order.
#[derive(Debug)]
pub struct Compiled {
    pub(super) request: Vec<Edit>,
    pub(super) reply: Vec<Edit>,
}

/// One field to be worked on.
#[derive(Debug)]
pub(super) struct Edit {
    pub(super) action: Action,
    pub(super) name: Box<[u8]>,
    /// Empty for `remove`.
    pub(super) value: Text,
}

/// Which way a message goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Request,
    Reply,
}

impl Compiled {
    /// Checks names and values, and brings them in order.
    pub fn compile(config: &Config, context: &mut CompileContext<'_>) -> Option<Self> {
        let diagnostics = &mut *context.diagnostics;
        let mut reply = Vec::new();
        let mut request = Vec::new();
        for name in config.remove.iter().flat_map(|line| &line.names) {
            reply.push(edit(Way::Reply, Action::Remove, name, None, diagnostics));
        }
        let sets = config.set.iter().map(|line| (Action::Set, &line.name, &line.value));
        let defaults = config.default.iter().map(|line| (Action::Default, &line.name, &line.value));
        let adds = config.add.iter().map(|line| (Action::Add, &line.name, &line.value));
        for (action, name, value) in sets.chain(defaults).chain(adds) {
            reply.push(edit(Way::Reply, action, name, Some(value), diagnostics));
        }
        for line in &config.request {
            request.push(edit(Way::Request, line.action, &line.name, line.value.as_ref(), diagnostics));
        }
        if reply.is_empty() && request.is_empty() {
            let diagnostic = Diagnostic::warning("no-effect", config.span, "`headers` says nothing");
            diagnostics.push(diagnostic.help("add a line such as `set X-Frame-Options DENY`"));
        }
        Some(Self { request: in_order(request)?, reply: in_order(reply)? })
    }
}

/// Removing comes last, so that values can still name what is removed; but a field that is also set or added is removed
/// first, or what was put in its place would go with it.
fn in_order(edits: Vec<Option<Edit>>) -> Option<Vec<Edit>> {
    let mut edits: Vec<Edit> = edits.into_iter().collect::<Option<_>>()?;
    let put = edits.iter().filter(|edit| edit.action != Action::Remove);
    let put: Vec<Vec<u8>> = put.map(|edit| edit.name.to_ascii_lowercase()).collect();
    edits.sort_by_key(|edit| match edit.action {
        Action::Remove if put.contains(&edit.name.to_ascii_lowercase()) => 0,
        Action::Set => 1,
        Action::Default => 2,
        Action::Add => 3,
        Action::Remove => 4,
    });
    Some(edits)
}

fn edit(
    way: Way,
    action: Action,
    name: &Spanned<String>,
    value: Option<&Template>,
    diagnostics: &mut Diagnostics,
) -> Option<Edit> {
    let mut refuse = |code, title: String, help: &str| {
        diagnostics.push(Diagnostic::error(code, name.span, title).help(help));
        None
    };
    if Fields::new().append(name.as_bytes(), b"").is_err() {
        let help = "a name holds letters, digits and `-`; the value is a word of its own";
        return refuse("bad-field-name", format!("`{}` cannot be the name of a field", name.value), help);
    }
    if let Some(help) = Known::from_name(name.as_bytes()).and_then(|known| reserved(way, known)) {
        return refuse("reserved-field", format!("`{}` is not for `headers` to change", name.value), help);
    }
    match (action, value) {
        (Action::Remove, Some(value)) => {
            let diagnostic = Diagnostic::error("unexpected-value", value.span, "`remove` takes no value");
            diagnostics.push(diagnostic.help("remove it: all fields of the name go"));
            None
        }
        (Action::Remove, None) => {
            Some(Edit { action, name: name.as_bytes().into(), value: literal("", diagnostics) })
        }
        (_, None) => {
            let title = format!("`{}` lacks the value of `{}`", action.as_str(), name.value);
            refuse("missing", title, "write it behind the name; an empty one is `\"\"`")
        }
        (_, Some(value)) => {
            let literal = value.as_literal().unwrap_or_default();
            if literal.contains(|c: char| c.is_ascii_control() && c != '\t') {
                let diagnostic =
                    Diagnostic::error("bad-field-value", value.span, "a field's value is one line");
                diagnostics.push(diagnostic.help("remove the line break or control character"));
                return None;
            }
            Some(Edit { action, name: name.as_bytes().into(), value: Text::compile(value, diagnostics) })
        }
    }
}

fn literal(text: &str, diagnostics: &mut Diagnostics) -> Text {
    Text::compile(&Template::literal(text), diagnostics)
}

/// What to do instead, for a field that must stay as it is.
fn reserved(way: Way, known: Known) -> Option<&'static str> {
    match (known, way) {
        (Known::ContentLength | Known::TransferEncoding | Known::Trailer | Known::Te, _) => {
            Some("it tells where the message ends, which only the connection knows: remove the line")
        }
        (Known::Upgrade, _) => {
            Some("WebSockets pass by themselves, and nothing else is upgraded: remove the line")
        }
        (known, _) if known.is_hop_by_hop() => {
            Some("it is about one connection, and each has its own: remove the line")
        }
        (Known::Host, Way::Request) => Some("say `proxy … host NAME`, or `host origin`"),
        (
            Known::Forwarded
            | Known::XForwardedFor
            | Known::XForwardedHost
            | Known::XForwardedPort
            | Known::XForwardedProto
            | Known::XRealIp
            | Known::Via
            | Known::XRequestId,
            Way::Request,
        ) => Some("the proxy writes it: see `proxy … forwarded`, and `real-ip` for whose word counts"),
        (Known::Expect, Way::Request) => Some("it is settled between client and origin: remove the line"),
        _ => None,
    }
}
