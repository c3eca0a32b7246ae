//! What pages are used for, and which uses a dump level leaves out.

use serde::{Deserialize, Serialize};
use std::fmt;

/// makedumpfile's dump level, 0 to 31: a sum of what is left out. 1 is pages of zeros, 2 page cache
/// without private data, 4 all page cache, 8 pages of processes, 16 free pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Level(u8);

impl Level {
    /// Leaves out all that a level can leave out.
    pub const HIGHEST: Level = Level(31);
}

/// A level that there isn't.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}: no such dump level; it is a number from 0 to 31")]
pub struct NoSuchLevel(u8);

impl TryFrom<u8> for Level {
    type Error = NoSuchLevel;

    fn try_from(number: u8) -> Result<Level, NoSuchLevel> {
        (number < 32)
            .then_some(Level(number))
            .ok_or(NoSuchLevel(number))
    }
}

impl From<Level> for u8 {
    fn from(level: Level) -> u8 {
        level.0
    }
}

/// What a page is used for, as far as levels care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Page cache without private data.
    Cache,
    /// Page cache with private data.
    CachePrivate,
    /// Memory of processes: anonymous, or of hugetlbfs.
    User,
    /// Free, in the buddy allocator.
    Free,
    /// Free, and not yet accepted from the hypervisor.
    Unaccepted,
    /// Hardware says that it is broken: reading it may stop the machine.
    Poisoned,
    /// Not there, although it should be: a balloon has it, or a hypervisor.
    Offline,
}

impl Class {
    /// All of them, in order.
    pub const ALL: [Class; 7] = [
        Class::Cache,
        Class::CachePrivate,
        Class::User,
        Class::Free,
        Class::Unaccepted,
        Class::Poisoned,
        Class::Offline,
    ];

    /// The bits of a level that leave it out; `None` if every level does.
    fn bits(self) -> Option<u8> {
        match self {
            Class::Cache => Some(2 | 4),
            Class::CachePrivate => Some(4),
            Class::User => Some(8),
            Class::Free | Class::Unaccepted => Some(16),
            Class::Poisoned | Class::Offline => None,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Class::Cache => "page cache",
            Class::CachePrivate => "page cache with private data",
            Class::User => "memory of processes",
            Class::Free => "free memory",
            Class::Unaccepted => "unaccepted memory",
            Class::Poisoned => "broken memory",
            Class::Offline => "offline memory",
        })
    }
}

/// Some classes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Classes(u8);

impl Classes {
    /// What a level leaves out.
    #[must_use]
    pub fn of(level: Level) -> Classes {
        let mut classes = Classes::default();
        for class in Class::ALL {
            if class.bits().is_none_or(|bits| level.0 & bits != 0) {
                classes.insert(class);
            }
        }
        classes
    }

    /// Whether a class is among them.
    #[must_use]
    pub fn has(self, class: Class) -> bool {
        self.0 & 1 << class as u8 != 0
    }

    /// Adds one.
    pub fn insert(&mut self, class: Class) {
        self.0 |= 1 << class as u8;
    }

    /// Adds all of others.
    pub fn join(&mut self, others: Classes) {
        self.0 |= others.0;
    }

    /// Takes one away.
    pub fn remove(&mut self, class: Class) {
        self.0 &= !(1 << class as u8);
    }

    /// The level that leaves out these and no more, where the level asked for is given.
    #[must_use]
    pub fn level(self, asked: Level) -> Level {
        let kept = Class::ALL.into_iter().filter(|class| !self.has(*class));
        let mut bits = kept
            .filter_map(Class::bits)
            .fold(asked.0, |level, bits| level & !bits);
        // Cache without private data may be left out although the rest isn't.
        if self.has(Class::Cache) {
            bits |= asked.0 & 2;
        }
        Level(bits)
    }
}

/// How many pages there are of each class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // as in Class
pub struct Counts {
    pub cache: u64,
    pub cache_private: u64,
    pub user: u64,
    pub free: u64,
    pub unaccepted: u64,
    pub poisoned: u64,
    pub offline: u64,
}

impl Counts {
    /// The count of a class, to be changed.
    pub fn of(&mut self, class: Class) -> &mut u64 {
        match class {
            Class::Cache => &mut self.cache,
            Class::CachePrivate => &mut self.cache_private,
            Class::User => &mut self.user,
            Class::Free => &mut self.free,
            Class::Unaccepted => &mut self.unaccepted,
            Class::Poisoned => &mut self.poisoned,
            Class::Offline => &mut self.offline,
        }
    }

    /// All of them.
    #[must_use]
    pub fn total(mut self) -> u64 {
        let counts = Class::ALL.into_iter().map(|class| *self.of(class));
        counts.fold(0, u64::saturating_add)
    }

    /// Adds other counts.
    pub fn add(&mut self, mut other: Counts) {
        for class in Class::ALL {
            *self.of(class) += *other.of(class);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(number: u8) -> Level {
        Level::try_from(number).unwrap()
    }

    #[test]
    fn each_level_leaves_out_what_makedumpfile_says() {
        let out = |number| {
            Class::ALL
                .into_iter()
                .filter(|class| Classes::of(level(number)).has(*class))
                .collect::<Vec<_>>()
        };
        use Class::*;
        assert_eq!(out(0), [Poisoned, Offline]);
        assert_eq!(out(1), [Poisoned, Offline]);
        assert_eq!(out(2), [Cache, Poisoned, Offline]);
        assert_eq!(out(4), [Cache, CachePrivate, Poisoned, Offline]);
        assert_eq!(out(8), [User, Poisoned, Offline]);
        assert_eq!(out(16), [Free, Unaccepted, Poisoned, Offline]);
        assert_eq!(out(31), Class::ALL);
    }

    #[test]
    fn a_level_without_a_class_is_the_one_that_keeps_it() {
        for number in 0..32 {
            let all = Classes::of(level(number));
            assert_eq!(all.level(level(number)), level(number));
            let without = |class| {
                let mut classes = all;
                classes.remove(class);
                u8::from(classes.level(level(number)))
            };
            assert_eq!(without(Class::User), number & !8);
            assert_eq!(without(Class::Free), number & !16);
            assert_eq!(without(Class::Poisoned), number);
            assert_eq!(without(Class::CachePrivate), number & !4);
            assert_eq!(without(Class::Cache), number & !6);
        }
    }

    #[test]
    fn a_level_above_31_is_refused() {
        let error = Level::try_from(32).unwrap_err();
        assert!(error.to_string().starts_with("32: "));
    }
}
