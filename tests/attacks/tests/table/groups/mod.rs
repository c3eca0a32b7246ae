//! The attacks, group by group.

/// Attacks as a table: the name; the machine before the attack, the attack; the part that is refused, and the code.
macro_rules! refused {
    ($all:ident; $($name:literal: $honest:expr, $attack:expr => $component:expr, $code:expr;)*) => {
        $($all.refused($name, $honest, $attack, $component, $code);)*
    };
}

/// The same of what only the gate sees.
macro_rules! by_gate {
    ($all:ident; $($name:literal: $honest:expr, $attack:expr => $component:expr, $code:expr;)*) => {
        $($all.by_gate($name, $honest, $attack, $component, $code);)*
    };
}

/// The same of gates that the running kernel refuses.
macro_rules! by_kernel {
    ($all:ident; $($name:literal: $honest:expr, $attack:expr => $code:expr;)*) => {
        $($all.by_kernel($name, $honest, $attack, $code);)*
    };
}

mod acpi_tables;
mod after_loading;
mod around_initrds;
mod command_line;
mod confusion;
mod firmware_tables;
mod gate;
mod images;
mod initrds;
mod load_type;
mod machine_tables;
mod module_keys;
mod revoked;
mod revoked_digests;
mod roles;
mod scopes;
mod secure_boot;
mod transplants;
mod ukis;

use super::case::Case;

pub fn all() -> Vec<Case> {
    [
        images::cases(),
        transplants::cases(),
        confusion::cases(),
        roles::cases(),
        revoked::cases(),
        revoked_digests::cases(),
        scopes::cases(),
        module_keys::cases(),
        command_line::cases(),
        around_initrds::cases(),
        ukis::cases(),
        initrds::cases(),
        machine_tables::cases(),
        firmware_tables::cases(),
        secure_boot::cases(),
        load_type::cases(),
        gate::cases(),
        after_loading::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
