//! A case: a command line, what is loaded before, and how both programs end.

use anyhow::{Context, Result};
use baton_guest::event::Tried;
use baton_guest::script::Step;
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine;

use super::why::Why;

/// Whose program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// That of kexec-tools.
    Stock,
    /// Baton, by that name.
    Ours,
}

impl Program {
    pub const BOTH: [Program; 2] = [Program::Stock, Program::Ours];

    pub fn path(self) -> &'static str {
        match self {
            Program::Stock => "/payload/bin/kexec",
            Program::Ours => "/payload/drop-in/kexec",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Program::Stock => "kexec-tools",
            Program::Ours => "Baton",
        }
    }
}

/// What is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loaded {
    Nothing,
    /// A kernel for the next kexec.
    Kernel,
    /// One for a panic.
    Crash,
}

impl Loaded {
    pub fn word(self) -> &'static str {
        match self {
            Loaded::Nothing => "",
            Loaded::Kernel => "kernel",
            Loaded::Crash => "crash kernel",
        }
    }

    /// Whether this is so after a program ended.
    fn is_after(self, tried: &Tried) -> bool {
        (tried.loaded, tried.crash_loaded) == (self == Loaded::Kernel, self == Loaded::Crash)
    }
}

/// How a program ends.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Its exit code.
    pub code: i32,
    /// What is loaded then.
    pub loaded: Loaded,
    /// What it says, somewhere on standard output or error; nothing at all, if this is empty.
    pub says: &'static str,
}

impl Outcome {
    fn holds(&self, tried: &Tried) -> bool {
        let said = if self.says.is_empty() {
            tried.out.is_empty() && tried.err.is_empty()
        } else {
            tried.out.contains(self.says) || tried.err.contains(self.says)
        };
        said && tried.code == Some(self.code) && self.loaded.is_after(tried)
    }

    /// Whether scripts see the same.
    pub fn is_as(&self, other: &Outcome) -> bool {
        (self.code, self.loaded) == (other.code, other.loaded)
    }
}

/// A case.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// What follows the program's name. Words in capitals are files: see [`FILES`].
    pub line: &'static str,
    pub before: Loaded,
    pub stock: Outcome,
    pub ours: Outcome,
    /// Why they differ, where scripts see that they do.
    pub why: Option<Why>,
}

/// The files of the command lines.
pub const FILES: &[(&str, &str, &str)] = &[
    ("K", "kernels/6.12/vmlinuz", "Debian's kernel, signed"),
    ("I", "kernels/6.12/initrd.img", "an initrd for it"),
    (
        "UKI",
        "uki/6.12.efi",
        "a UKI that the machine's owner signed",
    ),
    (
        "ELF",
        "elf/6.12.appended",
        "an ELF kernel that the machine's owner signed",
    ),
    (
        "UNSIGNED",
        "bad/unsigned.efi",
        "the kernel without its signature",
    ),
    (
        "FLIPPED",
        "bad/flipped.efi",
        "the kernel with one bit changed",
    ),
    (
        "STRANGER",
        "bad/untrusted.efi",
        "the kernel, signed by nobody who is trusted",
    ),
    ("TEXT", "manifest/6.12.manifest", "a text"),
    ("DIR", "kernels", "a directory"),
    ("NONE", "no-such-file", "no file"),
    ("EMPTY", EMPTY, "an empty file"),
];

/// Of what is there nothing on the disk.
const EMPTY: &str = "/tmp/empty";

/// What is 2100 bytes long.
pub const LONG: &str = "LONG";

impl Case {
    /// The words that the program is run with.
    fn argv(&self, program: Program) -> Vec<String> {
        let words = self.line.split_whitespace().map(word);
        std::iter::once(program.path().to_owned())
            .chain(words)
            .collect()
    }

    /// What brings the machine to where it begins, and the program.
    pub fn steps(&self, program: Program, gate: &str) -> Vec<Step> {
        let mut steps = vec![Step::Unload];
        if self.before != Loaded::Nothing {
            steps.push(Step::FileLoad {
                kernel: word("K"),
                initrd: word("I"),
                cmdline: machine::cmdline(2),
                crash: self.before == Loaded::Crash,
                errno: None,
            });
        }
        steps.push(Step::Try {
            argv: self.argv(program),
            environment: vec![format!("BATON_GATE=/payload/gate/{gate}.efi")],
        });
        steps
    }

    /// What is wrong with how the program ended, if anything is.
    pub fn judge(&self, program: Program, tried: &Tried) -> Option<String> {
        let expected = match program {
            Program::Stock => &self.stock,
            Program::Ours => &self.ours,
        };
        (!expected.holds(tried)).then(|| {
            format!(
                "{} {:?}: {} loaded={}{} out={:?} err={:?}",
                program.name(),
                self.line,
                tried.code.unwrap_or(-1),
                u8::from(tried.loaded),
                u8::from(tried.crash_loaded),
                shortened(&tried.out),
                shortened(&tried.err)
            )
        })
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(150).collect()
}

/// A word, with the file that it names, alone or after `=`.
fn word(word: &str) -> String {
    let (option, name) = match word.rfind('=') {
        Some(at) => word.split_at(at + 1),
        None => ("", word),
    };
    let path = if name == LONG {
        "x".repeat(2100)
    } else {
        let file = FILES.iter().find(|(called, _, _)| *called == name);
        match file {
            Some((_, path, _)) if path.starts_with('/') => (*path).to_owned(),
            Some((_, path, _)) => format!("/payload/{}", path.replace("6.12", MAIN)),
            None => name.to_owned(),
        }
    };
    format!("{option}{path}")
}

/// What must be there besides the disk.
pub fn preparation() -> Step {
    Step::Write {
        path: EMPTY.into(),
        text: String::new(),
    }
}

/// How the programs ended, case by case, each with stock kexec first.
///
/// # Errors
/// Every case in which one of them didn't end as the table says.
pub fn judge(cases: &[Case], ended: &[&Tried]) -> Result<()> {
    let pairs = ended.chunks_exact(2);
    anyhow::ensure!(
        pairs.len() == cases.len(),
        "{} of {} cases ran",
        pairs.len(),
        cases.len()
    );
    let mut wrong = Vec::new();
    for (case, pair) in cases.iter().zip(pairs) {
        for (program, tried) in Program::BOTH.into_iter().zip(pair) {
            anyhow::ensure!(
                tried.argv == case.argv(program),
                "{:?} ran in the place of {:?}",
                tried.argv,
                case.line
            );
            wrong.extend(case.judge(program, tried));
        }
    }
    let count = wrong.len();
    let first = wrong.first().cloned();
    first.map_or(Ok(()), |_| {
        Err(anyhow::anyhow!(wrong.join("\n     ")))
            .with_context(|| format!("{count} ended otherwise than the table says"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_stand_alone_or_after_an_equals_sign() {
        assert_eq!(word("K"), "/payload/kernels/6.12/vmlinuz");
        assert_eq!(
            word("--initrd=I"),
            "/payload/kernels/6.12/initrd.img".replace("/payload", "--initrd=/payload")
        );
        assert_eq!(word("EMPTY"), "/tmp/empty");
        assert_eq!(word("--append=a=b"), "--append=a=b");
        assert_eq!(word("-l"), "-l");
    }
}
