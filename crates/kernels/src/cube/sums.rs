//! What all units of a cube find out together.

use burn_cubecl::cubecl::{self, prelude::*};

/// The sum over all units of a cube, in a tree; all units call it.
#[cube]
pub(super) fn sum_of_units(shared: &mut Shared<[f32]>, own: f32, #[comptime] units: usize) -> f32 {
    let unit = UNIT_POS_X as usize;
    // Whoever reads an earlier result has read it.
    sync_cube();
    shared[unit] = own;
    sync_cube();
    let mut half = (units / 2).runtime();
    while half > 0 {
        if unit < half {
            let other = shared[unit + half];
            shared[unit] += other;
        }
        sync_cube();
        half /= 2;
    }
    shared[0]
}

/// The largest of all units of a cube; all units call it.
#[cube]
pub(super) fn largest_of_units(
    shared: &mut Shared<[f32]>,
    own: f32,
    #[comptime] units: usize,
) -> f32 {
    let unit = UNIT_POS_X as usize;
    sync_cube();
    shared[unit] = own;
    sync_cube();
    let mut half = (units / 2).runtime();
    while half > 0 {
        if unit < half {
            let other = shared[unit + half];
            if other > shared[unit] {
                shared[unit] = other;
            }
        }
        sync_cube();
        half /= 2;
    }
    shared[0]
}

/// The sum over the `lanes` units that a unit belongs to, one after the other; all units of the cube call it.
#[cube]
pub(super) fn sum_of_lanes(shared: &mut Shared<[f32]>, own: f32, #[comptime] lanes: usize) -> f32 {
    let unit = UNIT_POS_X as usize;
    let lanes = lanes.runtime();
    let first = unit / lanes * lanes;
    // Whoever reads an earlier result has read it.
    sync_cube();
    shared[unit] = own;
    sync_cube();
    let mut sum = f32::new(0.0);
    let mut k = 0usize;
    while k < lanes {
        sum += shared[first + k];
        k += 1;
    }
    sum
}
