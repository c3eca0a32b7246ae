//! Which records may follow which: the same rules for the reader and the writer.

use super::{Kind, RecordProblem};

/// What has been seen of a table, from its first record on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Order {
    last: Option<Kind>,
    /// The number of the first signature.
    first_signature: Option<usize>,
    /// What the last signature is about.
    last_subject: Option<usize>,
}

impl Order {
    /// Checks the next record, which has this number.
    pub fn next(&mut self, index: usize, kind: Kind, subject: u32) -> Result<(), RecordProblem> {
        match self.last {
            Some(Kind::Kernel) if kind == Kind::Kernel => return Err(RecordProblem::SecondKernel),
            Some(Kind::Manifest) if kind == Kind::Manifest => {
                return Err(RecordProblem::SecondManifest);
            }
            Some(last) if place(kind) < place(last) => return Err(RecordProblem::OutOfOrder),
            _ => self.last = Some(kind),
        }
        match kind {
            Kind::Signature => self.signature(index, subject),
            _ if subject != 0 => Err(RecordProblem::Reserved),
            _ => Ok(()),
        }
    }

    /// A signature is about a record that isn't one; subjects ascend, so that none has two.
    fn signature(&mut self, index: usize, subject: u32) -> Result<(), RecordProblem> {
        let wrong = RecordProblem::Subject(subject);
        let subject = usize::try_from(subject).map_err(|_| wrong)?;
        let first = *self.first_signature.get_or_insert(index);
        if subject >= first || self.last_subject.is_some_and(|last| subject <= last) {
            return Err(wrong);
        }
        self.last_subject = Some(subject);
        Ok(())
    }
}

fn place(kind: Kind) -> u8 {
    match kind {
        Kind::Kernel => 0,
        Kind::Initrd => 1,
        Kind::Manifest => 2,
        Kind::Signature => 3,
    }
}
