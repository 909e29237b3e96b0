//! The order of keys: that in which their types declare them, and in which `scst config` writes them.
//!
//! A JSON schema does not keep it. Whoever reads a type hands the reader the names of its fields, in order: so a reader
//! that takes one way down through a configuration, and stops at a table, has seen the order of its keys.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeSeed, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
        value::StrDeserializer,
    },
    forward_to_deserialize_any,
};

use super::{
    Config,
    shape::{Shape, Table},
};

/// Puts the keys of all tables of a configuration into order.
pub(super) fn put_in_order(shape: &mut Shape) {
    below(shape, &mut Vec::new());
}

fn below(shape: &mut Shape, way: &mut Vec<String>) {
    match shape {
        Shape::Table(table) => {
            sort(table, way);
            for key in &mut table.keys {
                way.push(key.name.clone());
                below(&mut key.shape, way);
                way.pop();
            }
        }
        Shape::List(element) => below(element, way),
        Shape::Choice(variants) => {
            for variant in variants {
                if let Some(shape) = &mut variant.shape {
                    way.push(variant.name.clone());
                    below(shape, way);
                    way.pop();
                }
            }
        }
        Shape::Flag | Shape::Whole(_) | Shape::Number(_) | Shape::Text | Shape::Free => {}
    }
}

fn sort(table: &mut Table, way: &[String]) {
    let fields = fields(way);
    // A key that no type declares would stand behind the others.
    let place = |name: &str| fields.iter().position(|field| *field == name);
    table
        .keys
        .sort_by_key(|key| place(&key.name).unwrap_or(usize::MAX));
}

/// The fields of the table that is reached this way, in order; none if it is no table of fields.
pub(super) fn fields(way: &[String]) -> &'static [&'static str] {
    match Config::deserialize(Guide(way)) {
        Err(Stop::At(fields)) => fields,
        Err(Stop::Lost) | Ok(_) => &[],
    }
}

/// Why reading has ended.
#[derive(Debug, Clone, Copy)]
enum Stop {
    /// At the end of the way, where these fields are.
    At(&'static [&'static str]),
    /// Elsewhere.
    Lost,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a way through a configuration has ended")
    }
}

impl std::error::Error for Stop {}

impl Error for Stop {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Lost
    }
}

/// A reader that goes one way: keys and names of variants.
#[derive(Clone, Copy)]
struct Guide<'a>(&'a [String]);

impl<'a> Guide<'a> {
    /// The next name, and the way behind it.
    fn next(self) -> Result<(&'a str, Self), Stop> {
        let (first, rest) = self.0.split_first().ok_or(Stop::Lost)?;
        Ok((first, Self(rest)))
    }
}

impl<'de> Deserializer<'de> for Guide<'_> {
    type Error = Stop;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_map(Step::new(self)?)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        if self.0.is_empty() {
            return Err(Stop::At(fields));
        }
        visitor.visit_map(Step::new(self)?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_seq(One(self))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        visitor.visit_enum(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple
        tuple_struct map identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for Guide<'_> {
    type Error = Stop;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Stop> {
        let (name, rest) = self.next()?;
        let name = seed.deserialize(StrDeserializer::<Stop>::new(name))?;
        Ok((name, rest))
    }
}

impl<'de> VariantAccess<'de> for Guide<'_> {
    type Error = Stop;

    fn unit_variant(self) -> Result<(), Stop> {
        Err(Stop::Lost)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Stop> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.deserialize_struct("", fields, visitor)
    }
}

/// A table of the one key that is next.
struct Step<'a> {
    name: Option<&'a str>,
    rest: Guide<'a>,
}

impl<'a> Step<'a> {
    fn new(guide: Guide<'a>) -> Result<Self, Stop> {
        let (name, rest) = guide.next()?;
        Ok(Self {
            name: Some(name),
            rest,
        })
    }
}

impl<'de> MapAccess<'de> for Step<'_> {
    type Error = Stop;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Stop> {
        let name = self.name.take().map(StrDeserializer::<Stop>::new);
        name.map(|name| seed.deserialize(name)).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Stop> {
        seed.deserialize(self.rest)
    }
}

/// A list whose first element goes on.
struct One<'a>(Guide<'a>);

impl<'de> SeqAccess<'de> for One<'_> {
    type Error = Stop;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Stop> {
        seed.deserialize(self.0).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{explain, root::root};

    /// Every table, and the way to it.
    fn tables<'a>(shape: &'a Shape, way: &[String], all: &mut Vec<(Vec<String>, &'a Table)>) {
        let to = |name: &String| [way, std::slice::from_ref(name)].concat();
        match shape {
            Shape::Table(table) => {
                all.push((way.to_vec(), table));
                for key in &table.keys {
                    tables(&key.shape, &to(&key.name), all);
                }
            }
            Shape::List(element) => tables(element, way, all),
            Shape::Choice(variants) => {
                for variant in variants {
                    if let Some(shape) = &variant.shape {
                        tables(shape, &to(&variant.name), all);
                    }
                }
            }
            _ => {}
        }
    }

    #[test]
    fn order_of_every_table_is_known() {
        let mut all = Vec::new();
        tables(root(), &[], &mut all);
        assert!(all.len() > 30, "{}", all.len());
        for (way, table) in all {
            let fields = fields(&way);
            let names: Vec<&str> = table.keys.iter().map(|key| key.name.as_str()).collect();
            let known: Vec<&str> = fields
                .iter()
                .copied()
                .filter(|field| names.contains(field))
                .collect();
            assert_eq!(names, known, "{}", way.join("."));
        }
    }

    #[test]
    fn keys_are_explained_in_the_order_in_which_a_configuration_is_written() {
        let text = include_str!("../../../../configs/quickstart.toml");
        let path = std::path::Path::new("c.toml");
        let captioners = scst_model::CaptionerRegistry::default();
        let config = Config::parse(text, path, Vec::new(), &captioners).unwrap();
        let written = config.to_toml().unwrap();
        let of_stage = |line: &&str| !line.starts_with('[') && line.contains(" = ");
        let (_, stage) = written.split_once("[[stages]]").unwrap();
        let (stage, _) = stage.split_once("\n[").unwrap();
        let written: Vec<&str> = stage
            .lines()
            .filter(of_stage)
            .filter_map(|line| line.split(" = ").next())
            .collect();
        assert!(written.len() > 5, "{written:?}");
        let explained = explain(Some("stages")).unwrap();
        let explained: Vec<&str> = explained
            .iter()
            .filter_map(|key| key.path.strip_prefix("stages.N."))
            .filter(|path| written.contains(path))
            .collect();
        assert_eq!(explained, written);
    }
}
