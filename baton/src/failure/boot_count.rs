//! Why attempts to start kernels can't be counted.

use super::Code;
use super::exit::Exit;

/// Why attempts to start kernels can't be counted.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the words say what the fields are
pub enum BootCountError {
    #[error("no kernel \"{name}\" is counted; {}", counted(.known))]
    NoSuchKernel { name: String, known: Vec<String> },
}

fn counted(names: &[String]) -> String {
    match names {
        [] => "none is".to_owned(),
        names => format!("there are: {}", names.join(", ")),
    }
}

impl BootCountError {
    /// Exit code and word.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            BootCountError::NoSuchKernel { .. } => (Exit::Usage, "no-such-kernel"),
        }
    }
}
