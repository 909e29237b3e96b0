//! What is learnt of a device, from one program to the next.
//!
//! Which of several kernels is the fastest for a size is found out by trying them, which takes a minute or two; shaders are
//! compiled. Both are kept in a file of the device in the user's cache directory. A `cubecl.toml` or `burn.toml` above the
//! current directory may say otherwise, as CubeCL documents.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read},
    path::PathBuf,
    sync::Once,
};

use burn::tensor::Device;
use burn_cubecl::cubecl::{
    config::{CubeClRuntimeConfig, RuntimeConfig, cache::CacheConfig},
    environment,
};

/// Opens a device that remembers, and, the first time, what it remembers. Nothing of CubeCL is asked before.
pub fn remembering(open: impl FnOnce() -> Device) -> Device {
    static ONCE: Once = Once::new();
    let mut own = false;
    ONCE.call_once(|| {
        let mut config = CubeClRuntimeConfig::from_current_dir().override_from_env();
        let place = &config.environment;
        let is_default = matches!(place.path, CacheConfig::Target);
        if is_default && place.name == environment::DEFAULT {
            config.environment.path = CacheConfig::Global;
            config.compilation.cache = true;
            own = CubeClRuntimeConfig::try_set(config);
        }
    });
    let device = open();
    if own && let Some(identity) = device.identity() {
        // Entries have the device's number: another device of that number has another file.
        environment::activate(&identity.name);
    }
    device
}

/// Where it is kept.
pub fn place() -> PathBuf {
    environment::path()
}

/// Why nothing can be kept there, if it cannot: programs then find out everything anew.
///
/// # Errors
/// What the file system says, or that the file is another one.
pub fn check_place() -> io::Result<()> {
    let place = place();
    if let Some(directory) = place.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(&place)?;
    let mut begin = Vec::new();
    Read::take(&mut file, FORMAT.len() as u64).read_to_end(&mut begin)?;
    if begin.is_empty() || begin == FORMAT {
        return Ok(());
    }
    let reason = "it is a file of another kind, or damaged; delete it";
    Err(io::Error::new(io::ErrorKind::InvalidData, reason))
}

/// What the file begins with.
const FORMAT: &[u8] = b"SQLite format 3\0";
