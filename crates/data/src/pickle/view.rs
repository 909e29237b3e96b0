//! What values of a pickle are.

use std::borrow::Cow;

use super::machine::{Id, Object, Value};

/// Classes whose objects are dictionaries, by name.
const DICTIONARIES: [&str; 3] = ["OrderedDict", "defaultdict", "Counter"];

/// A value of a pickle, and all that it refers to.
#[derive(Clone, Copy)]
pub(crate) struct View<'p> {
    values: &'p [Value<'p>],
    id: Id,
}

impl<'p> View<'p> {
    pub(super) fn new(values: &'p [Value<'p>], id: Id) -> Self {
        Self { values, id }
    }

    /// The number of the value: equal numbers stand for one and the same.
    pub(crate) fn number_of_value(self) -> u32 {
        self.id
    }

    fn value(self) -> &'p Value<'p> {
        &self.values[self.id as usize]
    }

    fn at(self, id: Id) -> Self {
        Self { id, ..self }
    }

    fn object(self) -> Option<&'p Object> {
        match self.value() {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// A text; one of Python 2 is taken for UTF-8, and else for Latin-1.
    pub(crate) fn text(self) -> Option<Cow<'p, str>> {
        match self.value() {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            Value::Bytes(bytes) => Some(match std::str::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
            }),
            _ => None,
        }
    }

    /// A whole number.
    pub(crate) fn integer(self) -> Option<i64> {
        match self.value() {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// A number, NumPy's among them.
    pub(crate) fn number(self) -> Option<f64> {
        match self.value() {
            Value::Int(value) => Some(*value as f64),
            Value::Float(value) => Some(*value),
            Value::Object(object) => self.of_numpy(object),
            _ => None,
        }
    }

    /// What a tuple holds.
    pub(crate) fn tuple(self) -> Option<impl ExactSizeIterator<Item = Self>> {
        let items = match self.value() {
            Value::Items(items) if items.is_tuple => &items.ids,
            _ => return None,
        };
        Some(items.iter().map(move |&id| self.at(id)))
    }

    /// Keys and values of a dictionary of any kind.
    pub(crate) fn entries(self) -> Option<Vec<(Self, Self)>> {
        let pair = |&(key, value): &(Id, Id)| (self.at(key), self.at(value));
        let object = match self.value() {
            Value::Dict(entries) => return Some(entries.iter().map(pair).collect()),
            Value::Object(object) => object,
            _ => return None,
        };
        let (_, name) = self.at(object.class).class()?;
        if !DICTIONARIES.contains(&name) {
            return None;
        }
        // What it was made with comes first: a dictionary, or a list of pairs.
        let mut entries = Vec::new();
        for argument in self.at(object.arguments).tuple()? {
            match argument.value() {
                Value::Dict(own) => entries.extend(own.iter().map(pair)),
                Value::Items(list) => {
                    for &item in &list.ids {
                        match self.at(item).value() {
                            Value::Items(pair) if pair.ids.len() == 2 => {
                                entries.push((self.at(pair.ids[0]), self.at(pair.ids[1])));
                            }
                            _ => return None,
                        }
                    }
                }
                _ => {}
            }
        }
        entries.extend(object.entries.iter().map(pair));
        Some(entries)
    }

    /// The value of a key of a dictionary, or of an attribute of an object.
    pub(crate) fn get(self, key: &str) -> Option<Self> {
        let entries = self.entries().or_else(|| {
            let state = self.at(self.object()?.state?);
            // The attributes, alone or beside those that a class lists.
            let both = state.tuple().into_iter().flatten();
            [state].into_iter().chain(both).find_map(Self::entries)
        })?;
        let mut entries = entries.into_iter().rev();
        let found = entries.find(|(found, _)| found.text().is_some_and(|text| text == key))?;
        Some(found.1)
    }

    /// Module and name of a class.
    fn class(self) -> Option<(&'p str, &'p str)> {
        match self.value() {
            Value::Class(module, name) => Some((module, name)),
            _ => None,
        }
    }

    /// Module and name of an object's class, which protocols 0 and 1 give to a function that makes objects.
    fn class_of(self, object: &Object) -> Option<(&'p str, &'p str)> {
        match self.at(object.class).class()? {
            (_, "_reconstructor") => self.at(object.arguments).tuple()?.next()?.class(),
            class => Some(class),
        }
    }

    /// What the value is, for a message.
    pub(crate) fn kind(self) -> String {
        match self.value() {
            Value::None => "nothing".to_owned(),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Int(value) => value.to_string(),
            Value::Float(value) => format!("{value:?}"),
            Value::Text(_) | Value::Bytes(_) => {
                crate::error::quoted(&self.text().unwrap_or_default())
            }
            Value::Items(items) if items.is_tuple => "a tuple".to_owned(),
            Value::Items(_) => "a list".to_owned(),
            Value::Dict(_) => "a dictionary".to_owned(),
            Value::Class(module, name) => format!("the class `{module}.{name}`"),
            Value::Object(object) => match self.class_of(object) {
                Some((module, name)) => format!("an object of `{module}.{name}`"),
                None => "an object".to_owned(),
            },
            Value::Other => "something that is not in the file".to_owned(),
        }
    }

    /// A number of NumPy: its type and its bytes.
    fn of_numpy(self, object: &Object) -> Option<f64> {
        let (module, name) = self.at(object.class).class()?;
        if !module.starts_with("numpy") || name != "scalar" {
            return None;
        }
        let mut arguments = self.at(object.arguments).tuple()?;
        let (of, bytes) = (arguments.next()?, arguments.next()?);
        let of = of.object()?;
        let name = self.at(of.arguments).tuple()?.next()?.text()?;
        let order = of.state.and_then(|state| self.at(state).tuple()?.nth(1));
        let is_big = order.and_then(Self::text).is_some_and(|order| order == ">");
        let mut bytes = bytes.raw()?;
        if is_big {
            bytes.reverse();
        }
        let bytes = bytes.as_slice();
        Some(match name.trim_start_matches(['<', '>', '=', '|']) {
            "f8" => f64::from_le_bytes(bytes.try_into().ok()?),
            "f4" => f32::from_le_bytes(bytes.try_into().ok()?).into(),
            "i8" => i64::from_le_bytes(bytes.try_into().ok()?) as f64,
            "u8" => u64::from_le_bytes(bytes.try_into().ok()?) as f64,
            "i4" => i32::from_le_bytes(bytes.try_into().ok()?).into(),
            "u4" => u32::from_le_bytes(bytes.try_into().ok()?).into(),
            _ => return None,
        })
    }

    /// Bytes as Python 2 and 3 have them, or as Python 3 has them in protocols below 3: a text to encode in Latin-1.
    fn raw(self) -> Option<Vec<u8>> {
        match self.value() {
            Value::Bytes(bytes) => Some(bytes.to_vec()),
            Value::Object(object) => {
                self.at(object.class)
                    .class()
                    .filter(|&(_, name)| name == "encode")?;
                let text = self.at(object.arguments).tuple()?.next()?.text()?;
                text.chars().map(|c| u8::try_from(c).ok()).collect()
            }
            _ => None,
        }
    }
}
