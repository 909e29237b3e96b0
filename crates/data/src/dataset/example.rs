//! What a dataset says of one source.

use std::fmt;
use std::sync::Arc;

use crate::captions::Split;
use crate::features::Row;
use crate::records::{Field, Records};
use crate::vocabulary::END_ID;
use crate::{DataError, ExampleId};

/// One source, an image or a text, with its gold targets. It takes a few bytes of memory; what it says is read where it
/// lies when somebody asks.
#[derive(Clone)]
pub struct Example {
    /// What is read of it in [`Dataset::sources`](super::Dataset::sources).
    pub row: Row,
    record: usize,
    records: Arc<Records>,
}

impl Example {
    /// What messages call it: the file name of an image without folders; the id of a text, or its file and line.
    pub fn name(&self) -> &str {
        let mut fields = self.records.fields(self.record);
        fields.next().map_or("", Field::text)
    }

    /// The id to write for this example: that of the user's files, or its name where they have no ids.
    pub fn id(&self) -> ExampleId {
        self.given_id().unwrap_or_else(|| self.name().into())
    }

    /// Its id in the user's files, where they have ids.
    pub fn given_id(&self) -> Option<ExampleId> {
        let mut fields = self.records.fields(self.record);
        ExampleId::read(fields.nth(1)?.text())
    }

    /// Gold targets, of images their captions, as ids: full length, the end token last.
    pub fn captions(&self) -> impl ExactSizeIterator<Item = &[u32]> + Clone {
        let targets = self.targets();
        let of_ids = targets.len() / 2;
        targets.take(of_ids).map(Field::ids)
    }

    /// The same targets as text, with what the vocabulary lacks: of words, these joined by single spaces; else as written.
    pub fn references(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        let targets = self.targets();
        let of_ids = targets.len() / 2;
        targets.skip(of_ids).map(Field::text)
    }

    /// All targets as ids, then all as text.
    fn targets(&self) -> impl ExactSizeIterator<Item = Field<'_>> + Clone {
        self.records.fields(self.record).skip(2)
    }
}

impl fmt::Debug for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Example");
        shown.field("name", &self.name());
        shown.field("id", &self.given_id());
        shown.field("row", &self.row);
        shown.field("captions", &self.captions().collect::<Vec<_>>());
        shown.field("references", &self.references().collect::<Vec<_>>());
        shown.finish_non_exhaustive()
    }
}

impl PartialEq for Example {
    fn eq(&self, other: &Self) -> bool {
        self.row == other.row
            && self.name() == other.name()
            && self.given_id() == other.given_id()
            && self.captions().eq(other.captions())
            && self.references().eq(other.references())
    }
}

impl Eq for Example {}

/// Examples that are being collected.
#[derive(Default)]
pub(super) struct Written {
    records: Records,
    /// By split.
    examples: [Vec<(Row, usize)>; 3],
}

/// A target of an example: its ids without an end token, and its text.
pub(super) type Target = (Vec<u32>, String);

impl Written {
    /// Adds an example.
    ///
    /// # Errors
    ///
    /// There is no room for it.
    pub(super) fn push(
        &mut self,
        split: Split,
        row: Row,
        (name, id): (&str, Option<&ExampleId>),
        targets: &mut [Target],
    ) -> Result<(), DataError> {
        for (ids, _) in &mut *targets {
            ids.push(END_ID);
        }
        let id = ExampleId::written(id);
        let head = [Field::of_text(name), Field::of_text(&id)];
        let captions = targets.iter().map(|(ids, _)| Field::of_ids(ids));
        let references = targets.iter().map(|(_, text)| Field::of_text(text));
        let fields = head.into_iter().chain(captions).chain(references);
        let record = self.records.push(fields)?;
        self.examples[split as usize].push((row, record));
        Ok(())
    }

    /// The examples of training, validation and test.
    pub(super) fn finish(self) -> [Arc<[Example]>; 3] {
        let records = Arc::new(self.records);
        self.examples.map(|examples| {
            let examples = examples.into_iter();
            let example = |(row, record)| Example {
                row,
                record,
                records: Arc::clone(&records),
            };
            examples.map(example).collect()
        })
    }
}
