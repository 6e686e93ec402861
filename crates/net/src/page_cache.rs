//! What of a file is in memory, so that a worker never waits for a disk.
//!
//! `sendfile` and `read` block on a page that is not there. Before each chunk a worker asks [`is_resident`]; if it is
//! not, [`read_ahead`] brings it in on the offload pool.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{Advice, FsWord, fadvise, fstatfs};
use rustix::io::{Errno, ReadWriteFlags, pread, preadv2};

/// The stride at which [`read_ahead`] touches a range: the smallest page there is.
const PAGE_BYTES: u64 = 4096;

/// What `fstatfs` calls a tmpfs.
const TMPFS_MAGIC: FsWord = 0x0102_1994;

/// Whether the range can be sent without waiting for the disk.
///
/// Only its first and last byte are probed: two calls, and pages in between arrive with the same readahead. An empty
/// range, and one that begins at or after the end of the file, is resident. `Unsupported` means that the file system
/// cannot say (network file systems, some overlays): treat the range as cold.
pub fn is_resident(file: impl AsFd, offset: u64, length: u64) -> io::Result<bool> {
    let file = file.as_fd();
    let Some(last) = length.checked_sub(1).and_then(|rest| offset.checked_add(rest)) else { return Ok(true) };
    for place in [offset, last] {
        match read_at_nowait(file, &mut [0], place) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            // tmpfs does not know the flag, having nothing to wait for.
            Err(error) if error.kind() == io::ErrorKind::Unsupported && is_in_memory(file) => {
                return Ok(true);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Reads what is in memory. `WouldBlock` when the first page is not, `Unsupported` when the file system cannot tell;
/// `Ok(0)` is the end of the file.
pub fn read_at_nowait(file: impl AsFd, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let file = file.as_fd();
    loop {
        match preadv2(file, &mut [IoSliceMut::new(buffer)], offset, ReadWriteFlags::NOWAIT) {
            Err(Errno::INTR) => {}
            Err(Errno::OPNOTSUPP) => return Err(io::ErrorKind::Unsupported.into()),
            result => return Ok(result?),
        }
    }
}

/// Reads and waits for the disk: for the offload pool. `Ok(0)` is the end of the file.
pub fn read_at(file: impl AsFd, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let file = file.as_fd();
    loop {
        match pread(file, &mut *buffer, offset) {
            Err(Errno::INTR) => {}
            result => return Ok(result?),
        }
    }
}

/// Brings the range into memory and waits until it is there: for the offload pool.
pub fn read_ahead(file: impl AsFd, offset: u64, length: u64) -> io::Result<()> {
    let file = file.as_fd();
    let Some(length) = std::num::NonZeroU64::new(length) else { return Ok(()) };
    // One large request to the device; a hint, so its failure is no failure.
    let _ = fadvise(file, offset, Some(length), Advice::WillNeed);
    // The hint does not wait. Touching each page does, and costs nothing beside a disk.
    let end = offset.saturating_add(length.get());
    let mut place = offset;
    while place < end {
        if read_at(file, &mut [0], place)? == 0 {
            break;
        }
        place = (place / PAGE_BYTES + 1) * PAGE_BYTES;
    }
    Ok(())
}

fn is_in_memory(file: BorrowedFd<'_>) -> bool {
    fstatfs(file).is_ok_and(|system| system.f_type == TMPFS_MAGIC)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(length: usize) -> std::fs::File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![7; length]).unwrap();
        file
    }

    #[test]
    fn reads_what_is_there() {
        let file = file(10_000);
        let mut buffer = [0; 4096];
        assert_eq!(read_at(&file, &mut buffer, 9_990).unwrap(), 10);
        assert_eq!(read_at(&file, &mut buffer, 10_000).unwrap(), 0);
        assert_eq!(buffer[..10], [7; 10]);
    }

    #[test]
    fn tells_residency() {
        let file = file(1 << 20);
        read_ahead(&file, 0, u64::MAX).unwrap();
        read_ahead(&file, 5, 0).unwrap();
        match is_resident(&file, 0, 1 << 20) {
            Ok(resident) => assert!(resident),
            Err(error) => return assert_eq!(error.kind(), io::ErrorKind::Unsupported),
        }
        assert!(is_resident(&file, 2 << 20, 10).unwrap());
        assert!(is_resident(&file, 3, 0).unwrap());
        assert_eq!(read_at_nowait(&file, &mut [0; 100], (1 << 20) - 50).unwrap(), 50);
    }

    #[test]
    fn trusts_memory_file_systems() {
        let Ok(mut file) = tempfile::tempfile_in("/dev/shm") else { return };
        file.write_all(&[7; 100]).unwrap();
        assert!(is_resident(&file, 0, 100).unwrap());
    }

    #[test]
    fn notices_a_cold_range() {
        let file = file(1 << 20);
        file.sync_all().unwrap();
        // The kernel may keep the pages (tmpfs always does), so only the way back is certain.
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
        if matches!(is_resident(&file, 0, 1 << 20), Ok(false)) {
            read_ahead(&file, 0, 1 << 20).unwrap();
            assert!(is_resident(&file, 0, 1 << 20).unwrap());
        }
    }
}
