//! The attacks, group by group.

mod acpi_tables;
mod after_loading;
mod around_initrds;
mod command_line;
mod confusion;
mod firmware_tables;
mod gate;
mod images;
mod initrds;
mod machine_tables;
mod module_keys;
mod occasion;
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
        occasion::cases(),
        gate::cases(),
        after_loading::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
