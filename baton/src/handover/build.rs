//! Putting a handover together: a draft without digests, which the verdict on it gives, and then a sealed memfd that
//! nobody can change any more.

use crate::digest::{image_digest, sha256};
use crate::failure::load::LoadError;
use crate::failure::{IoError, Result};
use crate::handover::files::Initrd;
use crate::input::read;
use baton_formats::PAGE_SIZE;
use baton_formats::elf::Elf;
use baton_formats::handover::{FLAG_CRASH, Layout, MAGIC, PlannedRecord, RecordKind};
use baton_formats::module_signature;
use baton_formats::pe::Pe;
use baton_sys::file;
use baton_sys::memfd::{self, DraftMap, Sealed};
use std::io;

/// What a handover is made of.
#[derive(Debug)]
pub struct Ingredients<'a> {
    /// The kernel image.
    pub kernel: &'a [u8],
    /// Its detached signature.
    pub signature: Option<&'a [u8]>,
    /// The initrds, with their signatures.
    pub initrds: &'a [Initrd],
    /// Addons of the UKI that the kernel image is.
    pub addons: Vec<&'a [u8]>,
    /// A manifest, and its detached signature.
    pub manifest: Option<(&'a [u8], Option<&'a [u8]>)>,
    /// The profile of the UKI.
    pub profile: u32,
    /// Whether it is for a crash.
    pub crash: bool,
}

/// What a record's bytes come from.
enum Source<'a> {
    Bytes(&'a [u8]),
    Initrd(&'a Initrd),
}

struct Planned<'a> {
    part: PlannedRecord,
    source: Source<'a>,
}

impl<'a> Planned<'a> {
    fn new(kind: RecordKind, source: Source<'a>) -> Self {
        let length = match &source {
            Source::Bytes(bytes) => bytes.len() as u64,
            Source::Initrd(initrd) => initrd.len,
        };
        let part = PlannedRecord {
            kind,
            length,
            digest: [0; 32],
            subject: 0,
        };
        Planned { part, source }
    }

    fn signature(subject: usize, bytes: &'a [u8]) -> Self {
        let mut planned = Planned::new(RecordKind::Signature, Source::Bytes(bytes));
        planned.part.subject = subject;
        planned
    }
}

impl<'a> Ingredients<'a> {
    /// The records in their order.
    fn records(&self) -> Vec<Planned<'a>> {
        let plain = |kind, bytes| Planned::new(kind, Source::Bytes(bytes));
        let mut records = vec![plain(RecordKind::Kernel, self.kernel)];
        let mut signatures =
            Vec::from_iter(self.signature.map(|bytes| Planned::signature(0, bytes)));
        for initrd in self.initrds {
            let signature = initrd.signature.as_deref();
            signatures.extend(signature.map(|bytes| Planned::signature(records.len(), bytes)));
            records.push(Planned::new(RecordKind::Initrd, Source::Initrd(initrd)));
        }
        records.extend(
            self.addons
                .iter()
                .map(|bytes| plain(RecordKind::Addon, bytes)),
        );
        if let Some((text, signature)) = self.manifest {
            signatures.extend(signature.map(|bytes| Planned::signature(records.len(), bytes)));
            records.push(plain(RecordKind::Manifest, text));
        }
        records.extend(signatures);
        records
    }
}

/// A handover whose records state no digests yet.
pub struct Draft<'a> {
    memfd: memfd::Draft,
    records: Vec<Planned<'a>>,
    layout: Layout,
}

/// Copies everything into the draft of a handover. What is judged is the copy, so that a file that changes meanwhile
/// can't disagree with the verdict.
///
/// # Errors
/// When there are too many records, one is empty, or memory runs out.
pub fn draft<'a>(ingredients: &Ingredients<'a>) -> Result<Draft<'a>> {
    let records = ingredients.records();
    let layout = plan(&records, ingredients)?;
    read::check_room(layout.total_len())?;
    let mut memfd = memfd::Draft::create("baton-handover").map_err(memory)?;
    memfd.set_len(layout.total_len()).map_err(memory)?;
    memfd.write_at(&layout.header_page(), 0).map_err(memory)?;
    for (index, record) in records.iter().enumerate() {
        copy(&mut memfd, record, layout.offset(index).unwrap_or(0))?;
    }
    Ok(Draft {
        memfd,
        records,
        layout,
    })
}

/// The draft of a handover that is judged and never handed over: plain memory, which takes less time than a file in
/// memory that can be sealed.
///
/// # Errors
/// As [`draft`].
pub fn draft_to_judge(ingredients: &Ingredients<'_>) -> Result<Vec<u8>> {
    let records = ingredients.records();
    let layout = plan(&records, ingredients)?;
    read::check_room(layout.total_len())?;
    let whole = usize::try_from(layout.total_len()).unwrap_or(0);
    let mut blob = baton_sys::memory::buffer(whole);
    blob.extend_from_slice(&layout.header_page());
    for record in &records {
        match record.source {
            Source::Bytes(bytes) => blob.extend_from_slice(bytes),
            Source::Initrd(initrd) => file::append(&initrd.file, initrd.len, &mut blob)
                .map_err(|e| IoError::reading(&initrd.path, e))?,
        }
        blob.resize(blob.len().next_multiple_of(PAGE_SIZE), 0);
    }
    Ok(blob)
}

