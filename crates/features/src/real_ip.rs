//! Who the client really is, when trusted proxies stand before us.
//!
//! Stands before every step that looks at the client: all of them believe what this one finds.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use propylon_config::{Diagnostic, IpNet, Spanned, directive};
use propylon_http::forwarded::{self, Hop};
use propylon_http::{Fields, Known, Malformed};
use propylon_pipeline::metrics::{Cell, Metric, MetricKind};
use propylon_pipeline::request_id::RequestId;
use propylon_pipeline::{Exchange, Fault, Flow, Hooks, Scheme};

use crate::compile::Merge;
use crate::{CompileContext, WorkerBuild};

directive! {
    /// Believes trusted proxies when they tell who the client is.
    ///
    /// Without it nobody is believed: the client is who connected, and what it says of itself is replaced.
    pub struct Config = "real-ip" {
        /// Networks of trusted proxies, such as `10.0.0.0/8`.
        positional trusted: Vec<Spanned<IpNet>> = vec![],
        /// Trusts the networks that no public address lies in: private, link-local and loopback ones.
        flag private: bool,
        /// Trusts whoever connects over a Unix socket.
        flag unix: bool,
        /// The field that tells the client's address: `x-forwarded-for` and `forwarded` hold one address for each
        /// proxy on the way; any other field, such as `x-real-ip`, holds the client's alone.
        keyword from: Spanned<String> = "x-forwarded-for".to_owned().into(),
    }
}

/// A level's setting takes the place of the outer one's.
pub const MERGE: Merge = Merge::Replace;

/// Chains that could not be believed.
pub const REFUSED: Metric = Metric {
    name: "propylon_real_ip_refused_total",
    kind: MetricKind::Counter,
    help: "Requests of trusted proxies that did not tell the client's address as the field's grammar has it.",
};

/// What the room counts.
pub const METRICS: &[Metric] = &[REFUSED];

/// Where no public address lies.
const PRIVATE: [(IpAddr, u8); 8] = [
    (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), 16),
    (IpAddr::V4(Ipv4Addr::new(172, 16, 0, 0)), 12),
    (IpAddr::V4(Ipv4Addr::new(192, 168, 0, 0)), 16),
    (IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
    (IpAddr::V6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)), 7),
    (IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), 10),
];

/// Fields that tell of the client, and that only a trusted peer may send.
const TELLING: [Known; 6] = [
    Known::Forwarded,
    Known::XForwardedFor,
    Known::XForwardedHost,
    Known::XForwardedPort,
    Known::XForwardedProto,
    Known::XRealIp,
];

/// The field that is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    XForwardedFor,
    Forwarded,
    /// A field of this name, which holds one address.
    Single(Box<[u8]>),
}

/// The settings, ready to be used.
#[derive(Debug)]
pub struct Compiled {
    trusted: Box<[IpNet]>,
    unix: bool,
    source: Source,
}

impl Compiled {
    /// Checks the field's name, and that anybody is trusted, but not everybody.
    pub fn compile(config: &Config, context: &mut CompileContext<'_>) -> Option<Self> {
        let mut trusted: Vec<IpNet> = config.trusted.iter().map(|network| network.value).collect();
        if config.private {
            trusted.extend(PRIVATE.iter().filter_map(|(address, bits)| IpNet::new(*address, *bits)));
        }
        if trusted.is_empty() && !config.unix {
            let diagnostic = Diagnostic::error("trusts-nobody", config.span, "`real-ip` trusts nobody");
            let help =
                "name the networks of your proxies, such as `real-ip 10.0.0.0/8`, or write `real-ip off`";
            context.diagnostics.push(diagnostic.help(help));
            return None;
        }
        for network in config.trusted.iter().filter(|network| network.bits() == 0) {
            let title = "everybody is trusted, so every client can pretend to be any other";
            let diagnostic = Diagnostic::warning("trusts-everybody", network.span, title);
            context.diagnostics.push(diagnostic.help("name the networks of your proxies alone"));
        }
        let source = match config.from.to_ascii_lowercase().as_str() {
            "x-forwarded-for" => Source::XForwardedFor,
            "forwarded" => Source::Forwarded,
            name if Fields::new().append(name.as_bytes(), b"").is_ok() => {
                Source::Single(name.as_bytes().into())
            }
            _ => {
                let title = format!("`{}` cannot be the name of a field", config.from.value);
                let diagnostic = Diagnostic::error("bad-field-name", config.from.span, title);
                context
                    .diagnostics
                    .push(diagnostic.help("write `x-forwarded-for`, `forwarded` or such a name"));
                return None;
            }
        };
        Some(Self { trusted: trusted.into(), unix: config.unix, source })
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }
}

