//! The dataset's files: captions and splits as CSV, features as `.npy` with names, images as PNG.

use super::features::{POOLED_DIM, REGION_DIM, REGIONS};
use super::world::CANVAS;
use super::{Drawing, Scenes};
use half::f16;
use scst_files::write_bytes_atomically;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why the dataset could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScenesError {
    /// A file or folder could not be created.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A drawing could not be encoded.
    #[error("cannot encode `{image}`")]
    Encode {
        /// The image's name.
        image: String,
        /// What the encoder said.
        source: png::EncodingError,
    },
}

/// Writes the dataset into the folder `out`, which is created if missing; files of the same name are
/// replaced.
///
/// # Errors
/// A folder or file that cannot be written.
pub fn write(scenes: &Scenes, out: &Path) -> Result<(), ScenesError> {
    let images = out.join("images");
    fs::create_dir_all(&images).map_err(|source| ScenesError::Write {
        path: images.clone(),
        source,
    })?;
    for (name, bytes) in tables(scenes) {
        save(&out.join(name), &bytes)?;
    }
    for scene in &scenes.scenes {
        let bytes = encode(&scene.drawing).map_err(|source| ScenesError::Encode {
            image: scene.image.clone(),
            source,
        })?;
        save(&images.join(&scene.image), &bytes)?;
    }
    Ok(())
}

/// Name and content of every file except the images.
pub(super) fn tables(scenes: &Scenes) -> [(&'static str, Vec<u8>); 6] {
    let mut captions = String::from("image,caption\n");
    let mut splits = String::from("image,split\n");
    let mut names = String::new();
    let mut pooled = Vec::new();
    let mut regions = Vec::new();
    for scene in &scenes.scenes {
        for caption in &scene.captions {
            append(&mut captions, format_args!("{},{caption}\n", scene.image));
        }
        append(
            &mut splits,
            format_args!("{},{}\n", scene.image, scene.split.name()),
        );
        append(&mut names, format_args!("{}\n", scene.image));
        pooled.extend_from_slice(&scene.pooled);
        regions.extend_from_slice(&scene.regions);
    }
    let count = scenes.scenes.len();
    let names = names.into_bytes();
    [
        ("captions.csv", captions.into_bytes()),
        ("splits.csv", splits.into_bytes()),
        ("pooled.npy", npy(&[count, POOLED_DIM], &pooled)),
        ("pooled.names.txt", names.clone()),
        ("regions.npy", npy(&[count, REGIONS, REGION_DIM], &regions)),
        ("regions.names.txt", names),
    ]
}

fn append(text: &mut String, line: std::fmt::Arguments) {
    text.write_fmt(line).expect("a string takes any text");
}

fn save(path: &Path, bytes: &[u8]) -> Result<(), ScenesError> {
    write_bytes_atomically(path, bytes).map_err(|error| ScenesError::Write {
        path: path.to_owned(),
        source: error.error,
    })
}

/// A version 1.0 `.npy` file of little-endian f16 values in C order.
fn npy(shape: &[usize], values: &[f16]) -> Vec<u8> {
    let shape: Vec<String> = shape.iter().map(ToString::to_string).collect();
    let mut header = format!(
        "{{'descr': '<f2', 'fortran_order': False, 'shape': ({}), }}",
        shape.join(", ")
    );
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// An indexed PNG of four bits a pixel.
fn encode(drawing: &Drawing) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, CANVAS as u32, CANVAS as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Four);
    encoder.set_palette(drawing.palette.concat());
    encoder.set_compression(png::Compression::High);
    let packed: Vec<u8> = drawing
        .pixels
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect();
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&packed)?;
    writer.finish()?;
    Ok(bytes)
}
