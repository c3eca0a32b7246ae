//! Kernels signed by one key, however it is held, loaded by the running kernel's own judgement.

use baton_guest::script::{Script, Step};
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::{self, Machine};
use baton_lab::payload::held::WAYS;
use baton_lab::vm::judge;

use crate::scenario::Scenario;

/// Each is loaded in turn, and the last one started.
pub fn signed_however_the_key_is_held() -> Scenario {
    let load = |way: &str| Step::FileLoad {
        kernel: format!("/payload/kernels/{MAIN}/{way}.efi"),
        initrd: format!("/payload/kernels/{MAIN}/initrd.img"),
        cmdline: machine::cmdline(2),
        crash: false,
        errno: None,
    };
    let mut first = vec![Step::Observe];
    first.extend(WAYS.map(load));
    first.push(Step::Kexec);
    let script = Script {
        stages: vec![first, vec![Step::Observe]],
    };
    Scenario::new("signed-however-the-key-is-held", script, |run| {
        judge::done(run, 2)?;
        judge::locked_down(run, 1)?;
        judge::locked_down(run, 2)?;
        judge::runs(run, 2, MAIN, &machine::cmdline(2))
    })
    .on(Machine::new(MAIN))
}
