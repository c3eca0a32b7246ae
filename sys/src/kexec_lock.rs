//! The lock that the kernel holds while one is loaded or unloaded. Whoever comes then isn't made to wait but refused, with
//! EBUSY (`kexec_trylock` of kernel/kexec_internal.h), even for reading how much memory is reserved.

use std::thread;
use std::time::{Duration, Instant};

/// A large image takes the kernel some seconds.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// Tries again for as long as the lock is held, but not for ever.
pub(crate) fn waiting<T, E>(
    attempt: impl FnMut() -> Result<T, E>,
    is_busy: impl Fn(&E) -> bool,
) -> Result<T, E> {
    within(PATIENCE, attempt, is_busy)
}

fn within<T, E>(
    patience: Duration,
    mut attempt: impl FnMut() -> Result<T, E>,
    is_busy: impl Fn(&E) -> bool,
) -> Result<T, E> {
    let begun = Instant::now();
    loop {
        match attempt() {
            Err(error) if is_busy(&error) && begun.elapsed() < patience => thread::sleep(PAUSE),
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: i32 = libc::EBUSY;

    #[test]
    fn the_end_of_another_load_is_waited_for() {
        let mut answers = vec![Ok(1), Err(BUSY), Err(BUSY)];
        let result = waiting(|| answers.pop().unwrap(), |error| *error == BUSY);
        assert_eq!(result, Ok(1));
    }

    #[test]
    fn another_error_is_told_at_once() {
        let mut answers = vec![Ok(1), Err(libc::EPERM)];
        let result = waiting(|| answers.pop().unwrap(), |error| *error == BUSY);
        assert_eq!(result, Err(libc::EPERM));
    }

    #[test]
    fn a_lock_that_is_never_given_back_is_an_error() {
        let result: Result<(), i32> = within(Duration::ZERO, || Err(BUSY), |error| *error == BUSY);
        assert_eq!(result, Err(BUSY));
    }
}
