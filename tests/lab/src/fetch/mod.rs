//! What is made elsewhere, fetched by package name and kept in a cache.

pub mod apt;
pub mod built;
pub mod cache;
pub mod extras;
pub mod modules;
pub mod newer;
pub mod packages;
pub mod peers;
pub mod python;
pub mod sbsign;
pub mod sources;
pub mod symbols;
pub mod tools;
