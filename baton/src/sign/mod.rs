//! `baton sign`: signatures that the gate accepts, and wherever others know the same kind, they.
//!
//! | kind | where it goes | who else takes it |
//! |---|---|---|
//! | [`authenticode`] | the certificate table of a PE image | firmware, shim, the kernel, sbverify |
//! | [`appended`] | the file's end | the kernel, of its modules |
//! | [`note`] | a note of an ELF file | |
//! | [`detached`] | a file of its own | `openssl cms -verify` |
//! | [`ima`] | the attribute `security.ima` | the kernel, where IMA appraises; nobody else |
//!
//! Whatever was signed is verified, by the same code as in the gate, before it is written.

pub mod appended;
pub mod args;
pub mod authenticode;
pub mod certificate_table;
pub mod cms;
pub mod detached;
pub mod ima;
pub mod key;
pub mod list;
pub mod needed;
pub mod note;
pub mod note_room;
pub mod offline;
pub mod place;
pub mod remove;
pub mod run;
pub mod several;
pub mod signer;
