//! A panic is a defect of the program: it ends as an error with exit code 1, not as a stack trace.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook};
use std::sync::{Mutex, PoisonError};

use anyhow::anyhow;

use crate::Failure;

/// The last panic of any thread, with its place. Readers contain panics of their own, which stay silent.
static LAST: Mutex<String> = Mutex::new(String::new());

/// What unwinds where the user wants no answer any more.
struct Stopped;

/// Ends the work that [`contain`] runs, from any of its threads. What is half-written goes as it goes on an error.
pub fn stop_here() -> ! {
    resume_unwind(Box::new(Stopped))
}

/// Runs a command and turns a panic into a failure.
///
/// # Errors
/// The failure of the command, or what became of a panic or of [`stop_here`].
pub fn contain<T>(command: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    set_hook(Box::new(|panic| *LAST.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string()));
    catch_unwind(AssertUnwindSafe(command)).unwrap_or_else(|payload| {
        if payload.is::<Stopped>() {
            return Err(Failure::interrupted(anyhow!("interrupted")));
        }
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

    #[test]
    fn stopping_is_no_defect() {
        let failure = contain::<()>(|| stop_here()).err();
        assert_eq!(failure.map(|failure| failure.code()), Some(75));
    }
}
