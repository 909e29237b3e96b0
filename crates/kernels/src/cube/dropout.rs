//! Dropout whose mask the device draws, with the bits of the host's generator: one launch, and nothing is sent.

use burn::{
    backend::{
        Backend, Dispatch, backend_extension,
        fusion::custom::TensorSpec,
        tensor::{FloatTensor, IntTensor},
    },
    tensor::{DType, Int, Tensor},
};
use burn_cubecl::{
    CubeBackend,
    cubecl::{
        self,
        prelude::{Tensor as Buffer, *},
    },
    kernel::into_contiguous,
};

use super::{draw::or_nothing, empty, one_each};

/// Words of 32 bits of a block of the generator.
const WORDS_OF_BLOCK: u32 = 16;
/// Units that it serves, of 16 bits each.
const UNITS_OF_BLOCK: u32 = 32;

/// Where a ChaCha8 generator stands (Bernstein 2008, 8 rounds, 64 bits each of counter and stream).
#[derive(Debug, Clone, Copy)]
pub struct Generator {
    /// The key.
    pub key: [u32; 8],
    /// The stream.
    pub stream: u64,
    /// The word of 32 bits that is drawn next.
    pub word: u64,
}

/// What drops units: a share of them below a number, of a generator.
#[derive(Debug, Clone, Copy)]
pub struct Dropping {
    /// What bits come from.
    pub generator: Generator,
    /// Units are removed whose 16 bits are below.
    pub below: u32,
    /// What others are multiplied by.
    pub scale: f32,
}

/// Rows of which the host does not know whether their captions have ended.
#[derive(Debug, Clone)]
pub struct Unread {
    /// What [`open_rows`](super::draw::open_rows) tells of them, `[rows + 1]`.
    pub order: Tensor<1, Int>,
    /// The words of 32 bits that were drawn since the generator stood where it does, `[1]`; 0 if absent.
    pub drawn: Option<Tensor<1, Int>>,
}

/// `x` with units removed, and the mask that it was multiplied by, `[rows, columns]` as `x`. To what is left of `x`,
/// `others` is added if there is any.
///
/// Unit `u`, row after row, has the 16 bits `u` behind the generator's position, low ones first.
pub fn drop_units(
    x: Tensor<2>,
    others: Option<Tensor<2>>,
    dropping: Dropping,
) -> (Tensor<2>, Tensor<2>) {
    let (dropped, mask, _) = launch(x, others, dropping, None);
    (dropped, mask)
}

/// The same, where rows without a caption have no units: nothing is drawn for them, and their mask is 1. Also how many
/// words of 32 bits have been drawn then since the generator stood where it does, `[1]`.
pub fn drop_units_of_open(
    x: Tensor<2>,
    others: Option<Tensor<2>>,
    dropping: Dropping,
    rows: Unread,
) -> (Tensor<2>, Tensor<2>, Tensor<1, Int>) {
    launch(x, others, dropping, Some(rows))
}

fn launch(
    x: Tensor<2>,
    others: Option<Tensor<2>>,
    dropping: Dropping,
    rows: Option<Unread>,
) -> (Tensor<2>, Tensor<2>, Tensor<1, Int>) {
    let (order, drawn) = rows.map_or((None, None), |rows| (Some(rows.order), rows.drawn));
    let (order, has_order) = or_nothing(order, &x);
    let (drawn, has_drawn) = or_nothing(drawn, &x);
    let has_others = others.is_some();
    let x = x.into_dispatch();
    let others = others.map_or_else(|| x.clone(), Tensor::into_dispatch);
    let has = [has_others, has_order, has_drawn];
    let (dropped, mask, drawn) =
        <Dispatch as DropUnits>::drop_units(x, others, order, drawn, dropping, has);
    (
        Tensor::from_dispatch(dropped),
        Tensor::from_dispatch(mask),
        Tensor::from_dispatch(drawn),
    )
}

#[backend_extension(Cube, Fusion)]
trait DropUnits: Backend {
    #[fusion(meta = |x: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &Dropping, _: &[bool; 3]| (x.clone(), x.clone(), TensorSpec::new([1].into(), DType::I32)))]
    fn drop_units(
        x: FloatTensor<Self>,
        others: FloatTensor<Self>,
        order: IntTensor<Self>,
        drawn: IntTensor<Self>,
        dropping: Dropping,
        has: [bool; 3],
    ) -> (FloatTensor<Self>, FloatTensor<Self>, IntTensor<Self>);
}

#[cube]
fn rotated(x: u32, #[comptime] by: u32) -> u32 {
    (x << by) | (x >> comptime![32 - by])
}

/// A quarter round, on words of the state.
#[cube]
fn quarter(
    state: &mut Array<u32>,
    #[comptime] a: usize,
    #[comptime] b: usize,
    #[comptime] c: usize,
    #[comptime] d: usize,
) {
    state[a] += state[b];
    state[d] = rotated(state[d] ^ state[a], 16u32);
    state[c] += state[d];
    state[b] = rotated(state[b] ^ state[c], 12u32);
    state[a] += state[b];
    state[d] = rotated(state[d] ^ state[a], 8u32);
    state[c] += state[d];
    state[b] = rotated(state[b] ^ state[c], 7u32);
}

