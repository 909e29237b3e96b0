//! The stack machine that a pickle is a program for.
//!
//! Opcodes: <https://github.com/python/cpython/blob/main/Lib/pickletools.py>, protocols 0 to 5.

use std::borrow::Cow;
use std::collections::HashMap;

use super::broken::Broken;
use super::input::{Input, unescaped, unquoted};

/// The number of a value.
pub(super) type Id = u32;

/// A value of Python.
#[derive(Debug)]
pub(super) enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    /// Bytes, and texts of Python 2.
    Bytes(Cow<'a, [u8]>),
    /// A tuple, list or set.
    Items(Items),
    Dict(Vec<(Id, Id)>),
    /// A class or function, by module and name.
    Class(Cow<'a, str>, Cow<'a, str>),
    Object(Box<Object>),
    /// Something that lies elsewhere, or is a number of more than 64 bits.
    Other,
}

/// Values in their order.
#[derive(Debug)]
pub(super) struct Items {
    pub(super) is_tuple: bool,
    pub(super) ids: Vec<Id>,
}

/// An object as what it is made from.
#[derive(Debug)]
pub(super) struct Object {
    /// What is called to make it.
    pub(super) class: Id,
    pub(super) arguments: Id,
    /// What is set on it afterwards: commonly a dictionary of its attributes.
    pub(super) state: Option<Id>,
    /// What is put into it by key, if it is a kind of dictionary.
    pub(super) entries: Vec<(Id, Id)>,
}

const NONE: Id = 0;
const FALSE: Id = 1;
const TRUE: Id = 2;
const OTHER: Id = 3;

/// What a pickle builds.
pub(super) struct Machine<'a> {
    values: Vec<Value<'a>>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

impl<'a> Machine<'a> {
    /// Runs one pickle to its end: all its values, and the number of the one that it stands for.
    pub(super) fn run(input: &mut Input<'a>) -> Result<(Vec<Value<'a>>, Id), Broken> {
        let mut machine = Self {
            values: vec![
                Value::None,
                Value::Bool(false),
                Value::Bool(true),
                Value::Other,
            ],
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
        };
        loop {
            let opcode = input.byte()?;
            if opcode == b'.' {
                let root = machine.pop(input)?;
                return Ok((machine.values, root));
            }
            machine.step(opcode, input)?;
        }
    }

    fn step(&mut self, opcode: u8, input: &mut Input<'a>) -> Result<(), Broken> {
        match opcode {
            b'(' => self.marks.push(self.stack.len()),
            b'0' => self.discard(input)?,
            b'1' => drop(self.pop_to_mark(input)?),
            b'2' => {
                let top = self.top(input)?;
                self.stack.push(top);
            }
            0x80 => drop(input.byte()?),
            0x95 => drop(input.array::<8>()?),
            b'p' | b'q' | b'r' | 0x94 => {
                let key = self.memo_key(opcode, input)?;
                let top = self.top(input)?;
                self.memo.insert(key, top);
            }
            b'g' | b'h' | b'j' => {
                let key = self.memo_key(opcode, input)?;
                let id = self.memo.get(&key).copied();
                self.stack.push(id.ok_or_else(|| {
                    input.broken("a value that was not there before", "a valid pickle")
                })?);
            }
            b'N' => self.stack.push(NONE),
            0x88 => self.stack.push(TRUE),
            0x89 => self.stack.push(FALSE),
            b'}' | b']' | b')' | 0x8f | b't' | b'l' | b'd' | 0x85..=0x87 | 0x91 => {
                self.container(opcode, input)?;
            }
            b'a' | b'e' | 0x90 | b's' | b'u' => self.fill(opcode, input)?,
            b'c' | 0x93 | b'R' | 0x81 | 0x92 | b'i' | b'o' | b'b' => self.object(opcode, input)?,
            b'P' | b'Q' | 0x82..=0x84 | 0x97 | 0x98 => self.elsewhere(opcode, input)?,
            _ => {
                let value = literal(opcode, input)?;
                self.push(value, input)?;
            }
        }
        Ok(())
    }

    fn container(&mut self, opcode: u8, input: &Input<'a>) -> Result<(), Broken> {
        let ids = match opcode {
            b'}' | b']' | b')' | 0x8f => Vec::new(),
            b't' | b'l' | b'd' | 0x91 => self.pop_to_mark(input)?,
            _ => self.pop_several(usize::from(opcode - 0x84), input)?,
        };
        let is_tuple = matches!(opcode, b')' | b't' | 0x85..=0x87);
        let value = match opcode {
            b'}' | b'd' => Value::Dict(pairs(&ids, input)?),
            _ => Value::Items(Items { is_tuple, ids }),
        };
        self.push(value, input)
    }

