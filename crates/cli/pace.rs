//! How fast scenarios are answered: a line now and then where no bar is drawn.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Counts what is done, from any thread.
pub(crate) struct Pace {
    total: usize,
    done: AtomicUsize,
    started: Instant,
    said: Mutex<Instant>,
    every: Duration,
    speaks: bool,
}

impl Pace {
    pub(crate) fn new(total: usize, every_seconds: u32, speaks: bool) -> Self {
        let now = Instant::now();
        let every = Duration::from_secs(every_seconds.into());
        Self { total, done: AtomicUsize::new(0), started: now, said: Mutex::new(now), every, speaks }
    }

    /// One more is done.
    pub(crate) fn tick(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if !self.speaks {
            return;
        }
        // Whoever finds the lock taken has nothing to say.
        let Ok(mut said) = self.said.try_lock() else { return };
        if said.elapsed() >= self.every {
            *said = Instant::now();
            let (per_second, seconds_left) = (self.per_second(), self.seconds_left(done));
            tracing::info!(done, total = self.total, per_second, seconds_left, "answering");
        }
    }

    /// Seconds since the start, rounded to tenths.
    pub(crate) fn seconds(&self) -> f64 {
        tenths(self.started.elapsed().as_secs_f64())
    }

    /// Scenarios per second so far, rounded to tenths.
    #[allow(clippy::cast_precision_loss)] // A rate for people.
    pub(crate) fn per_second(&self) -> f64 {
        tenths(self.done.load(Ordering::Relaxed) as f64 / self.started.elapsed().as_secs_f64().max(1e-3))
    }

    #[allow(clippy::cast_precision_loss)] // An estimate for people.
    fn seconds_left(&self, done: usize) -> f64 {
        let per_scenario = self.started.elapsed().as_secs_f64() / done.max(1) as f64;
        tenths(per_scenario * self.total.saturating_sub(done) as f64)
    }
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}
