//! The demo.

use anyhow::Result;

/// Shows a hand-over.
pub fn run() -> Result<()> {
    anyhow::bail!("written last")
}
