//! What is shown in virtual machines. One short function per scenario, expanded over kernels.

mod altered;
mod attacks;
mod crash;
mod dump;
mod format;
mod formats;
pub mod handover;
pub mod judge;
mod policy;
mod refusal;
pub mod runner;
pub mod stock;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use baton_guest::script::Script;

use crate::lab::Lab;
use crate::machine::Machine;
use crate::vm::{Run, Until};

pub use handover::demo;

/// What is left of a machine, looked at; the folder is its own.
pub type Examine = Box<dyn Fn(&Lab, &Path) -> Result<()> + Send + Sync>;

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
}

impl Scenario {
    /// A scenario with Baton on a usual machine with 6.12, of the short suite.
    fn new(
        name: impl Into<String>,
        script: Script,
        judge: impl Fn(&Run) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        Scenario {
            name: name.into(),
            full: false,
            ours: true,
            machine: Machine::new(crate::payload::MAIN),
            script,
            until: Until::within(120),
            judge: Box::new(judge),
            examine: None,
        }
    }

    fn on(mut self, machine: Machine) -> Self {
        self.machine = machine;
        self
    }

    fn within(mut self, seconds: u64) -> Self {
        self.until.limit = Duration::from_secs(seconds);
        self
    }

    /// It ends when the console says this.
    fn until_said(mut self, text: &'static str) -> Self {
        self.until.said = Some(text);
        self
    }

    fn examined(
        mut self,
        examine: impl Fn(&Lab, &Path) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.examine = Some(Box::new(examine));
        self
    }

    fn only_in_full(mut self) -> Self {
        self.full = true;
        self
    }
}

/// All of them.
pub fn all(lab: &Lab) -> Vec<Scenario> {
    let labels: Vec<&str> = lab
        .packages
        .kernels
        .iter()
        .map(|k| k.label.as_str())
        .collect();
    let mut found = stock::all(&labels);
    found.extend(handover::all(&labels));
    found.extend(crash::all(&labels));
    found.extend(dump::all(&labels));
    found.extend(formats::all(&labels));
    found.extend(refusal::all());
    found.extend(policy::all(&labels));
    found.extend(altered::all(&labels));
    found.extend(attacks::all(&labels));
    found
}
