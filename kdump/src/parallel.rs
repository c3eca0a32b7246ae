//! Work shared among threads.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Does `work` for each number below `count`, in about that order, each thread with a state of its own.
/// One thread is this one. Ends at the first error.
pub(crate) fn each<State, Error: Send>(
    threads: NonZeroUsize,
    count: usize,
    begin: impl Fn() -> Result<State, Error> + Sync,
    work: impl Fn(&mut State, usize) -> Result<(), Error> + Sync,
    end: impl Fn(State) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let share = || {
        let run = || {
            let mut state = begin()?;
            while !failed.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    break;
                }
                work(&mut state, number)?;
            }
            end(state)
        };
        let result = run();
        if result.is_err() {
            failed.store(true, Ordering::Relaxed);
        }
        result
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads.get().min(count))
            // A thread that can't be had is one less to share with.
            .filter_map(|_| thread::Builder::new().spawn_scoped(scope, share).ok())
            .collect();
        let mut result = share();
        for other in others {
            let ended = other
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            result = result.and(ended);
        }
        result
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn threads(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    #[test]
    fn everything_is_done_once_by_however_many() {
        for count in [1, 2, 7] {
            let done = Mutex::new(Vec::new());
            let all = each::<Vec<usize>, ()>(
                threads(count),
                100,
                || Ok(Vec::new()),
                |mine, number| {
                    mine.push(number);
                    Ok(())
                },
                |mine| {
                    done.lock().unwrap().extend(mine);
                    Ok(())
                },
            );
            assert_eq!(all, Ok(()));
            let mut done = done.into_inner().unwrap();
            done.sort_unstable();
            assert!(done.into_iter().eq(0..100), "{count} threads");
        }
    }

    #[test]
    fn an_error_of_one_ends_all() {
        for count in [1, 3] {
            let work = |(): &mut (), number: usize| if number == 5 { Err(number) } else { Ok(()) };
            let result = each(threads(count), usize::MAX, || Ok(()), work, Ok);
            assert_eq!(result, Err(5));
        }
    }

    #[test]
    fn nothing_to_do_is_done() {
        let never = |(): &mut (), _| Err(());
        assert_eq!(each(threads(3), 0, || Ok(()), never, Ok), Ok(()));
    }
}
