//! Which entry a value of `default` leads to, as GRUB follows it (get_entry_number and menuentry_eq in its normal/menu.c):
//! by position, ID or title, through submenus with `>` between them. What leads to nothing leads to a menu's first entry.

use super::variables::Value;
use super::{Item, LeadsTo, Menu};

/// An entry of `loader/entries`, as GRUB has it in its menu.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlsLine {
    /// Its file's name, without `.conf`.
    pub id: String,
    /// Its title.
    pub title: String,
}

/// Where the way ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// At an entry of `grub.cfg`, by its position in [`Menu::entries`].
    Menu(usize),
    /// At one of `loader/entries`, by its position in the menu.
    Bls(usize),
}

/// A line of a menu, as it is shown.
struct Line<'m> {
    id: &'m str,
    title: &'m str,
    is_conditional: bool,
    leads_to: Next<'m>,
}

enum Next<'m> {
    End(End),
    Menu(&'m [Item]),
}

impl Menu {
    /// What is started if nobody chooses; `None` if the menu is empty. `bls` are the entries of `loader/entries`, in GRUB's
    /// order.
    ///
    /// # Errors
    /// Why that can't be told.
    pub fn default_entry(&self, bls: &[BlsLine]) -> Result<Option<End>, String> {
        let way = match self.variables.value("default") {
            Some(Value::Text(way)) => way,
            None => "",
            Some(_) => return Err("conditions in grub.cfg decide what it is".to_owned()),
        };
        let mut items = &self.items[..];
        let mut rest = way.trim();
        loop {
            let lines = lines(items, bls);
            let (name, after) = first_step(rest);
            let at = self.position(&name, &lines)?;
            match lines.get(at).map(|line| &line.leads_to) {
                None => return self.whole().map(|()| None),
                Some(Next::End(end)) => return Ok(Some(*end)),
                Some(Next::Menu(submenu)) => (items, rest) = (submenu, after),
            }
        }
    }

