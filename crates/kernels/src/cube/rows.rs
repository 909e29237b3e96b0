//! Rows: their sums by target in a fixed order, in one launch without atomics; tensors one below the other, sixteen a launch.

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
    kernel::into_contiguous,
    tensor::CubeTensor,
};

use super::{empty, lists::send_numbers, one_each, rows_in_place};

/// A tensor of `rows` rows whose row `to[k]` is the sum of the rows `k` of `values`, `[to, columns]`, in their order.
///
/// # Panics
/// When a target is not below `rows`.
pub fn scatter(values: Tensor<2>, to: &[usize], rows: usize) -> Tensor<2> {
    // The rows of target 0, then those of target 1; before them, where those of each target begin.
    let mut begins = vec![0i32; rows + 1];
    for &target in to {
        begins[target + 1] += 1;
    }
    for target in 0..rows {
        begins[target + 1] += begins[target];
    }
    let mut next = begins.clone();
    let first = begins.len();
    let mut lists = begins;
    lists.resize(first + to.len(), 0);
    for (row, &target) in to.iter().enumerate() {
        lists[first + next[target] as usize] = row as i32;
        next[target] += 1;
    }
    let lists = send_numbers(lists, &values.device());
    let (values, lists) = (values.into_dispatch(), lists.into_dispatch());
    Tensor::from_dispatch(<Dispatch as Rows>::sum_rows(values, lists, rows))
}

/// Tensors that one launch puts one below the other: as many as most captions have words.
const PIECES: usize = 16;

/// All rows of tensors of the same columns, one below the other.
///
/// # Panics
/// When there is no tensor.
pub fn stack(mut pieces: Vec<Tensor<2>>) -> Tensor<2> {
    while pieces.len() > 1 {
        pieces = pieces.chunks(PIECES).map(join).collect();
    }
    pieces.remove(0)
}

fn join(pieces: &[Tensor<2>]) -> Tensor<2> {
    if let [piece] = pieces {
        return piece.clone();
    }
    // Places that are not needed get the first tensor, of which no row is taken.
    let piece = |k: usize| {
        let piece = pieces.get(k).unwrap_or(&pieces[0]);
        piece.clone().into_dispatch()
    };
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = std::array::from_fn(piece);
    let joined =
        <Dispatch as Rows>::join_rows(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, pieces.len());
    Tensor::from_dispatch(joined)
}

/// What `count` tensors are one below the other.
fn joined_spec(pieces: [&TensorSpec; PIECES], count: usize) -> TensorSpec {
    let rows = pieces[..count].iter().map(|piece| piece.shape[0]).sum();
    TensorSpec::new([rows, pieces[0].shape[1]].into(), pieces[0].dtype)
}

#[backend_extension(Cube, Fusion)]
trait Rows: Backend {
    #[fusion(meta = |a: &TensorSpec, b: &TensorSpec, c: &TensorSpec, d: &TensorSpec, e: &TensorSpec, f: &TensorSpec, g: &TensorSpec, h: &TensorSpec, i: &TensorSpec, j: &TensorSpec, k: &TensorSpec, l: &TensorSpec, m: &TensorSpec, n: &TensorSpec, o: &TensorSpec, p: &TensorSpec, count: &usize| joined_spec([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p], *count))]
    fn join_rows(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
        f: FloatTensor<Self>,
        g: FloatTensor<Self>,
        h: FloatTensor<Self>,
        i: FloatTensor<Self>,
        j: FloatTensor<Self>,
        k: FloatTensor<Self>,
        l: FloatTensor<Self>,
        m: FloatTensor<Self>,
        n: FloatTensor<Self>,
        o: FloatTensor<Self>,
        p: FloatTensor<Self>,
        count: usize,
    ) -> FloatTensor<Self>;

    #[fusion(meta = |values: &TensorSpec, _: &TensorSpec, rows: &usize| TensorSpec::new([*rows, values.shape[1]].into(), values.dtype))]
    fn sum_rows(
        values: FloatTensor<Self>,
        lists: IntTensor<Self>,
        rows: usize,
    ) -> FloatTensor<Self>;
}

#[cube(launch)]
fn sums(
    values: &Buffer<f32>,
    lists: &Buffer<i32>,
    sums: &mut Buffer<f32>,
    rows: u32,
    columns: u32,
) {
    let k = ABSOLUTE_POS;
    if k >= sums.len() {
        terminate!();
    }
    let columns = columns as usize;
    let rows = rows as usize;
    let row = k / columns;
    let column = k - row * columns;
    let mut at = u32::cast_from(lists[row]) as usize;
    let end = u32::cast_from(lists[row + 1]) as usize;
    let mut total = f32::new(0.0);
    while at < end {
        total += values[u32::cast_from(lists[rows + 1 + at]) as usize * columns + column];
        at += 1;
    }
    sums[k] = total;
}

