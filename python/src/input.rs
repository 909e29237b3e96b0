//! Captions and references out of Python objects.
//!
//! References are a mapping from an image's key to its references, or a list with those of every image; candidates are
//! the same with one caption each. A caption is text or a list of token ids. Only what has a length is read, so that
//! nothing endless is.

use std::fmt;

use pyo3::exceptions::{PyKeyError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyByteArray, PyBytes, PyFrozenSet, PyList, PyMapping, PySet, PyString, PyTuple};

/// Where in the arguments a value stands: `references['a'][0]`.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    within: Option<&'a Place<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Name(&'a str),
    Position(usize),
    Key(&'a Bound<'a, PyAny>),
}

impl<'a> Place<'a> {
    /// The argument of this name.
    pub(crate) fn argument(name: &'a str) -> Self {
        let (within, step) = (None, Step::Name(name));
        Self { within, step }
    }

    pub(crate) fn at(&'a self, position: usize) -> Self {
        let (within, step) = (Some(self), Step::Position(position));
        Self { within, step }
    }

    fn of_key(&'a self, key: &'a Bound<'a, PyAny>) -> Self {
        let (within, step) = (Some(self), Step::Key(key));
        Self { within, step }
    }

    fn of(&'a self, (position, image): (usize, &'a Image<'a>)) -> Self {
        match &image.key {
            Some(key) => self.of_key(key),
            None => self.at(position),
        }
    }

    /// The error of a value that should have been something else.
    pub(crate) fn wrong_type(&self, found: &Bound<'_, PyAny>, expected: &str) -> PyErr {
        let name = found.get_type().name();
        let name = name.map_or_else(|_| "something else".to_owned(), |name| name.to_string());
        PyTypeError::new_err(format!("{self}: found {name}, expected {expected}"))
    }

    /// The error of a value out of range.
    pub(crate) fn wrong_value(&self, found: &str, expected: &str) -> PyErr {
        PyValueError::new_err(format!("{self}: found {found}, expected {expected}"))
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(within) = self.within {
            within.fmt(f)?;
        }
        match self.step {
            Step::Name(name) => f.write_str(name),
            Step::Position(position) => write!(f, "[{position}]"),
            Step::Key(key) => write!(f, "[{}]", shown(key)),
        }
    }
}

/// The beginning of what Python prints for a value.
fn shown(value: &Bound<'_, PyAny>) -> String {
    const LONGEST: usize = 80;
    let shown = value.repr().map(|repr| repr.to_string_lossy().into_owned());
    let shown = shown.unwrap_or_else(|_| "?".to_owned());
    match shown.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &shown[..end]),
        None => shown,
    }
}

/// The items of a list, a tuple or the like: whatever has a length and an order, arrays and tensors too.
pub(crate) fn items<'py>(
    value: &Bound<'py, PyAny>,
    place: &Place<'_>,
    expected: &str,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    if let Ok(list) = value.cast::<PyList>() {
        return Ok(list.iter().collect());
    }
    if let Ok(tuple) = value.cast::<PyTuple>() {
        return Ok(tuple.iter().collect());
    }
    let has_no_order = value.is_instance_of::<PyString>()
        || value.is_instance_of::<PyBytes>()
        || value.is_instance_of::<PyByteArray>()
        || value.is_instance_of::<PySet>()
        || value.is_instance_of::<PyFrozenSet>()
        || value.cast::<PyMapping>().is_ok();
    let (false, Ok(length), Ok(items)) = (has_no_order, value.len(), value.try_iter()) else {
        return Err(place.wrong_type(value, expected));
    };
    items.take(length).collect()
}

