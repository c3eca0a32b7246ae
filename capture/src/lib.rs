//! Captures a crash: the init program of the capture kernel, and its configuration, which `baton crash load`
//! writes and checks with this same code.
//!
//! [`run::capture`] tries the targets of a [`config::Config`] until one has the dump. It reaches the machine only
//! through a [`system::System`]; [`linux::Linux`] is the real one.
//!
//! ```
//! use baton_capture::config::Config;
//!
//! let text = r#"
//!     deadline = 600
//!     progress-timeout = 120
//!     finally = "reboot"
//!     read-back = true
//!     keep = 3
//!     [dump]
//!     level = 31
//!     format = "kdump"
//!     compression = "zstd"
//!     [[target]]
//!     kind = "raw"
//!     device = "PARTUUID=0a1b"
//! "#;
//! let config = Config::parse(text)?;
//! assert_eq!(config.target[0].kind().to_string(), "partition PARTUUID=0a1b");
//! # Ok::<(), baton_capture::config::ConfigError>(())
//! ```

#![forbid(unsafe_code)]

pub mod checksum;
pub mod cluster;
pub mod config;
pub mod crash;
pub mod deadline;
pub mod device;
pub mod digest;
pub mod dump;
pub mod fence_kdump;
pub mod file_system;
pub mod layer;
pub mod linux;
pub mod members;
pub mod mount_options;
mod movement;
pub mod name;
pub mod path;
pub mod periodic_sync;
pub mod probe;
pub mod progress;
pub mod rotation;
pub mod run;
pub mod space;
pub mod storage;
pub mod summary;
pub mod system;
pub mod target;
pub mod trailer;
pub mod wait;
pub mod watchdog;
