//! A row of the table.

/// What an attack is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Kernels that nobody trusted signed, or that were changed afterwards.
    Images,
    /// Signatures that are right, and of something else.
    Transplants,
    /// One thing that is to be taken for another.
    Confusion,
    /// What was signed for one purpose.
    Roles,
    /// What was trusted once.
    Revoked,
    /// Keys that sign what they may not.
    Scopes,
    /// Parameters.
    CommandLine,
    /// What is unpacked before the first program runs.
    Initrds,
    /// What the machine's own tables say.
    Machine,
    /// A crash that is none, and the reverse.
    Occasion,
    /// The gate itself.
    Gate,
    /// Memory between the load and the start.
    AfterLoading,
}

impl Group {
    /// All of them, in the order of the document.
    pub const ALL: [Group; 12] = [
        Group::Images,
        Group::Transplants,
        Group::Confusion,
        Group::Roles,
        Group::Revoked,
        Group::Scopes,
        Group::CommandLine,
        Group::Initrds,
        Group::Machine,
        Group::Occasion,
        Group::Gate,
        Group::AfterLoading,
    ];

    /// Its headline.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Group::Images => "Forged and altered images",
            Group::Transplants => "Signatures of something else",
            Group::Confusion => "Confusion between formats, records and lengths",
            Group::Roles => "Signed for one purpose, handed over for another",
            Group::Revoked => "Revoked keys, digests and generations",
            Group::Scopes => "Keys outside their scope",
            Group::CommandLine => "Smuggled parameters",
            Group::Initrds => "Initrds swapped, joined and left out",
            Group::Machine => "Lying tables of the machine",
            Group::Occasion => "A crash that is none, and the reverse",
            Group::Gate => "Older, other and altered gates",
            Group::AfterLoading => "Changed in memory after loading",
        }
    }

    /// What the attacker wants there, and with what access.
    #[must_use]
    pub fn attacker(self) -> &'static str {
        match self {
            Group::Images => {
                "Root wants unverified code to run as a kernel, and can hand over any file."
            }
            Group::Transplants => {
                "Root has files that trusted keys signed, and wants one's signature to count for another."
            }
            Group::Confusion => {
                "Root writes the handover byte by byte, or gets a trusted key to sign a file that two \
                 readers read as two things, so that what is verified isn't what is booted."
            }
            Group::Roles => {
                "Root has bytes that a trusted key signed as one thing (an initrd, a certificate, a list, a \
                 text), with what makes them another in them, or hands over a verified kernel with \
                 parts that nobody meant for it, or without those that were meant."
            }
            Group::Revoked => {
                "Root has what was signed before the key was stolen or the hole was found, or holds \
                 the stolen key, and wants it to count still."
            }
            Group::Scopes => {
                "Somebody holds a key that is trusted for one purpose, and root uses it for another."
            }
            Group::CommandLine => {
                "Root chooses the command line, and wants a parameter past the policy that undoes what \
                 was verified."
            }
            Group::Initrds => {
                "Root wants other contents in the initrd than somebody signed, or more, or fewer, or in \
                 another order."
            }
            Group::Machine => {
                "Whoever can make the tables lie that the gate reads (a faulty firmware, or a hole in the \
                 running kernel) wants the gate to write over itself, to miss a revocation, or to hang."
            }
            Group::Occasion => {
                "Root wants a handover that was judged for one load type to be taken for the other, where \
                 other rules count."
            }
            Group::Gate => {
                "Root, or whoever can write to the disk, puts another gate in place of the installed one."
            }
            Group::AfterLoading => {
                "Whoever can write to memory between the load and the start (root can't under lockdown; a \
                 device may) changes what was judged."
            }
        }
    }
}

/// One attack, and what came of it.
#[derive(Debug, Clone)]
pub struct Row {
    /// What is attacked.
    pub group: Group,
    /// The attack, as in "a kernel with one bit of its code changed".
    pub name: &'static str,
    /// Who sees it and stops it.
    pub stopped_by: &'static str,
    /// The reason's code; none where it is survived.
    pub code: Option<&'static str>,
    /// The words of the refusal, or what happens instead.
    pub words: String,
}
