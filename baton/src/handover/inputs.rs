//! What a load is made of: all files, read once, and the command line.

use super::args::Companions;
use super::build::{self, Ingredients};
use super::choice::{self, CommandLineSources};
use super::files::{self, Image, Initrd};
use crate::failure::Result;
use crate::failure::input::InputError;
use crate::failure::load::LoadError;
use crate::input::cmdline;
use crate::input::p7s;
use crate::kind::FileKind;
use baton_formats::handover::Handover;
use baton_sys::limits::LARGEST_FILE;
use baton_sys::memfd::Sealed;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What a load is made of.
pub(crate) struct Inputs {
    pub crash: bool,
    pub kernel: Image,
    /// What the kernel is.
    pub kind: FileKind,
    /// The kernel's detached signature.
    pub signature: Option<Vec<u8>>,
    pub initrds: Vec<Initrd>,
    pub addons: Vec<Image>,
    /// With its detached signature.
    pub manifest: Option<(Image, Option<Vec<u8>>)>,
    pub profile: u32,
    pub cmdline: Vec<u8>,
}

impl Inputs {
    /// Reads the files. The command line is the one that is given, or else `reused`, or else what is said
    /// by what was signed.
    pub fn read(
        path: &Path,
        args: &Companions,
        reused: Option<Vec<u8>>,
        crash: bool,
    ) -> Result<Inputs> {
        let kernel = Image::open(path)?;
        let is_handover = build::is_handover(&kernel.bytes);
        if is_handover {
            check_alone(args)?;
        }
        let open_all = |paths: &[PathBuf]| {
            paths
                .iter()
                .map(|p| Image::open_companion(p))
                .collect::<Result<_>>()
        };
        let manifest = args.manifest.as_ref().map(|path| {
            let signature = p7s::read_beside(path)?;
            Image::open_companion(path).map(|image| (image, signature))
        });
        let mut inputs = Inputs {
            crash,
            signature: if is_handover {
                None
            } else {
                p7s::read_beside(path)?
            },
            initrds: args
                .initrd
                .iter()
                .map(|p| Initrd::open(p))
                .collect::<Result<_>>()?,
            addons: open_all(&args.addon)?,
            manifest: manifest.transpose()?,
            profile: choice::profile(args.profile.as_deref(), choice::uki(&kernel.bytes).as_ref())?,
            kind: FileKind::of(&kernel.bytes),
            kernel,
            cmdline: Vec::new(),
        };
        let together = files::joined_len(&inputs.initrds);
        if together > LARGEST_FILE {
            return Err(InputError::TooLarge {
                what: "all initrds together".to_owned(),
                len: together,
                limit: LARGEST_FILE,
            }
            .into());
        }
        inputs.cmdline = command_line(args, reused, &inputs)?;
        Ok(inputs)
    }

    /// A kernel with the initramfs that captures a crash.
    pub fn of_capture(kernel: &Path, initrd: Initrd, cmdline: Vec<u8>) -> Result<Inputs> {
        let signature = p7s::read_beside(kernel)?;
        let kernel = Image::open(kernel)?;
        Ok(Inputs {
            crash: true,
            signature,
            kind: FileKind::of(&kernel.bytes),
            kernel,
            initrds: vec![initrd],
            addons: Vec::new(),
            manifest: None,
            profile: 0,
            cmdline,
        })
    }

    pub fn ingredients(&self) -> Ingredients<'_> {
        let manifest = self.manifest.as_ref();
        Ingredients {
            kernel: &self.kernel.bytes,
            signature: self.signature.as_deref(),
            initrds: &self.initrds,
            addons: self.addons.iter().map(|addon| &addon.bytes[..]).collect(),
            manifest: manifest.map(|(text, signature)| (&text.bytes[..], signature.as_deref())),
            profile: self.profile,
            crash: self.crash,
        }
    }

    /// How long the handover is, in bytes.
    pub fn handover_len(&self) -> Result<u64> {
        if self.is_handover() {
            Ok(self.kernel.bytes.len() as u64)
        } else {
            build::length(&self.ingredients())
        }
    }

    /// The handover without a verdict: one that was saved as it is, any other made here.
    pub fn unjudged_handover(&self) -> Result<Sealed> {
        if self.is_handover() {
            return build::adopt(&self.kernel.bytes);
        }
        let ingredients = self.ingredients();
        build::draft(&ingredients)?.seal_unjudged(&ingredients)
    }

    /// Whether this is a handover that was made before.
    pub fn is_handover(&self) -> bool {
        build::is_handover(&self.kernel.bytes)
    }

    /// What goes along that only the gate looks at.
    pub fn only_for_the_gate(&self) -> Option<&'static str> {
        let signed = |initrd: &Initrd| initrd.signature.is_some();
        [
            (self.is_handover(), "it is a handover"),
            (self.manifest.is_some(), "a manifest goes with it"),
            (!self.addons.is_empty(), "addons go with it"),
            (self.profile != 0, "a profile was chosen"),
            (
                self.signature.is_some() || self.initrds.iter().any(signed),
                "a detached signature (.p7s) goes with it",
            ),
        ]
        .into_iter()
        .find_map(|(is_so, what)| is_so.then_some(what))
    }

    fn command_line_sources(&self) -> CommandLineSources<'_> {
        if let Ok(handover) = Handover::parse(&self.kernel.bytes) {
            return CommandLineSources::from(&handover);
        }
        CommandLineSources {
            kernel: &self.kernel.bytes,
            profile: self.profile,
            addons: self.addons.iter().map(|addon| &addon.bytes[..]).collect(),
            manifest: self.manifest.as_ref().map(|(text, _)| &text.bytes[..]),
        }
    }
}

/// A handover has all its parts in it.
fn check_alone(args: &Companions) -> Result<()> {
    match args.besides_cmdline() {
        None => Ok(()),
        Some(option) => Err(LoadError::HandoverIsWhole { option }.into()),
    }
}

fn command_line(args: &Companions, reused: Option<Vec<u8>>, inputs: &Inputs) -> Result<Vec<u8>> {
    let line = match (&args.cmdline, reused) {
        (Some(text), _) => text.as_bytes().to_vec(),
        (None, Some(line)) => line,
        (None, None) => inputs
            .command_line_sources()
            .command_line()
            .unwrap_or_default()
            .into(),
    };
    cmdline::check(&line)?;
    Ok(line)
}
