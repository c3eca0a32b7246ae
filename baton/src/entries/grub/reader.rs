//! Reads `grub.cfg`, command by command, as GRUB executes it before it shows its menu.

use super::condition::{Truth, succeeds};
use super::variables::{Value, Variables, variable_or_disk};
use super::words::{Word, Words, is_brace_of_block, shown};
use super::{Item, LeadsTo, Menu, MenuEntry, entry, search};
use crate::entries::filesystem::Filesystem;
use std::collections::BTreeMap;

/// How deep blocks may lie in one another.
const MAX_DEPTH: usize = 32;
/// How many entries are read.
const MAX_ENTRIES: usize = 4096;
/// The longest title or ID, in bytes: each entry has those of the submenus that it lies in.
const MAX_NAME: usize = 512;
/// The commands that read another script.
const READING: [&str; 5] = ["source", ".", "configfile", "legacy_source", "eval"];
/// The script that was read with this one.
const CUSTOM: &str = "custom.cfg";

/// Reads all of a text.
#[must_use]
pub fn read(text: &str, variables: Variables) -> Menu {
    let mut reader = Reader {
        menu: Menu {
            variables,
            ..Menu::default()
        },
        blocks: Vec::new(),
        items: vec![Vec::new()],
        is_function: false,
    };
    let mut words = Words::of(text);
    let problem = loop {
        match words.command() {
            Ok(None) if reader.blocks.is_empty() => break None,
            // The entry that is cut off may lack anything.
            Ok(None) => break Some("it ends inside of a block".to_owned()),
            Ok(Some(command)) => {
                if let Err(why) = reader.take(&command) {
                    break Some(why);
                }
            }
            Err(why) => break Some(why),
        }
    };
    reader.finish(problem)
}

enum Block {
    Entry(Box<MenuEntry>, Scope),
    /// With the position of the first of its entries.
    Submenu(Item, usize, Scope),
    /// That of a function, or of a command that isn't known: whether it is executed, others say.
    Function,
    Braces,
    If(If),
    /// How often it is gone through isn't known.
    Loop,
}

/// A chain of `if`, `elif` and `else`.
struct If {
    /// Whether a branch before this one was taken.
    before: Truth,
    /// Whether the last condition holds; `None` where none is read.
    condition: Option<Truth>,
    /// Whether what stands here is executed.
    here: Truth,
}

/// What variables were before a block changed them.
#[derive(Default)]
struct Scope(BTreeMap<String, Option<Value>>);

/// Whether what stands in all these blocks is executed.
fn all(blocks: &[Block]) -> Truth {
    let each = blocks.iter().map(|block| match block {
        Block::If(chain) => chain.here,
        Block::Loop => Truth::Maybe,
        Block::Function => Truth::No,
        Block::Entry(..) | Block::Submenu(..) | Block::Braces => Truth::Yes,
    });
    each.fold(Truth::Yes, Truth::and)
}

struct Reader {
    menu: Menu,
    blocks: Vec<Block>,
    /// What the menus that are open hold so far, from the outside.
    items: Vec<Vec<Item>>,
    /// Whether the next block is that of a function, whose name stands on a line of its own.
    is_function: bool,
}

impl Reader {
    fn take(&mut self, command: &[Word]) -> Result<(), String> {
        let mut command = command;
        while let [first, rest @ ..] = command {
            match first.keyword() {
                "if" => self.push(Block::If(If {
                    before: Truth::No,
                    condition: Some(Truth::Maybe),
                    here: Truth::Yes,
                }))?,
                "elif" | "then" | "else" => self.branch(first.keyword())?,
                "do" => {}
                "while" | "until" => return self.push(Block::Loop),
                "for" => {
                    self.push(Block::Loop)?;
                    let name = rest.first().map_or("", |word| word.text.as_str());
                    return self.set(name, Value::Unsettled, Truth::Maybe);
                }
                "fi" => return self.end(|block| matches!(block, Block::If(_))),
                "done" => return self.end(|block| matches!(block, Block::Loop)),
                "}" => return self.close(),
                "function" if !is_brace_of_block(command) => {
                    self.is_function = true;
                    return Ok(());
                }
                _ if is_brace_of_block(command) => return self.open(command),
                _ => return self.execute(command),
            }
            command = rest;
        }
        Ok(())
    }

