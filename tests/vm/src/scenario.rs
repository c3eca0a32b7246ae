//! A scenario: a machine, what its guests do, and what must be seen.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use baton_guest::script::Script;
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::Machine;
use baton_lab::setup::Lab;
use baton_lab::vm::{Run, Until};

/// What is left of a machine, looked at; the directory is its own.
pub type Examine = Box<dyn Fn(&Lab, &Path) -> Result<()> + Send + Sync>;

/// What a person types at a machine that has a system of its own, within a time; the directory is the machine's.
pub type Session = Box<dyn Fn(&Lab, &Path, Duration) -> Result<()> + Send + Sync>;

/// A verdict on a run: an error says what is wrong.
pub type Judge = Box<dyn Fn(&Run) -> Result<()> + Send + Sync>;

/// A machine, what it does, and what must be seen.
pub struct Scenario {
    /// Words with hyphens, kernels in it as `6.12`.
    pub name: String,
    /// Whether only the long matrix has it.
    pub full: bool,
    /// Whether it needs the gate and `baton`.
    pub ours: bool,
    /// Whether it needs kernels that are built from source.
    pub built: bool,
    /// The machine.
    pub machine: Machine,
    /// What its guests do.
    pub script: Script,
    /// When it ends at the latest.
    pub until: Until,
    /// What must be seen.
    pub judge: Judge,
    /// What must be found afterwards, where anything is left.
    pub examine: Option<Examine>,
    /// What is typed, where nobody carries out a script.
    pub session: Option<Session>,
}

impl Scenario {
    /// A scenario with Baton on a usual machine with 6.12, of the short suite.
    pub fn new(
        name: impl Into<String>,
        script: Script,
        judge: impl Fn(&Run) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        Scenario {
            name: name.into(),
            full: false,
            ours: true,
            built: false,
            machine: Machine::new(MAIN),
            script,
            until: Until::within(120),
            judge: Box::new(judge),
            examine: None,
            session: None,
        }
    }

    pub fn on(mut self, machine: Machine) -> Self {
        self.machine = machine;
        self
    }

    pub fn within(mut self, seconds: u64) -> Self {
        self.until.limit = Duration::from_secs(seconds);
        self
    }

    /// It ends when the console says this.
    pub fn until_said(mut self, text: &'static str) -> Self {
        self.until.said = Some(text);
        self
    }

    pub fn examined(
        mut self,
        examine: impl Fn(&Lab, &Path) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.examine = Some(Box::new(examine));
        self
    }

    pub fn typed(
        mut self,
        session: impl Fn(&Lab, &Path, Duration) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.session = Some(Box::new(session));
        self
    }

    /// It needs kernels that are built from source.
    pub fn with_built_kernels(mut self) -> Self {
        self.built = true;
        self
    }

    pub fn only_in_full(mut self) -> Self {
        self.full = true;
        self
    }
}
