//! Matrices on the host, as far as tensors have to be laid out anew.

use std::ops::Range;

/// `[rows, columns]`, in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f32>,
}

impl Matrix {
    /// As many values as sizes say.
    pub(super) fn new([rows, columns]: [usize; 2], values: Vec<f32>) -> Self {
        assert_eq!(values.len(), rows * columns, "[{rows}, {columns}]");
        Self {
            rows,
            columns,
            values,
        }
    }

    pub(super) fn zeros(shape: [usize; 2]) -> Self {
        Self::new(shape, vec![0.0; shape[0] * shape[1]])
    }

    pub(super) fn shape(&self) -> [usize; 2] {
        [self.rows, self.columns]
    }

    pub(super) fn into_values(self) -> Vec<f32> {
        self.values
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.columns..][..self.columns]
    }

    pub(super) fn transposed(&self) -> Self {
        let rows = 0..self.rows;
        let column = |c: usize| rows.clone().map(move |r| self.values[r * self.columns + c]);
        let values = (0..self.columns).flat_map(column).collect();
        Self::new([self.columns, self.rows], values)
    }

    /// Some of the columns.
    pub(super) fn columns(&self, range: Range<usize>) -> Self {
        let rows = (0..self.rows).flat_map(|row| &self.row(row)[range.clone()]);
        Self::new([self.rows, range.len()], rows.copied().collect())
    }

    /// Rows by their numbers; a row of `absent` where there is none.
    pub(super) fn select(&self, rows: &[Option<u32>], absent: f32) -> Self {
        let mut values = Vec::with_capacity(rows.len() * self.columns);
        for row in rows {
            match row {
                Some(row) => values.extend_from_slice(self.row(*row as usize)),
                None => values.resize(values.len() + self.columns, absent),
            }
        }
        Self::new([rows.len(), self.columns], values)
    }

    /// Columns in blocks of equal width, in another order.
    pub(super) fn blocks(&self, order: [usize; 4]) -> Self {
        let width = self.columns / order.len();
        let blocks = order.map(|block| self.columns(block * width..(block + 1) * width));
        Self::beside(&blocks)
    }

    pub(super) fn plus(mut self, other: &Self) -> Self {
        assert_eq!(self.shape(), other.shape());
        for (value, other) in self.values.iter_mut().zip(&other.values) {
            *value += other;
        }
        self
    }

    /// Matrices of as many rows, side by side.
    pub(super) fn beside(parts: &[Self]) -> Self {
        let rows = parts.first().map_or(0, |part| part.rows);
        let columns = parts.iter().map(|part| part.columns).sum();
        let row = |row: usize| parts.iter().flat_map(move |part| part.row(row));
        Self::new([rows, columns], (0..rows).flat_map(row).copied().collect())
    }

    /// Matrices of as many columns, one below the other.
    pub(super) fn above(parts: &[Self]) -> Self {
        let columns = parts.first().map_or(0, |part| part.columns);
        let rows = parts.iter().map(|part| part.rows).sum();
        let values = parts.iter().flat_map(|part| part.values.iter().copied());
        Self::new([rows, columns], values.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(shape: [usize; 2], values: &[f32]) -> Matrix {
        Matrix::new(shape, values.to_vec())
    }

    #[test]
    fn parts_are_laid_out_as_their_names_say() {
        let m = matrix([2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(
            m.transposed(),
            matrix([3, 2], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0])
        );
        assert_eq!(m.columns(1..3), matrix([2, 2], &[2.0, 3.0, 5.0, 6.0]));
        let rows = [Some(1), None];
        assert_eq!(
            m.select(&rows, -1.0),
            matrix([2, 3], &[4.0, 5.0, 6.0, -1.0, -1.0, -1.0])
        );
        let left = matrix([2, 1], &[7.0, 8.0]);
        let beside = matrix([2, 2], &[7.0, 1.0, 8.0, 4.0]);
        assert_eq!(Matrix::beside(&[left.clone(), m.columns(0..1)]), beside);
        assert_eq!(
            Matrix::above(&[left.clone(), m.columns(0..1)]),
            matrix([4, 1], &[7.0, 8.0, 1.0, 4.0])
        );
        assert_eq!(left.clone().plus(&left), matrix([2, 1], &[14.0, 16.0]));
        let gates = matrix([1, 8], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        let expected = matrix([1, 8], &[0.0, 1.0, 2.0, 3.0, 6.0, 7.0, 4.0, 5.0]);
        assert_eq!(gates.blocks([0, 1, 3, 2]), expected);
    }
}