    /// Puts values from the top of the stack into the container below them.
    fn fill(&mut self, opcode: u8, input: &Input<'a>) -> Result<(), Broken> {
        let ids = match opcode {
            b'a' => self.pop_several(1, input)?,
            b's' => self.pop_several(2, input)?,
            _ => self.pop_to_mark(input)?,
        };
        let container = self.top(input)?;
        let is_keyed = matches!(opcode, b's' | b'u');
        match &mut self.values[container as usize] {
            Value::Items(items) if !is_keyed => items.ids.extend(ids),
            Value::Dict(entries) if is_keyed => entries.extend(pairs(&ids, input)?),
            Value::Object(object) if is_keyed => object.entries.extend(pairs(&ids, input)?),
            // Kinds of lists, of which nobody asks what they hold.
            Value::Object(_) | Value::Other => {}
            _ => return Err(input.broken("items for something that has none", "a valid pickle")),
        }
        Ok(())
    }

    fn object(&mut self, opcode: u8, input: &mut Input<'a>) -> Result<(), Broken> {
        match opcode {
            b'c' => {
                let (module, name) = (input.name()?, input.name()?);
                self.push(Value::Class(module, name), input)
            }
            0x93 => {
                let ids = self.pop_several(2, input)?;
                let mut texts = ids.iter().map(|&id| match &self.values[id as usize] {
                    Value::Text(text) => text.clone(),
                    _ => Cow::Borrowed("?"),
                });
                let (module, name) = (texts.next(), texts.next());
                let class = Value::Class(module.unwrap_or_default(), name.unwrap_or_default());
                self.push(class, input)
            }
            b'b' => {
                let state = self.pop(input)?;
                let id = self.top(input)?;
                if let Value::Object(object) = &mut self.values[id as usize] {
                    object.state = Some(state);
                }
                Ok(())
            }
            b'R' | 0x81 => {
                let (arguments, class) = (self.pop(input)?, self.pop(input)?);
                self.push_object(class, arguments, input)
            }
            0x92 => {
                let (_keywords, arguments) = (self.pop(input)?, self.pop(input)?);
                let class = self.pop(input)?;
                self.push_object(class, arguments, input)
            }
            _ => {
                let mut ids = self.pop_to_mark(input)?;
                let class = if opcode == b'i' {
                    let (module, name) = (input.name()?, input.name()?);
                    self.add(Value::Class(module, name), input)?
                } else if ids.is_empty() {
                    return Err(input.broken("an object without a class", "a valid pickle"));
                } else {
                    ids.remove(0)
                };
                let is_tuple = true;
                let arguments = self.add(Value::Items(Items { is_tuple, ids }), input)?;
                self.push_object(class, arguments, input)
            }
        }
    }

    /// Values that do not lie in the pickle.
    fn elsewhere(&mut self, opcode: u8, input: &mut Input<'a>) -> Result<(), Broken> {
        match opcode {
            b'P' => drop(input.line()?),
            b'Q' => drop(self.pop(input)?),
            0x82..=0x84 => drop(input.take(1 << (opcode - 0x82))?),
            // Marks the buffer before as one that cannot be changed.
            0x98 => return Ok(()),
            _ => {}
        }
        self.stack.push(OTHER);
        Ok(())
    }

    fn push_object(&mut self, class: Id, arguments: Id, input: &Input<'a>) -> Result<(), Broken> {
        let object = Object {
            class,
            arguments,
            state: None,
            entries: Vec::new(),
        };
        self.push(Value::Object(Box::new(object)), input)
    }

    fn add(&mut self, value: Value<'a>, input: &Input<'a>) -> Result<Id, Broken> {
        let id = Id::try_from(self.values.len());
        let id = id.map_err(|_| input.broken("more than 4 billion values", "fewer"))?;
        self.values.push(value);
        Ok(id)
    }

    fn push(&mut self, value: Value<'a>, input: &Input<'a>) -> Result<(), Broken> {
        let id = self.add(value, input)?;
        self.stack.push(id);
        Ok(())
    }

