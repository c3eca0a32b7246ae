//! Free space of a file system.

use std::io;
use std::path::Path;

/// The bytes that root can still write to the file system of `path` (`f_bfree` of statvfs(3), which includes the
/// blocks reserved for root).
///
/// # Errors
/// The error of statvfs(3), with the path.
pub fn free(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path).map_err(|e| {
        let e = io::Error::from(e);
        io::Error::new(e.kind(), format!("{}: {e}", path.display()))
    })?;
    Ok(stat.f_bfree.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_of_a_directory_is_that_of_its_file_system() {
        assert!(free(&std::env::temp_dir()).unwrap() > 0);
        let missing = free(Path::new("/no/such/directory")).unwrap_err();
        assert!(missing.to_string().contains("/no/such/directory"));
    }
}
