//! Why a dump isn't written.

use crate::arch::Machine;
use crate::encode::NoEncoder;
use crate::regions::RegionsError;
use std::io;

/// Why a dump can't be written, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The output fails.
    #[error("the dump can't be written: {0}")]
    Output(#[from] io::Error),
    /// The memory can't be.
    #[error(transparent)]
    Regions(#[from] RegionsError),
    /// The compression can't be had.
    #[error(transparent)]
    Encoder(#[from] NoEncoder),
    /// No dump of this machine is in this form.
    #[error(
        "a kdump-compressed dump needs a 64-bit machine that it can name, and this dump is of {0}; write an ELF core (--format elf)"
    )]
    Machine(Machine),
    /// The notes don't fit the format.
    #[error("the dump's notes are {0} bytes long: too many for the format")]
    Notes(u64),
    /// More pieces of memory than an ELF core can have.
    #[error("the dump would have {0} segments: too many for ELF; write kdump instead")]
    TooManySegments(u64),
    /// Nothing else can be in several files.
    #[error("only a kdump-compressed dump can be split; write it with --format kdump")]
    Unsplittable,
    /// A part begins with what is known only at the end.
    #[error("parts of a split dump can't be written to streams; write them to files")]
    SplitStream,
    /// Someone ended it.
    #[error("the dump was aborted")]
    Cancelled,
}
