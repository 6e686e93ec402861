//! Makes the kernel spread connections as badly as it can, to test what is done about it.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Sends all connections for the port of `listener` (`SO_REUSEPORT`) to the first socket of those that share it,
/// instead of by a hash of the addresses. It holds for sockets that join later too, and when the first one leaves,
/// for whichever takes its place.
///
/// # Errors
/// The kernel takes no such program.
pub fn send_all_to_the_first(listener: impl AsFd) -> io::Result<()> {
    // One instruction: return 0, the index of the first socket.
    let mut program = [libc::sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: 0 }];
    let filter = libc::sock_fprog { len: 1, filter: program.as_mut_ptr() };
    // SAFETY: `filter` and the program it points to live until the call returns, and the size is that of `filter`.
    let code = unsafe {
        libc::setsockopt(
            listener.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_REUSEPORT_CBPF,
            (&raw const filter).cast(),
            size_of_val(&filter) as libc::socklen_t,
        )
    };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
