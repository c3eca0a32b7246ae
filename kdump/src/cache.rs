//! A few pieces kept, since reading them again is expensive.

use std::sync::{Arc, Mutex, PoisonError};

/// The pieces read last, each by its number or whatever else tells it from others; the oldest makes way.
pub(crate) struct Cache<K = u64> {
    slots: Mutex<Slots<K>>,
}

struct Slots<K> {
    held: Vec<(K, Arc<[u8]>)>,
    room: usize,
    next: usize,
}

impl<K: Copy + PartialEq> Cache<K> {
    /// With room for so many, at least one.
    pub(crate) fn new(room: usize) -> Cache<K> {
        Cache {
            slots: Mutex::new(Slots {
                held: Vec::new(),
                room: room.max(1),
                next: 0,
            }),
        }
    }

    /// The piece of this number: kept, or read now, without the lock.
    pub(crate) fn get<E>(
        &self,
        number: K,
        read: impl FnOnce() -> Result<Arc<[u8]>, E>,
    ) -> Result<Arc<[u8]>, E> {
        if let Some(kept) = self.kept(number) {
            return Ok(kept);
        }
        let piece = read()?;
        // Nothing in here panics while it holds the lock.
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = (number, Arc::clone(&piece));
        let (room, next) = (slots.room, slots.next);
        if slots.held.len() < room {
            slots.held.push(entry);
        } else if let Some(oldest) = slots.held.get_mut(next) {
            *oldest = entry;
            slots.next = (next + 1) % room;
        }
        Ok(piece)
    }

    /// The piece of this number, if it is kept.
    pub(crate) fn kept(&self, number: K) -> Option<Arc<[u8]>> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let found = slots.held.iter().find(|(held, _)| *held == number);
        found.map(|(_, piece)| Arc::clone(piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_last_is_kept_and_the_oldest_makes_way() {
        let cache = Cache::new(2);
        let get = |number: u8| cache.get(number.into(), || Ok::<_, ()>(Arc::from([number])));
        for number in [1, 2, 3] {
            assert_eq!(get(number).unwrap().as_ref(), [number]);
        }
        assert!(cache.kept(1).is_none());
        assert!(cache.kept(2).is_some() && cache.kept(3).is_some());
        let failed = cache.get(4, || Err("unreadable"));
        assert_eq!(failed, Err("unreadable"));
    }
}
