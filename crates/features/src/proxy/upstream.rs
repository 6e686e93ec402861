//! Upstreams: named groups of endpoints, or groups given in place.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use propylon_balance::Policy;
use propylon_balance::policy::{LeastRequests, RoundRobin, WeightedRandom};
use propylon_config::{Diagnostic, Diagnostics, Name, Span, Spanned, directive, suggest, value_enum};
use propylon_net::proxy_protocol::Version;
use propylon_net::socket::Address;
use propylon_origin::group::Target;
use propylon_origin::names::Names;
use propylon_origin::{Endpoint, Group, Limits};

use crate::{CompileContext, WorkerBuild};

value_enum! {
    /// How the next endpoint is chosen.
    pub enum Balance {
        /// In turn, each as often as its weight says.
        RoundRobin = "round-robin",
        /// By lot, each as likely as its weight says.
        Random = "random",
        /// The one with the fewest requests in flight for its weight, as this worker counts them.
        LeastRequests = "least-requests",
    }
}

value_enum! {
    /// A form of the PROXY protocol.
    pub enum ProxyProtocol {
        /// Text.
        V1 = "v1",
        /// Binary.
        V2 = "v2",
    }
}

directive! {
    /// A named group of endpoints.
    pub struct Config = "upstream" {
        /// Its name, for `proxy NAME`.
        positional name: Spanned<Name>,
        /// One of its endpoints.
        child endpoints: Vec<EndpointConfig>,
        /// How the next endpoint is chosen.
        keyword balance: Balance = Balance::RoundRobin,
        /// Time to open a connection.
        keyword connect: Duration = Duration::from_secs(5),
        /// Time from the request's last byte to the reply's first.
        keyword first_byte: Duration = Duration::from_secs(60),
        /// Time without a byte, in either direction.
        keyword idle: Duration = Duration::from_secs(60),
        /// Time for the whole exchange; not limited if it is not said.
        keyword total: Option<Duration>,
        /// Connections to one endpoint that one worker may have open.
        keyword connections: usize [1..=1_000_000] = 4096,
        /// Idle connections to one endpoint that one worker keeps.
        keyword keepalive: usize [0..=1_000_000] = 1024,
        /// How long an idle connection is kept. Less than what the origin allows, or requests meet closed connections.
        keyword keepalive_time: Duration = Duration::from_secs(55),
        /// Sends a PROXY header ahead on each connection, which then serves one client alone.
        keyword proxy_protocol: Option<ProxyProtocol>,
    }
}

directive! {
    /// One member of an upstream.
    pub struct EndpointConfig = "endpoint" {
        /// Where it is: `http://HOST:PORT`, `HOST:PORT`, or `unix:PATH`.
        positional url: Spanned<String>,
        /// Its share, against the others' shares. 0 gives it nothing.
        keyword weight: u16 = 1,
    }
}

/// An upstream, ready to be used.
#[derive(Debug)]
pub struct Upstream {
    name: Arc<str>,
    endpoints: Vec<Endpoint>,
    balance: Balance,
    limits: Limits,
}