impl Draft<'_> {
    /// All of it.
    ///
    /// # Errors
    /// When it can't be mapped.
    pub fn map(&self) -> Result<DraftMap<'_>> {
        Ok(self.memfd.map().map_err(memory)?)
    }

    /// The handover, whose records have these digests: one of each record that isn't a signature, in their order, with
    /// its kind.
    ///
    /// # Errors
    /// When they are of other records, or memory runs out.
    pub fn seal(mut self, digests: &[(RecordKind, [u8; 32])]) -> Result<Sealed> {
        let mut digests = digests.iter();
        for (index, record) in self.records.iter().enumerate() {
            let digest = match (record.part.kind, &record.source) {
                (RecordKind::Signature, Source::Bytes(bytes)) => sha256([*bytes]),
                (kind, _) => match digests.next() {
                    Some((of, digest)) if *of == kind => *digest,
                    _ => return Err(LoadError::OtherVerdict.into()),
                },
            };
            self.layout.set_digest(index, digest);
        }
        if digests.next().is_some() {
            return Err(LoadError::OtherVerdict.into());
        }
        self.memfd
            .write_at(&self.layout.header_page(), 0)
            .map_err(memory)?;
        Ok(self.memfd.seal().map_err(memory)?)
    }

    /// The handover without a verdict, in which each record has the digest that vouches for such a thing by its form.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn seal_unjudged(self, ingredients: &Ingredients<'_>) -> Result<Sealed> {
        let digests = {
            let map = self.map()?;
            let records = self.records.iter().enumerate();
            let judged = records.filter(|(_, record)| record.part.kind != RecordKind::Signature);
            let of = |(index, record): (usize, &Planned<'_>)| {
                let offset = self.layout.offset(index).unwrap_or(0);
                let bytes = baton_formats::reader::slice(&map, offset, record.part.length);
                let kind = record.part.kind;
                (
                    kind,
                    digest_by_form(kind, bytes.unwrap_or_default(), ingredients),
                )
            };
            judged.map(of).collect::<Vec<_>>()
        };
        self.seal(&digests)
    }
}

/// How long it would be, in bytes.
///
/// # Errors
/// When there are too many records, or one is empty.
pub fn length(ingredients: &Ingredients<'_>) -> Result<u64> {
    plan(&ingredients.records(), ingredients).map(|layout| layout.total_len())
}

fn copy(draft: &mut memfd::Draft, record: &Planned<'_>, offset: u64) -> Result<()> {
    match record.source {
        Source::Bytes(bytes) => draft.write_at(bytes, offset).map_err(memory)?,
        Source::Initrd(initrd) => draft
            .copy_at(&initrd.file, initrd.len, offset)
            .map_err(|e| IoError::reading(&initrd.path, e))?,
    }
    Ok(())
}

