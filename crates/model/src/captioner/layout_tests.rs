//! The parameters of every captioner against the tables in `README.md`.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{tests::HIDDEN, *};
use crate::{CandidateKind, InputKind, LstmEncoderConfig, MarkovConfig, TransformerEncoderConfig};

/// Gates, and gates that the context enters, in units of `H`.
fn blocks(config: &CaptionerConfig) -> [usize; 2] {
    match config {
        CaptionerConfig::Fc(config) if config.candidate == CandidateKind::Maxout => [5, 0],
        CaptionerConfig::Att2in(_) => [5, 2],
        CaptionerConfig::Att2all(_) => [5, 5],
        _ => [4, 4],
    }
}

/// The value of `2 G + A`.
fn size(formula: &str, values: &BTreeMap<char, usize>) -> usize {
    let product = |product: &str| -> usize {
        let factors = product.split_whitespace().map(|factor| {
            let symbol = factor.chars().next().unwrap();
            values
                .get(&symbol)
                .copied()
                .unwrap_or_else(|| factor.parse().unwrap())
        });
        factors.product()
    };
    formula.split('+').map(product).sum()
}

/// A row of a table of parameters.
struct Row<'a> {
    text: &'a str,
    name: &'a str,
    shape: &'a str,
}

impl Row<'_> {
    /// The name and shape of the parameter, of a layer if there is one in each.
    fn parameter(&self, layer: &str, values: &BTreeMap<char, usize>) -> (String, Vec<usize>) {
        let sides = self.shape.trim_matches(['[', ']']).split(", ");
        let shape = sides.map(|formula| size(formula, values)).collect();
        (self.name.replace(".N.", &format!(".{layer}.")), shape)
    }
}

/// The parameters in the sections whose titles are meant.
fn documented(is_meant: impl Fn(&str) -> bool) -> Vec<Row<'static>> {
    let document = include_str!("../../README.md");
    let sections = document.split("\n## ").skip(1);
    let sections = sections.map(|section| section.split_once('\n').unwrap());
    let tables = sections.filter(|(title, _)| is_meant(title));
    let lines = tables.flat_map(|(_, text)| text.lines());
    let rows = lines.filter(|line| line.starts_with("| `")).map(|text| {
        let cells: Vec<&str> = text
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        Row {
            text,
            name: cells[1],
            shape: cells[2],
        }
    });
    rows.collect()
}

#[test]
fn parameters_are_those_of_the_document() {
    let markov = CaptionerConfig::Markov(MarkovConfig {
        hidden: HIDDEN,
        positions: 7,
        shortlist: 8,
        rank: 2,
        dropout: 0.0,
    });
    for config in super::tests::configs().into_iter().chain([markov]) {
        let model = super::tests::model(&config, &Device::flex(), DType::F32);
        let found: BTreeMap<String, Vec<usize>> = model
            .parameters()
            .into_iter()
            .map(|parameter| (parameter.name, parameter.shape))
            .collect();
        let count: usize = found
            .values()
            .map(|shape| shape.iter().product::<usize>())
            .sum();
        let dimensions = model.dimensions();
        assert_eq!(
            config.parameter_count(dimensions),
            count as u128,
            "{config:?}"
        );
        let own = format!("`{}`", config.name());
        let has_lstms = !matches!(
            config,
            CaptionerConfig::Transformer(_) | CaptionerConfig::Markov(_)
        );
        let is_its = |title: &str| match title {
            "Captioners with LSTMs" => has_lstms,
            "Captioners with LSTMs that attend" => has_lstms && config.reads_regions(),
            title => title.contains(&own),
        };
        let is_linear = matches!(
            &config,
            CaptionerConfig::Att2in(config) if config.inputs == InputKind::Linear
        );
        let (hidden, [gates, context]) = (HIDDEN, blocks(&config));
        let values: BTreeMap<char, usize> = [
            ('V', 11),
            ('F', 6),
            ('E', 4),
            ('A', 3),
            ('H', hidden),
            ('P', if is_linear { 6 } else { hidden }),
            ('G', gates * hidden),
            ('C', context * hidden),
            ('M', 9),
            ('T', 7),
            ('R', 2),
        ]
        .into();
        let without = if is_linear {
            "not with `inputs"
        } else {
            "nowhere"
        };
        let not_in_own = format!("not in {own}");
        let rows = documented(is_its).into_iter();
        let rows =
            rows.filter(|row| !row.text.contains(&not_in_own) && !row.text.contains(without));
        // Two layers.
        let expected: BTreeMap<String, Vec<usize>> = rows
            .flat_map(|row| ["0", "1"].map(|layer| row.parameter(layer, &values)))
            .collect();
        assert_eq!(found, expected, "{}", config.name());
    }
}

#[test]
fn parameters_of_text_encoders_are_those_of_the_document() {
    let (hidden, embedding) = (8, 5);
    let encoders = [
        TextEncoderConfig::Lstm(LstmEncoderConfig {
            layers: 2,
            hidden,
            embedding,
        }),
        TextEncoderConfig::Transformer(TransformerEncoderConfig {
            layers: 2,
            hidden,
            heads: 2,
            feed_forward: 9,
        }),
    ];
    let names = encoders.each_ref().map(TextEncoderConfig::name);
    assert_eq!(names, TextEncoderConfig::NAMES);
    let dimensions = TextDimensions {
        source_vocab: 7,
        vocab: 11,
    };
    let place = (&Device::flex(), DType::F32);
    let fc = &super::tests::configs()[0];
    for encoder in encoders {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let model =
            Captioner::init_with_encoder_as(fc, &encoder, dimensions, place, &mut rng).unwrap();
        assert_eq!(model.dimensions().feature, encoder.width());
        let parameters = model.parameters().into_iter();
        let found: BTreeMap<String, Vec<usize>> = parameters
            .map(|parameter| (parameter.name, parameter.shape))
            .filter(|(name, _)| name.starts_with("encoder."))
            .collect();
        let count: usize = found
            .values()
            .map(|shape| shape.iter().product::<usize>())
            .sum();
        let of_sizes = encoder.parameter_count(dimensions.source_vocab);
        assert_eq!(of_sizes, count as u128, "{encoder:?}");
        let title = format!("Text encoder `encoder.{}`", encoder.name());
        let mut expected = BTreeMap::new();
        for (layer, inputs) in [("0", embedding), ("1", 2 * hidden)] {
            let values: BTreeMap<char, usize> = [
                ('S', 7),
                ('E', embedding),
                ('I', inputs),
                ('H', hidden),
                ('G', 4 * hidden),
                ('M', 9),
            ]
            .into();
            let rows = documented(|found| found == title).into_iter();
            expected.extend(rows.map(|row| row.parameter(layer, &values)));
        }
        assert_eq!(found, expected, "{encoder:?}");
    }
}
