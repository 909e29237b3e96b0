//! The embedded default dataset: drawn scenes, five worded references each, and features.
//!
//! [`generate`] makes everything in memory from a seed; [`write()`] lays it out as the files that the
//! repository keeps under `data/scenes`. A scene holds two to four outlined shapes in a setting. Its references
//! come from a grammar with synonyms of very different frequency, and each of them mentions its own
//! choice of objects, attributes and relations, so that captions of one image agree only in part, as
//! human captions do. Features are random rectified projections of the true attributes plus noise:
//! they retain which colour goes with which shape and where, imperfectly.
//!
//! Everything that is written depends on the seed through integer arithmetic and on IEEE additions,
//! multiplications and square roots only, so that every platform writes the same bytes (of the PNG
//! files: the same pixels; their compression belongs to the encoder).

mod dice;
mod draw;
mod features;
mod files;
mod grammar;
#[cfg(test)]
mod tests;
mod words;
mod world;

pub use draw::Drawing;
pub use features::{POOLED_DIM, REGION_DIM, REGIONS};
pub use files::{ScenesError, write};
pub use grammar::REFERENCES;
pub use world::{CANVAS, Colour, Layout, Object, Setting, Shape, Size, World};

use crate::captions::Split;
use dice::{Dice, Stream};
use half::f16;

/// The seed of the dataset that the repository keeps.
pub const SEED: u64 = 7;
/// Images in the training, validation and test split, in this order.
pub const SPLITS: [(Split, usize); 3] =
    [(Split::Train, 1100), (Split::Val, 180), (Split::Test, 100)];

/// One image with its references and features.
#[derive(Clone, Debug)]
pub struct Scene {
    /// File name of the drawing, such as `scene_0001.png`.
    pub image: String,
    /// The split this image belongs to.
    pub split: Split,
    /// What is truly in the image.
    pub world: World,
    /// The picture itself.
    pub drawing: Drawing,
    /// Five different references: lower-case words separated by single spaces.
    pub captions: [String; REFERENCES],
    /// One vector for the whole image, `[POOLED_DIM]`.
    pub pooled: Vec<f16>,
    /// One row an object, rows without an object are zero, `[REGIONS * REGION_DIM]`.
    pub regions: Vec<f16>,
}

/// The whole dataset in the order of its files.
#[derive(Clone, Debug)]
pub struct Scenes {
    /// Images by number; splits are mixed.
    pub scenes: Vec<Scene>,
}

/// Makes the dataset of `seed`: the same seed gives the same dataset on every platform.
pub fn generate(seed: u64) -> Scenes {
    let mut worlds = Dice::new(seed, Stream::Worlds);
    let mut words = Dice::new(seed, Stream::Captions);
    let mut noise = Dice::new(seed, Stream::Noise);
    let encoder = features::Encoder::new(&mut Dice::new(seed, Stream::Encoder));
    let splits = shuffled_splits(&mut Dice::new(seed, Stream::Splits));
    let scenes = splits
        .into_iter()
        .enumerate()
        .map(|(index, split)| {
            let world = World::random(&mut worlds);
            let captions = grammar::references(&world, &mut words);
            let (pooled, regions) = encoder.encode(&world, &mut noise);
            Scene {
                image: format!("scene_{:04}.png", index + 1),
                split,
                drawing: Drawing::of(&world),
                world,
                captions,
                pooled,
                regions,
            }
        })
        .collect();
    Scenes { scenes }
}

fn shuffled_splits(dice: &mut Dice) -> Vec<Split> {
    let mut splits: Vec<Split> = SPLITS
        .into_iter()
        .flat_map(|(split, count)| std::iter::repeat_n(split, count))
        .collect();
    for last in (1..splits.len()).rev() {
        splits.swap(last, dice.below(last + 1));
    }
    splits
}
