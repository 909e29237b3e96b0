//! The same as launches of kernels on devices of CubeCL: Vulkan, Metal, DX12, CUDA.
//!
//! Each file has the kernels of the file of the same name above, with the same formulas; there the equations stand. Values
//! stay on the device. Sums are in the order that the kernel says, whatever the device does at the same time.

#![expect(
    clippy::too_many_arguments,
    clippy::type_complexity,
    reason = "an operation of a backend takes and gives tensors one by one, not lists of them"
)]

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use burn::{
    backend::DispatchDevice,
    tensor::{DType, Device, Shape},
};
use burn_cubecl::{
    cubecl::{
        CubeCount, CubeDim,
        logging::{LaunchObservation, LaunchObserver},
    },
    kernel::into_contiguous,
    ops::numeric::empty_device_dtype,
    tensor::CubeTensor,
};

pub mod adam;
pub mod attention;
pub mod check;
pub mod draw;
pub mod dropout;
pub mod layer_norm;
pub(crate) mod lists;
pub mod lstm;
pub mod multi_head;
pub mod relu;
pub mod remember;
pub mod rows;
pub mod softmax;
pub mod state_gradient;
mod sums;

/// Units of a cube.
const UNITS: usize = 256;

/// Buffers that a kernel asks for at the most, those of sizes and numbers among them.
const BINDINGS: u32 = 20;
/// Bytes of the memory of a cube that a kernel asks for at the most.
const CUBE_MEMORY: usize = 20 << 10;

/// Whether there are kernels for tensors of this device and type: it has to be able to run all of them, which devices
/// through OpenGL may not.
pub fn runs_on(device: &Device, dtype: DType) -> bool {
    let DispatchDevice::Cube(device) = device.as_dispatch() else {
        return false;
    };
    let client = device.client();
    let hardware = &client.properties().hardware;
    dtype == DType::F32
        && hardware.max_bindings >= BINDINGS
        && hardware.max_shared_memory_size >= CUBE_MEMORY
        && hardware.max_units_per_cube as usize >= UNITS
}

/// Whether the device is one of CubeCL.
pub(crate) fn is_device(device: &Device) -> bool {
    matches!(device.as_dispatch(), DispatchDevice::Cube(_))
}

/// Counts launches, autotune's and Burn's own among them, until what it returns is dropped.
pub(crate) fn observe_launches(count: &'static AtomicU64) -> LaunchObservation {
    struct Count(&'static AtomicU64);
    impl LaunchObserver for Count {
        fn launched(&self, _: &'static str) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    LaunchObservation::new(Arc::new(Count(count)))
}

/// A tensor on the device of another, whose values are not yet there.
fn empty(beside: &CubeTensor, shape: Vec<usize>, dtype: DType) -> CubeTensor {
    let (client, device) = (beside.client.clone(), beside.device.clone());
    empty_device_dtype(client, device, Shape::from(shape), dtype)
}

/// The tensor as it is if the values of every row lie side by side, else a copy; kernels ask it for the way to the next row.
fn rows_in_place(tensor: CubeTensor) -> CubeTensor {
    match tensor.meta.strides()[..] {
        [_, 1] => tensor,
        _ => into_contiguous(tensor),
    }
}

/// One unit for each of so many elements.
fn one_each(elements: usize) -> (CubeCount, CubeDim) {
    // A dimension of a launch is limited to 65,535.
    let cubes = elements.div_ceil(UNITS);
    let rows = cubes.div_ceil(1 << 15).max(1);
    let columns = cubes.div_ceil(rows);
    let count = CubeCount::Static(columns as u32, rows as u32, 1);
    (count, CubeDim::new_1d(UNITS as u32))
}

/// One cube for each of so many rows.
fn cube_a_row(rows: usize) -> (CubeCount, CubeDim) {
    let high = rows.div_ceil(1 << 15).max(1);
    let wide = rows.div_ceil(high);
    let count = CubeCount::Static(wide as u32, high as u32, 1);
    (count, CubeDim::new_1d(UNITS as u32))
}
