//! The keys of a configuration as a tree, read from its JSON schema: what may stand where.

use serde_json::{Map, Value};

/// What a key may hold.
#[derive(Debug)]
pub(super) enum Shape {
    /// True or false.
    Flag,
    /// A whole number.
    Whole(Range),
    /// A number.
    Number(Range),
    /// Text.
    Text,
    /// A list.
    List(Box<Shape>),
    /// A table of these keys.
    Table(Table),
    /// A name, or a table of one key.
    Choice(Vec<Variant>),
    /// A table of any keys.
    Free,
}

/// A table of known keys.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) keys: Vec<Key>,
    /// Keys of which there is one: one that is set takes the place of another.
    pub(super) one_of: Vec<String>,
    /// Keys of which there is one: both is a mistake.
    pub(super) never_both: Vec<String>,
}

/// A key of a table.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) meaning: String,
    pub(super) shape: Shape,
    pub(super) default: Option<Value>,
    /// The default in a stage of self-critical training, where it is another one.
    pub(super) default_of_scst: Option<Value>,
    pub(super) example: Option<Value>,
    pub(super) is_required: bool,
}

/// One of several.
#[derive(Debug)]
pub(super) struct Variant {
    pub(super) name: String,
    pub(super) meaning: String,
    /// What it is given with; none if the name says all.
    pub(super) shape: Option<Shape>,
    pub(super) example: Option<Value>,
}

/// What a number may be.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Range {
    pub(super) least: Option<f64>,
    pub(super) most: Option<f64>,
    pub(super) above: Option<f64>,
    pub(super) below: Option<f64>,
}

impl Shape {
    /// What a JSON schema says.
    pub(super) fn read(schema: &Value) -> Self {
        let variants = schema.get("oneOf").and_then(Value::as_array);
        if let Some(variants) = variants {
            return Self::Choice(variants.iter().flat_map(Variant::read).collect());
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("boolean") => Self::Flag,
            Some("integer") => Self::Whole(Range::read(schema)),
            Some("number") => Self::Number(Range::read(schema)),
            Some("array") => Self::List(Box::new(Self::read(&schema["items"]))),
            Some("object") => match schema.get("properties").and_then(Value::as_object) {
                Some(keys) => Self::Table(Table::read(schema, keys)),
                None if schema.get("additionalProperties") == Some(&Value::Bool(false)) => {
                    Self::Table(Table::default())
                }
                None => Self::Free,
            },
            _ if schema.get("enum").is_some() => Self::Choice(Variant::read(schema)),
            _ => Self::Text,
        }
    }

    /// What stands below it at a key, or at the number of an element.
    pub(super) fn below(&self, key: &str) -> Option<&Self> {
        match self {
            Self::List(element) => Some(element),
            Self::Table(table) => table.key(key).map(|key| &key.shape),
            Self::Choice(variants) => variants
                .iter()
                .find(|variant| variant.name == key)?
                .shape
                .as_ref(),
            _ => None,
        }
    }
}

impl Table {
    fn read(schema: &Value, keys: &Map<String, Value>) -> Self {
        let required = words(schema, "required");
        let key = |(name, of): (&String, &Value)| Key {
            name: name.clone(),
            meaning: meaning(of),
            shape: Shape::read(of),
            default: of.get("default").cloned(),
            default_of_scst: of.get("x-default-scst").cloned(),
            example: example(of),
            is_required: required.contains(name),
        };
        Self {
            keys: keys.iter().map(key).collect(),
            one_of: words(schema, "x-one-of"),
            never_both: words(schema, "x-never-both"),
        }
    }

    pub(super) fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl Variant {
    /// Schemas list names with and without words about them.
    fn read(schema: &Value) -> Vec<Self> {
        let named = |name: &str| Self {
            name: name.to_owned(),
            meaning: meaning(schema),
            shape: None,
            example: None,
        };
        let names = words(schema, "enum");
        if !names.is_empty() {
            return names.iter().map(|name| named(name)).collect();
        }
        if let Some(name) = schema.get("const").and_then(Value::as_str) {
            return vec![named(name)];
        }
        let tables = schema.get("properties").and_then(Value::as_object);
        let tables = tables.into_iter().flatten();
        let with_options = tables.map(|(name, of)| Self {
            shape: Some(Shape::read(of)),
            example: example(of),
            ..named(name)
        });
        with_options.collect()
    }
}

impl Range {
    fn read(schema: &Value) -> Self {
        let number = |word: &str| schema.get(word).and_then(Value::as_f64);
        Self {
            least: number("minimum"),
            most: number("maximum"),
            above: number("exclusiveMinimum"),
            below: number("exclusiveMaximum"),
        }
    }

    /// In words: `1 to 1000`.
    pub(super) fn in_words(&self) -> String {
        let shown = |number: f64| {
            let power = number.log10();
            if number == i64::MAX as f64 {
                "2^63 - 1".to_owned()
            } else if power >= 6.0 && power == power.round() {
                format!("1e{power}")
            } else {
                number.to_string()
            }
        };
        let [least, most, above, below] =
            [self.least, self.most, self.above, self.below].map(|end| end.map(shown));
        match (least, above, most, below) {
            (Some(least), _, Some(most), _) => format!("{least} to {most}"),
            (Some(least), _, _, Some(below)) => format!("{least} or more, less than {below}"),
            (Some(least), ..) => format!("{least} or more"),
            (_, Some(above), Some(most), _) => format!("above {above}, at most {most}"),
            (_, Some(above), ..) => format!("above {above}"),
            (_, _, Some(most), _) => format!("at most {most}"),
            (_, _, _, Some(below)) => format!("less than {below}"),
            (None, None, None, None) => String::new(),
        }
    }
}

fn meaning(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn example(schema: &Value) -> Option<Value> {
    schema.get("examples")?.get(0).cloned()
}

fn words(schema: &Value, key: &str) -> Vec<String> {
    let list = schema
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}
