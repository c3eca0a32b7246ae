//! A gate's policy: its main points. `baton policy show` and `explain` say all of it.

use crate::output::page::Page;
use crate::policy::given::digest;
use crate::policy::preset;
use crate::policy::words::{CommandLineSignature, Set, Word, Words};
use baton_formats::policy::{InputSignature, KernelSignature, Policy, RefusalAction, Rules};
use serde::Serialize;

/// A gate's policy.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PolicyInfo {
    /// What people call it; may be empty.
    pub name: String,
    /// SHA-256 of its compact form, in hexadecimal.
    pub sha256: String,
    /// The preset that it is, byte for byte.
    pub preset: Option<&'static str>,
    /// `reset` or `halt`.
    pub refusal_action: Word<RefusalAction>,
    /// Nothing is booted unless Secure Boot is on.
    pub require_secure_boot: bool,
    /// Seconds between the message and the action.
    pub refusal_delay_seconds: u32,
    /// For a normal load.
    pub normal: RulesInfo,
    /// For a crash load.
    pub crash: RulesInfo,
    /// How many keys may not vouch for everything.
    pub scoped_keys: usize,
    /// It is what a gate without a policy does.
    pub is_default: bool,
}

/// What is accepted for one load type, in the words of the policy's TOML.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RulesInfo {
    /// Ways to vouch for a kernel.
    pub kernel: Set<KernelSignature>,
    /// Initrds besides those of a UKI.
    pub initrd: Set<InputSignature>,
    /// Command lines besides that of a UKI.
    pub command_line: Set<CommandLineSignature>,
    /// How many rules there are about parameters.
    pub parameter_rules: usize,
    /// Parameters that no rule is about are denied.
    pub unlisted_denied: bool,
    /// Nothing may follow `--`.
    pub init_arguments_denied: bool,
    /// What is added to the command line.
    pub forced: String,
}

impl PolicyInfo {
    /// Its main points.
    #[must_use]
    pub fn of(policy: &Policy<'_>) -> PolicyInfo {
        PolicyInfo {
            name: policy.name.to_owned(),
            sha256: digest(policy.as_bytes()),
            preset: preset::name_of(policy),
            refusal_action: Word(policy.refusal.action),
            require_secure_boot: policy.require_secure_boot,
            refusal_delay_seconds: policy.refusal.delay_seconds,
            normal: RulesInfo::of(&policy.normal),
            crash: RulesInfo::of(&policy.crash),
            scoped_keys: policy.scopes().count(),
            is_default: *policy == Policy::stock(),
        }
    }

    /// Prints them.
    pub fn show(&self, page: &mut Page) {
        page.field("policy", self.title());
        page.field("", format!("SHA-256 {}", self.sha256));
        let asked = if self.require_secure_boot {
            "must be on"
        } else {
            "needn't be on"
        };
        page.field("", format!("Secure Boot {asked}"));
        let (action, delay) = (self.refusal_action.word(), self.refusal_delay_seconds);
        page.field("", format!("after a refusal: {action} in {delay} s"));
        self.normal.show(page);
        if self.crash != self.normal {
            page.field("", "crash loads:");
            self.crash.show(page);
        }
        if self.scoped_keys > 0 {
            let keys = self.scoped_keys;
            page.field(
                "",
                format!("keys limited in what they may vouch for: {keys}"),
            );
        }
    }

    fn title(&self) -> String {
        match (self.preset, self.name.as_str()) {
            (Some(preset), _) => format!("the preset {preset}"),
            (None, "") => "without a name".into(),
            (None, name) => format!("\"{name}\""),
        }
    }
}

impl RulesInfo {
    fn of(rules: &Rules<'_>) -> RulesInfo {
        RulesInfo {
            kernel: Set::of(rules.kernel.0),
            initrd: Set::of(rules.initrd.0),
            command_line: Set::of(rules.command_line.0),
            parameter_rules: rules.parameters().count(),
            unlisted_denied: rules.unlisted_denied,
            init_arguments_denied: rules.nothing_for_init,
            forced: String::from_utf8_lossy(rules.forced).into_owned(),
        }
    }

    fn show(&self, page: &mut Page) {
        page.field("", format!("kernel: {}", self.kernel.words().join(", ")));
        page.field("", format!("initrd: {}", or_uki(self.initrd)));
        page.field("", format!("cmdline: {}", or_uki(self.command_line)));
        let unlisted = if self.unlisted_denied {
            "others are denied"
        } else {
            "others are allowed"
        };
        let rules = self.parameter_rules;
        page.field("", format!("parameters: {rules} rules, {unlisted}"));
        if !self.forced.is_empty() {
            page.field("", format!("forced: {}", self.forced));
        }
    }
}

fn or_uki<T: Words<Value = u8>>(accepted: Set<T>) -> String {
    match &accepted.words()[..] {
        [] => "from a UKI alone".into(),
        ways => format!("{}, or from a UKI", ways.join(", ")),
    }
}