    fn push(&mut self, block: Block) -> Result<(), String> {
        if self.blocks.len() >= MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} blocks lie in one another"));
        }
        self.blocks.push(block);
        Ok(())
    }

    /// Goes on to another branch of an `if`.
    fn branch(&mut self, keyword: &str) -> Result<(), String> {
        let Some(Block::If(chain)) = self.blocks.last_mut() else {
            return Err(format!("its {keyword} belongs to no if"));
        };
        match keyword {
            "then" => {
                let holds = chain.condition.take().unwrap_or(Truth::Maybe);
                chain.here = (!chain.before).and(holds);
                chain.before = chain.before.or(holds);
            }
            "elif" => {
                chain.condition = Some(Truth::Maybe);
                chain.here = !chain.before;
            }
            _ => chain.here = !chain.before,
        }
        Ok(())
    }

    fn end(&mut self, is_it: impl Fn(&Block) -> bool) -> Result<(), String> {
        match self.blocks.pop_if(|block| is_it(block)) {
            Some(_) => Ok(()),
            None => Err("it ends a block that isn't open".to_owned()),
        }
    }

    /// Whether what stands here is executed when its menu is shown, or the entry is chosen that it stands in.
    fn here(&self) -> Truth {
        let is_scope = |block: &Block| matches!(block, Block::Entry(..) | Block::Submenu(..));
        let from = self.blocks.iter().rposition(is_scope).unwrap_or(0);
        all(self.blocks.get(from..).unwrap_or_default())
    }

    fn execute(&mut self, command: &[Word]) -> Result<(), String> {
        let words: Vec<&str> = command.iter().map(|word| word.text.as_str()).collect();
        let here = self.here();
        if let Some(Block::If(If {
            condition: Some(condition),
            ..
        })) = self.blocks.last_mut()
        {
            *condition = succeeds(&words, &self.menu.variables);
        }
        let words = match words.as_slice() {
            ["!", words @ ..] => words,
            words => words,
        };
        self.assign(words, here)?;
        let entry = self.blocks.iter_mut().rev().find_map(|block| match block {
            Block::Entry(entry, _) => Some(entry),
            _ => None,
        });
        if let Some(entry) = entry {
            entry::take(entry, words, here, &self.menu.variables);
        } else if here != Truth::No {
            self.in_menu(words);
        }
        Ok(())
    }

    /// What a command adds to the menu.
    fn in_menu(&mut self, words: &[&str]) {
        match words {
            ["blscfg", ..] => {
                self.menu.has_blscfg = true;
                self.add(Item {
                    leads_to: LeadsTo::Bls,
                    ..Item::default()
                });
            }
            [command, others @ ..]
                if READING.contains(command) && !others.iter().any(|it| it.ends_with(CUSTOM)) =>
            {
                self.menu.reads = Some(shown(&others.join(" ")));
                self.add(Item {
                    leads_to: LeadsTo::Others,
                    ..Item::default()
                });
            }
            _ => {}
        }
    }

    /// What a command does to variables.
    fn assign(&mut self, words: &[&str], here: Truth) -> Result<(), String> {
        let Some((command, arguments)) = words.split_first() else {
            return Ok(());
        };
        if let Some(search) = search::read(command, arguments, &self.menu.variables) {
            return self.set(&search.sets, Value::Filesystem(search.filesystem), here);
        }
        let first = arguments.first().copied().unwrap_or_default();
        match *command {
            "set" => self.assign_text(first, here),
            "unset" => self.set(first, Value::Text(String::new()), here),
            "read" | "increment" | "decrement" => self.set(first, Value::Unsettled, here),
            "search" => Ok(()),
            other if arguments.is_empty() => self.assign_text(other, here),
            _ => match found_out(arguments) {
                Some(name) => self.set(name, Value::Unsettled, here),
                None => Ok(()),
            },
        }
    }

    /// `NAME=VALUE`
    fn assign_text(&mut self, text: &str, here: Truth) -> Result<(), String> {
        match text.split_once('=') {
            Some((name, value)) if is_name(name) => {
                let value = self.menu.variables.value_of(value);
                self.set(name, value, here)
            }
            _ => Ok(()),
        }
    }

    fn set(&mut self, name: &str, value: Value, here: Truth) -> Result<(), String> {
        let variables = &mut self.menu.variables;
        let before = variables.value(name).cloned();
        let is_nothing = |value: &Value| *value == Value::Text(String::new());
        let value = match here {
            _ if !is_name(name) => return Ok(()),
            Truth::No => return Ok(()),
            Truth::Yes => value,
            Truth::Maybe if before.as_ref() == Some(&value) => return Ok(()),
            Truth::Maybe if before.is_none() && is_nothing(&value) => return Ok(()),
            Truth::Maybe => Value::Unsettled,
        };
        variables.set(name, Some(value))?;
        let scope = self.blocks.iter_mut().rev().find_map(|block| match block {
            Block::Entry(_, scope) | Block::Submenu(_, _, scope) => Some(scope),
            _ => None,
        });
        if let Some(Scope(changes)) = scope {
            changes.entry(name.to_owned()).or_insert(before);
        }
        Ok(())
    }

    /// Begins a scope in which `root` is what it will be when the menu is shown.
    fn scope(&mut self) -> Result<Scope, String> {
        let before = self.menu.variables.value("root").cloned();
        let inherited = Value::Filesystem(Filesystem::Inherited);
        self.menu.variables.set("root", Some(inherited))?;
        Ok(Scope([("root".to_owned(), before)].into()))
    }

    fn leave(&mut self, Scope(changes): Scope) -> Result<(), String> {
        for (name, before) in changes {
            self.menu.variables.set(&name, before)?;
        }
        Ok(())
    }

    fn open(&mut self, command: &[Word]) -> Result<(), String> {
        let words: Vec<&str> = command.iter().map(|word| word.text.as_str()).collect();
        let block = match words.as_slice() {
            ["menuentry", arguments @ ..] => {
                let item = item(arguments)?;
                let submenus = self.blocks.iter().filter_map(|block| match block {
                    Block::Submenu(item, ..) => Some(item.title.clone()),
                    _ => None,
                });
                let entry = MenuEntry {
                    submenus: submenus.collect(),
                    title: item.title,
                    id: item.id,
                    ..MenuEntry::default()
                };
                Block::Entry(Box::new(entry), self.scope()?)
            }
            ["submenu", arguments @ ..] => {
                let first = self.menu.entries.len();
                self.items.push(Vec::new());
                Block::Submenu(item(arguments)?, first, self.scope()?)
            }
            ["{"] if !self.is_function => Block::Braces,
            // Of a function, or of a command that isn't known.
            _ => Block::Function,
        };
        self.is_function = false;
        self.push(block)
    }

    fn close(&mut self) -> Result<(), String> {
        match self.blocks.pop() {
            Some(Block::Function | Block::Braces) => Ok(()),
            Some(Block::Submenu(item, first, scope)) => {
                let root = self.menu.variables.filesystem("root");
                self.settle(first, &root);
                self.leave(scope)?;
                let items = self.items.pop().unwrap_or_default();
                self.add(Item {
                    leads_to: LeadsTo::Submenu(items),
                    ..item
                });
                Ok(())
            }
            Some(Block::Entry(entry, scope)) => {
                self.leave(scope)?;
                if all(&self.blocks) == Truth::No {
                    return Ok(());
                }
                if self.menu.entries.len() >= MAX_ENTRIES {
                    return Err(format!("it has more than {MAX_ENTRIES} entries"));
                }
                self.add(Item {
                    title: entry.title.clone(),
                    id: entry.id.clone(),
                    leads_to: LeadsTo::Entry(self.menu.entries.len()),
                    ..Item::default()
                });
                self.menu.entries.push(entry::finished(*entry));
                Ok(())
            }
            Some(Block::If(_) | Block::Loop) | None => {
                Err("it closes a block that isn't open".to_owned())
            }
        }
    }

    /// Adds a line to the menu that is open.
    fn add(&mut self, item: Item) {
        let here = self.here();
        if let Some(items) = self.items.last_mut().filter(|_| here != Truth::No) {
            items.push(Item {
                is_conditional: here == Truth::Maybe || item.leads_to == LeadsTo::Others,
                ..item
            });
        }
    }

    /// Files of entries from this one on lie on the file system that their menu's `root` is.
    fn settle(&mut self, first: usize, root: &Filesystem) {
        let entries = self.menu.entries.get_mut(first..).unwrap_or_default();
        for entry in entries {
            for file in entry.linux.iter_mut().chain(&mut entry.initrds) {
                if file.filesystem == Filesystem::Inherited {
                    file.filesystem = root.clone();
                }
            }
        }
    }

    fn finish(mut self, problem: Option<String>) -> Menu {
        self.menu.problem = problem;
        while let Some(block) = self.blocks.pop() {
            if let Block::Entry(_, scope) | Block::Submenu(_, _, scope) = block
                && self.leave(scope).is_err()
            {
                break;
            }
        }
        let root = self.menu.variables.filesystem("root");
        let root = match root {
            Filesystem::Inherited => Filesystem::Unsettled,
            root => root,
        };
        self.settle(0, &root);
        // What is open is part of no menu yet, but what stands in it can be chosen by its name.
        while self.items.len() > 1 {
            let items = self.items.pop().unwrap_or_default();
            if let Some(outer) = self.items.last_mut() {
                outer.push(Item {
                    leads_to: LeadsTo::Submenu(items),
                    ..Item::default()
                });
            }
        }
        self.menu.items = self.items.pop().unwrap_or_default();
        self.menu
    }
}

