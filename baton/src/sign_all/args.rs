//! The command line of `baton sign-all`.

use super::settings::DEFAULT;
use clap::Args;
use std::path::PathBuf;

/// What `--help` adds.
pub const SIGN_ALL_HELP: &str = "\
The file is TOML:
  key = \"/etc/baton/mok.key\"
  cert = \"/etc/baton/mok.pem\"
  files = [\"/boot/vmlinuz-*\", \"/boot/initrd.img-*\"]

Of a path `*` and `?` may be parts. What has a good signature by this certificate is left alone. Hooks for
kernel-install, for Debian's kernel packages and for initramfs-tools run this after each upgrade.";

/// What to sign.
#[derive(Debug, Args)]
pub struct SignAllArgs {
    /// The file that lists what to sign
    #[arg(long, value_name = "FILE", default_value = DEFAULT)]
    pub config: PathBuf,
    /// Say what would be signed, and don't use the key
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}
