//! The shape of an exchange: the request and its reply, the hooks that rooms hang into its way, and the faults
//! that end it early. No room is known here by name.

pub mod account;
pub mod body;
pub mod dates;
pub mod exchange;
pub mod fault;
pub mod file_body;
pub mod hooks;
pub mod metrics;
pub mod reply;
pub mod request_id;
pub mod shared;
pub mod statuses;
pub mod variables;

pub mod worker;

pub use account::Account;
pub use body::Body;
pub use exchange::{Client, ConnectionFacts, Downstream, Exchange, Scheme};
pub use fault::Fault;
pub use hooks::{Flow, Hooks};
pub use reply::Reply;
pub use worker::WorkerContext;
