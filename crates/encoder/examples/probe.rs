//! probe
use scst_encoder::*;
use std::{path::PathBuf, time::Instant};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let arch: Architecture = a[1].parse().unwrap();
    let t = Instant::now();
    let e = Encoder::open(arch, &PathBuf::from(&a[2])).unwrap();
    println!("load {:?}", t.elapsed());
    let mut names: Vec<_> = std::fs::read_dir(&a[3])
        .unwrap()
        .map(|x| x.unwrap().path())
        .collect();
    names.sort();
    let n: usize = a[4].parse().unwrap();
    let (mut decode, mut net) = (0.0, 0.0);
    let mut out = String::new();
    for p in &names[..n] {
        let t = Instant::now();
        let im = read(p, arch.image_size()).unwrap();
        decode += t.elapsed().as_secs_f64();
        let t = Instant::now();
        let f = e.encode(&im);
        net += t.elapsed().as_secs_f64();
        out += &f
            .pooled
            .iter()
            .map(|x| format!("{x}"))
            .collect::<Vec<_>>()
            .join(" ");
        out += "\n";
    }
    std::fs::write(&a[5], out).unwrap();
    println!(
        "{n} images decode {:.2} ms network {:.2} ms -> {:.1}/s",
        decode * 1e3 / n as f64,
        net * 1e3 / n as f64,
        n as f64 / (decode + net)
    );
}
