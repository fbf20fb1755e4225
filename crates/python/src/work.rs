//! Work on threads of its own, while the interpreter goes on: it sees signals, shows progress and may end the work.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use pyo3::prelude::*;
use reorient_app::{Failure, contain, stop_here};

use crate::errors::raise;

/// How often signals are looked at and progress is shown.
const TICK: Duration = Duration::from_millis(40);

/// How far the work is, and whether it shall end.
#[derive(Debug, Default)]
pub(crate) struct Ticker {
    done: AtomicU64,
    total: AtomicU64,
    stop: AtomicBool,
}

impl Ticker {
    /// How much there is to do.
    pub(crate) fn expect(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    /// How much is done; ends the work where the user wants that.
    pub(crate) fn reach(&self, done: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.end_if_asked();
    }

    /// One more is done; ends the work where the user wants that.
    pub(crate) fn tick(&self) {
        self.count();
        self.end_if_asked();
    }

    /// One more is done.
    pub(crate) fn count(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Becomes true when the work shall end.
    pub(crate) const fn stop(&self) -> &AtomicBool {
        &self.stop
    }

    fn end_if_asked(&self) {
        if self.stop.load(Ordering::Relaxed) {
            stop_here();
        }
    }
}

/// Runs a job on `threads` threads, or on all. `progress` is called with what is done and the total, where it is known. Where
/// `finishes` is set, an interrupt waits until the job has put away what it has; otherwise it returns at once.
pub(crate) fn work<T: Send + 'static>(
    py: Python<'_>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
    finishes: bool,
    job: impl FnOnce(&Ticker) -> Result<T, Failure> + Send + 'static,
) -> PyResult<T> {
    // The threads of all calls are lost in a child that was forked after the first one.
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = threads.or_else(|| is_forked().then(cores));
    let ticker = Arc::new(Ticker::default());
    let own = Arc::clone(&ticker);
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let done = contain(|| match threads {
            Some(threads) => {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(Failure::internal)?;
                pool.install(|| job(&own))
            }
            None => job(&own),
        });
        // Nobody may be waiting any more.
        drop(sender.send(done));
    });
    let receiver = Mutex::new(receiver);
    let wait = |most: Duration| receiver.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(most);
    let mut shown = (0, 0);
    let done = loop {
        match py.detach(|| wait(TICK)) {
            Ok(done) => break done,
            Err(RecvTimeoutError::Disconnected) => break Err(Failure::internal(anyhow!("a thread ended early"))),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Err(error) = py.check_signals().and_then(|()| show(progress, &ticker, &mut shown)) {
            ticker.stop.store(true, Ordering::Relaxed);
            while finishes && py.detach(|| wait(TICK)).is_err_and(|error| error == RecvTimeoutError::Timeout) {}
            return Err(error);
        }
    };
    show(progress, &ticker, &mut shown)?;
    done.map_err(|failure| raise(py, &failure))
}

/// Whether this process is a copy of one that has worked.
fn is_forked() -> bool {
    static FIRST: OnceLock<u32> = OnceLock::new();
    *FIRST.get_or_init(std::process::id) != std::process::id()
}

/// Tells of progress where there is any.
fn show(progress: Option<&Bound<'_, PyAny>>, ticker: &Ticker, shown: &mut (u64, u64)) -> PyResult<()> {
    let now = (ticker.done.load(Ordering::Relaxed), ticker.total.load(Ordering::Relaxed));
    if let Some(progress) = progress.filter(|_| now != *shown) {
        progress.call1(now)?;
    }
    *shown = now;
    Ok(())
}
