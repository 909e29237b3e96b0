//! What the files of a crate use of one another.

use std::collections::{BTreeMap, BTreeSet};

use syn::{
    Attribute, Field, ImplItem, Item, ItemUse, Macro, Meta, Path, Token, Variant, VisRestricted,
    Visibility, braced, bracketed,
    ext::IdentExt,
    parenthesized,
    parse::{ParseStream, Parser},
    token::{Brace, Bracket, Paren},
    visit::{self, Visit},
};

use crate::modules::{Modules, Place, imports, is_for_tests};

/// Per file, the files that it uses, with the paths by which it does.
pub(crate) type Uses = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// What every file of `modules` uses.
pub(crate) fn uses(modules: &Modules<'_>) -> Uses {
    let mut uses = Uses::new();
    for (number, module) in modules.modules.iter().enumerate() {
        if module.for_tests {
            continue;
        }
        uses.entry(module.file.clone()).or_default();
        let mut reader = Reader {
            modules,
            module: number,
            uses: &mut uses,
        };
        for item in &module.items {
            reader.visit_item(item);
        }
    }
    uses
}

/// Reads the items of one module.
struct Reader<'a> {
    modules: &'a Modules<'a>,
    module: usize,
    uses: &'a mut Uses,
}

impl Reader<'_> {
    /// Notes what `path` leads to, except for what a module re-exports of those below it.
    fn note(&mut self, path: &[String], re_export: bool) {
        for place in self.modules.places(self.module, path) {
            let Place::Item(definer) = place else {
                continue;
            };
            let file = |number: usize| self.modules.modules[number].file.clone();
            let (user, definition) = (file(self.module), file(definer));
            if user != definition && !(re_export && self.modules.is_below(definer, self.module)) {
                let files = self.uses.entry(user).or_default();
                files.entry(definition).or_default().insert(path.join("::"));
            }
        }
    }

    /// Notes the paths among the tokens of a macro or an attribute, of which no more is known.
    fn note_tokens(&mut self, tokens: ParseStream<'_>, shortest: usize) -> syn::Result<()> {
        while !tokens.is_empty() {
            let inner;
            if tokens.peek(Paren) {
                parenthesized!(inner in tokens);
            } else if tokens.peek(Bracket) {
                bracketed!(inner in tokens);
            } else if tokens.peek(Brace) {
                braced!(inner in tokens);
            } else if tokens.peek(syn::Ident::peek_any) {
                let mut path = vec![tokens.call(syn::Ident::parse_any)?.to_string()];
                while tokens.peek(Token![::]) && tokens.peek3(syn::Ident::peek_any) {
                    tokens.parse::<Token![::]>()?;
                    path.push(tokens.call(syn::Ident::parse_any)?.to_string());
                }
                if path.len() >= shortest {
                    self.note(&path, false);
                }
                continue;
            } else {
                tokens.step(|cursor| {
                    let (_, rest) = cursor.token_tree().expect("not at the end");
                    Ok(((), rest))
                })?;
                continue;
            }
            self.note_tokens(&inner, shortest)?;
        }
        Ok(())
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes: &[Attribute] = match item {
            // A module of its own, or a file of its own.
            Item::Mod(_) => return,
            Item::Const(item) => &item.attrs,
            Item::Enum(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Trait(item) => &item.attrs,
            Item::Type(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => &[],
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let for_tests = matches!(item, ImplItem::Fn(item) if is_for_tests(&item.attrs));
        if !for_tests {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast Field) {
        if !is_for_tests(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_variant(&mut self, variant: &'ast Variant) {
        if !is_for_tests(&variant.attrs) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let re_export = !matches!(item.vis, Visibility::Inherited);
        for import in imports(&item.tree) {
            self.note(&import.path, re_export);
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none() {
            let names: Vec<String> = path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string())
                .collect();
            self.note(&names, false);
        }
        visit::visit_path(self, path);
    }

    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {}

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            let read = |tokens: ParseStream<'_>| self.note_tokens(tokens, 2);
            read.parse2(list.tokens.clone()).expect("tokens");
        }
    }

    fn visit_macro(&mut self, invocation: &'ast Macro) {
        self.visit_path(&invocation.path);
        let read = |tokens: ParseStream<'_>| self.note_tokens(tokens, 1);
        read.parse2(invocation.tokens.clone()).expect("tokens");
    }
}
