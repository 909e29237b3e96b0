//! Values in and out of tensors.

use burn::{
    backend::{BackendTypes, Flex},
    tensor::{DType, Device, Tensor, TensorData},
};

/// Whether the values of tensors of this device and type can be taken out and put back without a copy.
pub fn is_host(device: &Device, dtype: DType) -> bool {
    dtype == DType::F32 && *device == Device::flex() && !device.is_autodiff()
}

/// The values of a tensor for which [`is_host`] holds: its own if nobody else holds them, else a copy.
#[derive(Debug)]
pub struct Values(TensorData);

impl Values {
    /// Takes the values out of a tensor.
    ///
    /// # Panics
    /// When [`is_host`] does not hold for it.
    pub fn take<const D: usize>(tensor: Tensor<D>) -> Self {
        let shape = tensor.dims();
        let view = View::of(tensor);
        if view.0.is_unique() {
            return Self(view.0.into_data());
        }
        // Burn would copy them twice.
        Self(TensorData::new(view.get().to_vec(), shape))
    }

    /// Zeros of this shape.
    pub fn zeros<const D: usize>(shape: [usize; D]) -> Self {
        Self(TensorData::new(vec![0.0f32; shape.iter().product()], shape))
    }

    /// The values, row after row.
    ///
    /// # Panics
    /// When [`is_host`] does not hold for the tensor.
    pub fn get(&self) -> &[f32] {
        self.0.as_slice().expect("32-bit floats")
    }

    /// The values, to be changed in place.
    ///
    /// # Panics
    /// When [`is_host`] does not hold for the tensor.
    pub fn get_mut(&mut self) -> &mut [f32] {
        self.0.as_mut_slice().expect("32-bit floats")
    }

    /// The tensor of these values.
    pub fn into_tensor<const D: usize>(self, device: &Device) -> Tensor<D> {
        Tensor::from_data(self.0, (device, DType::F32))
    }
}

/// The values of a tensor for which [`is_host`] holds, to be read: without a copy where they stand row after row, whoever
/// else holds them.
#[derive(Debug)]
pub struct View(<Flex as BackendTypes>::FloatTensorPrimitive);

impl View {
    /// Of a tensor.
    ///
    /// # Panics
    /// When [`is_host`] does not hold for it.
    pub fn of<const D: usize>(tensor: Tensor<D>) -> Self {
        let tensor = tensor.try_into_primitive::<Flex>();
        Self(tensor.expect("a tensor of the host").to_contiguous())
    }

    /// The values, row after row.
    ///
    /// # Panics
    /// When [`is_host`] does not hold for the tensor.
    pub fn get(&self) -> &[f32] {
        self.0.as_slice().expect("32-bit floats, row after row")
    }
}
