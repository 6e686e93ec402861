//! The way to the origins: groups of endpoints, connections to them, pools that keep those alive, and the bodies
//! that come back over them.
//!
//! It knows no configuration: what a group is made of is handed to it as plain values.

pub mod body;
pub mod connect;
pub mod fault;
pub mod group;
pub mod names;
pub mod pool;
pub mod upload;

pub use body::OriginBody;
pub use fault::{OriginFault, OriginFaultKind};
pub use group::{Endpoint, Group, Lease, Limits};
pub use pool::{Pool, Pools};
pub use upload::Upload;
