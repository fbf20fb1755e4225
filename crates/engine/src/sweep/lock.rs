//! Who may write: one process for a whole sweep, or one for each of its shards side by side.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::StoreError;

/// Shards of a sweep.
const MOST: u32 = 100_000;

/// A part of a sweep, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which one.
    pub index: u32,
    /// Of how many.
    pub of: u32,
}

impl Shard {
    /// All of a sweep.
    pub const WHOLE: Self = Self { index: 1, of: 1 };

    /// Scenarios of this shard of a plan: neighbours, which share most.
    pub fn range(self, n_scenarios: usize) -> std::ops::Range<usize> {
        let cut = |index: u32| n_scenarios * index as usize / self.of as usize;
        cut(self.index - 1)..cut(self.index)
    }

    /// Its name as a writer.
    pub fn writer(self) -> String {
        if self == Self::WHOLE { "whole".to_owned() } else { format!("shard-{}-of-{}", self.index, self.of) }
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.index, self.of)
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    /// `1/4` to `4/4`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (index, of) = text.split_once('/').ok_or("write which of how many, such as 1/4")?;
        let number = |text: &str| text.trim().parse::<u32>().map_err(|_| format!("`{text}` is no number; write such as 1/4"));
        match (number(index)?, number(of)?) {
            (index, of) if (1..=of).contains(&index) && of <= MOST => Ok(Self { index, of }),
            (_, 0) => Err("there must be at least 1 shard, as in 1/1".to_owned()),
            (_, of) if of > MOST => Err(format!("there can be at most {MOST} shards")),
            (_, of) => Err(format!("shards are counted from 1/{of} to {of}/{of}")),
        }
    }
}

/// The right to write. It goes when this is dropped, or when the process ends in any way.
#[derive(Debug)]
pub struct WriteLock {
    folder: PathBuf,
    own: String,
    /// Whether nobody else writes.
    alone: bool,
    shared: File,
    _exclusive: File,
}

/// Held by every writer together, or by one alone.
const ALL: &str = "all.lock";

impl WriteLock {
    /// Takes the lock of a shard in a folder of locks, which is made if need be.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when another process writes the same shard, or the whole sweep.
    pub fn take(folder: &Path, shard: Shard) -> Result<Self, StoreError> {
        let unwritable = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Write { path, source }
        };
        fs::create_dir_all(folder).map_err(unwritable(folder))?;
        let file = |name: &str| {
            let path = folder.join(name);
            File::options().create(true).truncate(false).write(true).open(&path).map_err(unwritable(&path))
        };
        let busy = |what: &str| StoreError::Busy { path: folder.to_owned(), problem: what.to_owned() };
        let own = shard.writer();
        let exclusive = file(&format!("{own}.lock"))?;
        try_lock(exclusive.try_lock(), folder, || {
            let whom = if shard == Shard::WHOLE { "this sweep".to_owned() } else { format!("shard {shard} of this sweep") };
            busy(&format!("another process is running {whom}; wait for its end, or choose another folder"))
        })?;
        let shared = file(ALL)?;
        let alone = shared.try_lock().is_ok();
        if shard == Shard::WHOLE {
            if !alone {
                return Err(busy("shards of this sweep are running; wait for their end, or run a shard with --shard"));
            }
        } else if !alone {
            share(&shared, || match file(&format!("{}.lock", Shard::WHOLE.writer()))?.try_lock() {
                Ok(()) => Ok(()),
                Err(_) => Err(busy("another process is running or merging the whole sweep; wait for its end")),
            })?;
        }
        Ok(Self { folder: folder.to_owned(), own, alone, shared, _exclusive: exclusive })
    }

    /// Whether no other process was writing when the lock was taken.
    pub const fn is_alone(&self) -> bool {
        self.alone
    }

    /// Lets other shards in.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when another process took the whole sweep in this moment.
    pub fn share(&mut self) -> Result<(), StoreError> {
        if self.alone && self.own != Shard::WHOLE.writer() {
            let failed = |source| StoreError::Write { path: self.folder.clone(), source };
            self.shared.unlock().map_err(failed)?;
            share(&self.shared, || Ok(()))?;
            self.alone = false;
        }
        Ok(())
    }

    /// Whether a writer of that name holds its lock.
    pub fn is_alive(&self, writer: &str) -> bool {
        if writer == self.own {
            return true;
        }
        let file = File::options().write(true).open(self.folder.join(format!("{writer}.lock")));
        // Only where there is no lock is it known that nobody holds it.
        file.map_or_else(|error| error.kind() != std::io::ErrorKind::NotFound, |file| file.try_lock().is_err())
    }
}

fn try_lock(taken: Result<(), TryLockError>, folder: &Path, busy: impl FnOnce() -> StoreError) -> Result<(), StoreError> {
    match taken {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(busy()),
        Err(TryLockError::Error(source)) => Err(StoreError::Write { path: folder.to_owned(), source }),
    }
}

/// Waits until the lock can be shared: a neighbour holds it alone for the moment in which it writes the plan. `go_on` ends the
/// wait where there is nothing to wait for.
fn share(file: &File, go_on: impl Fn() -> Result<(), StoreError>) -> Result<(), StoreError> {
    while file.try_lock_shared().is_err() {
        go_on()?;
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn shards_cover_a_plan_without_overlap() {
        for (n_scenarios, of) in [(0, 3), (1, 4), (10, 4), (1000, 7), (5, 5)] {
            let ranges: Vec<_> = (1..=of).map(|index| Shard { index, of }.range(n_scenarios)).collect();
            assert_eq!((ranges[0].start, ranges[ranges.len() - 1].end), (0, n_scenarios));
            assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
        }
        assert_eq!("2/4".parse(), Ok(Shard { index: 2, of: 4 }));
        for text in ["0/4", "5/4", "2", "a/4", "1/0", "-1/4"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
        for (text, said) in [("1/0", "at least 1"), ("0/0", "at least 1"), ("1/100001", "at most 100000"), ("0/4", "1/4 to 4/4")]
        {
            assert!(text.parse::<Shard>().unwrap_err().contains(said), "{text}");
        }
    }

    #[test]
    fn one_writer_per_shard_and_one_for_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let take = |text: &str| WriteLock::take(folder.path(), text.parse().unwrap());
        let mut first = take("1/2").unwrap();
        assert!(first.is_alone() && take("1/1").is_err());
        first.share().unwrap();
        let second = take("2/2").unwrap();
        assert!(!second.is_alone() && take("2/2").is_err() && take("1/1").is_err());
        assert!(second.is_alive("shard-1-of-2") && !second.is_alive("shard-1-of-3"));
        drop((first, second));
        let whole = take("1/1").unwrap();
        assert!(whole.is_alone() && take("1/1").is_err() && take("1/2").is_err());
    }
}
