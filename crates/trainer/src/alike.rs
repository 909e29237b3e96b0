//! Whether ranks are alike in what they compute with.

use burn::tensor::{Device, Tensor, TensorData};
use scst_group::Group;
use scst_kernels::{simd::vector_unit, traffic::read};
use scst_model::Captioner;
use sha2::{Digest, Sha256};

use crate::{TrainError, hex::hex, ranks::gather};

/// Whether all ranks have the same values.
///
/// # Errors
/// [`TrainError::RanksDiffer`] with the first value that differs, [`TrainError::Group`].
pub(crate) fn check_alike(
    group: &dyn Group,
    own: &[(&'static str, String)],
) -> Result<(), TrainError> {
    let values: Vec<&str> = own.iter().map(|(_, value)| value.as_str()).collect();
    let told: Vec<Vec<String>> = gather(
        group,
        vec![values.into_iter().map(str::to_owned).collect()],
        "what the ranks have",
    )?;
    let Some((first, others)) = told.split_first() else {
        return Ok(());
    };
    for (rank, other) in others.iter().enumerate() {
        let pairs = own.iter().zip(first.iter().zip(other));
        for ((what, _), (expected, found)) in pairs {
            if found != expected {
                let (found, expected) = first_difference(found, expected);
                return Err(TrainError::RanksDiffer {
                    what,
                    rank: rank + 1,
                    found,
                    expected,
                });
            }
        }
    }
    Ok(())
}

/// The lines in which two texts differ first.
fn first_difference(found: &str, expected: &str) -> (String, String) {
    let (mut found, mut expected) = (found.lines(), expected.lines());
    loop {
        match (found.next(), expected.next()) {
            (None, None) => return (String::new(), String::new()),
            (found, expected) if found != expected => {
                let line = |line: Option<&str>| line.unwrap_or("nothing more").to_owned();
                return (line(found), line(expected));
            }
            _ => {}
        }
    }
}

/// A fingerprint of all weights, to the bit, in the order of their names.
///
/// # Errors
/// [`TrainError::Device`] when the device does not hand them back.
pub(crate) fn weights_hash(captioner: &Captioner) -> Result<String, TrainError> {
    let mut parameters = captioner.parameters();
    parameters.sort_by(|a, b| a.name.cmp(&b.name));
    let mut sum = Sha256::new();
    for parameter in parameters {
        sum.update(parameter.name.as_bytes());
        sum.update([0]);
        let values: Vec<f32> = read(parameter.values)?;
        for value in values {
            sum.update(value.to_le_bytes());
        }
    }
    Ok(hex(&sum.finalize()[..16]))
}

/// Whether all ranks compute alike, with these captioners.
///
/// # Errors
/// [`TrainError::RanksDiffer`], [`TrainError::Group`], [`TrainError::Device`].
pub(crate) fn check_captioners<'a>(
    group: &dyn Group,
    captioners: impl IntoIterator<Item = &'a Captioner>,
) -> Result<(), TrainError> {
    if group.size() == 1 {
        return Ok(());
    }
    let mut own = vec![
        ("vector unit", vector_unit().to_owned()),
        ("arithmetic", product_hash()?),
    ];
    for captioner in captioners {
        own.push(("weights", weights_hash(captioner)?));
    }
    check_alike(group, &own)
}

/// A fingerprint of how products of matrices are computed here.
pub(crate) fn product_hash() -> Result<String, TrainError> {
    let device = Device::flex();
    let matrix = |seed: usize, rows: usize, columns: usize| {
        let value = |k: usize| ((k * 37 + seed) as f32).sin();
        let values: Vec<f32> = (0..rows * columns).map(value).collect();
        Tensor::<2>::from_data(TensorData::new(values, [rows, columns]), &device)
    };
    let product = matrix(1, 37, 301).matmul(matrix(2, 301, 67));
    let values: Vec<f32> = product.try_into_vec_as()?;
    let mut sum = Sha256::new();
    for value in values {
        sum.update(value.to_le_bytes());
    }
    Ok(hex(&sum.finalize()[..16]))
}

#[cfg(test)]
mod tests {
    use scst_group::Threads;

    use super::*;

    #[test]
    fn the_rank_and_the_line_that_differ_are_named() {
        let found = Threads::run(3, |group| {
            let seed = if group.rank() == 2 { 8 } else { 7 };
            let own = [
                ("program", "0.1.0".to_owned()),
                ("configuration", format!("name = \"a\"\nseed = {seed}\n")),
            ];
            check_alike(group, &own).map_err(|error| error.to_string())
        });
        assert_eq!(found[0], found[1]);
        let message = found[0].clone().unwrap_err();
        for part in ["configuration", "rank 2", "`seed = 8`", "`seed = 7`"] {
            assert!(message.contains(part), "{message}");
        }
        let alike = Threads::run(2, |group| {
            check_alike(group, &[("a", String::new())]).is_ok()
        });
        assert_eq!(alike, [true, true]);
    }
}
