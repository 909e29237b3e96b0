//! The gradients at the state after a step of a recurrent captioner, from its output and from the step behind it: one launch.

use burn::{
    backend::{
        Backend, Dispatch, backend_extension,
        fusion::custom::TensorSpec,
        tensor::{FloatTensor, IntTensor},
    },
    tensor::Tensor,
};
use burn_cubecl::{
    CubeBackend,
    cubecl::{
        self,
        prelude::{Tensor as Buffer, *},
    },
};

use super::{draw::or_nothing, empty, lists::send_numbers, one_each, rows_in_place};

/// What the step behind hands back.
#[derive(Debug)]
pub struct Later<'a> {
    /// At `h`, `[rows that it went on with, hidden]`.
    pub hidden: Tensor<2>,
    /// At `c`, `[rows that it went on with, columns]`.
    pub cell: Tensor<2>,
    /// Which rows these are; all of them if absent.
    pub kept: Option<&'a [usize]>,
}

/// `d_outputs mask + d_hidden` at `h`, `[rows, hidden]`, and `d_cell` at `c`, `[rows, cell_columns]`; 0 where the step behind
/// did not go on.
///
/// # Shapes
/// `d_outputs`: `[rows of all steps, hidden]`, of which those from `first` on are taken; `mask`: `[rows, hidden]`.
pub fn state_gradient(
    d_outputs: Tensor<2>,
    first: usize,
    mask: Option<Tensor<2>>,
    later: Option<Later<'_>>,
    [rows, cell_columns]: [usize; 2],
) -> (Tensor<2>, Tensor<2>) {
    let device = d_outputs.device();
    let places = later.as_ref().and_then(|later| later.kept).map(|kept| {
        let mut places = vec![-1; rows];
        for (place, &row) in kept.iter().enumerate() {
            places[row] = place as i32;
        }
        send_numbers(places, &device)
    });
    let (places, has_places) = or_nothing(places, &d_outputs);
    let has = [mask.is_some(), later.is_some(), has_places];
    // What is not there is not read.
    let other = || d_outputs.clone();
    let (hidden, cell) = later.map_or_else(|| (other(), other()), |l| (l.hidden, l.cell));
    let (d_hidden, d_cell) = <Dispatch as StateGradient>::state_gradient(
        d_outputs.clone().into_dispatch(),
        mask.unwrap_or_else(other).into_dispatch(),
        hidden.into_dispatch(),
        cell.into_dispatch(),
        places,
        [first, rows, cell_columns],
        has,
    );
    (
        Tensor::from_dispatch(d_hidden),
        Tensor::from_dispatch(d_cell),
    )
}

fn specs(d_outputs: &TensorSpec, [_, rows, cell_columns]: [usize; 3]) -> (TensorSpec, TensorSpec) {
    let of = |columns| TensorSpec::new([rows, columns].into(), d_outputs.dtype);
    (of(d_outputs.shape[1]), of(cell_columns))
}

#[backend_extension(Cube, Fusion)]
trait StateGradient: Backend {
    #[fusion(meta = |d_outputs: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, sizes: &[usize; 3], _: &[bool; 3]| specs(d_outputs, *sizes))]
    fn state_gradient(
        d_outputs: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        cell: FloatTensor<Self>,
        places: IntTensor<Self>,
        sizes: [usize; 3],
        has: [bool; 3],
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

/// A unit has an element of each result, if there is one.
#[cube(launch)]
fn gradients(
    d_outputs: &Buffer<f32>,
    mask: &Buffer<f32>,
    hidden: &Buffer<f32>,
    cell: &Buffer<f32>,
    places: &Buffer<i32>,
    d_hidden: &mut Buffer<f32>,
    d_cell: &mut Buffer<f32>,
    first: u32,
    #[comptime] has_mask: bool,
    #[comptime] has_later: bool,
    #[comptime] has_places: bool,
) {
    let k = ABSOLUTE_POS;
    if k < d_hidden.len() {
        let columns = d_hidden.shape(1);
        let row = k / columns;
        let column = k - row * columns;
        let mut d = d_outputs[(first as usize + row) * d_outputs.stride(0) + column];
        if has_mask {
            d *= mask[row * mask.stride(0) + column];
        }
        if has_later {
            d += behind(hidden, places, row, column, has_places);
        }
        d_hidden[k] = d;
    }
    if k < d_cell.len() {
        let columns = d_cell.shape(1);
        let row = k / columns;
        let column = k - row * columns;
        let mut d = f32::new(0.0);
        if has_later {
            d = behind(cell, places, row, column, has_places);
        }
        d_cell[k] = d;
    }
}

/// What the step behind has for a row: 0 if it did not go on.
#[cube]
fn behind(
    values: &Buffer<f32>,
    places: &Buffer<i32>,
    row: usize,
    column: usize,
    #[comptime] has_places: bool,
) -> f32 {
    let mut place = i32::cast_from(row as u32);
    if has_places {
        place = places[row];
    }
    let mut value = f32::new(0.0);
    if place >= 0i32 {
        value = values[u32::cast_from(place) as usize * values.stride(0) + column];
    }
    value
}

impl StateGradient for CubeBackend {
    fn state_gradient(
        d_outputs: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        cell: FloatTensor<Self>,
        places: IntTensor<Self>,
        [first, rows, cell_columns]: [usize; 3],
        [has_mask, has_later, has_places]: [bool; 3],
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let [d_outputs, mask, hidden, cell] = [d_outputs, mask, hidden, cell].map(rows_in_place);
        let [_, columns] = d_outputs.meta.shape().dims::<2>();
        let d_hidden = empty(&d_outputs, vec![rows, columns], d_outputs.dtype);
        let d_cell = empty(&d_outputs, vec![rows, cell_columns], d_outputs.dtype);
        let (count, dim) = one_each(rows * columns.max(cell_columns));
        let client = d_outputs.client.clone();
        gradients::launch(
            &client,
            count,
            dim,
            d_outputs.into_tensor_arg(),
            mask.into_tensor_arg(),
            hidden.into_tensor_arg(),
            cell.into_tensor_arg(),
            places.into_tensor_arg(),
            d_hidden.clone().into_tensor_arg(),
            d_cell.clone().into_tensor_arg(),
            first as u32,
            has_mask,
            has_later,
            has_places,
        );
        (d_hidden, d_cell)
    }
}