/// A unit an element.
#[cube(launch)]
fn joined(
    a: &Buffer<f32>,
    b: &Buffer<f32>,
    c: &Buffer<f32>,
    d: &Buffer<f32>,
    e: &Buffer<f32>,
    f: &Buffer<f32>,
    g: &Buffer<f32>,
    h: &Buffer<f32>,
    i: &Buffer<f32>,
    j: &Buffer<f32>,
    k: &Buffer<f32>,
    l: &Buffer<f32>,
    m: &Buffer<f32>,
    n: &Buffer<f32>,
    o: &Buffer<f32>,
    p: &Buffer<f32>,
    all: &mut Buffer<f32>,
    end_a: u32,
    end_b: u32,
    end_c: u32,
    end_d: u32,
    end_e: u32,
    end_f: u32,
    end_g: u32,
    end_h: u32,
    end_i: u32,
    end_j: u32,
    end_k: u32,
    end_l: u32,
    end_m: u32,
    end_n: u32,
    end_o: u32,
    end_p: u32,
    columns: u32,
) {
    let place = ABSOLUTE_POS;
    if place >= all.len() {
        terminate!();
    }
    let columns = columns as usize;
    let row = place / columns;
    let column = place - row * columns;
    let at = u32::cast_from(row);
    let mut value = f32::new(0.0);
    if at < end_a {
        value = a[row * a.stride(0) + column];
    } else if at < end_b {
        value = b[(row - end_a as usize) * b.stride(0) + column];
    } else if at < end_c {
        value = c[(row - end_b as usize) * c.stride(0) + column];
    } else if at < end_d {
        value = d[(row - end_c as usize) * d.stride(0) + column];
    } else if at < end_e {
        value = e[(row - end_d as usize) * e.stride(0) + column];
    } else if at < end_f {
        value = f[(row - end_e as usize) * f.stride(0) + column];
    } else if at < end_g {
        value = g[(row - end_f as usize) * g.stride(0) + column];
    } else if at < end_h {
        value = h[(row - end_g as usize) * h.stride(0) + column];
    } else if at < end_i {
        value = i[(row - end_h as usize) * i.stride(0) + column];
    } else if at < end_j {
        value = j[(row - end_i as usize) * j.stride(0) + column];
    } else if at < end_k {
        value = k[(row - end_j as usize) * k.stride(0) + column];
    } else if at < end_l {
        value = l[(row - end_k as usize) * l.stride(0) + column];
    } else if at < end_m {
        value = m[(row - end_l as usize) * m.stride(0) + column];
    } else if at < end_n {
        value = n[(row - end_m as usize) * n.stride(0) + column];
    } else if at < end_o {
        value = o[(row - end_n as usize) * o.stride(0) + column];
    } else if at < end_p {
        value = p[(row - end_o as usize) * p.stride(0) + column];
    }
    all[place] = value;
}

impl Rows for CubeBackend {
    fn join_rows(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
        f: FloatTensor<Self>,
        g: FloatTensor<Self>,
        h: FloatTensor<Self>,
        i: FloatTensor<Self>,
        j: FloatTensor<Self>,
        k: FloatTensor<Self>,
        l: FloatTensor<Self>,
        m: FloatTensor<Self>,
        n: FloatTensor<Self>,
        o: FloatTensor<Self>,
        p: FloatTensor<Self>,
        count: usize,
    ) -> FloatTensor<Self> {
        let pieces = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p].map(rows_in_place);
        let [_, columns] = pieces[0].meta.shape().dims::<2>();
        let mut rows = 0;
        let ends: [u32; PIECES] = std::array::from_fn(|k| {
            if k < count {
                rows += pieces[k].meta.shape().dims::<2>()[0];
            }
            rows as u32
        });
        let all = empty(&pieces[0], vec![rows, columns], pieces[0].dtype);
        let (cubes, dim) = one_each(rows * columns);
        let client = pieces[0].client.clone();
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] =
            pieces.map(CubeTensor::into_tensor_arg);
        joined::launch(
            &client,
            cubes,
            dim,
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
            i,
            j,
            k,
            l,
            m,
            n,
            o,
            p,
            all.clone().into_tensor_arg(),
            ends[0],
            ends[1],
            ends[2],
            ends[3],
            ends[4],
            ends[5],
            ends[6],
            ends[7],
            ends[8],
            ends[9],
            ends[10],
            ends[11],
            ends[12],
            ends[13],
            ends[14],
            ends[15],
            columns as u32,
        );
        all
    }

    fn sum_rows(
        values: FloatTensor<Self>,
        lists: IntTensor<Self>,
        rows: usize,
    ) -> FloatTensor<Self> {
        let (values, lists) = (into_contiguous(values), into_contiguous(lists));
        let [_, columns] = values.meta.shape().dims::<2>();
        let found = empty(&values, vec![rows, columns], values.dtype);
        let (count, dim) = one_each(rows * columns);
        let client = values.client.clone();
        sums::launch(
            &client,
            count,
            dim,
            values.into_tensor_arg(),
            lists.into_tensor_arg(),
            found.clone().into_tensor_arg(),
            rows as u32,
            columns as u32,
        );
        found
    }
}
