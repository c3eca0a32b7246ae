//! Where fetched and built things lie, and how it is known that one is complete.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The cache folder: `$BATON_CACHE`, else `$XDG_CACHE_HOME/baton`, else `~/.cache/baton`.
#[derive(Debug, Clone)]
pub struct Cache(PathBuf);

impl Cache {
    /// Opens the cache, making the folder where it isn't there.
    pub fn open() -> Result<Cache> {
        let set = |name| {
            std::env::var_os(name)
                .filter(|v| !v.is_empty())
                .map(PathBuf::from)
        };
        let folder = set("BATON_CACHE")
            .or_else(|| set("XDG_CACHE_HOME").map(|p| p.join("baton")))
            .or_else(|| set("HOME").map(|p| p.join(".cache/baton")))
            .context("no place for the cache: set BATON_CACHE to a folder")?;
        fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
        Ok(Cache(folder))
    }

    /// A path in the cache.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    /// A folder in the cache, made where it isn't there.
    pub fn folder(&self, name: impl AsRef<Path>) -> Result<PathBuf> {
        let path = self.path(name);
        fs::create_dir_all(&path).with_context(|| format!("can't make {}", path.display()))?;
        Ok(path)
    }

    /// The folder `name`, filled by `fill` once. What an interrupted run left is removed first; the
    /// folder takes its name only when it is complete.
    pub fn once(&self, name: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let done = self.path(name);
        if done.is_dir() {
            return Ok(done);
        }
        let draft = self.path(format!("{name}.draft"));
        if draft.exists() {
            fs::remove_dir_all(&draft)?;
        }
        fs::create_dir_all(&draft)?;
        fill(&draft)?;
        fs::rename(&draft, &done)?;
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_whose_making_failed_is_made_again() {
        let base = std::env::temp_dir().join(format!("baton-cache-test-{}", std::process::id()));
        let cache = Cache(base.clone());
        assert!(cache.once("a", |_| anyhow::bail!("no")).is_err());
        assert!(!cache.path("a").exists());
        let made = cache
            .once("a", |draft| Ok(fs::write(draft.join("x"), "1")?))
            .unwrap();
        assert_eq!(fs::read_to_string(made.join("x")).unwrap(), "1");
        cache.once("a", |_| panic!("made twice")).unwrap();
        fs::remove_dir_all(base).unwrap();
    }
}
