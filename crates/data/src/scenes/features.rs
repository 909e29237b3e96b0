//! Noisy features of a scene: what an image encoder would have seen.

use super::dice::Dice;
use super::world::{CANVAS, Colour, Object, Setting, Shape, Size, World};
use half::f16;

/// Values of the pooled vector.
pub const POOLED_DIM: usize = 128;
/// Values of a region's row.
pub const REGION_DIM: usize = 32;
/// Region rows an image.
pub const REGIONS: usize = 4;

const WIDE: usize = POOLED_DIM / 2;
const ATTRIBUTES: usize =
    Shape::TABLE.len() + Colour::TABLE.len() + Size::TABLE.len() + Setting::TABLE.len() + 2;
/// Deviation of the noise on what a region shows of its object's attributes, whose true values are 0 and 1.
const REGION_NOISE: f32 = 0.12;
/// The same for what the pooled vector shows of them.
const POOLED_NOISE: f32 = 0.04;
/// Deviation of the noise on every written value.
const GRAIN: f32 = 0.02;

/// Random rectified projections of an object's attributes.
#[derive(Debug)]
pub(super) struct Encoder {
    region: Layer,
    wide: Layer,
}

/// `relu(W x + b)` with one row of weights an output; the last weight is the bias.
#[derive(Debug)]
struct Layer(Vec<[f32; ATTRIBUTES + 1]>);

impl Layer {
    fn random(width: usize, dice: &mut Dice) -> Self {
        let row = |_| {
            let mut weights = [0.0; ATTRIBUTES + 1];
            weights.fill_with(|| dice.normal());
            weights
        };
        Self((0..width).map(row).collect())
    }

    fn forward<'a>(&'a self, input: &'a [f32; ATTRIBUTES]) -> impl Iterator<Item = f32> + 'a {
        self.0.iter().map(move |weights| {
            let product = |(weight, value): (&f32, &f32)| weight * value;
            let sum: f32 = weights.iter().zip(input).map(product).sum();
            (sum + weights[ATTRIBUTES]).max(0.0)
        })
    }
}

impl Encoder {
    pub(super) fn new(dice: &mut Dice) -> Self {
        Self {
            region: Layer::random(REGION_DIM, dice),
            wide: Layer::random(WIDE, dice),
        }
    }

    /// The pooled vector (the mean over region rows, then the maximum) and the region rows.
    pub(super) fn encode(&self, world: &World, dice: &mut Dice) -> (Vec<f16>, Vec<f16>) {
        let mut pooled = [0.0_f32; POOLED_DIM];
        let mut regions = vec![f16::ZERO; REGIONS * REGION_DIM];
        for (object, row) in world.objects.iter().zip(regions.chunks_mut(REGION_DIM)) {
            let seen = attributes(object, world.setting, REGION_NOISE, dice);
            for (value, slot) in self.region.forward(&seen).zip(row) {
                *slot = f16::from_f32(value + GRAIN * dice.normal());
            }
            let seen = attributes(object, world.setting, POOLED_NOISE, dice);
            for (index, value) in self.wide.forward(&seen).enumerate() {
                pooled[index] += value / REGIONS as f32;
                pooled[WIDE + index] = pooled[WIDE + index].max(value);
            }
        }
        let noisy = |value| f16::from_f32(value + GRAIN * dice.normal());
        (pooled.map(noisy).to_vec(), regions)
    }
}

/// One-hot shape, colour, size and setting, then the position in `-1..1`, all with noise.
fn attributes(object: &Object, setting: Setting, noise: f32, dice: &mut Dice) -> [f32; ATTRIBUTES] {
    let mut values = [0.0; ATTRIBUTES];
    let mut first = 0;
    for (choice, count) in [
        (object.shape as usize, Shape::TABLE.len()),
        (object.colour as usize, Colour::TABLE.len()),
        (object.size as usize, Size::TABLE.len()),
        (setting as usize, Setting::TABLE.len()),
    ] {
        values[first + choice] = 1.0;
        first += count;
    }
    let centred = |pixel: i32| pixel as f32 * 2.0 / CANVAS as f32 - 1.0;
    values[first] = centred(object.x);
    values[first + 1] = centred(object.y);
    values.map(|value| value + noise * dice.normal())
}