impl Upstream {
    /// Reads the endpoints' URLs. Problems are reported.
    pub fn compile(config: &Config, names: &Names, diagnostics: &mut Diagnostics) -> Option<Self> {
        let endpoint = |endpoint: &EndpointConfig| parse(&endpoint.url, endpoint.weight, names, diagnostics);
        let endpoints: Vec<Option<Endpoint>> = config.endpoints.iter().map(endpoint).collect();
        let endpoints: Vec<Endpoint> = endpoints.into_iter().collect::<Option<_>>()?;
        if endpoints.iter().all(|endpoint| endpoint.weight == 0) {
            let title = format!("every endpoint of upstream `{}` has weight 0", config.name.value);
            let diagnostic = Diagnostic::warning("no-weight", config.span, title);
            diagnostics.push(diagnostic.help("give one of them a weight, or every request gets 503"));
        }
        Some(Self {
            name: config.name.as_str().into(),
            endpoints,
            balance: config.balance,
            limits: Limits {
                connect_max: config.connect,
                first_byte_max: config.first_byte,
                idle_max: config.idle,
                total_max: config.total,
                connections_max: config.connections,
                keepalive_max: config.keepalive,
                keepalive_time_max: config.keepalive_time,
                announce: config.proxy_protocol.map(|version| match version {
                    ProxyProtocol::V1 => Version::V1,
                    ProxyProtocol::V2 => Version::V2,
                }),
            },
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its endpoints.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// One worker's group, shared by all routes that name this upstream.
    pub fn group(self: &Arc<Self>, build: &WorkerBuild<'_>) -> Rc<Group> {
        let key = Arc::as_ptr(self).addr();
        let make = || {
            let policy = match self.balance {
                Balance::RoundRobin => Policy::RoundRobin(RoundRobin::new(build.worker.random())),
                Balance::Random => Policy::Random(WeightedRandom),
                Balance::LeastRequests => Policy::LeastRequests(LeastRequests),
            };
            let (name, limits) = (Arc::clone(&self.name), self.limits.clone());
            let pools = Rc::clone(&build.worker.pools);
            Rc::new(Group::new(name, &self.endpoints, policy, limits, pools, build.worker.random()))
        };
        Rc::clone(build.groups.borrow_mut().entry(key).or_insert_with(make))
    }
}

/// The upstream that `proxy` names, or one made of the URLs given in place.
pub fn named_or_inline(
    to: &[Spanned<String>],
    span: Span,
    context: &mut CompileContext<'_>,
) -> Option<Arc<Upstream>> {
    if let [name] = to
        && !name.contains(':')
    {
        let found = context.upstreams.get(name.as_str()).cloned();
        if found.is_none() {
            let title = format!("there is no upstream `{}`", name.value);
            let near = suggest::did_you_mean(name, context.upstreams.keys().map(String::as_str));
            let otherwise =
                "declare it with `upstream NAME { endpoint http://HOST:PORT }`, or give a URL".to_owned();
            let diagnostic = Diagnostic::error("unknown-upstream", name.span, title);
            context.diagnostics.push(diagnostic.help(near.unwrap_or(otherwise)));
        }
        return found;
    }
    if let Some(word) = to.iter().find(|word| !word.contains(':')) {
        // Taken for hosts, a misplaced keyword or a second name would be asked for in vain.
        let title = format!("`{}` is no URL", word.value);
        let help = match context.upstreams.contains_key(word.as_str()) {
            true => "name one upstream alone; its block may have several endpoints",
            false => {
                "write `http://HOST:PORT`; settings of a group, such as `balance`, stand in an `upstream`"
            }
        };
        context.diagnostics.push(Diagnostic::error("bad-endpoint", word.span, title).help(help));
        return None;
    }
    let endpoint = |url: &Spanned<String>| EndpointConfig { url: url.clone(), weight: 1, span: url.span };
    let text = to.iter().map(|url| url.as_str()).collect::<Vec<_>>().join(" ");
    let mut config = Config::of_endpoints(to.iter().map(endpoint).collect(), span)?;
    config.span = span;
    let mut upstream = Upstream::compile(&config, context.names, context.diagnostics)?;
    upstream.name = text.into();
    Some(Arc::new(upstream))
}

impl Config {
    /// A group with every default, for endpoints given in place.
    fn of_endpoints(endpoints: Vec<EndpointConfig>, span: Span) -> Option<Self> {
        use propylon_config::{Directive, Node};
        // The defaults stand in the declaration alone, so an empty directive is read to get them.
        let mut node = Node::new("upstream");
        node.args.push(propylon_config::Word::new("inline"));
        let mut line = Node::new("endpoint");
        line.args.push(propylon_config::Word::new("unread"));
        node.block = Some(vec![line]);
        let config = Self::decode(&node, &mut Diagnostics::new())?;
        Some(Self { endpoints, span, ..config })
    }
}

/// An endpoint's URL: scheme, host and port, and nothing else.
fn parse(
    url: &Spanned<String>,
    weight: u16,
    names: &Names,
    diagnostics: &mut Diagnostics,
) -> Option<Endpoint> {
    let mut refuse = |title: String, help: &str| {
        diagnostics.push(Diagnostic::error("bad-endpoint", url.span, title).help(help));
        None
    };
    let text = url.as_str();
    let name: Arc<str> = text.into();
    if let Some(path) = text.strip_prefix("unix:") {
        let target = Target::Fixed(Address::Unix(PathBuf::from(path)));
        return Some(Endpoint { name, target, weight, authority: b"localhost".as_slice().into() });
    }
    let rest = match text.split_once("://") {
        Some(("http", rest)) => rest,
        Some((scheme, _)) => {
            return refuse(format!("the scheme `{scheme}` is not supported"), "write `http://HOST:PORT`");
        }
        None => text,
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains(['/', '?', '#']) {
        let help = "give scheme, host and port alone; `replace-prefix` in the route changes the path";
        return refuse(format!("the endpoint `{text}` has a path"), help);
    }
    let mut canonical = Vec::new();
    let Ok(host) = propylon_http::target::canonical_host(authority.as_bytes(), &mut canonical) else {
        return refuse(format!("`{authority}` is no host"), "write `http://HOST:PORT`");
    };
    let port = host.port.unwrap_or(80);
    let host = String::from_utf8_lossy(&canonical[..host.len]).into_owned();
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
    let target = match literal.parse() {
        Ok(ip) => Target::Fixed(Address::Ip(std::net::SocketAddr::new(ip, port))),
        Err(_) => Target::Name(names.watch(&host), port),
    };
    Some(Endpoint { name, target, weight, authority: authority.as_bytes().into() })
}

/// The upstreams of a config, by name.
pub type Upstreams = HashMap<String, Arc<Upstream>>;