/// The room on one worker.
#[derive(Debug)]
pub struct Step {
    compiled: Arc<Compiled>,
    /// Kept for its memory.
    hops: RefCell<Vec<Hop>>,
    refused: Cell,
}

/// The client, as a trusted peer tells.
struct Told {
    /// `None` if the peer, or one that it trusts, hides it.
    address: Option<IpAddr>,
    /// Which proxy on the way tells it, counted from the nearest.
    hop: usize,
}

impl Step {
    /// One worker's copy.
    pub fn new(compiled: &Arc<Compiled>, build: &WorkerBuild<'_>) -> Self {
        let refused = build.worker.metrics.cell(REFUSED, &[]);
        Self { compiled: Arc::clone(compiled), hops: RefCell::default(), refused }
    }

    /// The client's address; `None` if the field is not there.
    ///
    /// What cannot be read is refused as a whole rather than passed over: whoever is to be kept out by address could
    /// otherwise hide behind a field that he has spoilt.
    fn told(&self, fields: &Fields) -> Result<Option<Told>, Malformed> {
        let mut hops = self.hops.borrow_mut();
        hops.clear();
        let whole = match &self.compiled.source {
            Source::XForwardedFor => forwarded::x_forwarded_for(fields, &mut hops).is_ok(),
            Source::Forwarded => {
                forwarded::forwarded(fields, &mut hops).map_err(|_| Malformed::ForwardedChain)?;
                true
            }
            Source::Single(name) => {
                if let Some(address) = single(fields, name)? {
                    hops.push(Hop::Address(address));
                }
                true
            }
        };
        for (index, hop) in hops.iter().enumerate() {
            let last = whole && index + 1 == hops.len();
            match *hop {
                Hop::Hidden => return Ok(Some(Told { address: None, hop: index })),
                // Beyond the first who is not trusted anything may stand: nobody looks at it.
                Hop::Address(address) if last || !self.compiled.trusts(address) => {
                    return Ok(Some(Told { address: Some(address), hop: index }));
                }
                Hop::Address(_) => {}
            }
        }
        if whole { Ok(None) } else { Err(Malformed::ForwardedChain) }
    }

    /// How the client spoke to the proxy that tells its address.
    fn scheme(&self, fields: &Fields, hop: usize) -> Option<Scheme> {
        let told = match self.compiled.source {
            Source::Forwarded => forwarded::forwarded_proto(fields, hop)?,
            // One word, or one for each proxy; a proxy that does not add its own leaves fewer.
            _ => words(fields).nth_back(hop).or_else(|| words(fields).next())?,
        };
        match told.trim_ascii() {
            word if word.eq_ignore_ascii_case(b"https") => Some(Scheme::Https),
            word if word.eq_ignore_ascii_case(b"http") => Some(Scheme::Http),
            _ => None,
        }
    }

    /// Takes out what the peer may only have passed on, because it is not the field that it vouches for.
    fn forget_unread(&self, fields: &mut Fields) {
        let unread: &[Known] = match self.compiled.source {
            Source::Forwarded => &TELLING[1..],
            Source::XForwardedFor | Source::Single(_) => &TELLING[..1],
        };
        unread.iter().for_each(|known| fields.remove_known(*known));
    }

    fn forget_all(&self, fields: &mut Fields) {
        TELLING.iter().chain([&Known::XRequestId]).for_each(|known| fields.remove_known(*known));
        if let Source::Single(name) = &self.compiled.source {
            fields.remove(name);
        }
    }
}