    /// Where the values above the last mark begin.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self, input: &Input<'a>) -> Result<Id, Broken> {
        let above = self.stack.get(self.floor()..).unwrap_or_default();
        above.last().copied().ok_or_else(|| nothing(input))
    }

    fn pop(&mut self, input: &Input<'a>) -> Result<Id, Broken> {
        let top = self.top(input)?;
        self.stack.pop();
        Ok(top)
    }

    /// Takes the mark off if nothing lies on it.
    fn discard(&mut self, input: &Input<'a>) -> Result<(), Broken> {
        if self
            .marks
            .pop_if(|mark| *mark == self.stack.len())
            .is_none()
        {
            self.pop(input)?;
        }
        Ok(())
    }

    fn pop_several(&mut self, count: usize, input: &Input<'a>) -> Result<Vec<Id>, Broken> {
        let start = self.stack.len().checked_sub(count);
        let start = start.filter(|&start| start >= self.floor());
        let start = start.ok_or_else(|| nothing(input))?;
        Ok(self.stack.split_off(start))
    }

    fn pop_to_mark(&mut self, input: &Input<'a>) -> Result<Vec<Id>, Broken> {
        let mark = self.marks.pop().ok_or_else(|| nothing(input))?;
        Ok(self.stack.split_off(mark))
    }

    /// The place in the memo that an opcode names.
    fn memo_key(&self, opcode: u8, input: &mut Input<'a>) -> Result<u64, Broken> {
        match opcode {
            b'p' | b'g' => {
                let line = std::str::from_utf8(input.line()?).ok();
                let key = line.and_then(|line| line.trim().parse().ok());
                key.ok_or_else(|| input.broken("a place that is no number", "a valid pickle"))
            }
            b'q' | b'h' => input.byte().map(u64::from),
            b'r' | b'j' => input.length::<4>().map(|key| key as u64),
            _ => Ok(self.memo.len() as u64),
        }
    }
}

fn nothing(input: &Input<'_>) -> Broken {
    input.broken(
        "an operation on a value that is not there",
        "a valid pickle",
    )
}

fn pairs(ids: &[Id], input: &Input<'_>) -> Result<Vec<(Id, Id)>, Broken> {
    match ids.as_chunks() {
        (pairs, []) => Ok(pairs.iter().map(|&[key, value]| (key, value)).collect()),
        _ => Err(input.broken("a key without a value", "a valid pickle")),
    }
}

/// A number or a text.
fn literal<'a>(opcode: u8, input: &mut Input<'a>) -> Result<Value<'a>, Broken> {
    Ok(match opcode {
        b'I' | b'L' => {
            let line = input.name()?;
            match (opcode, line.trim()) {
                (b'I', "00") => Value::Bool(false),
                (b'I', "01") => Value::Bool(true),
                (_, digits) => integer(digits.trim_end_matches('L'))
                    .ok_or_else(|| input.broken("a number without digits", "a valid pickle"))?,
            }
        }
        b'J' => Value::Int(i32::from_le_bytes(input.array()?).into()),
        b'K' => Value::Int(input.byte()?.into()),
        b'M' => Value::Int(u16::from_le_bytes(input.array()?).into()),
        0x8a => long(input.counted::<1>()?),
        0x8b => long(input.counted::<4>()?),
        b'F' => {
            let number = input.name()?.trim().parse();
            let broken = |_| input.broken("a number without digits", "a valid pickle");
            Value::Float(number.map_err(broken)?)
        }
        b'G' => Value::Float(f64::from_be_bytes(input.array()?)),
        b'S' => {
            let text = unquoted(input.line()?);
            let text = text.ok_or_else(|| input.broken("a text without quotes", "a valid pickle"));
            Value::Bytes(Cow::Owned(text?))
        }
        b'V' => {
            let text = unescaped(input.line()?);
            let text = text.ok_or_else(|| input.broken("a broken escape", "a valid pickle"))?;
            Value::Text(Cow::Owned(text))
        }
        b'U' | b'C' => Value::Bytes(Cow::Borrowed(input.counted::<1>()?)),
        b'T' | b'B' => Value::Bytes(Cow::Borrowed(input.counted::<4>()?)),
        0x8e | 0x96 => Value::Bytes(Cow::Borrowed(input.counted::<8>()?)),
        0x8c => Value::Text(String::from_utf8_lossy(input.counted::<1>()?)),
        b'X' => Value::Text(String::from_utf8_lossy(input.counted::<4>()?)),
        0x8d => Value::Text(String::from_utf8_lossy(input.counted::<8>()?)),
        _ => return Err(input.broken("a byte that is no operation", "a pickle")),
    })
}

/// A number in decimal digits; [`Value::Other`] if it has more than 64 bits.
fn integer<'a>(digits: &str) -> Option<Value<'a>> {
    let unsigned = digits.strip_prefix('-').unwrap_or(digits);
    let is_number = !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().map_or(Value::Other, Value::Int))
}

/// A number in two's complement, little-endian.
fn long<'a>(bytes: &[u8]) -> Value<'a> {
    let sign = match bytes.last() {
        None => return Value::Int(0),
        Some(last) if *last >= 0x80 => 0xff,
        Some(_) => 0,
    };
    if bytes.len() > 8 {
        return Value::Other;
    }
    let mut wide = [sign; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    Value::Int(i64::from_le_bytes(wide))
}
