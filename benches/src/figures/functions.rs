//! Which lines of a source file are linked, by the lines that the compiler made code of.
//!
//! A function counts whole if code is made of any line of it, and not at all otherwise. So does one that can be
//! evaluated when it is compiled, and leaves nothing. What is around functions (types, constants, imports)
//! counts by itself, if any function of the file does, or if it has none.
//!
//! Files must be formatted as rustfmt does it: a function ends where its indentation ends.

use std::collections::BTreeSet;
use std::ops::AddAssign;

use super::lines::code_lines;

/// Lines of code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Of functions.
    pub functions: usize,
    /// Of what is around them.
    pub around: usize,
}

impl AddAssign for Lines {
    fn add_assign(&mut self, more: Self) {
        self.functions += more.functions;
        self.around += more.around;
    }
}

/// How many lines of code of a file are linked. The numbers in `linked` count from 1.
pub fn linked(source: &str, comment: &str, linked: &BTreeSet<usize>) -> Lines {
    let code = code_lines(source, comment);
    let functions = functions(source);
    let (mut count, mut any) = (0, functions.is_empty());
    let mut around = code.clone();
    for function in &functions {
        let lines: BTreeSet<usize> = code
            .iter()
            .copied()
            .filter(|it| function.holds(*it))
            .collect();
        around = &around - &lines;
        if function.is_evaluated || linked.iter().any(|it| function.holds(*it)) {
            count += lines.len();
            any |= !function.is_evaluated;
        }
    }
    // Code of a derived implementation is its attribute's.
    any |= linked.iter().any(|it| around.contains(it));
    if any {
        Lines {
            functions: count,
            around: around.len(),
        }
    } else {
        Lines::default()
    }
}

/// A function that isn't within another.
struct Function {
    first: usize,
    last: usize,
    is_evaluated: bool,
}

impl Function {
    fn holds(&self, line: usize) -> bool {
        (self.first..=self.last).contains(&line)
    }
}

fn functions(source: &str) -> Vec<Function> {
    let mut functions: Vec<Function> = Vec::new();
    let lines: Vec<&str> = source.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let number = index + 1;
        let Some(qualifiers) = qualifiers(line) else {
            continue;
        };
        if functions.last().is_some_and(|it| it.holds(number)) {
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        // One that is declared in a trait has no body.
        let ends = |line: &&&str| {
            line.strip_prefix(indent).is_some_and(|rest| {
                rest.starts_with('}') || (!rest.starts_with(' ') && rest.ends_with([';', '}']))
            })
        };
        let length = lines[index..].iter().take_while(|line| !ends(line)).count();
        functions.push(Function {
            first: number,
            last: number + length,
            is_evaluated: qualifiers.contains("const "),
        });
    }
    functions
}

/// What stands before `fn` where a function begins.
fn qualifiers(line: &str) -> Option<&str> {
    let (before, _) = line.trim_start().split_once("fn ")?;
    let known = |word: &str| {
        let word = word.trim_matches('"');
        word.starts_with("pub") || ["const", "unsafe", "extern", "C", "async"].contains(&word)
    };
    before.split_whitespace().all(known).then_some(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
//! Words.
use x;

#[derive(Debug)]
struct A(u8);

impl A {
    /// Words.
    pub(crate) fn one(&self) -> u8 {
        let two = || {
            2
        };
        two()
    }

    fn short(&self) -> u8 { 1 }

    fn three(
        &self,
    ) -> u8 {
        3
    }
}

const fn four() -> u8 {
    4
}

trait T {
    fn declared(&self);
    fn given(&self) -> u8 {
        5
    }
}
";

    fn count(lines: &[usize]) -> (usize, usize) {
        let lines = linked(SOURCE, "//", &lines.iter().copied().collect());
        (lines.functions, lines.around)
    }

    /// use, derive, struct, impl and its end, trait and its end.
    const AROUND: usize = 7;
    /// What is evaluated when it is compiled.
    const FOUR: usize = 3;

    #[test]
    fn a_function_counts_whole_and_others_not() {
        assert_eq!(count(&[11]), (FOUR + 6, AROUND));
        assert_eq!(count(&[9, 14]), (FOUR + 6, AROUND));
        assert_eq!(count(&[16]), (FOUR + 1, AROUND));
        assert_eq!(count(&[21]), (FOUR + 5, AROUND));
        assert_eq!(count(&[32]), (FOUR + 3, AROUND));
    }

    #[test]
    fn a_file_of_which_nothing_is_linked_counts_nothing() {
        assert_eq!(count(&[]), (0, 0));
        assert_eq!(count(&[4]), (FOUR, AROUND), "what was derived");
        let constant = linked("const A: u8 = 1;\n", "//", &BTreeSet::new());
        assert_eq!((constant.functions, constant.around), (0, 1));
    }
}
