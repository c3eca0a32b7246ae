//! Writes the small test image to standard output, for `tests/fixtures/regenerate` to sign.

use std::io::Write;

#[path = "../tests/support/small_image.rs"]
#[allow(dead_code, missing_docs, clippy::cast_possible_truncation)]
mod small_image;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(&small_image::small_image())
}
