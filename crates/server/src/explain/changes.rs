//! What a step has changed about a request, found by looking before and after.

use propylon_pipeline::Exchange;

use super::{target, text};

/// Fields whose values are nobody's business, not even an admin's terminal.
const SECRET: [&str; 3] = ["authorization", "proxy-authorization", "cookie"];

/// What a step may change.
pub(super) struct Snapshot {
    target: String,
    client: String,
    fields: Vec<(String, String)>,
}

impl Snapshot {
    pub(super) fn of(x: &Exchange) -> Self {
        let address = x.client.address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
        let fields = x.request.fields.iter().map(|field| (text(field.name), text(field.value)));
        Self {
            target: target(x),
            client: format!("{address} over {}", x.client.scheme.as_str()),
            fields: fields.collect(),
        }
    }

    /// The differences, in words.
    pub(super) fn changes(&self, after: &Self) -> String {
        let mut changes = Vec::new();
        if self.target != after.target {
            changes.push(format!("{} → {}", self.target, after.target));
        }
        if self.client != after.client {
            changes.push(format!("the client is {}", after.client));
        }
        for field in after.fields.iter().filter(|field| !self.fields.contains(field)) {
            changes.push(format!("sets {}: {}", field.0, shown(field)));
        }
        let gone =
            self.fields.iter().filter(|(name, _)| !after.fields.iter().any(|(other, _)| other == name));
        changes.extend(gone.map(|(name, _)| format!("removes {name}")));
        if changes.is_empty() { "continues".to_owned() } else { changes.join("; ") }
    }
}

fn shown((name, value): &(String, String)) -> &str {
    let secret = SECRET.iter().any(|secret| name.eq_ignore_ascii_case(secret));
    if secret { "(hidden)" } else { value }
}
