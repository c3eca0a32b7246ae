//! The attacks, group by group.

mod confusion;
mod images;
mod revoked;
mod transplants;

use super::case::Case;

pub fn all() -> Vec<Case> {
    [images::cases(), transplants::cases(), confusion::cases(), revoked::cases()]
        .into_iter()
        .flatten()
        .collect()
}
