//! One look-up: the file of fixed names first, then both families at once from the name servers.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use propylon_net::offload;
use tokio::time::timeout;

use super::{Families, NameError, Settings};

/// The longest that one look-up may take, over all servers, tries and search domains.
const LOOKUP_TIME_MAX: Duration = Duration::from_secs(20);

/// How long an address from the file of fixed names is believed before the file is read again.
const HOSTS_TTL: Duration = Duration::from_secs(10);

/// What a look-up found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// In the order of the answer.
    pub(super) addresses: Vec<IpAddr>,
    /// The shortest of the times to live.
    pub(super) ttl: Duration,
    /// The family that could not be asked for, while the other one could.
    pub(super) failed: Option<Family>,
}

/// A kind of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    pub(super) fn includes(self, address: &IpAddr) -> bool {
        (self == Self::V4) == address.is_ipv4()
    }

    const fn record(self) -> RecordType {
        match self {
            Self::V4 => RecordType::A,
            Self::V6 => RecordType::AAAA,
        }
    }
}

/// Looks up a name time and again. What it learns of the name servers is kept in between, until they fail.
#[derive(Default)]
pub(super) struct Lookup {
    resolver: Option<(Arc<Settings>, TokioResolver)>,
}

/// The addresses of one family: none, if the name is known to have none.
type Half = Result<(Vec<IpAddr>, Duration), NameError>;

impl Lookup {
    pub(super) async fn addresses(
        &mut self,
        name: &str,
        settings: &Arc<Settings>,
    ) -> Result<Answer, NameError> {
        let fixed = fixed_addresses(name, settings).await;
        if !fixed.is_empty() {
            return Ok(Answer { addresses: fixed, ttl: HOSTS_TTL, failed: None });
        }
        let found = match timeout(LOOKUP_TIME_MAX, self.ask(name, settings)).await {
            Ok(found) => found,
            Err(_) => Err(NameError::TimedOut),
        };
        if found.is_err() {
            // The system's configuration may have changed; the next try reads it anew.
            self.resolver = None;
        }
        found
    }

    async fn ask(&mut self, name: &str, settings: &Arc<Settings>) -> Result<Answer, NameError> {
        let name = Name::from_str_relaxed(name).map_err(|_| NameError::Invalid)?;
        let resolver = match &self.resolver {
            Some((built_for, resolver)) if Arc::ptr_eq(built_for, settings) => resolver.clone(),
            _ => {
                let resolver = build(settings).await?;
                self.resolver = Some((Arc::clone(settings), resolver.clone()));
                resolver
            }
        };
        match settings.families {
            Families::V4 => joined(ask_half(resolver, name, Family::V4).await, Ok(Default::default())),
            Families::V6 => joined(Ok(Default::default()), ask_half(resolver, name, Family::V6).await),
            Families::Both => {
                let v6 = tokio::spawn(ask_half(resolver.clone(), name.clone(), Family::V6));
                let v4 = ask_half(resolver, name, Family::V4).await;
                joined(v4, v6.await.unwrap_or_else(|error| Err(NameError::Other(error.to_string()))))
            }
        }
    }
}

async fn ask_half(resolver: TokioResolver, name: Name, family: Family) -> Half {
    let lookup = match resolver.lookup(name, family.record()).await {
        Ok(lookup) => lookup,
        Err(error) => return none_or_error(error),
    };
    let records = lookup.answers();
    // The aliases on the way live no longer than the addresses.
    let ttl = records.iter().map(|record| record.ttl).min().unwrap_or(0);
    let addresses =
        records.iter().filter_map(|record| record.data.ip_addr()).filter(|ip| family.includes(ip));
    Ok((addresses.collect(), Duration::from_secs(ttl.into())))
}

fn none_or_error(error: NetError) -> Half {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => Err(NameError::NotFound),
            ResponseCode::NoError => Ok(Default::default()),
            code => Err(NameError::Refused(code.to_string())),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => Err(NameError::Refused(code.to_string())),
        NetError::Timeout => Err(NameError::TimedOut),
        other => Err(NameError::Other(other.to_string())),
    }
}

/// Puts the families together. One of them is enough; a name without any address is an error.
fn joined(v4: Half, v6: Half) -> Result<Answer, NameError> {
    let (halves, failure) = match (v4, v6) {
        (Ok(v4), Ok(v6)) => (vec![v4, v6], None),
        (Ok(v4), Err(error)) => (vec![v4], Some((Family::V6, error))),
        (Err(error), Ok(v6)) => (vec![v6], Some((Family::V4, error))),
        // The name server that says more is the one to quote.
        (Err(NameError::TimedOut), Err(error)) | (Err(error), Err(_)) => return Err(error),
    };
    // A family without addresses says nothing about how long the other's are good for.
    let ttl = halves.iter().filter(|(addresses, _)| !addresses.is_empty()).map(|&(_, ttl)| ttl).min();
    match (ttl, failure) {
        (Some(ttl), failure) => {
            let addresses = halves.into_iter().flat_map(|(addresses, _)| addresses).collect();
            Ok(Answer { addresses, ttl, failed: failure.map(|(family, _)| family) })
        }
        (None, Some((_, error))) => Err(error),
        (None, None) => Err(NameError::NoAddresses),
    }
}

