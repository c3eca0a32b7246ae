//! The modules of a kernel: which there are, and which are needed, in which order.

mod index;
mod resolve;
mod wildcard;

pub use index::{Found, Index, SoftDependencies, Texts};
pub use resolve::Resolver;