/// Whether a file is a handover that was made before.
#[must_use]
pub fn is_handover(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Takes a handover that was made before, as it is: the verdict on it comes later, and is the gate's.
///
/// # Errors
/// When memory runs out.
pub fn adopt(bytes: &[u8]) -> Result<Sealed> {
    read::check_room(bytes.len() as u64)?;
    let mut draft = memfd::Draft::create("baton-handover").map_err(memory)?;
    draft.write_at(bytes, 0).map_err(memory)?;
    Ok(draft.seal().map_err(memory)?)
}

fn plan(records: &[Planned<'_>], ingredients: &Ingredients<'_>) -> Result<Layout> {
    let flags = if ingredients.crash { FLAG_CRASH } else { 0 };
    let parts: Vec<PlannedRecord> = records.iter().map(|record| record.part).collect();
    let layout = Layout::plan(&parts, flags).map_err(LoadError::Layout)?;
    Ok(layout.with_profile(ingredients.profile))
}

/// That a handover can't be held in memory, or looked at there.
pub fn memory(error: io::Error) -> LoadError {
    let what = "the handover";
    LoadError::Memory { what, error }
}

fn digest_by_form(kind: RecordKind, bytes: &[u8], ingredients: &Ingredients<'_>) -> [u8; 32] {
    match kind {
        RecordKind::Kernel => kernel_digest_by_form(ingredients),
        RecordKind::Addon => image_digest(bytes).unwrap_or_else(|| sha256([bytes])),
        _ => sha256([bytes]),
    }
}

/// The digest of what vouches for a kernel by its form, for where no verdict says so: of the first
/// signature that is in it, or of all of it.
fn kernel_digest_by_form(ingredients: &Ingredients<'_>) -> [u8; 32] {
    let image = ingredients.kernel;
    let outside = ingredients.signature.is_some() || ingredients.manifest.is_some();
    let is_signed = Pe::parse(image).is_ok_and(|pe| pe.is_signed());
    let appended = module_signature::split(image).ok().flatten();
    let noted = Elf::recognises(image).then(|| Elf::parse(image).ok()?.signed_parts());
    match (image_digest(image), appended, noted.flatten()) {
        (Some(digest), _, _) if !outside || is_signed => digest,
        (_, Some(appended), _) => sha256([appended.data]),
        (_, _, Some(parts)) => sha256(parts),
        _ => sha256([image]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handover::files::tests::initrd;
    use baton_formats::handover::Handover;

    fn of<'a>(kernel: &'a [u8], initrds: &'a [Initrd]) -> Ingredients<'a> {
        Ingredients {
            kernel,
            signature: None,
            initrds,
            addons: Vec::new(),
            manifest: None,
            profile: 0,
            crash: true,
        }
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let big = vec![7; 10_000];
        let initrds = [initrd(b"one"), initrd(&big)];
        let digests = [
            (RecordKind::Kernel, [7; 32]),
            (RecordKind::Initrd, sha256([&b"one"[..]])),
            (RecordKind::Initrd, sha256([&big[..]])),
        ];
        let sealed = draft(&of(b"kernel", &initrds))
            .unwrap()
            .seal(&digests)
            .unwrap();
        let map = sealed.map().unwrap();
        let handover = Handover::parse(&map).unwrap();
        assert!(handover.is_crash());
        assert_eq!(handover.kernel().bytes, b"kernel");
        assert_eq!(handover.kernel().digest, [7; 32]);
        let initrds: Vec<_> = handover.initrds().collect();
        assert_eq!(initrds[0].bytes, b"one");
        assert_eq!(initrds[1].bytes, big);
        assert_eq!(initrds[1].digest, sha256([&big[..]]));
    }

    #[test]
    fn each_signature_finds_what_it_is_about() {
        let mut initrds = [initrd(b"one"), initrd(b"two")];
        initrds[1].signature = Some(b"of two".to_vec());
        let ingredients = Ingredients {
            signature: Some(b"of the kernel"),
            addons: vec![b"addon"],
            manifest: Some((b"manifest", Some(b"of the manifest"))),
            profile: 2,
            ..of(b"kernel", &initrds)
        };
        let sealed = draft(&ingredients)
            .unwrap()
            .seal_unjudged(&ingredients)
            .unwrap();
        let map = sealed.map().unwrap();
        let handover = Handover::parse(&map).unwrap();
        let signed = |index| handover.signature_of(index).map(|record| record.bytes);
        assert_eq!(signed(0), Some(&b"of the kernel"[..]));
        assert_eq!(signed(1), None);
        assert_eq!(signed(2), Some(&b"of two"[..]));
        let manifest = handover.manifest().unwrap();
        assert_eq!(signed(manifest.index), Some(&b"of the manifest"[..]));
        assert_eq!(handover.addons().next().unwrap().bytes, b"addon");
        assert_eq!(handover.profile(), 2);
        for record in handover.records() {
            assert_eq!(record.digest, sha256([record.bytes]), "{:?}", record.kind);
        }
    }

    #[test]
    fn what_is_judged_alone_is_what_would_be_handed_over() {
        let mut initrds = [initrd(b"one"), initrd(&[7; 10_000])];
        initrds[1].signature = Some(vec![5; 4096]);
        let ingredients = Ingredients {
            addons: vec![b"addon"],
            profile: 2,
            ..of(b"kernel", &initrds)
        };
        let handed_over = draft(&ingredients).unwrap();
        let judged = draft_to_judge(&ingredients).unwrap();
        assert_eq!(judged, &*handed_over.map().unwrap());
    }

    #[test]
    fn digests_of_other_records_are_refused() {
        let initrds = [initrd(b"one")];
        let (kernel, initrd) = ((RecordKind::Kernel, [1; 32]), (RecordKind::Initrd, [2; 32]));
        let addon = (RecordKind::Addon, [3; 32]);
        for wrong in [
            &[][..],
            &[kernel],
            &[initrd, kernel],
            &[kernel, addon],
            &[kernel, initrd, initrd],
        ] {
            let draft = draft(&of(b"kernel", &initrds)).unwrap();
            let failure = draft.seal(wrong).unwrap_err();
            assert!(failure.to_string().contains("records"), "{failure}");
        }
    }

    #[test]
    fn an_empty_initrd_and_too_many_are_refused() {
        let empty = [initrd(b"")];
        let empty = draft(&of(b"kernel", &empty)).err().unwrap();
        assert_eq!(empty.exit(), crate::failure::exit::Exit::Malformed);
        let many: Vec<Initrd> = (0..32).map(|_| initrd(b"x")).collect();
        assert!(draft(&of(b"kernel", &many)).is_err());
    }
}
