//! What is noted when an exchange is over: figures for the log, counters for the metrics.

use propylon_net::clock;
use propylon_pipeline::{Exchange, Reply};

use super::write::Written;
use crate::worker::Worker;

/// Completes the exchange's account and counts it.
pub(super) fn account(worker: &Worker, x: &mut Exchange, reply: &Reply, written: &Written) {
    let account = &mut x.account;
    account.status = if matches!(written, Written::ClientGone) { 0 } else { reply.status };
    account.total_time = clock::now().since(x.begun);
    if let Some(fault) = &reply.fault {
        account.fault = Some(fault.name());
        account.fault_detail = Some(fault.to_string().into());
    }
    match written {
        Written::ClientGone => account.fault = account.fault.or(Some("client-gone")),
        Written::Cut => account.fault = account.fault.or(Some("reply-cut-short")),
        Written::Whole { .. } | Written::Tunnel(_) => {}
    }
    worker.counters.count(account);
}
