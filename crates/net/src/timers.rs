//! A worker's deadlines: one coarse wheel behind one timer of the kernel, because a runtime timer per read is dear.
//!
//! Moving a deadline later, which is what nearly every read does, is a store into a cell. The wheel finds out when
//! the old slot comes round and files the timer anew.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use propylon_base::clock::Moment;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use tokio::io::Interest;

use crate::clock;
use crate::watched::Watched;

/// How exact a deadline is: it is kept at most this much late.
pub const TICK: Duration = Duration::from_millis(50);
const TICK_NANOS: u64 = 50_000_000;

/// Slots of the wheel; a deadline further away than all of them comes round more than once.
const SLOTS: u64 = 1024;

/// No slot: the timer has no deadline, or none that the wheel was told of.
const UNFILED: u64 = u64::MAX;

/// The timers of one worker.
#[derive(Debug)]
pub struct Timers {
    wheel: RefCell<Wheel>,
    alarm: Watched,
}

impl Timers {
    /// An empty wheel on the current runtime; [`Timers::run`] must be polled there.
    ///
    /// # Errors
    /// When the kernel grants no timer.
    pub fn new() -> io::Result<Rc<Self>> {
        let fd = rustix::time::timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        let alarm = Watched::new(fd, Interest::READABLE);
        Ok(Rc::new(Self { wheel: RefCell::new(Wheel::new(tick_of(clock::exact()))), alarm }))
    }

    /// A timer without a deadline.
    pub fn timer(self: &Rc<Self>) -> Timer {
        Timer { key: self.wheel.borrow_mut().insert(), timers: Rc::clone(self) }
    }

    /// Wakes the tasks whose deadline has passed, for as long as it is polled.
    ///
    /// # Errors
    /// When the kernel's timer fails, which ends the worker.
    pub async fn run(self: Rc<Self>) -> io::Result<()> {
        loop {
            self.alarm.watch()?.readable().await?.clear_ready();
            let mut expirations = [0; 8];
            let _ = rustix::io::read(&self.alarm, &mut expirations);
            let mut wheel = self.wheel.borrow_mut();
            wheel.armed = UNFILED;
            let due = wheel.advance(tick_of(clock::exact()));
            let next = wheel.next_filed();
            drop(wheel);
            due.into_iter().for_each(Waker::wake);
            if let Some(tick) = next {
                self.arm(tick);
            }
        }
    }

    /// Wakes every task that waits on a timer, so that it looks around: the worker has something to tell all.
    pub fn wake_all(&self) {
        let wakers: Vec<Waker> =
            self.wheel.borrow().entries.iter().filter_map(|entry| entry.waker.clone()).collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    fn arm(&self, tick: u64) {
        let mut wheel = self.wheel.borrow_mut();
        if tick >= wheel.armed {
            return;
        }
        wheel.armed = tick;
        let nanos = tick.saturating_mul(TICK_NANOS);
        let value = Timespec {
            tv_sec: i64::try_from(nanos / 1_000_000_000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(nanos % 1_000_000_000).unwrap_or(0),
        };
        let spec = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
        // It fails only for a bad descriptor or a bad time, and we hold the one and made the other.
        let _ = rustix::time::timerfd_settime(&self.alarm, TimerfdTimerFlags::ABSTIME, &spec);
    }
}

/// One task's deadline; it wakes the task that last waited on it.
#[derive(Debug)]
pub struct Timer {
    key: u32,
    timers: Rc<Timers>,
}

/// The deadline passed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired;

impl Timer {
    /// Runs `future`, but not beyond `deadline`. May be nested: the earlier deadline holds.
    pub fn until<F: Future + Unpin>(&self, deadline: Moment, future: F) -> Until<'_, F> {
        Until { timer: self, deadline, future }
    }

    /// Runs a poll function, but not beyond `deadline`.
    pub fn poll_until<T, F>(&self, deadline: Moment, poll: F) -> Until<'_, std::future::PollFn<F>>
    where
        F: FnMut(&mut Context<'_>) -> Poll<T> + Unpin,
    {
        self.until(deadline, std::future::poll_fn(poll))
    }

    /// Waits for `deadline`.
    pub async fn sleep_until(&self, deadline: Moment) {
        let _ = self.poll_until(deadline, |_| Poll::<()>::Pending).await;
    }

    /// The other timers' home, to make one more for a task within this task.
    pub fn timers(&self) -> &Rc<Timers> {
        &self.timers
    }

    /// Sees to it that the task is woken at `deadline`, or before.
    ///
    /// Returns `Err` when it has passed.
    pub fn poll_deadline(&self, cx: &mut Context<'_>, deadline: Moment) -> Result<(), Expired> {
        if deadline == Moment::NEVER {
            return Ok(());
        }
        if clock::now() >= deadline {
            return Err(Expired);
        }
        let filed = self.timers.wheel.borrow_mut().set(self.key, tick_of(deadline) + 1, cx.waker());
        if let Some(tick) = filed {
            self.timers.arm(tick);
        }
        Ok(())
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.timers.wheel.borrow_mut().remove(self.key);
    }
}

/// Future of [`Timer::until`].
#[derive(Debug)]
pub struct Until<'t, F> {
    timer: &'t Timer,
    deadline: Moment,
    future: F,
}

impl<F: Future + Unpin> Future for Until<'_, F> {
    type Output = Result<F::Output, Expired>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(output) = Pin::new(&mut self.future).poll(cx) {
            return Poll::Ready(Ok(output));
        }
        match self.timer.poll_deadline(cx, self.deadline) {
            Ok(()) => Poll::Pending,
            Err(expired) => Poll::Ready(Err(expired)),
        }
    }
}

