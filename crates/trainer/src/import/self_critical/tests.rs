//! What is refused, and what stands for parts that are absent. That log-probabilities stay what they are is tested
//! with models of the original program in `cli/tests/import.rs`.

use super::*;

/// Tensors of these shapes, all values different.
fn tensors(shapes: &[(&str, &[usize])]) -> BTreeMap<String, StateTensor> {
    let tensors = shapes.iter().enumerate().map(|(k, &(name, shape))| {
        let count: usize = shape.iter().product();
        let tensor = StateTensor {
            shape: shape.to_vec(),
            values: (0..count).map(|i| (100 * k + i) as f32).collect(),
        };
        (name.to_owned(), tensor)
    });
    tensors.collect()
}

/// 3 words, embeddings of 2, 1 hidden unit, features of 2.
const NEWFC: [(&str, &[usize]); 9] = [
    ("embed.weight", &[4, 2]),
    ("fc_embed.weight", &[2, 2]),
    ("fc_embed.bias", &[2]),
    ("logit.weight", &[4, 1]),
    ("logit.bias", &[4]),
    ("_core.i2h.weight", &[5, 2]),
    ("_core.i2h.bias", &[5]),
    ("_core.h2h.weight", &[5, 1]),
    ("_core.h2h.bias", &[5]),
];
/// As above, with a feature of the whole image of 3, features of regions of 8, and keys of 1.
const UPDOWN: [(&str, &[usize]); 21] = [
    ("embed.0.weight", &[4, 2]),
    ("fc_embed.0.weight", &[1, 3]),
    ("fc_embed.0.bias", &[1]),
    ("att_embed.0.weight", &[1, 8]),
    ("att_embed.0.bias", &[1]),
    ("logit.weight", &[4, 1]),
    ("logit.bias", &[4]),
    ("ctx2att.weight", &[1, 1]),
    ("ctx2att.bias", &[1]),
    ("core.att_lstm.weight_ih", &[4, 4]),
    ("core.att_lstm.weight_hh", &[4, 1]),
    ("core.att_lstm.bias_ih", &[4]),
    ("core.att_lstm.bias_hh", &[4]),
    ("core.lang_lstm.weight_ih", &[4, 2]),
    ("core.lang_lstm.weight_hh", &[4, 1]),
    ("core.lang_lstm.bias_ih", &[4]),
    ("core.lang_lstm.bias_hh", &[4]),
    ("core.attention.h2att.weight", &[1, 1]),
    ("core.attention.h2att.bias", &[1]),
    ("core.attention.alpha_net.weight", &[1, 1]),
    ("core.attention.alpha_net.bias", &[1]),
];
/// The third word over there is the unknown one.
const IDS: [Option<u32>; 4] = [Some(0), Some(3), Some(1), Some(2)];

fn parameter<'a>(imported: &'a Imported, name: &str) -> &'a [f32] {
    let parameter = imported.parameters.iter().find(|p| p.name == name);
    &parameter.unwrap().values
}

#[test]
fn words_take_their_rows_along() {
    let imported = captioner(tensors(&NEWFC), &IDS, 0.5).unwrap();
    assert_eq!(
        imported.dimensions,
        Dimensions {
            feature: 2,
            vocab: 4
        }
    );
    let embedding = parameter(&imported, "words.embedding");
    assert_eq!(embedding, [0.0, 1.0, 6.0, 7.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(
        parameter(&imported, "words.output_weight"),
        [300.0, 303.0, 301.0, 302.0]
    );
    assert_eq!(
        parameter(&imported, "words.output_bias"),
        [400.0, 403.0, 401.0, 402.0]
    );
}

#[test]
fn unknown_word_is_all_but_impossible_where_there_was_none() {
    let ids = [Some(0), None, Some(1), Some(2), Some(3)];
    let imported = captioner(tensors(&NEWFC), &ids, 0.5).unwrap();
    assert_eq!(imported.dimensions.vocab, 5);
    assert_eq!(parameter(&imported, "words.embedding")[2..4], [0.0, 0.0]);
    assert_eq!(parameter(&imported, "words.output_weight")[1], 0.0);
    assert_eq!(parameter(&imported, "words.output_bias")[1], ABSENT);
}

#[test]
fn boxes_are_no_part_of_the_mean_region_when_the_whole_image_had_none() {
    let imported = captioner(tensors(&UPDOWN), &IDS, 0.5).unwrap();
    assert_eq!(imported.dimensions.feature, 8);
    let expected = [100.0, 101.0, 102.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    assert_eq!(parameter(&imported, "mean_weight"), expected);
}

/// With the tensor `from` replaced by `to`, or taken away.
fn refusal<'a>(
    mut shapes: Vec<(&'a str, &'a [usize])>,
    change: (&str, &'a str, &'a [usize]),
) -> String {
    let (from, to, shape) = change;
    shapes.retain(|(name, _)| *name != from);
    if !to.is_empty() {
        shapes.push((to, shape));
    }
    let imported = captioner(tensors(&shapes), &IDS, 0.5);
    imported.err().unwrap().to_string()
}

#[test]
fn model_that_does_not_fit_is_refused_with_the_reason() {
    let newfc = |from, to, shape| refusal(NEWFC.to_vec(), (from, to, shape));
    let cases = [
        (
            newfc("logit.bias", "", &[]),
            "it has no tensor `logit.bias`, the most similar are `logit.weight`, `fc_embed.bias`, `_core.h2h.bias`",
        ),
        (
            newfc("logit.bias", "logit.bias", &[3]),
            "tensor `logit.bias` has the shape [3], expected [4, 1]",
        ),
        (
            newfc("logit.weight", "logit.0.weight", &[4, 1]),
            "an output layer of several layers (`logit_layers`) is not supported",
        ),
        (
            newfc("", "att_embed.0.running_mean", &[2]),
            "batch normalisation of the features (`use_bn`) is not supported",
        ),
        (
            newfc("", "gate.weight", &[2]),
            "it has a tensor `gate.weight`, which `newfc` does not have",
        ),
        (
            newfc("fc_embed.weight", "fc_embed.0.weight", &[2, 2]),
            "found tensors of another model, such as `_core.h2h.bias`, `_core.h2h.weight`, `_core.i2h.bias`, expected one of `newfc`, `fc`, `show_tell`, `att2in`, `att2in2`, `att2all2` and `updown`",
        ),
        (
            newfc("embed.weight", "embed.weight", &[5, 2]),
            "it knows 4 words, the vocabulary holds 3",
        ),
        (
            newfc("embed.weight", "embed.weight", &[4]),
            "tensor `embed.weight` has the shape [4], expected 2 dimensions",
        ),
        (
            refusal(
                UPDOWN.to_vec(),
                ("fc_embed.0.weight", "fc_embed.0.weight", &[1, 4]),
            ),
            "tensor `fc_embed.0.weight` has the shape [1, 4], expected [1, 8]",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}
