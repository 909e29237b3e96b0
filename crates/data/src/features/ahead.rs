//! Features that are read before they are asked for.

use std::collections::HashMap;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{mem, thread};

use super::names::Row;
use super::store::{FeatureBatch, FeatureStore};
use crate::DataError;

type Read = Result<FeatureBatch, DataError>;

/// Reads batches of a store, those that are expected on a thread of its own: files are read from the disk and unpacked
/// while something else is computed.
#[derive(Debug)]
pub struct ReadAhead {
    store: Arc<FeatureStore>,
    /// What is expected, and where it will come from.
    expected: Mutex<HashMap<Vec<Row>, Receiver<Read>>>,
}

impl ReadAhead {
    /// Nothing is expected yet.
    pub fn new(store: FeatureStore) -> Self {
        Self {
            store: Arc::new(store),
            expected: Mutex::default(),
        }
    }

    /// The features.
    pub fn store(&self) -> &FeatureStore {
        &self.store
    }

    /// Begins to read batches that will be asked for, unless that has begun before. What else was expected is let go of:
    /// memory holds these batches at most.
    pub fn expect(&self, batches: impl IntoIterator<Item = Vec<Row>>) {
        let mut senders = Vec::new();
        {
            let mut expected = self.expected();
            let mut before = mem::take(&mut *expected);
            for rows in batches {
                let receiver = before.remove(&rows).unwrap_or_else(|| {
                    let (sender, receiver) = mpsc::channel();
                    senders.push((rows.clone(), sender));
                    receiver
                });
                expected.insert(rows, receiver);
            }
        }
        if senders.is_empty() {
            return;
        }
        let store = Arc::clone(&self.store);
        let read = move || {
            for (rows, sender) in senders {
                // Nobody may want them any more.
                if sender.send(store.read_batch(&rows)).is_err() {
                    break;
                }
            }
        };
        // A system that has no thread to give reads the same values, only later.
        drop(
            thread::Builder::new()
                .name("read-ahead".to_owned())
                .spawn(read),
        );
    }

    /// Features of several images, as [`FeatureStore::read_batch`] reads them; what is expected is waited for.
    ///
    /// # Errors
    ///
    /// Those of [`FeatureStore::read_batch`].
    ///
    /// # Panics
    ///
    /// If one of `rows` is of another store.
    pub fn read_batch(&self, rows: &[Row]) -> Result<FeatureBatch, DataError> {
        let expected = self.expected().remove(rows);
        match expected.and_then(|receiver| receiver.recv().ok()) {
            Some(read) => read,
            None => self.store.read_batch(rows),
        }
    }

    fn expected(&self) -> MutexGuard<'_, HashMap<Vec<Row>, Receiver<Read>>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::features::{FeatureSource, FolderSource};
    use crate::samples::{Folder, npy};

    fn opened(files: &Folder) -> ReadAhead {
        for (name, value) in [("a", 1.0_f32), ("b", 2.0), ("c", 3.0)] {
            files.file(
                &format!("features/{name}.npy"),
                npy(&[2], [value, -value].as_slice()),
            );
        }
        let source = FeatureSource::Folder(FolderSource {
            path: files.path("features"),
            ..FolderSource::default()
        });
        ReadAhead::new(FeatureStore::open(&source).unwrap())
    }

    #[test]
    fn batches_are_those_of_the_store_whatever_was_expected() {
        let files = Folder::new();
        let ahead = opened(&files);
        let rows: Vec<Row> = ahead.store().rows().collect();
        let of_store = |rows: &[Row]| ahead.store().read_batch(rows).unwrap();
        ahead.expect([rows[..2].to_vec(), rows[2..].to_vec()]);
        assert_eq!(ahead.read_batch(&rows[2..]).unwrap(), of_store(&rows[2..]));
        assert_eq!(ahead.read_batch(&rows[1..]).unwrap(), of_store(&rows[1..]));
        for _ in 0..2 {
            assert_eq!(ahead.read_batch(&rows[..2]).unwrap(), of_store(&rows[..2]));
        }
    }

    #[test]
    fn what_was_begun_is_not_begun_again_and_what_is_not_expected_any_more_is_let_go_of() {
        let files = Folder::new();
        let ahead = opened(&files);
        let rows: Vec<Vec<Row>> = ahead.store().rows().map(|row| vec![row]).collect();
        ahead.expect(rows[..2].to_vec());
        let first = ahead.read_batch(&rows[1]).unwrap();
        // The thread had both to read before.
        fs::remove_file(files.path("features/a.npy")).unwrap();
        ahead.expect([rows[0].clone(), rows[2].clone()]);
        assert_eq!(first.values, [2.0, -2.0]);
        assert_eq!(ahead.read_batch(&rows[0]).unwrap().values, [1.0, -1.0]);
        ahead.expect([]);
        assert!(ahead.expected().is_empty());
    }

    #[test]
    fn what_is_expected_is_read_before_it_is_asked_for() {
        let files = Folder::new();
        let ahead = opened(&files);
        let rows: Vec<Row> = ahead.store().rows().collect();
        ahead.expect([rows.clone()]);
        let receiver = ahead.expected().remove(&rows).unwrap();
        let read = receiver.recv().unwrap().unwrap();
        assert_eq!(read.values, [1.0, -1.0, 2.0, -2.0, 3.0, -3.0]);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_told_to_whoever_asks_for_it() {
        let files = Folder::new();
        let ahead = opened(&files);
        let rows: Vec<Row> = ahead.store().rows().collect();
        fs::remove_file(files.path("features/b.npy")).unwrap();
        ahead.expect([rows[..1].to_vec(), rows[1..].to_vec()]);
        assert!(ahead.read_batch(&rows[..1]).is_ok());
        let message = ahead.read_batch(&rows[1..]).unwrap_err().to_string();
        assert!(message.contains("b.npy"), "{message}");
    }
}
