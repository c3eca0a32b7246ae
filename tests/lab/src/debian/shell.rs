//! The shell at a system's serial console, at which root is logged in.

use anyhow::{Context, Result};

use crate::vm::terminal::Terminal;

/// root's profile: a prompt that says how the last command ended, and a line of input that nothing edits.
pub(super) const PROFILE: &str = "PS1='guest[$?]# '
unset PROMPT_COMMAND PS0
set +o emacs
stty cols 160
export LC_ALL=C.UTF-8 TERM=dumb PAGER=cat SYSTEMD_PAGER= DEBIAN_FRONTEND=noninteractive
";

/// The prompt, around the status.
const PROMPT: [&str; 2] = ["guest[", "]# "];

/// What agetty says when it logs root in.
const LOGGED_IN: &str = "(automatic login)";

/// How a command ended, and what it said.
pub struct Said {
    /// Its status.
    pub status: u8,
    /// What was on the terminal.
    pub text: String,
}

/// A shell.
pub struct Shell {
    /// Where it runs.
    pub terminal: Terminal,
}

impl Shell {
    /// Waits until a boot has come to its shell; gives what was said meanwhile.
    pub fn log_in(&mut self) -> Result<String> {
        let (_, said) = self.terminal.wait_for(&[LOGGED_IN])?;
        self.prompt()?;
        Ok(said)
    }

    /// Runs a command to its end. To each of these questions it gives the answer, in this order.
    pub fn run(&mut self, command: &str, answers: &[(&str, &str)]) -> Result<Said> {
        self.terminal.type_in(&format!("{command}\n"))?;
        let mut text = String::new();
        for (question, answer) in answers {
            let (_, said) = self.terminal.wait_for(&[question])?;
            text += &format!("{said}{question}");
            self.terminal.type_in(&format!("{answer}\n"))?;
        }
        let mut said = self.prompt()?;
        said.text.insert_str(0, &text);
        // The terminal shows what is typed.
        let answer = said.text.split_once('\n').map_or("", |(_, rest)| rest);
        said.text = lines(answer);
        Ok(said)
    }

    fn prompt(&mut self) -> Result<Said> {
        let (_, text) = self.terminal.wait_for(&[PROMPT[0]])?;
        let (_, status) = self.terminal.wait_for(&[PROMPT[1]])?;
        let status = status.parse().context("the prompt has no status")?;
        Ok(Said { status, text })
    }
}

/// Lines as a terminal shows them in the end: what comes after a carriage return is written over what was before it.
fn lines(text: &str) -> String {
    let shown = text.lines().map(|line| {
        let line = line.trim_end_matches('\r');
        line.rsplit('\r').next().unwrap_or_default()
    });
    shown.map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_shown_as_it_stands_in_the_end() {
        assert_eq!(lines("a 1%\ra 2%\ra done.\r\nb\r\n"), "a done.\nb\n");
    }
}
