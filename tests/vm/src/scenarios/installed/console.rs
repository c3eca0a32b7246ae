//! Who sits at the console, in sentences; and the transcript of what was typed and said.

use std::path::Path;

use anyhow::{Result, ensure};
use baton_lab::debian::shell::Shell;
use baton_lab::vm::mokmanager;
use baton_lab::vm::terminal::Terminal;

/// The console, and what was seen there.
pub struct Console {
    shell: Shell,
    transcript: String,
}

/// What a command said.
pub struct Said {
    command: String,
    text: String,
}

impl Console {
    pub fn new(terminal: Terminal) -> Console {
        Console {
            shell: Shell { terminal },
            transcript: String::new(),
        }
    }

    /// Writes the transcript where logs of consoles are looked for.
    pub fn keep(&self, directory: &Path) -> Result<()> {
        Ok(fs_err::write(
            directory.join("console.txt"),
            &self.transcript,
        )?)
    }

    /// A heading.
    pub fn chapter(&mut self, title: &str) {
        self.transcript += &format!("\n== {title}\n\n");
    }

    /// The machine boots: root is logged in, and everything has been started. Gives what was said up to the login.
    pub fn boots(&mut self) -> Result<Said> {
        let text = self.shell.log_in()?;
        // Messages about units that take long stand between what commands say until then.
        self.runs("systemctl is-system-running --wait")?
            .says("running")?;
        Ok(Said {
            command: "booting".into(),
            text,
        })
    }

    /// Whoever boots it is asked this, and answers.
    pub fn unlocks(&mut self, question: &str, answer: &str) -> Result<()> {
        self.shell.terminal.wait_for(&[question])?;
        self.transcript += &format!("{question}…\n");
        self.shell.terminal.type_in(&format!("{answer}\n"))
    }

    /// A command that succeeds.
    pub fn runs(&mut self, command: &str) -> Result<Said> {
        self.ends_with(0, command, &[])
    }

    /// A command that asks, and succeeds: the questions in their order, and their answers.
    pub fn answers(&mut self, command: &str, answers: &[(&str, &str)]) -> Result<Said> {
        self.ends_with(0, command, answers)
    }

    /// A command that ends with this status.
    pub fn ends_with(
        &mut self,
        status: u8,
        command: &str,
        answers: &[(&str, &str)],
    ) -> Result<Said> {
        self.transcript += &format!("# {command}\n");
        let said = self.shell.run(command, answers)?;
        self.transcript += &said.text;
        ensure!(
            said.status == status,
            "`{command}` ended with {}, not {status}, and said:\n{}",
            said.status,
            said.text
        );
        Ok(Said {
            command: command.to_owned(),
            text: said.text,
        })
    }

    /// A command after which the machine goes down.
    pub fn leaves_by(&mut self, command: &str) -> Result<()> {
        self.transcript += &format!("# {command}\n");
        self.shell.terminal.type_in(&format!("{command}\n"))
    }

    /// The key is confirmed in MokManager.
    pub fn confirms_key(&mut self, password: &str) -> Result<()> {
        let chosen = mokmanager::enroll(&mut self.shell.terminal, password)?;
        self.transcript += &format!("MokManager: {}\n", chosen.join(", "));
        Ok(())
    }

    /// The machine switches itself off.
    pub fn goes_off(&mut self) -> Result<()> {
        self.shell.terminal.wait_for_end()
    }
}

impl Said {
    /// Each of these is in it.
    pub fn says(self, wanted: &str) -> Result<Said> {
        ensure!(
            self.text.contains(wanted),
            "`{}` doesn't say \"{wanted}\" but:\n{}",
            self.command,
            self.text
        );
        Ok(self)
    }

    /// This isn't.
    pub fn never_says(self, unwanted: &str) -> Result<Said> {
        ensure!(
            !self.text.contains(unwanted),
            "`{}` says \"{unwanted}\":\n{}",
            self.command,
            self.text
        );
        Ok(self)
    }

    /// It is only this.
    pub fn is(self, wanted: &str) -> Result<Said> {
        ensure!(
            self.text.trim() == wanted,
            "`{}` doesn't say only \"{wanted}\" but:\n{}",
            self.command,
            self.text
        );
        Ok(self)
    }

    /// What it said, without the end of its line.
    pub fn line(&self) -> &str {
        self.text.trim()
    }
}
