//! Sums of gradients over ranks.

use std::collections::BTreeMap;

use burn::tensor::{Device, Float, TensorData};
use scst_group::{
    Meanwhile,
    sum::{self, Layout},
};
use scst_kernels::traffic::{read, send};
use scst_model::Gradients;

use super::division::Division;
use crate::TrainError;

/// Names of gradients, and how many numbers each has.
pub(super) type Lengths = Vec<(String, usize)>;

pub(super) fn lengths(gradients: &Gradients) -> Lengths {
    let lengths = gradients.lengths();
    lengths
        .map(|(name, length)| (name.to_owned(), length))
        .collect()
}

/// The sums over all ranks, put on `device`. `own` are those of this rank's nodes, `told` what the nodes of all ranks have, in
/// their order.
///
/// # Errors
/// [`TrainError::Group`] when another rank cannot be reached, [`TrainError::Read`] when a device does not hand gradients back.
pub(super) fn sum(
    division: Division<'_>,
    own: Vec<Gradients>,
    told: &[Option<&Lengths>],
    device: &Device,
    meanwhile: Meanwhile<'_>,
) -> Result<Gradients, TrainError> {
    let Division { group, parts, .. } = division;
    let of_node = |lengths: Option<&Lengths>| -> BTreeMap<String, usize> {
        lengths.into_iter().flatten().cloned().collect()
    };
    let told: Vec<BTreeMap<String, usize>> = told.iter().copied().map(of_node).collect();
    let names: BTreeMap<&String, usize> = told.iter().flatten().map(|(n, l)| (n, *l)).collect();
    let present = |node: &BTreeMap<String, usize>| {
        let present = names.keys().map(|name| node.contains_key(*name));
        present.collect::<Vec<bool>>()
    };
    let layout = Layout {
        parts,
        lengths: names.values().copied().collect(),
        present: told.iter().map(present).collect(),
    };
    let mut flat = Vec::with_capacity(own.len());
    for mut gradients in own {
        let mut values = Vec::with_capacity(layout.lengths.iter().sum());
        for (name, &length) in &names {
            match gradients.remove(name) {
                Some(gradient) => values.extend(read::<f32, _, _>(gradient)?),
                None => values.resize(values.len() + length, 0.0),
            }
        }
        flat.push(values);
    }
    let added = sum::sum(group, &layout, &flat, meanwhile)?;
    drop(flat);
    let mut gradients = Gradients::default();
    let mut rest = added.as_slice();
    for (k, (name, &length)) in names.iter().enumerate() {
        let (values, others) = rest.split_at(length);
        rest = others;
        if layout.present.iter().any(|present| present[k]) {
            let data = TensorData::new(values.to_vec(), [length]);
            gradients.add(name, send::<1, Float>(data, device));
        }
    }
    Ok(gradients)
}
