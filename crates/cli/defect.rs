//! A panic is a defect of the program: it ends as an error with exit code 1, not as a stack trace.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::{Mutex, PoisonError};

use anyhow::anyhow;

use reorient_app::Failure;

/// The last panic of any thread, with its place. Readers contain panics of their own, which stay silent.
static LAST: Mutex<String> = Mutex::new(String::new());

/// Runs a command and turns a panic into a failure.
pub(crate) fn contain<T>(command: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    set_hook(Box::new(|panic| *LAST.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string()));
    catch_unwind(AssertUnwindSafe(command)).unwrap_or_else(|_| {
        let place = LAST.lock().unwrap_or_else(PoisonError::into_inner).replace('\n', " ");
        Err(Failure::internal(anyhow!("this is a defect of reorient, please report it with the command: {place}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::panic)]
    fn a_panic_becomes_a_failure_with_its_place() {
        let failure = contain::<()>(|| panic!("a wheel came off")).err().map(|failure| failure.to_string()).unwrap_or_default();
        assert!(failure.contains("a wheel came off") && failure.contains("defect.rs"), "{failure}");
    }
}