    /// The position that a name has among these lines, or else the first.
    fn position(&self, name: &str, lines: &[Line<'_>]) -> Result<usize, String> {
        let by_name = || {
            let by_id = lines.iter().position(|line| line.id == name);
            by_id.or_else(|| lines.iter().position(|line| line.title == name))
        };
        // Fedora's GRUB, which has blscfg, looks for names first: its IDs may begin with digits.
        let named = if name.trim().is_empty() {
            None
        } else if self.has_blscfg {
            by_name()
        } else if leading_number(name).is_none() {
            by_first_name(name, lines)
        } else {
            None
        };
        if let Some(at) = named {
            return Ok(at);
        }
        let number = leading_number(name)
            .filter(|(_, rest)| rest.is_empty() || !self.has_blscfg)
            .map(|(number, _)| number);
        let at = match number {
            Some(number) if number < lines.len() => number,
            None if name.trim().is_empty() => 0,
            _ => {
                self.whole()?;
                0
            }
        };
        let mut up_to = lines.iter().take(at.saturating_add(1));
        if up_to.any(|line| line.is_conditional) {
            return Err(format!(
                "conditions in grub.cfg decide which entry is number {at}"
            ));
        }
        Ok(at)
    }

    /// What isn't here may stand in the rest of the file, or in another.
    fn whole(&self) -> Result<(), String> {
        match (&self.problem, &self.reads) {
            (None, None) => Ok(()),
            (Some(why), _) => Err(format!("grub.cfg can't be read to its end: {why}")),
            (None, Some(other)) => Err(format!("it may be one of {other}, which isn't read here")),
        }
    }
}

/// The first line that has this ID or this title.
fn by_first_name(name: &str, lines: &[Line<'_>]) -> Option<usize> {
    lines
        .iter()
        .position(|line| line.title == name || line.id == name)
}

fn lines<'m>(items: &'m [Item], bls: &'m [BlsLine]) -> Vec<Line<'m>> {
    let mut lines = Vec::new();
    for item in items {
        let leads_to = match &item.leads_to {
            LeadsTo::Bls => {
                lines.extend(bls.iter().enumerate().map(|(at, entry)| Line {
                    id: &entry.id,
                    title: &entry.title,
                    is_conditional: item.is_conditional,
                    leads_to: Next::End(End::Bls(at)),
                }));
                continue;
            }
            LeadsTo::Entry(at) => Next::End(End::Menu(*at)),
            LeadsTo::Submenu(items) => Next::Menu(items),
            LeadsTo::Others => Next::Menu(&[]),
        };
        lines.push(Line {
            id: item.id.as_deref().unwrap_or(&item.title),
            title: &item.title,
            is_conditional: item.is_conditional,
            leads_to,
        });
    }
    lines
}

/// What stands before the first `>`, and what after it; two of them stand for one in a name.
fn first_step(way: &str) -> (String, &str) {
    let mut name = String::new();
    let mut rest = way;
    while let Some((before, after)) = rest.split_once('>') {
        name.push_str(before);
        match after.strip_prefix('>') {
            Some(after) => {
                name.push('>');
                rest = after;
            }
            None => return (name, after),
        }
    }
    name.push_str(rest);
    (name, "")
}

/// The number that a text begins with, and what follows: grub_strtoull takes what it can get.
fn leading_number(text: &str) -> Option<(usize, &str)> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit());
    let (digits, rest) = text.split_at_checked(end.unwrap_or(text.len()))?;
    // More digits than a number has lead to no entry.
    (!digits.is_empty()).then(|| (digits.parse().unwrap_or(usize::MAX), rest.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entries::grub::variables::Variables;

    const MENU: &str = "menuentry A --id a {\nlinux /a\n}\n\
        submenu 'More > less' --id more {\n\
            menuentry A --id a {\nlinux /more-a\n}\n\
            menuentry B {\nlinux /more-b\n}\n\
            submenu C {\nmenuentry D {\nlinux /more-d\n}\n}\n\
        }\n\
        menuentry A --id a {\nlinux /a-again\n}\n\
        menuentry '2nd' {\nlinux /2nd\n}\n\
        if [ $grub_platform = efi ]; then\nmenuentry F {\nlinux /f\n}\nfi\n\
        menuentry G {\nlinux /g\n}\n";

    fn led_to(menu: &str, default: &str, bls: &[BlsLine]) -> Result<String, String> {
        let text = format!("set default='{default}'\n{menu}");
        let menu = Menu::parse(&text, &Variables::default());
        assert_eq!(menu.problem, None);
        Ok(match menu.default_entry(bls)? {
            Some(End::Menu(at)) => menu.entries[at].linux.clone().unwrap().path,
            Some(End::Bls(at)) => bls[at].id.clone(),
            None => "nothing".to_owned(),
        })
    }

    #[test]
    fn a_way_is_followed_by_position_id_or_title_and_to_the_first_entry_where_it_leads_nowhere() {
        for (default, kernel) in [
            ("", "/a"),
            ("0", "/a"),
            ("1", "/more-a"),
            ("1>1", "/more-b"),
            (" 1 > 1", "/more-b"),
            ("more>B", "/more-b"),
            ("More >> less>B", "/more-b"),
            ("More > less>B", "/a"),
            ("more>a", "/more-a"),
            ("more>C", "/more-d"),
            ("1>2>0", "/more-d"),
            ("more>gone", "/more-a"),
            ("more>9", "/more-a"),
            // The first of those that are called so, and each by its position.
            ("a", "/a"),
            ("A", "/a"),
            ("2", "/a-again"),
            ("3", "/2nd"),
            // GRUB reads the number that it begins with.
            ("2nd", "/a-again"),
            ("99999999999999999999", "/a"),
            ("gone", "/a"),
            ("F", "/f"),
            ("G", "/g"),
            (">", "/a"),
        ] {
            let led = led_to(MENU, default, &[]);
            assert_eq!(led.as_deref(), Ok(kernel), "{default}");
        }
        assert_eq!(led_to("", "0", &[]).as_deref(), Ok("nothing"));
        assert_eq!(
            led_to("submenu A {\n}\n", "0", &[]).as_deref(),
            Ok("nothing")
        );
    }

    #[test]
    fn what_conditions_decide_is_not_guessed() {
        for default in ["4", "5"] {
            let why = led_to(MENU, default, &[]).unwrap_err();
            assert!(why.contains("conditions"), "{why}");
        }
        let menu = "if cmostest 1; then\nset default=1\nfi\nmenuentry A {\nlinux /a\n}\n";
        assert!(led_to(menu, "0", &[]).unwrap_err().contains("conditions"));
        assert_eq!(led_to(menu, "1", &[]).as_deref(), Ok("/a"));
    }

    #[test]
    fn what_another_script_may_add_is_not_taken_for_nothing() {
        let before = "menuentry A {\nlinux /a\n}\n";
        let menu = format!("{before}source $prefix/x.cfg\nmenuentry B {{\nlinux /b\n}}\n");
        for (default, led) in [("0", Ok("/a")), ("", Ok("/a")), ("B", Ok("/b"))] {
            assert_eq!(led_to(&menu, default, &[]).as_deref(), led);
        }
        for default in ["1", "2", "C"] {
            assert!(led_to(&menu, default, &[]).is_err(), "{default}");
        }
        let submenu = format!("submenu S {{\nconfigfile /x.cfg\n}}\n{before}");
        assert!(led_to(&submenu, "0", &[]).is_err());
        let cut = Menu::parse(
            &format!("set default=B\n{before}menuentry 'B"),
            &Variables::default(),
        );
        let why = cut.default_entry(&[]).unwrap_err();
        assert!(why.contains("to its end"), "{why}");
        let custom = format!("{before}source /custom.cfg\n");
        assert_eq!(led_to(&custom, "C", &[]).as_deref(), Ok("/a"));
    }

    #[test]
    fn entries_of_the_specification_have_the_positions_after_what_stands_before_blscfg() {
        let line = |id: &str| BlsLine {
            id: id.to_owned(),
            title: format!("Fedora {id}"),
        };
        let bls = [line("6a-2"), line("6a-1")];
        let menu = "menuentry first {\nlinux /first\n}\nblscfg\nmenuentry last {\nlinux /last\n}\n";
        for (default, end) in [
            ("", "/first"),
            ("0", "/first"),
            ("1", "6a-2"),
            ("2", "6a-1"),
            ("3", "/last"),
            ("6a-1", "6a-1"),
            ("Fedora 6a-1", "6a-1"),
            ("6a-0", "/first"),
            ("last", "/last"),
        ] {
            assert_eq!(led_to(menu, default, &bls).as_deref(), Ok(end), "{default}");
        }
    }
}
