//! Products of bfloat16 in every captioner.

use super::*;

/// Gradients of all parameters, by name.
fn gradients(config: &CaptionerConfig, model: &Captioner) -> Vec<(String, Tensor<1>)> {
    let d_hidden = random([ROWS, HIDDEN], 3, (&Device::flex(), DType::F32));
    let gradients = closed_form(config, model, None, &d_hidden);
    let of = |name: String| {
        let gradient = gradients.get(&name).expect("a gradient").clone();
        (name, gradient)
    };
    let names = model.parameters().into_iter().map(|p| p.name);
    names.map(of).collect()
}

fn difference(a: &[(String, Tensor<1>)], b: &[(String, Tensor<1>)]) -> f64 {
    let pairs = a.iter().zip(b);
    let differences = pairs.map(|((_, a), (_, b))| largest(a.clone() - b.clone()));
    differences.fold(0.0, f64::max)
}

#[test]
fn precision_is_that_of_all_weights_and_can_be_taken_back() {
    if !Precision::Bf16.is_available(&Device::flex(), DType::F32) {
        scst_testing::oracles::skip("the processor has no AVX-512 BF16");
        return;
    }
    for config in configs() {
        let of_32_bits = model(&config, &Device::flex(), DType::F32);
        let expected = gradients(&config, &of_32_bits);
        let of_bf16 = of_32_bits.clone().with_precision(Precision::Bf16).unwrap();
        assert_eq!(of_bf16.precision(), Precision::Bf16);
        let found = gradients(&config, &of_bf16);
        let largest_of_all = (expected.iter()).fold(0.0, |m, (_, g)| largest(g.clone()).max(m));
        for ((name, expected), (_, found)) in expected.iter().zip(&found) {
            let difference = largest(found.clone() - expected.clone());
            assert!(
                difference < 0.1 * largest_of_all,
                "{} {name}: {difference:e} of {largest_of_all:e}",
                config.name()
            );
            let is_rounded = name.ends_with("weight") && !name.contains("output_weight");
            assert!(
                difference > 0.0 || !is_rounded,
                "{} {name}: the bits of 32 bits",
                config.name()
            );
        }
        let kept = of_bf16.clone().update(|_, values| values.mul_scalar(1.0));
        assert_eq!(kept.precision(), Precision::Bf16);
        assert_eq!(difference(&gradients(&config, &kept), &found), 0.0);
        let back = of_bf16.with_precision(Precision::F32).unwrap();
        assert_eq!(difference(&gradients(&config, &back), &expected), 0.0);
    }
}

#[test]
fn precision_is_refused_where_the_machine_lacks_it() {
    let config = &configs()[0];
    let of_64_bits = model(config, &Device::flex(), DType::F64);
    let refused = of_64_bits.with_precision(Precision::Bf16);
    assert_eq!(refused.unwrap_err(), ModelError::Precision);
}
