//! The clocks of a worker: read once per wake-up, then served from a cell.

use std::cell::Cell;

use propylon_base::clock::{Moment, WallTime};
use rustix::time::{ClockId, Timespec, clock_gettime};

/// After so many reads the cell is filled anew, even if the thread never went to sleep in between.
const READS_MAX: u32 = 64;

thread_local! {
    static MOMENT: Cell<Moment> = const { Cell::new(Moment::from_nanos(0)) };
    static READS_LEFT: Cell<u32> = const { Cell::new(0) };
}

/// The monotonic time of this wake-up of the calling thread.
pub fn now() -> Moment {
    let left = READS_LEFT.get();
    if left > 0 {
        READS_LEFT.set(left - 1);
        return MOMENT.get();
    }
    let time = exact();
    MOMENT.set(time);
    READS_LEFT.set(READS_MAX);
    time
}

/// The monotonic time, read from the system this very moment.
pub fn exact() -> Moment {
    let time = clock_gettime(ClockId::Monotonic);
    Moment::from_nanos(seconds(&time) * 1_000_000_000 + nanos(&time))
}

/// The wall clock.
pub fn wall() -> WallTime {
    let time = clock_gettime(ClockId::Realtime);
    WallTime { secs: seconds(&time), nanos: u32::try_from(nanos(&time)).unwrap_or(0) }
}

/// Makes the next [`now`] read the clock: a runtime calls it when its thread wakes.
pub(crate) fn forget() {
    READS_LEFT.set(0);
}

fn seconds(time: &Timespec) -> u64 {
    u64::try_from(time.tv_sec).unwrap_or(0)
}

#[allow(
    clippy::useless_conversion,
    clippy::allow_attributes,
    reason = "the field's type differs between targets"
)]
fn nanos(time: &Timespec) -> u64 {
    u64::try_from(i64::from(time.tv_nsec)).unwrap_or(0)
}
