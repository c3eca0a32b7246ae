//! Which algorithms the kernel has.

use baton_sys::{ReadError, Root};

/// The algorithms of the kernel's crypto API.
#[derive(Debug, Clone, Default)]
pub struct Algorithms {
    /// What `/proc/crypto` lists; `None` where it isn't shown.
    listed: Option<String>,
    /// The modules that could be loaded for others, by their aliases.
    loadable: Option<Modules>,
}

#[derive(Debug, Clone)]
struct Modules {
    root: Root,
    aliases: String,
}

impl Algorithms {
    /// Asks the system.
    ///
    /// # Errors
    /// When something that is there can't be read.
    pub fn read(root: &Root) -> Result<Algorithms, ReadError> {
        Ok(Algorithms {
            listed: root.read_text("proc/crypto")?,
            loadable: Modules::of(root)?,
        })
    }

    /// Whether the kernel has one, or could load it; so it is held to where nothing is known.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let Some(listed) = &self.listed else {
            return true;
        };
        // crypto/proc.c
        let is_it = |line: &str| {
            line.split_once(':')
                .is_some_and(|(field, value)| field.trim_end() == "name" && value.trim() == name)
        };
        listed.lines().any(is_it) || self.loadable.as_ref().is_some_and(|m| m.have(name))
    }
}

impl Modules {
    /// None where the program that loads them isn't there (kernel/module/kmod.c).
    fn of(root: &Root) -> Result<Option<Modules>, ReadError> {
        let program = root.read_text("proc/sys/kernel/modprobe")?;
        let release = root.read_text("proc/sys/kernel/osrelease")?;
        let Some((program, release)) = program.zip(release) else {
            return Ok(None);
        };
        let program = program.trim().trim_start_matches('/');
        Ok(
            (!program.is_empty() && root.exists(program)).then(|| Modules {
                root: root.clone(),
                aliases: format!("lib/modules/{}/modules.alias", release.trim()),
            }),
        )
    }

    /// crypto_alg_mod_lookup in crypto/api.c asks for `crypto-NAME`.
    fn have(&self, name: &str) -> bool {
        let text = self.root.read_text(&self.aliases).ok().flatten();
        let begin = format!("alias crypto-{name} ");
        text.is_some_and(|text| text.lines().any(|line| line.starts_with(&begin)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_is_there_and_where_nothing_is_shown_all_is() {
        let listed = "name         : sha256\ndriver       : sha256-ni\n\nname : rsa\n".to_owned();
        let some = Algorithms {
            listed: Some(listed),
            loadable: None,
        };
        assert!(some.has("sha256") && some.has("rsa"));
        assert!(!some.has("sha256-ni") && !some.has("sha1"));
        assert!(Algorithms::default().has("sha1"));
    }

    #[test]
    fn modules_count_where_they_can_be_loaded() {
        let directory = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = directory.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("proc/crypto", "name : sha256\n");
        write("proc/sys/kernel/modprobe", "/sbin/modprobe\n");
        write("proc/sys/kernel/osrelease", "6.12\n");
        write(
            "lib/modules/6.12/modules.alias",
            "alias crypto-sha1 sha1_generic\n",
        );
        let has = || {
            Algorithms::read(&Root::at(directory.path()))
                .unwrap()
                .has("sha1")
        };
        assert!(!has(), "there is no modprobe");
        write("sbin/modprobe", "");
        assert!(has());
    }
}
