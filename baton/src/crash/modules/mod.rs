//! The modules of the kernel that captures: which there are, which are needed, and their bytes.

pub mod file;
pub mod index;
pub mod resolve;
pub mod wildcard;

pub use index::{Found, Index};
pub use resolve::Resolver;
