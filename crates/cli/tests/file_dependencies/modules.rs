//! The modules of a crate, and what the names in them stand for.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Attribute, Item, Meta, UseTree};

/// What a name stands for; one name may stand for several things, as a module and a function.
enum Meaning {
    /// Something that the module defines.
    Item,
    /// The module of this number.
    Module(usize),
    /// What this path stands for, seen from the module that has the name.
    Alias(Vec<String>),
}

/// Where a path ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// At something that the module of this number defines, or inside of it, as at a variant.
    Item(usize),
    /// At the module of this number.
    Module(usize),
}

/// One module: a file, or a `mod` whose body stands in a file.
pub(crate) struct Module {
    pub(crate) file: String,
    pub(crate) items: Vec<Item>,
    /// Whether only tests have it.
    pub(crate) for_tests: bool,
    parent: Option<usize>,
    names: BTreeMap<String, Vec<Meaning>>,
    /// Modules all of whose names are names here.
    globs: Vec<Vec<String>>,
}

/// A crate's modules; number 0 is its root.
pub(crate) struct Modules<'a> {
    pub(crate) modules: Vec<Module>,
    read: &'a dyn Fn(&str) -> Option<String>,
}

/// Aliases that are being followed: module and name, and which of the name's meanings.
type Followed = Vec<(usize, String, usize)>;

impl<'a> Modules<'a> {
    /// Reads the root `file`, `src/lib.rs`, and all modules below it by means of `read`.
    pub(crate) fn of(file: &str, read: &'a dyn Fn(&str) -> Option<String>) -> Self {
        let mut modules = Self {
            modules: Vec::new(),
            read,
        };
        let directory = file.rsplit_once('/').expect("a directory").0;
        modules.add_file(file, directory, None, false);
        modules
    }

    fn add_file(
        &mut self,
        file: &str,
        below: &str,
        parent: Option<usize>,
        for_tests: bool,
    ) -> usize {
        let text = (self.read)(file).unwrap_or_else(|| panic!("{file} is there"));
        let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        self.add(file, below, syntax.items, parent, for_tests)
    }

    /// Adds a module with `items`, whose own modules are files in the directory `below`.
    fn add(
        &mut self,
        file: &str,
        below: &str,
        mut items: Vec<Item>,
        parent: Option<usize>,
        for_tests: bool,
    ) -> usize {
        let number = self.modules.len();
        self.modules.push(Module {
            file: file.to_owned(),
            items: Vec::new(),
            for_tests,
            parent,
            names: BTreeMap::new(),
            globs: Vec::new(),
        });
        for item in &mut items {
            let (name, meaning) = match item {
                Item::Mod(item) => {
                    let for_tests = for_tests || is_for_tests(&item.attrs);
                    let name = item.ident.to_string();
                    let path = format!("{below}/{name}");
                    let child = if let Some((_, items)) = item.content.take() {
                        self.add(file, &path, items, Some(number), for_tests)
                    } else {
                        let old_style = format!("{path}/mod.rs");
                        let file = if (self.read)(&old_style).is_some() {
                            old_style
                        } else {
                            format!("{path}.rs")
                        };
                        self.add_file(&file, &path, Some(number), for_tests)
                    };
                    (name, Meaning::Module(child))
                }
                Item::Use(item) => {
                    for import in imports(&item.tree) {
                        self.add_import(number, import);
                    }
                    continue;
                }
                item => match name_of(item) {
                    Some(name) => (name, Meaning::Item),
                    None => continue,
                },
            };
            let names = &mut self.modules[number].names;
            names.entry(name).or_default().push(meaning);
        }
        self.modules[number].items = items;
        number
    }

    fn add_import(&mut self, module: usize, import: Import) {
        let module = &mut self.modules[module];
        match import.name {
            Some(name) => module
                .names
                .entry(name)
                .or_default()
                .push(Meaning::Alias(import.path)),
            None => module.globs.push(import.path),
        }
    }

    /// Where `path` may end, seen from the module `from`: nowhere if it leads out of the crate.
    pub(crate) fn places(&self, from: usize, path: &[String]) -> BTreeSet<Place> {
        self.follow(from, path, &mut Followed::new())
    }

