//! One process.

use crate::{Group, GroupError, Meanwhile};

/// The group of a process that works alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

impl Group for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn local_rank(&self) -> usize {
        0
    }

    fn gather_while(
        &self,
        own: &[u8],
        _what: &str,
        _meanwhile: Meanwhile<'_>,
    ) -> Result<Vec<Vec<u8>>, GroupError> {
        Ok(vec![own.to_vec()])
    }

    fn exchange(
        &self,
        own: &[f32],
        _counts: &[usize],
        _expected: &[usize],
        _meanwhile: Meanwhile<'_>,
    ) -> Result<Vec<f32>, GroupError> {
        Ok(own.to_vec())
    }

    fn collect(
        &self,
        own: &[f32],
        _counts: &[usize],
        _meanwhile: Meanwhile<'_>,
    ) -> Result<Vec<f32>, GroupError> {
        Ok(own.to_vec())
    }

    fn waited(&self) -> Vec<f64> {
        vec![0.0]
    }
}
