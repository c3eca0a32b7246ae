//! The modules of a kernel: which ones exist, which are needed, and in which order they are loaded.

mod index;
mod resolve;
mod wildcard;

pub use index::{Found, Index, SoftDependencies, Texts};
pub use resolve::Resolver;
