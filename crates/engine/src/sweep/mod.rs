//! Many scenarios in one night: a plan, a store that survives any end of the program, and the work between them.
//!
//! `file.rs` and `table.rs` read what is asked, `plan.rs` spells it out, `key.rs` names each result, `store.rs`, `segment.rs` and
//! `archive.rs` keep them, `lock.rs` keeps others out, `work.rs` answers what is missing, `again.rs` holds stored results against
//! what they follow from, `diff.rs` compares two nights.

mod again;
mod archive;
mod diff;
mod error;
mod file;
mod golden;
mod key;
mod lock;
mod plan;
mod record;
mod schema;
mod segment;
mod store;
mod table;
mod work;

pub use again::answer_again;
pub use archive::{Archive, Replace, StoredPlan};
pub use diff::{DiffKind, DiffRow, SweepDiff, diff};
pub use error::{StoreError, SweepError};
pub use file::SweepFile;
pub(crate) use key::inputs_key;
pub use key::{Key as ResultKey, Method};
pub use lock::{Shard, WriteLock};
pub use plan::{ASKS, Excluded, PlanInput, SweepPlan};
pub use record::{SweepOutcome, SweepRecord};
pub use schema::sweep_schema;
pub use store::{Blobs, LocalBlobs, MemoryBlobs, Moment, Version};
pub use work::{SweepDone, SweepWork, answer_positions, pending, sweep};

/// Where the locks of a sweep's folder are.
pub fn lock_folder(out: &std::path::Path) -> std::path::PathBuf {
    archive::store_folder(out).join("locks")
}
