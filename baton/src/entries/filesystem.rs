//! How boot loaders name file systems.

/// A file system, as GRUB finds it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Filesystem {
    /// The one that `grub.cfg` lies on: what GRUB begins with.
    #[default]
    OfMenu,
    /// By its UUID.
    Uuid(String),
    /// By its label.
    Label(String),
    /// The first on which there is this file.
    WithFile(String),
    /// By GRUB's name of the disk, such as `hd0,gpt2`.
    Disk(String),
    /// Conditions decide.
    Unsettled,
    /// The one of the menu that the entry lies in, which isn't known before that has been read.
    Inherited,
}
