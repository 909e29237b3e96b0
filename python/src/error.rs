//! Errors of the library as exceptions.

use std::error::Error;

use pyo3::PyErr;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use scst_reward::RewardError;

/// A mistake of the caller is a `ValueError`; what another program does wrong is a `RuntimeError`.
pub(crate) fn exception(error: &RewardError) -> PyErr {
    let error = match error {
        // Which entry of a list of rewards: here there is one.
        RewardError::Entry { problem, .. } => problem,
        error => error,
    };
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message.push_str(": ");
        message.push_str(&cause.to_string());
        source = cause.source();
    }
    if error.is_mistake() {
        PyValueError::new_err(message)
    } else {
        PyRuntimeError::new_err(message)
    }
}
