//! One attack, and what must come of it.

use baton_attacks::Group;
use baton_gate::arch::x86_64::BootPlan;
use baton_verify::Component;

use super::scene::Scene;

/// An attack: a machine that boots, what the attacker does to it, and what comes of that.
pub struct Case {
    pub group: Group,
    /// As in "a kernel with one bit of its code changed".
    pub name: &'static str,
    /// The machine before the attack, which boots.
    pub honest: fn() -> Scene,
    pub attack: fn(&mut Scene),
    pub outcome: Outcome,
}

/// What must come of an attack.
pub enum Outcome {
    /// Verdict, gate and preflight refuse this part for a reason of this code, in the same words.
    Refused(Component, &'static str),
    /// The same of what only the gate sees.
    RefusedByGate(Component, &'static str),
    /// The running kernel refuses the gate, as preflight predicts.
    RefusedByKernel(&'static str),
    /// What was verified is booted all the same; the words say how, the function holds it to that.
    Survived(&'static str, fn(&BootPlan<'_>)),
}

/// Makes cases of one group, shorter to write.
pub struct Cases {
    group: Group,
    pub made: Vec<Case>,
}

impl Cases {
    pub fn of(group: Group) -> Self {
        Self {
            group,
            made: vec![],
        }
    }

    pub fn refused(
        &mut self,
        name: &'static str,
        honest: fn() -> Scene,
        attack: fn(&mut Scene),
        component: Component,
        code: &'static str,
    ) {
        self.add(name, honest, attack, Outcome::Refused(component, code));
    }

    pub fn by_gate(
        &mut self,
        name: &'static str,
        honest: fn() -> Scene,
        attack: fn(&mut Scene),
        component: Component,
        code: &'static str,
    ) {
        self.add(
            name,
            honest,
            attack,
            Outcome::RefusedByGate(component, code),
        );
    }

    pub fn by_kernel(
        &mut self,
        name: &'static str,
        honest: fn() -> Scene,
        attack: fn(&mut Scene),
        code: &'static str,
    ) {
        self.add(name, honest, attack, Outcome::RefusedByKernel(code));
    }

    pub fn survived(
        &mut self,
        name: &'static str,
        honest: fn() -> Scene,
        attack: fn(&mut Scene),
        words: &'static str,
        check: fn(&BootPlan<'_>),
    ) {
        self.add(name, honest, attack, Outcome::Survived(words, check));
    }

    fn add(
        &mut self,
        name: &'static str,
        honest: fn() -> Scene,
        attack: fn(&mut Scene),
        outcome: Outcome,
    ) {
        self.made.push(Case {
            group: self.group,
            name,
            honest,
            attack,
            outcome,
        });
    }
}
