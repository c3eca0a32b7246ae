//! Whether a condition of `grub.cfg` holds, as far as GRUB's variables tell: comparisons by `[` and `test`. Whether a file
//! is there, or what any other command returns, isn't looked at.

use super::variables::Variables;

/// An answer, the surest no first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It doesn't hold.
    No,
    /// That isn't known.
    Maybe,
    /// It holds.
    Yes,
}

impl Truth {
    /// Whether this holds and the other, too.
    #[must_use]
    pub fn and(self, other: Truth) -> Truth {
        self.min(other)
    }

    /// Whether this holds or the other.
    #[must_use]
    pub fn or(self, other: Truth) -> Truth {
        self.max(other)
    }

    fn of(is: bool) -> Truth {
        if is { Truth::Yes } else { Truth::No }
    }
}

impl std::ops::Not for Truth {
    type Output = Truth;

    fn not(self) -> Truth {
        match self {
            Truth::No => Truth::Yes,
            Truth::Maybe => Truth::Maybe,
            Truth::Yes => Truth::No,
        }
    }
}

/// Whether a command succeeds.
#[must_use]
pub fn succeeds(command: &[&str], variables: &Variables) -> Truth {
    match command {
        ["!", rest @ ..] => !succeeds(rest, variables),
        ["true"] => Truth::Yes,
        ["false"] => Truth::No,
        ["[", inside @ .., "]"] | ["test", inside @ ..] => holds(inside, variables),
        _ => Truth::Maybe,
    }
}

/// `-a` binds closer than `-o`.
fn holds(words: &[&str], variables: &Variables) -> Truth {
    let all = |words: &[&str]| {
        let each = words.split(|word| *word == "-a");
        each.fold(Truth::Yes, |so_far, words| {
            so_far.and(compares(words, variables))
        })
    };
    let any = words.split(|word| *word == "-o");
    any.fold(Truth::No, |so_far, words| so_far.or(all(words)))
}

fn compares(words: &[&str], variables: &Variables) -> Truth {
    let value = |word: &str| variables.expand_in_script(word).ok();
    match words {
        ["!", rest @ ..] => !compares(rest, variables),
        [] => Truth::No,
        [word] | ["-n", word] => value(word).map_or(Truth::Maybe, |it| Truth::of(!it.is_empty())),
        ["-z", word] => value(word).map_or(Truth::Maybe, |it| Truth::of(it.is_empty())),
        [a, how @ ("=" | "==" | "!="), b] => match (value(a), value(b)) {
            (Some(a), Some(b)) => Truth::of((a == b) != (*how == "!=")),
            _ => Truth::Maybe,
        },
        _ => Truth::Maybe,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_of_variables_are_decided_and_nothing_else_is() {
        let environment = "next_entry=\nsaved_entry=x\nboot_counter=0\nboot_success=0\n";
        let variables = Variables::of_environment(environment);
        for (command, expected) in [
            ("[ $next_entry ]", Truth::No),
            ("[ ${saved_entry} ]", Truth::Yes),
            ("[ -z $next_entry ]", Truth::Yes),
            ("test -n $saved_entry", Truth::Yes),
            ("[ x$feature_platform_search_hint = xy ]", Truth::Yes),
            ("[ $saved_entry != x ]", Truth::No),
            ("[ -n $boot_counter -a $boot_success = 0 ]", Truth::Yes),
            ("[ $boot_counter = 1 -o $boot_counter = -1 ]", Truth::No),
            ("! [ $unset ]", Truth::Yes),
            ("[ ! $saved_entry ]", Truth::No),
            ("true", Truth::Yes),
            ("false", Truth::No),
            ("[ ]", Truth::No),
            // Only GRUB knows.
            ("[ $grub_platform = efi ]", Truth::Maybe),
            ("[ $? = 0 ]", Truth::Maybe),
            ("[ -s $prefix/grubenv ]", Truth::Maybe),
            ("[ -f /x -a $next_entry ]", Truth::No),
            ("[ -f /x -o $saved_entry ]", Truth::Yes),
            ("[ 1 -lt 2 ]", Truth::Maybe),
            ("cmostest 84:1", Truth::Maybe),
            ("! sleep 1", Truth::Maybe),
            ("[ x", Truth::Maybe),
        ] {
            let words: Vec<&str> = command.split(' ').collect();
            assert_eq!(succeeds(&words, &variables), expected, "{command}");
        }
    }
}