async fn build(settings: &Settings) -> Result<TokioResolver, NameError> {
    let (config, options) = if settings.servers.is_empty() {
        let read =
            offload::run(read_system_conf).await.map_err(|failure| NameError::Other(failure.to_string()))?;
        read.map_err(|error| NameError::Other(format!("the system's name servers are not known: {error}")))?
    } else {
        let servers = settings.servers.iter().map(|&server| name_server(server)).collect();
        (ResolverConfig::from_parts(None, Vec::new(), servers), ResolverOpts::default())
    };
    let mut builder =
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).with_options(options);
    let options = builder.options_mut();
    // Each name is asked for when its time is over, so a cache would only tell a time to live that is not whole.
    options.cache_size = 0;
    // Read by us, before each look-up and not once.
    options.use_hosts_file = ResolveHosts::Never;
    builder.build().map_err(|error| NameError::Other(error.to_string()))
}

fn name_server(address: SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    for connection in &mut server.connections {
        connection.port = address.port();
    }
    server
}

/// The addresses in the file of fixed names. A file that cannot be read holds none.
async fn fixed_addresses(name: &str, settings: &Arc<Settings>) -> Vec<IpAddr> {
    let name = name.to_owned();
    let settings = Arc::clone(settings);
    let read = offload::run(move || {
        let mut addresses = read_hosts(&settings.hosts, &name);
        addresses.retain(|address| match settings.families {
            Families::Both => true,
            Families::V4 => address.is_ipv4(),
            Families::V6 => address.is_ipv6(),
        });
        addresses
    });
    read.await.unwrap_or_default()
}

/// Lines of an address and its names; `#` begins a comment.
fn read_hosts(path: &Path, name: &str) -> Vec<IpAddr> {
    let text = fs::read(path).unwrap_or_default();
    let name = name.strip_suffix('.').unwrap_or(name);
    let mut addresses = Vec::new();
    for line in String::from_utf8_lossy(&text).lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(Ok(address)) = words.next().map(str::parse) else { continue };
        if words.any(|word| word.eq_ignore_ascii_case(name)) {
            addresses.push(address);
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half(addresses: &[&str], ttl: u64) -> Half {
        Ok((addresses.iter().map(|text| text.parse().unwrap()).collect(), Duration::from_secs(ttl)))
    }

    #[test]
    fn joins_families() {
        let both = joined(half(&["10.0.0.1"], 9), half(&["::1", "::2"], 5)).unwrap();
        assert_eq!((both.addresses.len(), both.ttl.as_secs(), both.failed), (3, 5, None));
        let v4_only = joined(half(&["10.0.0.1"], 9), half(&[], 0)).unwrap();
        assert_eq!((v4_only.addresses.len(), v4_only.ttl.as_secs(), v4_only.failed), (1, 9, None));
        let v6_missing = joined(half(&["10.0.0.1"], 9), Err(NameError::TimedOut)).unwrap();
        assert_eq!(v6_missing.failed, Some(Family::V6));
    }

    #[test]
    fn a_name_without_addresses_is_an_error() {
        let refused = || NameError::Refused("x".into());
        assert_eq!(joined(half(&[], 0), half(&[], 0)), Err(NameError::NoAddresses));
        assert_eq!(joined(half(&[], 0), Err(refused())), Err(refused()));
        assert_eq!(joined(Err(refused()), half(&[], 0)), Err(refused()));
        assert_eq!(joined(Err(NameError::TimedOut), Err(refused())), Err(refused()));
        assert_eq!(joined(Err(refused()), Err(NameError::TimedOut)), Err(refused()));
    }

    #[test]
    fn reads_the_file_of_fixed_names() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hosts");
        fs::write(&path, b"10.0.0.1 a A.b # c\n#10.0.0.2 a\n\n::1\ta\nnonsense a\n10.0.0.3 \xe9 d\n")
            .unwrap();
        let read = |name| read_hosts(&path, name).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(read("a"), ["10.0.0.1", "::1"]);
        assert_eq!(read("a.b."), ["10.0.0.1"]);
        assert_eq!(read("d"), ["10.0.0.3"]);
        assert!(read("c").is_empty() && read("10.0.0.1").is_empty());
        assert!(read_hosts(Path::new("/nonexistent"), "a").is_empty());
    }
}