    /// Whether `module` is `ancestor` or stands below it.
    pub(crate) fn is_below(&self, module: usize, ancestor: usize) -> bool {
        let mut above = Some(module);
        while let Some(module) = above {
            if module == ancestor {
                return true;
            }
            above = self.modules[module].parent;
        }
        false
    }

    fn follow(&self, from: usize, path: &[String], followed: &mut Followed) -> BTreeSet<Place> {
        let mut places = BTreeSet::new();
        for (at, name) in path.iter().enumerate() {
            places = if at == 0 {
                match name.as_str() {
                    "crate" => BTreeSet::from([Place::Module(0)]),
                    name => self.step(from, name, followed),
                }
            } else {
                // Of the name of a module, functions alone may have the same, and nothing is inside of those.
                let is_module = |place: &Place| matches!(place, Place::Module(_));
                let in_modules = places.iter().any(is_module);
                let inside = places.into_iter().flat_map(|place| match place {
                    Place::Item(_) if in_modules => BTreeSet::new(),
                    Place::Item(_) => BTreeSet::from([place]),
                    Place::Module(module) => self.step(module, name, followed),
                });
                inside.collect()
            };
        }
        places
    }

    /// What `name` stands for in `module`.
    fn step(&self, module: usize, name: &str, followed: &mut Followed) -> BTreeSet<Place> {
        match name {
            "self" => return BTreeSet::from([Place::Module(module)]),
            "super" => {
                let parent = self.modules[module].parent;
                return parent.map(Place::Module).into_iter().collect();
            }
            _ => {}
        }
        let Module { names, globs, .. } = &self.modules[module];
        let mut places = BTreeSet::new();
        if let Some(meanings) = names.get(name) {
            for (which, meaning) in meanings.iter().enumerate() {
                match meaning {
                    Meaning::Item => places.extend([Place::Item(module)]),
                    Meaning::Module(child) => places.extend([Place::Module(*child)]),
                    Meaning::Alias(path) => {
                        let alias = (module, name.to_owned(), which);
                        if !followed.contains(&alias) {
                            followed.push(alias);
                            places.extend(self.follow(module, path, followed));
                            followed.pop();
                        }
                    }
                }
            }
            return places;
        }
        for (which, glob) in globs.iter().enumerate() {
            let alias = (module, String::from("*"), which);
            if followed.contains(&alias) {
                continue;
            }
            followed.push(alias);
            for place in self.follow(module, glob, followed) {
                if let Place::Module(module) = place {
                    places.extend(self.step(module, name, followed));
                }
            }
            followed.pop();
        }
        places
    }
}

/// What a `use` brings: a path, and the name that it gets, which no `*` has.
pub(crate) struct Import {
    pub(crate) path: Vec<String>,
    name: Option<String>,
}

/// The imports of a `use`.
pub(crate) fn imports(tree: &UseTree) -> Vec<Import> {
    let mut found = Vec::new();
    collect(tree, &[], &mut found);
    found
}

fn collect(tree: &UseTree, before: &[String], found: &mut Vec<Import>) {
    let (last, name) = match tree {
        UseTree::Path(step) => {
            let path = [before, &[step.ident.to_string()]].concat();
            return collect(&step.tree, &path, found);
        }
        UseTree::Group(group) => {
            return group
                .items
                .iter()
                .for_each(|tree| collect(tree, before, found));
        }
        UseTree::Glob(_) => {
            let path = before.to_vec();
            return found.push(Import { path, name: None });
        }
        UseTree::Name(last) => (&last.ident, &last.ident),
        UseTree::Rename(last) => (&last.ident, &last.rename),
    };
    let mut path = before.to_vec();
    if last != "self" {
        path.push(last.to_string());
    }
    let name = if name == "self" {
        path.last().cloned()
    } else {
        Some(name.to_string())
    };
    found.push(Import { path, name });
}

/// Whether what bears these attributes is there for tests only.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        matches!(&attribute.meta, Meta::List(list)
            if list.path.is_ident("cfg") && list.tokens.to_string() == "test")
    })
}

/// Name of an item that has one.
fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}
