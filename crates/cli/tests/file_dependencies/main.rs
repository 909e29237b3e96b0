//! No circle of files: within a crate, no file uses another that uses it, directly or over others.
//!
//! A file uses the file that defines what a path of its code leads to: a type, function, constant, trait or macro, named
//! by a `use` or in place, in macros and attributes, too. Which modules the path goes through does not count, nor
//! who re-exports the item on the way: the root of a crate, and a module that only declares and re-exports
//! modules below it, use nothing, and nobody uses them. What does count is a child that uses what its parent's file
//! itself defines while that file uses the child's. Code for tests is left out. Not seen are methods and fields
//! of values whose type is never named.

mod circles;
mod modules;
mod uses;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use circles::{Graph, circles};
use modules::Modules;
use uses::{Uses, uses};

/// The crates of this workspace, as directories.
fn crates() -> Vec<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let entries = fs::read_dir(&workspace).expect("a directory of crates");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut crates: Vec<PathBuf> = paths.filter(|path| path.is_dir()).collect();
    crates.sort();
    crates
}

/// The source files below `directory`, in paths from `root`.
fn sources(directory: &Path, root: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path, root));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let inside = path.strip_prefix(root).expect("a path below the root");
            found.insert(inside.to_str().expect("a name in UTF-8").to_owned());
        }
    }
    found
}

/// Every circle in words: its files, with what each uses of the others.
fn circles_in_words(uses: &Uses) -> Vec<String> {
    let graph: Graph = uses
        .iter()
        .map(|(user, used)| (user.clone(), used.keys().cloned().collect()))
        .collect();
    let in_words = |circle: BTreeSet<String>| {
        let mut lines = Vec::new();
        for user in &circle {
            for (used, paths) in &uses[user] {
                if circle.contains(used) {
                    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
                    lines.push(format!("\n  {user} uses {used}: {}", paths.join(", ")));
                }
            }
        }
        lines.concat()
    };
    circles(&graph).into_iter().map(in_words).collect()
}

#[test]
fn no_files_of_a_crate_use_one_another_in_a_circle() {
    let mut found = Vec::new();
    for directory in crates() {
        let read = |file: &str| fs::read_to_string(directory.join(file)).ok();
        let modules = Modules::of("src/lib.rs", &read);
        let files = modules.modules.iter().map(|module| module.file.clone());
        let files: BTreeSet<String> = files.chain(["src/main.rs".to_owned()]).collect();
        let sources = sources(&directory.join("src"), &directory);
        let unread: Vec<&String> = sources.difference(&files).collect();
        let name = directory.file_name().expect("a name").display().to_string();
        assert!(unread.is_empty(), "{name}: no module is {unread:?}");
        let circles = circles_in_words(&uses(&modules));
        found.extend(circles.iter().map(|circle| format!("\n{name}:{circle}")));
    }
    assert!(found.is_empty(), "circles of files:{}", found.concat());
}

/// The circles of a crate with these files below `src`.
fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    let read = |path: &str| {
        let found = files.iter().find(|(file, _)| format!("src/{file}") == path);
        found.map(|(_, text)| (*text).to_owned())
    };
    circles_in_words(&uses(&Modules::of("src/lib.rs", &read)))
}

#[test]
fn circle_is_found_whatever_way_a_file_names_the_other() {
    let root = "mod a; mod b; mod c; pub use a::A; pub use b::*;";
    let by = |naming: &str| {
        circles_of(&[
            ("lib.rs", root),
            ("a.rs", "use crate::B; pub struct A(B); pub fn new() {}"),
            ("b.rs", &format!("use super::c::C; pub struct B; {naming}")),
            ("c.rs", "pub struct C;"),
        ])
    };
    for naming in [
        "use crate::A;",
        "use crate::{a::{self}, c}; fn f() { a::new() }",
        "fn f() -> Option<crate::A> { None }",
        "fn f() { use super::a::new as make; }",
        "fn f() { let _ = vec![Some(crate::a::new())]; }",
        "#[derive(Deserialize)] struct D { #[serde(with(crate::a::new))] d: () }",
    ] {
        let found = by(naming);
        let [circle] = found.as_slice() else {
            panic!("{naming}: {found:?}");
        };
        assert!(
            circle.contains("src/a.rs uses src/b.rs: "),
            "{naming}: {circle}"
        );
        assert!(
            circle.contains("src/b.rs uses src/a.rs: "),
            "{naming}: {circle}"
        );
        assert!(!circle.contains("src/c.rs"), "{naming}: {circle}");
    }
    for harmless in [
        "",
        "use std::a::A;",
        "pub struct Own; impl Own { fn new() {} }",
        "#[cfg(test)] mod tests { use crate::A; }",
        "#[cfg(test)] use crate::A;",
        "#[cfg(test)] fn f() -> crate::A { crate::a::new() }",
        "/// Other than [`crate::A`].\nstruct D;",
    ] {
        assert_eq!(by(harmless), [""; 0], "{harmless}");
    }
}

#[test]
fn parent_is_in_a_circle_only_when_the_child_uses_what_it_defines_itself() {
    let of = |parent: &str, child: &str| {
        circles_of(&[
            ("lib.rs", "mod parent;"),
            ("parent.rs", parent),
            ("parent/child.rs", child),
            ("parent/other.rs", "pub struct Other;"),
        ])
    };
    let child = "use super::Other; pub struct Child(Other);";
    let re_exports = "mod child; mod other; pub use {child::Child, other::Other};";
    assert_eq!(of(re_exports, child), [""; 0]);
    let uses_child =
        "mod child; mod other; use {child::Child, other::Other}; pub struct Parent(Child);";
    assert_eq!(of(uses_child, child), [""; 0]);
    let defines = "mod child; mod other; pub use {child::Child, other::Other}; pub struct Own;";
    assert_eq!(
        of(defines, "use super::Own; pub struct Child(Own);"),
        [""; 0]
    );
    let circle = of(uses_child, "pub struct Child(Option<Box<super::Parent>>);");
    assert_eq!(
        circle,
        [
            "\n  src/parent.rs uses src/parent/child.rs: Child, child::Child\
          \n  src/parent/child.rs uses src/parent.rs: super::Parent"
        ]
    );
}
