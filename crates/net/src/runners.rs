//! Futures that are used again: a long-lived loop takes one job after the other, so that a job costs no allocation
//! and its state lies in no idle connection.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// Idle loops kept for the next job.
const IDLE_MAX: usize = 1024;

/// The loops of one worker that take jobs `J` and return outcomes `O`.
pub struct Runners<J, O> {
    idle: RefCell<Vec<Runner<J, O>>>,
    make: MakeLoop<J, O>,
}

type MakeLoop<J, O> = Box<dyn Fn(Mailbox<J, O>) -> Pin<Box<dyn Future<Output = Infallible>>>>;

struct Runner<J, O> {
    work: Pin<Box<dyn Future<Output = Infallible>>>,
    mailbox: Mailbox<J, O>,
}

/// How a loop gets its jobs and gives back their outcomes.
pub struct Mailbox<J, O>(Rc<RefCell<Slots<J, O>>>);

struct Slots<J, O> {
    job: Option<J>,
    outcome: Option<O>,
}

impl<J, O> std::fmt::Debug for Runners<J, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runners").field("idle", &self.idle.borrow().len()).finish_non_exhaustive()
    }
}

impl<J, O> std::fmt::Debug for Mailbox<J, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailbox").finish_non_exhaustive()
    }
}

impl<J, O> Mailbox<J, O> {
    /// Waits for the next job.
    pub async fn take(&self) -> J {
        std::future::poll_fn(|_| match self.0.borrow_mut().job.take() {
            Some(job) => Poll::Ready(job),
            // Only a job makes the loop be polled again, so no waker is kept.
            None => Poll::Pending,
        })
        .await
    }

    /// Gives back the outcome of the job taken last.
    pub fn finish(&self, outcome: O) {
        self.0.borrow_mut().outcome = Some(outcome);
    }
}

impl<J, O> Runners<J, O> {
    /// Loops made by `make` when none is idle: each must take a job, finish it, and begin anew.
    pub fn new<F>(make: impl Fn(Mailbox<J, O>) -> F + 'static) -> Self
    where
        F: Future<Output = Infallible> + 'static,
    {
        Self { idle: RefCell::default(), make: Box::new(move |mailbox| Box::pin(make(mailbox))) }
    }

    /// Has an idle loop, or a new one, do `job`. Dropped before its end, the job ends with it.
    pub fn run(self: Rc<Self>, job: J) -> Running<J, O> {
        let kept = self.idle.borrow_mut().pop();
        let runner = kept.unwrap_or_else(|| {
            let mailbox = Rc::new(RefCell::new(Slots { job: None, outcome: None }));
            let work = (self.make)(Mailbox(Rc::clone(&mailbox)));
            Runner { work, mailbox: Mailbox(mailbox) }
        });
        runner.mailbox.0.borrow_mut().job = Some(job);
        Running { runner: Some(runner), home: self }
    }
}

/// A job being done; see [`Runners::run`]. Written by hand, so that it is as small as can be: it stands in the future
/// of every connection.
pub struct Running<J, O> {
    /// There until the job is done.
    runner: Option<Runner<J, O>>,
    home: Rc<Runners<J, O>>,
}

impl<J, O> std::fmt::Debug for Running<J, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").finish_non_exhaustive()
    }
}

impl<J, O> Future for Running<J, O> {
    type Output = O;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O> {
        let Some(runner) = &mut self.runner else { return Poll::Pending };
        let outcome = ready!(runner.poll(cx));
        let done = self.runner.take();
        let mut idle = self.home.idle.borrow_mut();
        if idle.len() < IDLE_MAX {
            idle.extend(done);
        }
        Poll::Ready(outcome)
    }
}

impl<J, O> Runner<J, O> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<O> {
        let Poll::Pending = self.work.as_mut().poll(cx);
        match self.mailbox.0.borrow_mut().outcome.take() {
            Some(outcome) => Poll::Ready(outcome),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn one_loop_does_one_job_after_the_other() {
        let made = Rc::new(Cell::new(0));
        let counted = Rc::clone(&made);
        let runners: Rc<Runners<u32, u32>> = Rc::new(Runners::new(move |mailbox: Mailbox<u32, u32>| {
            counted.set(counted.get() + 1);
            async move {
                loop {
                    let job = mailbox.take().await;
                    mailbox.finish(job * 2);
                }
            }
        }));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        for job in 0..5 {
            assert_eq!(std::pin::pin!(Rc::clone(&runners).run(job)).poll(&mut cx), Poll::Ready(job * 2));
        }
        assert_eq!(made.get(), 1);
    }
}
