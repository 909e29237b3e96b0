//! Where tensors live and are computed.

use std::{fmt, path::PathBuf};

use burn::tensor::{DType, Device};
use schemars::JsonSchema;
use scst_group::Group;
#[cfg(feature = "cube")]
use scst_kernels::cube::remember::{self, remembering};
use scst_kernels::product::Precision;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A backend that a configuration or the command line may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// The CPU, through Burn's own kernels.
    #[default]
    Flex,
    /// The CPU, through the `ndarray` crate.
    Ndarray,
    /// A GPU through Vulkan, Metal, DX12 or WebGPU.
    Wgpu,
    /// An NVIDIA GPU through CUDA.
    Cuda,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a backend keeps from one run to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// The file.
    pub place: PathBuf,
    /// Why it cannot be kept there, if it cannot.
    pub trouble: Option<String>,
}

/// Why a backend cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BackendError {
    /// The binary was built without it.
    #[error(
        "backend `{backend}` is not compiled into this binary; build it with `cargo build --release --features {backend}`"
    )]
    NotCompiled {
        /// The backend.
        backend: Backend,
    },
    /// The machine has no device for it.
    #[error(
        "backend `{backend}` finds no device: {needs}; `scst devices` lists what can be used here"
    )]
    NoDevice {
        /// The backend.
        backend: Backend,
        /// What the machine would need.
        needs: &'static str,
    },
    /// Products of bfloat16 on a machine without them, or of a backend that has none.
    #[error("key `precision`: found `bf16` {found}, expected `f32`, or {expected}")]
    Bfloat16 {
        /// Where it is asked for.
        found: String,
        /// Where there is such a precision.
        expected: &'static str,
    },
    /// A name that is no backend.
    #[error("found backend `{found}`, expected one of flex, ndarray, wgpu, cuda")]
    Unknown {
        /// The name.
        found: String,
    },
}

impl Backend {
    /// All backends, whether this binary has them or not.
    pub const ALL: [Self; 4] = [Self::Flex, Self::Ndarray, Self::Wgpu, Self::Cuda];

    /// The name in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::Ndarray => "ndarray",
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
        }
    }

    /// Whether it computes on the CPU.
    pub fn is_cpu(self) -> bool {
        matches!(self, Self::Flex | Self::Ndarray)
    }

    /// The backend of that name.
    ///
    /// # Errors
    /// [`BackendError::Unknown`].
    pub fn parse(name: &str) -> Result<Self, BackendError> {
        let found = Self::ALL.into_iter().find(|backend| backend.name() == name);
        found.ok_or_else(|| BackendError::Unknown {
            found: name.to_owned(),
        })
    }

    /// What the backend finds, in a few words. Drivers are asked, no device is opened.
    ///
    /// # Errors
    /// [`BackendError`] when the binary or the machine lacks it.
    pub fn describe(self) -> Result<String, BackendError> {
        self.device()?;
        Ok(match self {
            Self::Flex | Self::Ndarray => format!("CPU, {} threads", rayon::current_num_threads()),
            Self::Wgpu => "GPU or software driver found".to_owned(),
            Self::Cuda => "NVIDIA GPU found".to_owned(),
        })
    }

    /// Where it is kept which kernels are the fastest, and kernels that are compiled, and whether it can be; nowhere on the
    /// CPU.
    ///
    /// # Errors
    /// [`BackendError`] when the binary or the machine lacks it.
    pub fn memory(self) -> Result<Option<Memory>, BackendError> {
        self.device()?;
        #[cfg(feature = "cube")]
        if !self.is_cpu() {
            return Ok(Some(Memory {
                place: remember::place(),
                trouble: remember::check_place().err().map(|e| e.to_string()),
            }));
        }
        Ok(None)
    }

    /// Opens the backend's default device. Drivers are asked what they have first, so that a
    /// missing one is an error and not a panic.
    ///
    /// # Errors
    /// [`BackendError`] when the binary or the machine lacks it.
    pub fn device(self) -> Result<Device, BackendError> {
        match self {
            Self::Flex => Ok(Device::flex()),
            #[cfg(feature = "ndarray")]
            #[expect(
                deprecated,
                reason = "kept selectable for comparison with its successor, flex"
            )]
            Self::Ndarray => Ok(Device::ndarray()),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => {
                use burn::tensor::{DeviceKind, DeviceType};
                if Device::enumerate(DeviceType::Wgpu).into_vec().is_empty() {
                    return Err(BackendError::NoDevice {
                        backend: self,
                        needs: "it needs a driver for Vulkan, Metal, DX12 or OpenGL",
                    });
                }
                Ok(remembering(|| Device::wgpu(DeviceKind::DefaultDevice)))
            }
            #[cfg(feature = "cuda")]
            Self::Cuda => {
                use burn::tensor::DeviceType;
                if Device::enumerate(DeviceType::Cuda).into_vec().is_empty() {
                    return Err(BackendError::NoDevice {
                        backend: self,
                        needs: "it needs an NVIDIA GPU with its driver",
                    });
                }
                Ok(remembering(|| Device::cuda(0)))
            }
            #[allow(
                unreachable_patterns,
                reason = "with every feature on, nothing is left"
            )]
            _ => Err(BackendError::NotCompiled { backend: self }),
        }
    }

    /// Whether products of this precision can be taken there.
    ///
    /// # Errors
    /// [`BackendError::Bfloat16`] when the machine lacks them, or the backend does.
    pub fn check_precision(self, precision: Precision) -> Result<(), BackendError> {
        if precision == Precision::Bf16 && self != Self::Flex {
            return Err(BackendError::Bfloat16 {
                found: format!("with backend `{self}`"),
                expected: "backend `flex`",
            });
        }
        if !precision.is_available(&Device::flex(), DType::F32) {
            return Err(BackendError::Bfloat16 {
                found: "on a processor without AVX-512 BF16".to_owned(),
                expected: "a machine with one that has it",
            });
        }
        Ok(())
    }

    /// The device of one of several ranks: those of a machine take its devices in turns. One rank takes the default device.
    ///
    /// # Errors
    /// [`BackendError`] when the binary or the machine lacks it.
    pub fn device_of(self, group: &dyn Group) -> Result<Device, BackendError> {
        let default = self.device()?;
        if group.size() == 1 {
            return Ok(default);
        }
        let devices: Vec<Device> = match self {
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Device::enumerate(burn::tensor::DeviceType::Wgpu).into_vec(),
            #[cfg(feature = "cuda")]
            Self::Cuda => Device::enumerate(burn::tensor::DeviceType::Cuda).into_vec(),
            _ => Vec::new(),
        };
        let own = group.local_rank() % devices.len().max(1);
        Ok(devices.into_iter().nth(own).unwrap_or(default))
    }
}

/// The name that a GPU's driver gives it.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
pub(crate) fn device_name(device: &Device) -> String {
    let identity = device.identity();
    identity.map_or_else(|| "CPU".to_owned(), |identity| identity.name)
}

/// Without GPU backends there is nothing but the CPU.
#[cfg(not(any(feature = "wgpu", feature = "cuda")))]
pub(crate) fn device_name(_: &Device) -> String {
    "CPU".to_owned()
}
