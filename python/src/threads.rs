//! The threads that work while Python's lock is released.

use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The threads, and the process that started them.
static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

/// Does `work` without Python's lock, on as many threads as there are cores or `RAYON_NUM_THREADS` says.
///
/// # Errors
/// `RuntimeError` when threads cannot be started.
pub(crate) fn without_lock<T: Send>(
    python: Python<'_>,
    work: impl FnOnce() -> T + Send,
) -> PyResult<T> {
    let result = python.detach(|| Ok::<T, rayon::ThreadPoolBuildError>(pool()?.install(work)));
    result.map_err(|error| PyRuntimeError::new_err(format!("failed to start threads: {error}")))
}

/// Fewer captions are not worth another thread.
const CAPTIONS_PER_TASK: usize = 32;

/// What `score` makes of every caption, on all threads when there are many, each with its own copy of `scorer`.
///
/// To be called without Python's lock. Where threads cannot be started, this one does all.
///
/// # Errors
/// The first error of `score`.
pub(crate) fn score_all<S: Clone + Send + Sync, T: Send, E: Send>(
    captions: &[Vec<u32>],
    scorer: &S,
    score: impl Fn(&mut S, usize, &[u32]) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let many = captions.len() >= 2 * CAPTIONS_PER_TASK;
    if let (true, Ok(pool)) = (many, pool()) {
        let captions = captions.par_iter().with_min_len(CAPTIONS_PER_TASK);
        let scores = captions.enumerate().map_init(
            || scorer.clone(),
            |scorer, (image, tokens)| score(scorer, image, tokens),
        );
        return pool.install(|| scores.collect());
    }
    let mut scorer = scorer.clone();
    let captions = captions.iter().enumerate();
    captions
        .map(|(image, tokens)| score(&mut scorer, image, tokens))
        .collect()
}

fn pool() -> Result<Arc<ThreadPool>, rayon::ThreadPoolBuildError> {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let process = process::id();
    if let Some((owner, threads)) = &*pool
        && *owner == process
    {
        return Ok(Arc::clone(threads));
    }
    let threads = Arc::new(ThreadPoolBuilder::new().build()?);
    // A child that was forked has none of its parent's threads, and nobody to tell that they may end.
    std::mem::forget(pool.replace((process, Arc::clone(&threads))));
    Ok(threads)
}
