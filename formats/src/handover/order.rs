//! Which records may follow which: the same rules for the reader and the writer.

use super::{RecordKind, RecordProblem};

/// What has been seen of a table, from its first record on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Order {
    last: Option<RecordKind>,
    /// The number of the first signature.
    first_signature: Option<usize>,
    /// The numbers of the first addon, and of what follows the last one.
    addons: Option<(usize, usize)>,
    /// What the last signature is about.
    last_subject: Option<usize>,
}

impl Order {
    /// Checks the next record, which has this number.
    pub fn next(
        &mut self,
        index: usize,
        kind: RecordKind,
        subject: u32,
    ) -> Result<(), RecordProblem> {
        match self.last {
            Some(RecordKind::Kernel) if kind == RecordKind::Kernel => {
                return Err(RecordProblem::SecondKernel);
            }
            Some(RecordKind::Manifest) if kind == RecordKind::Manifest => {
                return Err(RecordProblem::SecondManifest);
            }
            Some(last) if place(kind) < place(last) => return Err(RecordProblem::OutOfOrder),
            _ => self.last = Some(kind),
        }
        match kind {
            RecordKind::Signature => self.signature(index, subject),
            _ if subject != 0 => Err(RecordProblem::Reserved),
            RecordKind::Addon => {
                let (first, _) = self.addons.unwrap_or((index, index));
                self.addons = Some((first, index.saturating_add(1)));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A signature is about a record that is neither one nor an addon; subjects ascend, so that none has two.
    fn signature(&mut self, index: usize, subject: u32) -> Result<(), RecordProblem> {
        let wrong = RecordProblem::Subject(subject);
        let subject = usize::try_from(subject).map_err(|_| wrong)?;
        let first = *self.first_signature.get_or_insert(index);
        let is_addon = |(begin, end)| (begin..end).contains(&subject);
        if self.addons.is_some_and(is_addon)
            || subject >= first
            || self.last_subject.is_some_and(|last| subject <= last)
        {
            return Err(wrong);
        }
        self.last_subject = Some(subject);
        Ok(())
    }
}

fn place(kind: RecordKind) -> u8 {
    match kind {
        RecordKind::Kernel => 0,
        RecordKind::Initrd => 1,
        RecordKind::Addon => 2,
        RecordKind::Manifest => 3,
        RecordKind::Signature => 4,
    }
}
