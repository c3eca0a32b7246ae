//! Writes the small test image to standard output, for `verify/tests/fixtures/regenerate` to sign.

use std::io::Write;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(&baton_samples::small_image::small_image())
}