impl Hooks for Step {
    fn on_request(&self, x: &mut Exchange) -> Flow {
        let source = x.connection.source();
        let trusted = source.map_or(self.compiled.unix, |source| self.compiled.trusts(source.ip()));
        x.client.peer_is_trusted = trusted;
        if !trusted {
            self.forget_all(&mut x.request.fields);
            return Flow::Continue;
        }
        match self.told(&x.request.fields) {
            Ok(Some(Told { address, hop })) => {
                (x.client.address, x.client.port) = (address, None);
                x.client.scheme = self.scheme(&x.request.fields, hop).unwrap_or(x.client.scheme);
            }
            // The proxy itself asks, to see whether we live.
            Ok(None) => x.client.scheme = self.scheme(&x.request.fields, 0).unwrap_or(x.client.scheme),
            Err(malformed) => {
                self.refused.add(1);
                return Flow::Reply(Box::new(Fault::Malformed(malformed).into_reply()));
            }
        }
        let id = x.request.fields.single(Known::XRequestId).ok().flatten().and_then(RequestId::from_peer);
        x.id = id.unwrap_or(x.id);
        self.forget_unread(&mut x.request.fields);
        Flow::Continue
    }
}

/// What X-Forwarded-Proto says, the farthest proxy's word first.
fn words(fields: &Fields) -> impl DoubleEndedIterator<Item = &[u8]> {
    fields.values(Known::XForwardedProto).flat_map(|value| value.split(|&byte| byte == b','))
}

/// The address in a field that must hold one, with or without a port.
fn single(fields: &Fields, name: &[u8]) -> Result<Option<IpAddr>, Malformed> {
    let mut values = fields.values_named(name);
    let Some(value) = values.next() else { return Ok(None) };
    let text = std::str::from_utf8(value).map_err(|_| Malformed::ForwardedChain)?;
    let address = text.parse().or_else(|_| text.parse().map(|address: std::net::SocketAddr| address.ip()));
    match (address, values.next()) {
        (Ok(address), None) => Ok(Some(address.to_canonical())),
        _ => Err(Malformed::ForwardedChain),
    }
}

#[cfg(test)]
mod tests {
    use propylon_net::socket::Address;

    use crate::tests::{Lab, down, lines, peer};

    /// Who the client is for `peer` and these fields, or the status it gets.
    #[track_caller]
    fn check(config: &str, from: Address, fields: &[&str], expected: &str) {
        Lab::run(async |lab| {
            let steps = lab.steps(config);
            let mut x =
                lab.exchange(from.clone(), &format!("GET / HTTP/1.1\nHost: a\n{}", fields.join("\n")));
            let found = match down(&steps, &mut x) {
                Some(reply) => reply.status.to_string(),
                None => {
                    let address =
                        x.client.address.map_or("unknown".to_owned(), |address| address.to_string());
                    format!("{} {address}", x.client.scheme.as_str())
                }
            };
            assert_eq!(found, expected, "{config}: {fields:?}");
        });
    }

    #[test]
    fn the_nearest_address_that_is_not_trusted_is_the_client() {
        let proxy = || peer("10.0.0.1");
        for (fields, expected) in [
            (&["X: y"][..], "http 10.0.0.1"),
            (&["X-Forwarded-For: 203.0.113.7"], "http 203.0.113.7"),
            (&["X-Forwarded-For: 6.6.6.6, 203.0.113.7, 10.0.0.2"], "http 203.0.113.7"),
            (&["X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 203.0.113.7,10.1.1.1"], "http 203.0.113.7"),
            (&["X-Forwarded-For: rubbish\", 203.0.113.7"], "http 203.0.113.7"),
            (&["X-Forwarded-For: 10.0.0.3, 10.0.0.2"], "http 10.0.0.3"),
            (&["X-Forwarded-For: 2001:db8::1"], "http 2001:db8::1"),
            (&["X-Forwarded-For: unknown, 10.0.0.2"], "http unknown"),
            (&["X-Forwarded-For: rubbish"], "400"),
            (&["X-Forwarded-For: rubbish, 10.0.0.2"], "400"),
            (&["X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https"], "https 203.0.113.7"),
            (
                &["X-Forwarded-For: 203.0.113.7, 10.0.0.2", "X-Forwarded-Proto: https, http"],
                "https 203.0.113.7",
            ),
            (&["X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: gopher"], "http 203.0.113.7"),
            (&["Forwarded: for=203.0.113.7"], "http 10.0.0.1"),
        ] {
            check("real-ip 10.0.0.0/8", proxy(), fields, expected);
        }
        check("real-ip private", proxy(), &["X-Forwarded-For: 203.0.113.7"], "http 203.0.113.7");
    }