/// The variable that a command sets to what it finds out.
fn found_out<'w>(arguments: &[&'w str]) -> Option<&'w str> {
    let mut words = arguments.iter();
    let name = words.find_map(|word| match word.strip_prefix("--set=") {
        Some(name) => Some(Some(name)),
        None => matches!(*word, "--set" | "-s").then_some(None),
    })?;
    let name = name.or_else(|| words.next().copied())?;
    // `regexp --set=1:NAME`
    Some(name.rsplit_once(':').map_or(name, |(_, name)| name))
}

fn is_name(text: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !text.is_empty() && text.chars().all(is_of_name)
}

/// Whether a word is the variable that holds `--id`, quoted or not.
fn is_id_option(word: &str) -> bool {
    variable_or_disk(word) == (Some("menuentry_id_option"), "") && !word.starts_with('(')
}

/// Title and ID, which stands after `--id` or the variable that holds that option where GRUB has it.
fn item(arguments: &[&str]) -> Result<Item, String> {
    let mut item = Item::default();
    let mut has_title = false;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match *word {
            word if word == "--id" || is_id_option(word) => {
                item.id = words.next().map(|id| shown(id));
            }
            "--class" | "--users" | "--hotkey" | "--source" => {
                words.next();
            }
            "{" => {}
            option if option.starts_with("--") => {
                if let Some(id) = option.strip_prefix("--id=") {
                    item.id = Some(shown(id));
                }
            }
            title if !has_title => {
                has_title = true;
                item.title = shown(title);
            }
            _ => {}
        }
    }
    let id_len = item.id.as_ref().map_or(0, String::len);
    if item.title.len().max(id_len) > MAX_NAME {
        return Err(format!("a title has more than {MAX_NAME} bytes"));
    }
    Ok(item)
}
