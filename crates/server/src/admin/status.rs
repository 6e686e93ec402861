//! How things stand, as JSON.

use propylon_config::Json;
use propylon_features::proxy::upstream::Upstream;
use propylon_net::{clock, limits};
use propylon_origin::Endpoint;
use propylon_origin::group::Target;
use propylon_origin::names::Condition;
use serde_json::json;

use crate::control::Control;

/// All that `GET /status` tells.
pub(super) fn status(control: &Control) -> Json {
    let plan = control.plan();
    let shared = control.shared();
    let workers: Vec<Json> =
        shared.loads().map(|connections| json!({ "connections": connections })).collect();
    let listeners = plan.listeners.iter();
    let listeners: Vec<Json> = listeners
        .map(|listener| json!({ "name": &*listener.name, "address": listener.address.to_string() }))
        .collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "uptime_seconds": clock::exact().since(control.begun()).as_secs(),
        "ready": control.is_ready(),
        "draining": !control.is_ready(),
        "generation": plan.generation,
        "config": control.source().path().display().to_string(),
        "sites": plan.sites.len(),
        "routes": plan.answered_routes(),
        "workers": workers,
        "listeners": listeners,
        "upstreams": plan.upstreams().iter().map(|upstream| describe(upstream)).collect::<Vec<_>>(),
        "descriptors": { "open": limits::open_files().ok(), "limit": shared.descriptors_max },
    })
}

fn describe(upstream: &Upstream) -> Json {
    let endpoints: Vec<Json> = upstream.endpoints().iter().map(endpoint).collect();
    json!({ "name": upstream.name(), "endpoints": endpoints })
}

fn endpoint(endpoint: &Endpoint) -> Json {
    let (addresses, condition) = match &endpoint.target {
        Target::Fixed(address) => (vec![address.to_string()], "fixed".to_owned()),
        Target::Name(host, port) => {
            let state = host.state();
            let addresses = state.addresses.iter();
            let addresses = addresses.map(|ip| std::net::SocketAddr::new(*ip, *port).to_string()).collect();
            let condition = match state.condition {
                Condition::Pending => "pending".to_owned(),
                Condition::Resolved => "resolved".to_owned(),
                Condition::Failing(error) => format!("failing: {error}"),
            };
            (addresses, condition)
        }
    };
    json!({
        "url": &*endpoint.name,
        "weight": endpoint.weight,
        "addresses": addresses,
        "condition": condition,
    })
}