fn tick_of(moment: Moment) -> u64 {
    moment.as_nanos() / TICK_NANOS
}

/// The wheel proper: pure, driven by tick numbers.
#[derive(Debug)]
struct Wheel {
    entries: Vec<Entry>,
    free: Vec<u32>,
    slots: Vec<Vec<Filed>>,
    /// The last tick whose slot has been emptied.
    now: u64,
    /// The tick for which the kernel's timer is set.
    armed: u64,
}

#[derive(Debug, Default)]
struct Entry {
    /// Counts the lives of this place, so that a slot's note about an earlier life is known as stale.
    life: u32,
    deadline: u64,
    /// The tick whose slot holds the valid note about this entry.
    filed: u64,
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug)]
struct Filed {
    key: u32,
    life: u32,
}

impl Wheel {
    fn new(now: u64) -> Self {
        let slots = (0..SLOTS).map(|_| Vec::new()).collect();
        Self { entries: Vec::new(), free: Vec::new(), slots, now, armed: UNFILED }
    }

    fn insert(&mut self) -> u32 {
        let key = self.free.pop().unwrap_or_else(|| {
            self.entries.push(Entry::default());
            u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
        });
        let entry = &mut self.entries[key as usize];
        (entry.deadline, entry.filed) = (UNFILED, UNFILED);
        key
    }

    fn remove(&mut self, key: u32) {
        let entry = &mut self.entries[key as usize];
        entry.life = entry.life.wrapping_add(1);
        entry.waker = None;
        self.free.push(key);
    }

    /// Sets the deadline; returns the tick if the entry had to be filed, `None` if its note still serves.
    fn set(&mut self, key: u32, deadline: u64, waker: &Waker) -> Option<u64> {
        let entry = &mut self.entries[key as usize];
        match &mut entry.waker {
            Some(kept) => kept.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        entry.deadline = deadline;
        (deadline < entry.filed).then(|| self.file(key, deadline))
    }

    fn file(&mut self, key: u32, deadline: u64) -> u64 {
        let tick = deadline.clamp(self.now + 1, self.now + SLOTS);
        let entry = &mut self.entries[key as usize];
        entry.filed = tick;
        self.slots[(tick % SLOTS) as usize].push(Filed { key, life: entry.life });
        tick
    }

    /// Empties the slots up to `now` and returns the wakers of those whose time has come.
    fn advance(&mut self, now: u64) -> Vec<Waker> {
        let mut due = Vec::new();
        // Beyond one turn every slot has been seen.
        for tick in self.now + 1..=now.min(self.now + SLOTS) {
            let mut slot = std::mem::take(&mut self.slots[(tick % SLOTS) as usize]);
            self.now = tick;
            for Filed { key, life } in slot.drain(..) {
                let entry = &mut self.entries[key as usize];
                if entry.life != life || entry.filed != tick {
                    continue;
                }
                entry.filed = UNFILED;
                if entry.deadline <= now {
                    entry.deadline = UNFILED;
                    due.extend(entry.waker.clone());
                } else if entry.deadline != UNFILED {
                    let deadline = entry.deadline;
                    self.file(key, deadline);
                }
            }
            // A slot that was crowded once need not keep its room for ever.
            if slot.capacity() <= 64 && self.slots[(tick % SLOTS) as usize].is_empty() {
                self.slots[(tick % SLOTS) as usize] = slot;
            }
        }
        self.now = self.now.max(now);
        due
    }

    fn next_filed(&self) -> Option<u64> {
        (self.now + 1..=self.now + SLOTS).find(|tick| !self.slots[(tick % SLOTS) as usize].is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wakes(wheel: &mut Wheel, until: u64) -> Vec<u64> {
        (wheel.now + 1..=until).flat_map(|tick| wheel.advance(tick).into_iter().map(move |_| tick)).collect()
    }

    #[test]
    fn a_deadline_moved_later_fires_once_at_the_later_time() {
        let mut wheel = Wheel::new(10);
        let key = wheel.insert();
        assert_eq!(wheel.set(key, 15, Waker::noop()), Some(15));
        assert_eq!(wheel.set(key, 40, Waker::noop()), None);
        assert_eq!(wakes(&mut wheel, 100), [40]);
    }

    #[test]
    fn a_deadline_moved_earlier_fires_at_the_earlier_time() {
        let mut wheel = Wheel::new(0);
        let key = wheel.insert();
        wheel.set(key, 50, Waker::noop());
        assert_eq!(wheel.set(key, 5, Waker::noop()), Some(5));
        assert_eq!(wakes(&mut wheel, 100), [5]);
    }

    #[test]
    fn a_deadline_beyond_one_turn_fires_on_time() {
        let mut wheel = Wheel::new(3);
        let key = wheel.insert();
        wheel.set(key, 3 * SLOTS + 7, Waker::noop());
        assert_eq!(wakes(&mut wheel, 4 * SLOTS), [3 * SLOTS + 7]);
    }

    #[test]
    fn a_removed_timer_stays_silent_and_its_place_serves_again() {
        let mut wheel = Wheel::new(0);
        let key = wheel.insert();
        wheel.set(key, 5, Waker::noop());
        wheel.remove(key);
        let again = wheel.insert();
        assert_eq!(key, again);
        wheel.set(again, 9, Waker::noop());
        assert_eq!(wakes(&mut wheel, 20), [9]);
    }

    #[test]
    fn a_long_sleep_of_the_thread_loses_no_timer() {
        let mut wheel = Wheel::new(0);
        for deadline in [5, 700, 1500] {
            let key = wheel.insert();
            wheel.set(key, deadline, Waker::noop());
        }
        assert_eq!(wheel.advance(5000).len(), 3);
    }
}
