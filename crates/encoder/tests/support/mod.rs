//! Random weights, and files of them as PyTorch writes them.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test file includes this, and uses a part of it"
)]

use std::{collections::BTreeMap, fs, path::Path};

use scst_encoder::{WeightSource, WeightsError};

/// A tensor: its shape and its values.
pub type Tensor = (Vec<usize>, Vec<f32>);

/// Gives any tensor that is asked for, and remembers it.
#[derive(Debug, Default)]
pub struct RandomWeights {
    pub tensors: BTreeMap<String, Tensor>,
}

impl WeightSource for RandomWeights {
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let count: usize = shape.iter().product();
        let seed = name.bytes().fold(7u64, |seed, byte| {
            seed.wrapping_mul(31).wrapping_add(byte.into())
        });
        let (centre, spread) = match name.rsplit('.').next() {
            Some("running_var") => (1.0, 0.5),
            Some("running_mean" | "bias") => (0.0, 0.3),
            Some("weight") if shape.len() == 1 => (1.0, 0.3),
            // Keeps values of the same size from layer to layer.
            _ => (
                0.0,
                (6.0 / shape[1..].iter().product::<usize>() as f32).sqrt(),
            ),
        };
        let values: Vec<f32> = uniform(count, seed)
            .map(|value| centre + spread * value)
            .collect();
        let tensor = (shape.to_vec(), values.clone());
        let before = self.tensors.insert(name.to_owned(), tensor);
        assert!(before.is_none(), "{name} is asked for twice");
        Ok(values)
    }
}

/// Numbers from -1 to 1.
pub fn uniform(count: usize, seed: u64) -> impl Iterator<Item = f32> {
    let mut state = seed;
    (0..count).map(move |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    })
}

/// Writes tensors as `torch.save` did before version 1.6: pickles, then the values of all tensors.
pub fn write_pth(path: &Path, tensors: &BTreeMap<String, Tensor>) {
    let mut bytes = Vec::new();
    // Magic number, version of the protocol, and a dictionary about the machine.
    bytes.extend(b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
    bytes.extend(b"\x80\x02M\xe9\x03.");
    bytes.extend(b"\x80\x02}(");
    bytes.extend(text("little_endian"));
    bytes.extend(b"\x88u.");
    bytes.extend(b"\x80\x02}(");
    for (name, (shape, values)) in tensors {
        bytes.extend(text(name));
        bytes.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        bytes.extend(text("storage"));
        bytes.extend(b"ctorch\nFloatStorage\n");
        bytes.extend(text(name));
        bytes.extend(text("cpu"));
        bytes.extend(number(values.len()));
        bytes.extend(b"NtQ");
        bytes.extend(number(0));
        let strides = (0..shape.len()).map(|axis| shape[axis + 1..].iter().product());
        for sizes in [shape.clone(), strides.collect()] {
            bytes.push(b'(');
            bytes.extend(sizes.into_iter().flat_map(number));
            bytes.push(b't');
        }
        bytes.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    }
    bytes.extend(b"u.\x80\x02](");
    bytes.extend(tensors.keys().flat_map(|name| text(name)));
    bytes.extend(b"e.");
    for (_, values) in tensors.values() {
        bytes.extend((values.len() as u64).to_le_bytes());
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }
    fs::write(path, bytes).expect("the file is written");
}

/// A pickled string.
fn text(text: &str) -> Vec<u8> {
    let mut bytes = vec![b'X'];
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(text.bytes());
    bytes
}

/// A pickled whole number.
fn number(number: usize) -> Vec<u8> {
    let mut bytes = vec![b'J'];
    bytes.extend((number as u32).to_le_bytes());
    bytes
}