    #[test]
    fn other_fields_can_tell() {
        let proxy = || peer("::ffff:10.0.0.1");
        let config = "real-ip 10.0.0.0/8 from forwarded";
        let chain = "Forwarded: for=6.6.6.6, for=203.0.113.7;proto=https, for=10.0.0.2;proto=http";
        check(config, proxy(), &[chain, "X-Forwarded-For: 1.1.1.1"], "https 203.0.113.7");
        check(config, proxy(), &["Forwarded: \", for=203.0.113.7"], "400");
        check(config, proxy(), &["X-Forwarded-For: 203.0.113.7"], "http ::ffff:10.0.0.1");
        let config = "real-ip 10.0.0.0/8 { from X-Real-IP }";
        check(config, proxy(), &["X-Real-Ip: 203.0.113.7"], "http 203.0.113.7");
        check(config, proxy(), &["X-Real-Ip: [2001:db8::1]:80"], "http 2001:db8::1");
        check(config, proxy(), &["X-Real-Ip: 1.1.1.1", "X-Real-Ip: 203.0.113.7"], "400");
        let long = format!("X-Forwarded-For: {}", ["10.0.0.9"; 40].join(","));
        check("real-ip 10.0.0.0/8", proxy(), &[&long], "400");
    }

    #[test]
    fn who_is_not_trusted_is_not_believed() {
        let told = ["X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https"];
        check("real-ip 10.0.0.0/8", peer("192.0.2.1"), &told, "http 192.0.2.1");
        let unix = || Address::Unix("/run/web.sock".into());
        check("real-ip 10.0.0.0/8", unix(), &told, "http unknown");
        check("real-ip unix", unix(), &told, "https 203.0.113.7");
    }

    #[test]
    fn forged_fields_are_taken_out_and_ids_are_taken_over() {
        Lab::run(async |lab| {
            let steps = lab.steps("real-ip 10.0.0.0/8");
            let head = "GET / HTTP/1.1\nHost: a\nX-Request-Id: abc-1\nX-Forwarded-For: 203.0.113.7\n\
                        Forwarded: for=6.6.6.6\nX-Forwarded-Host: b\nX-Real-IP: 6.6.6.6";
            let mut x = lab.exchange(peer("192.0.2.1"), head);
            assert!(down(&steps, &mut x).is_none());
            assert_eq!(lines(&x.request.fields), ["Host: a"]);
            assert_ne!(x.id.as_bytes(), b"abc-1");
            let mut x = lab.exchange(peer("10.0.0.1"), head);
            assert!(down(&steps, &mut x).is_none());
            assert!(!lines(&x.request.fields).iter().any(|line| line.starts_with("Forwarded")));
            assert!(x.client.peer_is_trusted && x.id.as_bytes() == b"abc-1");
        });
    }

    #[test]
    fn mistakes_are_told() {
        Lab::run(async |lab| {
            lab.check_said("real-ip", &["trusts nobody", "real-ip off"]);
            lab.check_said("real-ip 0.0.0.0/0", &["everybody is trusted"]);
            lab.check_said("real-ip 10.0.0.0/8 from \"a b\"", &["cannot be the name"]);
            lab.check_said("real-ip 10.0.0.0/8 { form x-real-ip }", &["did you mean `from`"]);
        });
    }
}
