//! Products of the rows of a step with a weight, beside Burn's: multiplications a second.
//!
//! `RAYON_NUM_THREADS=1 cargo bench -p scst-kernels --bench product` for one thread. `weight` lays nothing out, `layout`
//! and `layout of the transpose` nothing else; `matmul` is that of the CPU backend. What has `bf16` in its name is of bfloat16,
//! where the processor has it.

use std::hint::black_box;

use burn::tensor::{DType, Device, Tensor, TensorData};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use scst_kernels::product::{Packed, Precision, product};

/// Rows of a step: open captions of one batch, and of several; words of a batch.
const ROWS: [usize; 6] = [1, 10, 25, 50, 100, 800];
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
        let precisions = [(Precision::F32, ""), (Precision::Bf16, " bf16")];
        let precisions: Vec<_> = precisions
            .into_iter()
            .filter(|(precision, _)| precision.is_available(&device, DType::F32))
            .collect();
        let weight = tensor(&w, [inner, columns]);
        let mut group = criterion.benchmark_group(format!("{inner} x {columns}"));
        for rows in ROWS {
            group.throughput(Throughput::Elements((rows * inner * columns) as u64));
            let x = values(rows * inner);
            let mut y = vec![0.0; rows * columns];
            for (precision, name) in &precisions {
                let packed = Packed::new(&w, [inner, columns], *precision);
                let id = BenchmarkId::new(format!("weight{name}"), rows);
                group.bench_function(id, |bencher| {
                    bencher.iter(|| product(black_box(&x), &packed, None, &mut y));
                });
            }
            let x = tensor(&x, [rows, inner]);
            group.bench_function(BenchmarkId::new("matmul", rows), |bencher| {
                bencher.iter(|| black_box(&x).clone().matmul(weight.clone()));
            });
        }
        group.throughput(Throughput::Elements((inner * columns) as u64));
        for (precision, name) in &precisions {
            group.bench_function(format!("layout{name}"), |bencher| {
                bencher.iter(|| Packed::new(black_box(&w), [inner, columns], *precision));
            });
            group.bench_function(format!("layout of the transpose{name}"), |bencher| {
                bencher.iter(|| Packed::transposed(black_box(&w), [columns, inner], *precision));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, products);
criterion_main!(benches);