/// A caption as Python has it.
pub(crate) trait Caption: Sized + Send + Sync {
    fn read(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<Self>;

    /// Whether a value is one caption, and not a list of them.
    fn is_one(value: &Bound<'_, PyAny>) -> bool;
}

impl Caption for String {
    fn read(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<Self> {
        let Ok(text) = value.cast::<PyString>() else {
            return Err(place.wrong_type(value, "text"));
        };
        text.extract()
            .map_err(|_| place.wrong_value("half of a surrogate pair", "text of whole characters"))
    }

    fn is_one(value: &Bound<'_, PyAny>) -> bool {
        value.is_instance_of::<PyString>()
    }
}

/// Text as Python holds it, not copied. To be dropped where Python's lock is held.
impl Caption for PyBackedStr {
    fn read(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<Self> {
        let Ok(text) = value.cast::<PyString>() else {
            return Err(place.wrong_type(value, "text"));
        };
        text.clone()
            .try_into()
            .map_err(|_| place.wrong_value("half of a surrogate pair", "text of whole characters"))
    }

    fn is_one(value: &Bound<'_, PyAny>) -> bool {
        String::is_one(value)
    }
}

impl Caption for Vec<u32> {
    fn read(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<Self> {
        let ids = items(value, place, "a list of token ids")?;
        let id = |(position, id): (usize, &Bound<'_, PyAny>)| {
            id.extract().map_err(|_| {
                let place = place.at(position);
                place.wrong_value(&shown(id), "a token id from 0 to 4294967295")
            })
        };
        ids.iter().enumerate().map(id).collect()
    }

    fn is_one(value: &Bound<'_, PyAny>) -> bool {
        let first = value.get_item(0);
        !value.is_instance_of::<PyString>() && first.map_or(true, |first| first.len().is_err())
    }
}

/// Captions of one kind.
pub(crate) enum OfKind<T, I> {
    Text(T),
    Ids(I),
}

/// What a mapping or a list holds for one image.
struct Image<'py> {
    /// None in a list.
    key: Option<Bound<'py, PyAny>>,
    value: Bound<'py, PyAny>,
}

fn images<'py>(value: &Bound<'py, PyAny>, place: &Place<'_>) -> PyResult<Vec<Image<'py>>> {
    const EXPECTED: &str = "a mapping from keys of images, or a list";
    let images: Vec<_> = if let Ok(mapping) = value.cast::<PyMapping>() {
        let pairs = mapping.items()?;
        let image = |pair: Bound<'py, PyAny>| {
            let (key, value) = pair.extract()?;
            let key = Some(key);
            Ok(Image { key, value })
        };
        pairs.iter().map(image).collect::<PyResult<_>>()?
    } else {
        let values = items(value, place, EXPECTED)?.into_iter();
        values.map(|value| Image { key: None, value }).collect()
    };
    if images.is_empty() {
        return Err(place.wrong_value("no image", "at least one"));
    }
    Ok(images)
}

/// The references of every image, with its name for messages.
pub(crate) struct References<C> {
    pub(crate) names: Vec<String>,
    pub(crate) references: Vec<Vec<C>>,
}

/// References, all text or all token ids.
pub(crate) type AnyReferences = OfKind<References<String>, References<Vec<u32>>>;

/// Reads the argument `name`.
///
/// # Errors
/// `TypeError` or `ValueError` that names the first place where something else stands.
pub(crate) fn references(value: &Bound<'_, PyAny>, name: &str) -> PyResult<AnyReferences> {
    let place = Place::argument(name);
    let images = images(value, &place)?;
    let names = images
        .iter()
        .enumerate()
        .map(|(position, image)| match &image.key {
            Some(key) => shown(key),
            None => position.to_string(),
        });
    let names = names.collect();
    Ok(if holds_text(&images) {
        let references = read_references(&images, &place)?;
        OfKind::Text(References { names, references })
    } else {
        let references = read_references(&images, &place)?;
        OfKind::Ids(References { names, references })
    })
}

/// Whether the first reference is text. What is neither text nor ids is told when it is read.
fn holds_text(images: &[Image<'_>]) -> bool {
    for image in images {
        if image.value.is_instance_of::<PyString>() {
            return true;
        }
        if let Ok(first) = image.value.get_item(0) {
            return first.is_instance_of::<PyString>();
        }
    }
    true
}

fn read_references<C: Caption>(images: &[Image<'_>], place: &Place<'_>) -> PyResult<Vec<Vec<C>>> {
    let read = |image| {
        let place = place.of(image);
        let (_, Image { value, .. }) = image;
        if value.is_instance_of::<PyString>() {
            return Ok(vec![C::read(value, &place)?]);
        }
        let captions = items(value, &place, "a list of references")?;
        if captions.is_empty() {
            return Err(place.wrong_value("no reference", "at least one"));
        }
        let captions = captions.iter().enumerate();
        captions
            .map(|(position, caption)| C::read(caption, &place.at(position)))
            .collect()
    };
    images.iter().enumerate().map(read).collect()
}

/// Captions and what they are compared with.
pub(crate) struct Corpus<C> {
    pub(crate) references: Vec<Vec<C>>,
    pub(crate) candidates: Vec<C>,
}

/// A corpus, all of it text or all of it token ids.
pub(crate) type AnyCorpus<T = String> = OfKind<Corpus<T>, Corpus<Vec<u32>>>;

/// Reads two arguments, both mappings with the same keys or both lists of the same length.
///
/// # Errors
/// `KeyError` for a key that one of them lacks, `TypeError` or `ValueError` that names the first place where something
/// else stands than captions.
pub(crate) fn corpus<T: Caption>(
    references: &Bound<'_, PyAny>,
    candidates: &Bound<'_, PyAny>,
    [name, candidates_name]: [&str; 2],
) -> PyResult<AnyCorpus<T>> {
    let (place, candidates_place) = (Place::argument(name), Place::argument(candidates_name));
    let images = images(references, &place)?;
    let captions = captions_of(&images, candidates, &candidates_place, name)?;
    Ok(if holds_text(&images) {
        OfKind::Text(read_corpus(&images, &place, &captions, &candidates_place)?)
    } else {
        OfKind::Ids(read_corpus(&images, &place, &captions, &candidates_place)?)
    })
}

fn read_corpus<C: Caption>(
    images: &[Image<'_>],
    place: &Place<'_>,
    captions: &[Image<'_>],
    candidates_place: &Place<'_>,
) -> PyResult<Corpus<C>> {
    let references = read_references(images, place)?;
    let candidates = captions
        .iter()
        .enumerate()
        .map(|image| one_caption(&image.1.value, &candidates_place.of(image)))
        .collect::<PyResult<_>>()?;
    Ok(Corpus {
        references,
        candidates,
    })
}

/// A caption, or a list with one.
fn one_caption<C: Caption>(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<C> {
    if C::is_one(value) {
        return C::read(value, place);
    }
    let captions = items(value, place, "a list with one caption")?;
    match &captions[..] {
        [caption] => C::read(caption, &place.at(0)),
        captions => {
            let found = format!("{} captions", captions.len());
            Err(place.wrong_value(&found, "one"))
        }
    }
}

/// The candidate of every image, in the order of `images`.
fn captions_of<'py>(
    images: &[Image<'py>],
    candidates: &Bound<'py, PyAny>,
    place: &Place<'_>,
    references: &str,
) -> PyResult<Vec<Image<'py>>> {
    let Ok(mapping) = candidates.cast::<PyMapping>() else {
        if images[0].key.is_some() {
            let expected = format!("a mapping, as {references} is");
            return Err(place.wrong_type(candidates, &expected));
        }
        let values = items(candidates, place, "a list of captions")?;
        if values.len() != images.len() {
            let expected = format!("{}, one for each image of {references}", images.len());
            return Err(place.wrong_value(&format!("{} captions", values.len()), &expected));
        }
        let values = values.into_iter();
        return Ok(values.map(|value| Image { key: None, value }).collect());
    };
    let mut captions = Vec::with_capacity(images.len());
    for Image { key, .. } in images {
        let Some(key) = key else {
            let expected = format!("a list, as {references} is");
            return Err(place.wrong_type(candidates, &expected));
        };
        let Ok(value) = mapping.get_item(key) else {
            let key = shown(key);
            return Err(PyKeyError::new_err(format!(
                "{place}: found no caption for the key {key}, expected one for every key of {references}"
            )));
        };
        let key = Some(key.clone());
        captions.push(Image { key, value });
    }
    if mapping.len()? != captions.len() {
        for key in mapping.keys()?.iter() {
            let known = |image: &Image<'_>| {
                image
                    .key
                    .as_ref()
                    .is_some_and(|own| own.eq(&key).unwrap_or(false))
            };
            if !images.iter().any(known) {
                let key = shown(&key);
                return Err(PyKeyError::new_err(format!(
                    "{place}: found the key {key}, expected keys of {references} only"
                )));
            }
        }
    }
    Ok(captions)
}

/// Completions of a trainer, one a caption.
///
/// # Errors
/// `TypeError` or `ValueError` that names the first place where no caption stands.
pub(crate) fn captions<C: Caption>(value: &Bound<'_, PyAny>, name: &str) -> PyResult<Vec<C>> {
    let place = Place::argument(name);
    let captions = items(value, &place, "a list of captions")?;
    let captions = captions.iter().enumerate();
    captions
        .map(|(position, caption)| C::read(caption, &place.at(position)))
        .collect()
}
