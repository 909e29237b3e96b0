//! Eigenvalues of small symmetric matrices.

/// More sweeps than any matrix was seen to need: convergence is quadratic, about ten suffice.
const MAX_SWEEPS: usize = 64;

/// The eigenvalues of a symmetric matrix, in ascending order, by cyclic Jacobi rotations (Golub and Van Loan 2013,
/// section 8.5).
///
/// Each is exact to a few units of rounding of the largest in magnitude.
///
/// # Shapes
/// `matrix` `[n, n]`, by rows; rows of another length than `n` are an internal error.
pub(crate) fn symmetric_eigenvalues(mut matrix: Vec<Vec<f64>>) -> Vec<f64> {
    let size = matrix.len();
    for row in &matrix {
        assert_eq!(
            row.len(),
            size,
            "row of {} in a matrix of {size}",
            row.len()
        );
    }
    for _ in 0..MAX_SWEEPS {
        let mut rotated = false;
        for row in 0..size {
            for column in row + 1..size {
                rotated |= rotate(&mut matrix, row, column);
            }
        }
        if !rotated {
            break;
        }
    }
    let mut values: Vec<f64> = (0..size).map(|index| matrix[index][index]).collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// Makes one entry off the diagonal 0; false if it was negligible beside the diagonal already.
fn rotate(matrix: &mut [Vec<f64>], row: usize, column: usize) -> bool {
    let entry = matrix[row][column];
    let (first, second) = (matrix[row][row], matrix[column][column]);
    if entry.abs() <= f64::EPSILON * f64::EPSILON * (first.abs() + second.abs()) {
        return false;
    }
    // tan of the angle: the smaller root of t^2 + 2 theta t - 1.
    let theta = (second - first) / (2.0 * entry);
    let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    let others = (0..matrix.len()).filter(|&index| index != row && index != column);
    for index in others {
        let (left, right) = (matrix[row][index], matrix[column][index]);
        let (left, right) = (cosine * left - sine * right, sine * left + cosine * right);
        (matrix[row][index], matrix[index][row]) = (left, left);
        (matrix[column][index], matrix[index][column]) = (right, right);
    }
    matrix[row][row] = first - tangent * entry;
    matrix[column][column] = second + tangent * entry;
    (matrix[row][column], matrix[column][row]) = (0.0, 0.0);
    true
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    fn check(matrix: Vec<Vec<f64>>, expected: &[f64]) {
        let found = symmetric_eigenvalues(matrix);
        assert_eq!(found.len(), expected.len());
        let scale = expected
            .iter()
            .fold(1.0, |scale: f64, value| scale.max(value.abs()));
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found - expected).abs() <= 1e-14 * scale,
                "{found} {expected}"
            );
        }
    }

    #[test]
    fn eigenvalues_are_the_diagonal_when_nothing_else_is_there() {
        check(vec![], &[]);
        check(vec![vec![-3.0]], &[-3.0]);
        check(vec![vec![2.0, 0.0], vec![0.0, -1.0]], &[-1.0, 2.0]);
        check(vec![vec![0.0; 3]; 3], &[0.0; 3]);
    }

    #[test]
    fn eigenvalues_equal_the_known_when_entries_are_equal() {
        check(vec![vec![0.0, 1.0], vec![1.0, 0.0]], &[-1.0, 1.0]);
        check(vec![vec![1.0; 4]; 4], &[0.0, 0.0, 0.0, 4.0]);
        check(
            vec![
                vec![2.0, 1.0, 1.0],
                vec![1.0, 2.0, 1.0],
                vec![1.0, 1.0, 2.0],
            ],
            &[1.0, 1.0, 4.0],
        );
    }

    #[test]
    fn eigenvalues_equal_the_formula_when_the_matrix_is_a_second_difference() {
        for size in [5, 40] {
            let entry = |row: usize, column: usize| match row.abs_diff(column) {
                0 => 2.0,
                1 => -1.0,
                _ => 0.0,
            };
            let matrix = (0..size).map(|row| (0..size).map(|column| entry(row, column)).collect());
            let value = |k: usize| 2.0 - 2.0 * (PI * k as f64 / (size + 1) as f64).cos();
            let expected: Vec<f64> = (1..=size).map(value).collect();
            check(matrix.collect(), &expected);
        }
    }
}
