//! METEOR, by its own Java program.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use scst_reward::{Meteor, MeteorOptions, TextItem};

use crate::error::exception;
use crate::input::{OfKind, Place, corpus};

/// A running METEOR.
#[pyclass(frozen, module = "scst._scst")]
pub(crate) struct MeteorProcess {
    meteor: Mutex<Meteor>,
}

#[pymethods]
impl MeteorProcess {
    #[new]
    fn new(
        python: Python<'_>,
        jar: PathBuf,
        java: PathBuf,
        memory: String,
        timeout_secs: f64,
    ) -> PyResult<Self> {
        let options = MeteorOptions {
            jar,
            java,
            memory,
            timeout_secs,
        };
        let meteor = python.detach(|| Meteor::start(&options));
        let meteor = Mutex::new(meteor.map_err(|error| exception(&error))?);
        Ok(Self { meteor })
    }

    /// METEOR of the corpus and of every caption, 0 to 1.
    fn score(
        &self,
        python: Python<'_>,
        gts: &Bound<'_, PyAny>,
        res: &Bound<'_, PyAny>,
    ) -> PyResult<(f64, Vec<f64>)> {
        let OfKind::Text(corpus) = corpus::<String>(gts, res, ["gts", "res"])? else {
            return Err(Place::argument("gts").wrong_value("token ids", "text"));
        };
        let scores = python.detach(|| {
            let pairs = corpus.candidates.iter().zip(&corpus.references);
            let items: Vec<_> = pairs
                .map(|(hypothesis, references)| TextItem {
                    hypothesis,
                    references,
                })
                .collect();
            let mut meteor = self.meteor.lock().unwrap_or_else(PoisonError::into_inner);
            meteor.score(&items)
        });
        let scores = scores.map_err(|error| exception(&error))?;
        Ok((scores.corpus, scores.items))
    }
}
