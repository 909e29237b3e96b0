//! Values between the host and devices, and what else a step costs: counted where it passes.
//!
//! A launch of a kernel costs the host tens of microseconds, a wait for the device stops both, and bytes cross a bus. What
//! a step does of these does not depend on the speed of the machine, so it is counted, and held by tests, on any driver.
//! Tensors of the CPU are read where they are, which counts as nothing. Multiplications of products with weights count
//! everywhere: by the time that a part takes, they tell how near it is to what the machine can do.

use std::{
    ops::{AddAssign, Sub},
    sync::atomic::{AtomicU64, Ordering},
};

use burn::tensor::{
    Device, Element, Tensor, TensorCreationOptions, TensorData, TensorReadError, Transaction,
    kind::{self, Basic},
};

static LAUNCHES: AtomicU64 = AtomicU64::new(0);
static SYNCHRONISATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES_MOVED: AtomicU64 = AtomicU64::new(0);
static MULTIPLY_ADDS: AtomicU64 = AtomicU64::new(0);

/// What devices, the CPU among them, were asked to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Kernels that were launched while a [`LaunchWatch`] lived.
    pub launches: u64,
    /// Times that the host waited for values of a device.
    pub synchronisations: u64,
    /// Bytes sent to devices and read from them.
    pub bytes_moved: u64,
    /// Multiplications, each with an addition, of matrix products with weights, forward and backward.
    pub multiply_adds: u64,
}

impl Traffic {
    /// All since the program began. Launches are counted when they are issued, which may be after the operation was asked
    /// for: read something of the device, or wait for it, first.
    pub fn so_far() -> Self {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Self {
            launches: count(&LAUNCHES),
            synchronisations: count(&SYNCHRONISATIONS),
            bytes_moved: count(&BYTES_MOVED),
            multiply_adds: count(&MULTIPLY_ADDS),
        }
    }
}

impl Sub for Traffic {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            launches: self.launches - earlier.launches,
            synchronisations: self.synchronisations - earlier.synchronisations,
            bytes_moved: self.bytes_moved - earlier.bytes_moved,
            multiply_adds: self.multiply_adds - earlier.multiply_adds,
        }
    }
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        self.launches += other.launches;
        self.synchronisations += other.synchronisations;
        self.bytes_moved += other.bytes_moved;
        self.multiply_adds += other.multiply_adds;
    }
}

/// Counts a matrix product of these sizes: rows, inner dimension and columns.
pub(crate) fn count_product(sizes: [usize; 3]) {
    let multiply_adds = sizes.iter().map(|&size| size as u64).product();
    MULTIPLY_ADDS.fetch_add(multiply_adds, Ordering::Relaxed);
}

/// Counts launches while it lives; one at a time.
#[derive(Debug)]
pub struct LaunchWatch {
    #[cfg(feature = "cube")]
    _observation: burn_cubecl::cubecl::logging::LaunchObservation,
}

impl LaunchWatch {
    /// Begins to count.
    #[expect(clippy::new_without_default, reason = "it changes what is counted")]
    pub fn new() -> Self {
        Self {
            #[cfg(feature = "cube")]
            _observation: crate::cube::observe_launches(&LAUNCHES),
        }
    }
}

/// The values of a tensor, row after row.
///
/// # Errors
/// [`TensorReadError`] when the device does not hand them back.
pub fn read<E: Element, const D: usize, K: Basic>(
    tensor: Tensor<D, K>,
) -> Result<Vec<E>, TensorReadError> {
    if is_elsewhere(&tensor.device()) {
        count(1, size(&tensor));
    }
    tensor.try_into_vec_as()
}

/// The values of several tensors of one device, for which the host waits once.
///
/// # Errors
/// [`TensorReadError`] when the device does not hand them back.
pub fn read_all<E: Element, const D: usize, K: Basic + kind::Transaction>(
    tensors: Vec<Tensor<D, K>>,
) -> Result<Vec<Vec<E>>, TensorReadError> {
    let Some(first) = tensors.first() else {
        return Ok(Vec::new());
    };
    if !is_elsewhere(&first.device()) {
        return tensors.into_iter().map(read).collect();
    }
    count(1, tensors.iter().map(size).sum());
    let all = tensors
        .into_iter()
        .fold(Transaction::default(), Transaction::register);
    let data = all.try_execute()?;
    data.into_iter()
        .map(|data| Ok(data.try_cast_as::<E>()?.try_into_vec()?))
        .collect()
}

/// A tensor of these values.
pub fn send<const D: usize, K: Basic>(
    values: TensorData,
    place: impl Into<TensorCreationOptions>,
) -> Tensor<D, K> {
    let tensor = Tensor::from_data(values, place);
    if is_elsewhere(&tensor.device()) {
        count(0, size(&tensor));
    }
    tensor
}

/// Bytes of the values of a tensor.
fn size<const D: usize, K: Basic>(tensor: &Tensor<D, K>) -> usize {
    tensor.dims().iter().product::<usize>() * tensor.dtype().size()
}

fn count(synchronisations: u64, bytes: usize) {
    SYNCHRONISATIONS.fetch_add(synchronisations, Ordering::Relaxed);
    BYTES_MOVED.fetch_add(bytes as u64, Ordering::Relaxed);
}

/// Whether values of the device are not in the memory of the host.
#[cfg(feature = "cube")]
pub fn is_elsewhere(device: &Device) -> bool {
    crate::cube::is_device(device)
}

/// Without kernels for them, there are no other devices.
#[cfg(not(feature = "cube"))]
pub fn is_elsewhere(_: &Device) -> bool {
    false
}
