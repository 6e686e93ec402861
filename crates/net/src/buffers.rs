//! A worker's pool of byte buffers: what a busy connection borrows and an idle one does not hold.

use std::cell::{Cell, RefCell};
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// Capacity of a pooled buffer, in bytes: a message head, or one read of a body.
pub const BUFFER_BYTES: usize = 16 * 1024;

/// Buffers that a worker keeps for reuse, at the most; what comes back beyond is freed.
const KEPT_MAX: usize = 256;

/// The buffers of one worker.
#[derive(Debug, Default)]
pub struct Buffers {
    kept: RefCell<Vec<Vec<u8>>>,
    lent: Cell<usize>,
}

impl Buffers {
    /// An empty pool.
    pub fn new() -> Rc<Self> {
        Rc::default()
    }

    /// An empty buffer with room for [`BUFFER_BYTES`].
    pub fn take(self: &Rc<Self>) -> Buffer {
        let bytes = self.kept.borrow_mut().pop().unwrap_or_else(|| Vec::with_capacity(BUFFER_BYTES));
        self.lent.set(self.lent.get() + 1);
        Buffer { bytes, pool: Rc::clone(self) }
    }

    /// How many buffers are in use.
    pub fn lent(&self) -> usize {
        self.lent.get()
    }
}

/// A growable run of bytes on loan from a worker's pool; dropping it gives it back.
#[derive(Debug)]
pub struct Buffer {
    bytes: Vec<u8>,
    pool: Rc<Buffers>,
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.pool.lent.set(self.pool.lent.get() - 1);
        let mut kept = self.pool.kept.borrow_mut();
        // One that grew for a large head is not kept, or every buffer would end up that large.
        if self.bytes.capacity() <= BUFFER_BYTES && kept.len() < KEPT_MAX {
            let mut bytes = std::mem::take(&mut self.bytes);
            bytes.clear();
            kept.push(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_empty_and_a_grown_one_does_not() {
        let pool = Buffers::new();
        let mut one = pool.take();
        one.extend_from_slice(b"abc");
        drop(one);
        let mut again = pool.take();
        assert!(again.is_empty() && pool.kept.borrow().is_empty());
        again.reserve(BUFFER_BYTES * 2);
        drop(again);
        assert_eq!((pool.lent(), pool.kept.borrow().len()), (0, 0));
    }
}