/// A unit of the launch has a block of the generator.
#[cube(launch)]
fn masks(
    x: &Buffer<f32>,
    others: &Buffer<f32>,
    order: &Buffer<i32>,
    drawn_before: &Buffer<i32>,
    dropped: &mut Buffer<f32>,
    mask: &mut Buffer<f32>,
    drawn_after: &mut Buffer<i32>,
    key_0: u32,
    key_1: u32,
    key_2: u32,
    key_3: u32,
    key_4: u32,
    key_5: u32,
    key_6: u32,
    key_7: u32,
    stream_0: u32,
    stream_1: u32,
    block_0: u32,
    block_1: u32,
    word_of_block: u32,
    dropped_below: u32,
    scale: f32,
    #[comptime] has_others: bool,
    #[comptime] has_order: bool,
    #[comptime] has_drawn: bool,
) {
    let own = u32::cast_from(ABSOLUTE_POS);
    let all = u32::cast_from(x.len());
    let columns = u32::cast_from(x.shape(1));
    let mut units = all;
    if has_order {
        units = u32::cast_from(order[order.len() - 1]) * columns;
    }
    // Words of the generator from the beginning of its block.
    let mut words = word_of_block;
    if has_drawn {
        words += u32::cast_from(drawn_before[0]);
    }
    let skipped = words % WORDS_OF_BLOCK * 2u32;
    let first = words / WORDS_OF_BLOCK;
    if has_order && own == 0u32 {
        let drawn = words - word_of_block + units.div_ceil(4u32) * 2u32;
        drawn_after[0] = i32::cast_from(drawn);
    }
    if own * UNITS_OF_BLOCK >= all + skipped {
        terminate!();
    }
    let low = block_0 + first + own;
    let mut high = block_1;
    if low < block_0 {
        high += 1u32;
    }
    let mut start = Array::<u32>::new(16usize);
    start[0] = 0x6170_7865u32;
    start[1] = 0x3320_646eu32;
    start[2] = 0x7962_2d32u32;
    start[3] = 0x6b20_6574u32;
    start[4] = key_0;
    start[5] = key_1;
    start[6] = key_2;
    start[7] = key_3;
    start[8] = key_4;
    start[9] = key_5;
    start[10] = key_6;
    start[11] = key_7;
    start[12] = low;
    start[13] = high;
    start[14] = stream_0;
    start[15] = stream_1;
    let mut state = Array::<u32>::new(16usize);
    #[unroll]
    for k in 0..16usize {
        state[k] = start[k];
    }
    for _ in 0..4u32 {
        quarter(&mut state, 0usize, 4usize, 8usize, 12usize);
        quarter(&mut state, 1usize, 5usize, 9usize, 13usize);
        quarter(&mut state, 2usize, 6usize, 10usize, 14usize);
        quarter(&mut state, 3usize, 7usize, 11usize, 15usize);
        quarter(&mut state, 0usize, 5usize, 10usize, 15usize);
        quarter(&mut state, 1usize, 6usize, 11usize, 12usize);
        quarter(&mut state, 2usize, 7usize, 8usize, 13usize);
        quarter(&mut state, 3usize, 4usize, 9usize, 14usize);
    }
    for k in 0..16usize {
        let word = state[k] + start[k];
        for half in 0..2u32 {
            let drawn = own * UNITS_OF_BLOCK + 2u32 * u32::cast_from(k) + half;
            if drawn >= skipped && drawn - skipped < all {
                let of_open = drawn - skipped;
                let bits = (word >> (16u32 * half)) & 0xffffu32;
                let mut by = f32::new(0.0);
                if of_open >= units {
                    by = f32::new(1.0);
                } else if bits >= dropped_below {
                    by = scale;
                }
                let mut unit = of_open as usize;
                if has_order {
                    let row = order[(of_open / columns) as usize];
                    unit = (u32::cast_from(row) * columns + of_open % columns) as usize;
                }
                mask[unit] = by;
                let mut left = x[unit] * by;
                if has_others {
                    left += others[unit];
                }
                dropped[unit] = left;
            }
        }
    }
}

impl DropUnits for CubeBackend {
    fn drop_units(
        x: FloatTensor<Self>,
        others: FloatTensor<Self>,
        order: IntTensor<Self>,
        drawn: IntTensor<Self>,
        dropping: Dropping,
        [has_others, has_order, has_drawn]: [bool; 3],
    ) -> (FloatTensor<Self>, FloatTensor<Self>, IntTensor<Self>) {
        let [x, others] = [x, others].map(into_contiguous);
        let [rows, columns] = x.meta.shape().dims();
        let [dropped, mask] = [(); 2].map(|()| empty(&x, vec![rows, columns], x.dtype));
        let drawn_after = empty(&x, vec![1], DType::I32);
        let Generator { key, stream, word } = dropping.generator;
        let block = word / u64::from(WORDS_OF_BLOCK);
        // The first block of a launch may have served others before.
        let blocks = (rows * columns).div_ceil(UNITS_OF_BLOCK as usize) + 1;
        let (count, dim) = one_each(blocks);
        let client = x.client.clone();
        masks::launch(
            &client,
            count,
            dim,
            x.into_tensor_arg(),
            others.into_tensor_arg(),
            order.into_tensor_arg(),
            drawn.into_tensor_arg(),
            dropped.clone().into_tensor_arg(),
            mask.clone().into_tensor_arg(),
            drawn_after.clone().into_tensor_arg(),
            key[0],
            key[1],
            key[2],
            key[3],
            key[4],
            key[5],
            key[6],
            key[7],
            stream as u32,
            (stream >> 32) as u32,
            block as u32,
            (block >> 32) as u32,
            (word % u64::from(WORDS_OF_BLOCK)) as u32,
            dropping.below,
            dropping.scale,
            has_others,
            has_order,
            has_drawn,
        );
        (dropped, mask, drawn_after)
    }
}
