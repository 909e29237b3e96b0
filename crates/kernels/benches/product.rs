//! Products of the rows of a step with a weight, beside Burn's: multiplications a second.
//!
//! `RAYON_NUM_THREADS=1 cargo bench -p scst-kernels --bench product` for one thread. `weight` lays nothing out, `layout`
//! and `layout of the transpose` nothing else; `matmul` is that of the CPU backend.

use std::hint::black_box;

use burn::tensor::{DType, Device, Tensor, TensorData};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use scst_kernels::product::{Packed, product};

/// Rows of a step: open captions of one batch, and of several.
const ROWS: [usize; 5] = [1, 10, 25, 50, 100];
/// Inner size and columns: the gates of an LSTM, the output layer.
const SIZES: [[usize; 2]; 2] = [[512, 2048], [512, 2600]];

fn values(count: usize) -> Vec<f32> {
    let value = |k: usize| ((k * 37) % 101) as f32 / 50.0 - 1.0;
    (0..count).map(value).collect()
}

fn products(criterion: &mut Criterion) {
    let device = Device::flex();
    let tensor = |values: &[f32], shape: [usize; 2]| {
        let data = TensorData::new(values.to_vec(), shape);
        Tensor::<2>::from_data(data, (&device, DType::F32))
    };
    for [inner, columns] in SIZES {
        let w = values(inner * columns);
        let packed = Packed::new(&w, [inner, columns]);
        let weight = tensor(&w, [inner, columns]);
        let mut group = criterion.benchmark_group(format!("{inner} x {columns}"));
        for rows in ROWS {
            group.throughput(Throughput::Elements((rows * inner * columns) as u64));
            let x = values(rows * inner);
            let mut y = vec![0.0; rows * columns];
            group.bench_function(BenchmarkId::new("weight", rows), |bencher| {
                bencher.iter(|| product(black_box(&x), &packed, None, &mut y));
            });
            let x = tensor(&x, [rows, inner]);
            group.bench_function(BenchmarkId::new("matmul", rows), |bencher| {
                bencher.iter(|| black_box(&x).clone().matmul(weight.clone()));
            });
        }
        group.throughput(Throughput::Elements((inner * columns) as u64));
        group.bench_function("layout", |bencher| {
            bencher.iter(|| Packed::new(black_box(&w), [inner, columns]));
        });
        group.bench_function("layout of the transpose", |bencher| {
            bencher.iter(|| Packed::transposed(black_box(&w), [inner, columns]));
        });
        group.finish();
    }
}

criterion_group!(benches, products);
criterion_main!(benches);
