//! The parameters of every captioner against the tables in `README.md`.

use std::collections::BTreeMap;

use super::{tests::HIDDEN, *};
use crate::{CandidateKind, InputKind, MarkovConfig};

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

#[test]
fn parameters_are_those_of_the_document() {
    let document = include_str!("../../README.md");
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
        let mut expected = BTreeMap::new();
        for section in document.split("\n## ").skip(1) {
            let (title, text) = section.split_once('\n').unwrap();
            if !is_its(title) {
                continue;
            }
            for row in text.lines().filter(|line| line.starts_with("| `")) {
                let cells: Vec<&str> = row
                    .split('|')
                    .map(|cell| cell.trim().trim_matches('`'))
                    .collect();
                let without = if is_linear {
                    "not with `inputs"
                } else {
                    "nowhere"
                };
                if row.contains(&format!("not in {own}")) || row.contains(without) {
                    continue;
                }
                let shape = cells[2].trim_matches(['[', ']']).split(", ");
                let shape: Vec<usize> = shape.map(|formula| size(formula, &values)).collect();
                // Two layers.
                let names = ["0", "1"].map(|layer| cells[1].replace(".N.", &format!(".{layer}.")));
                expected.extend(names.map(|name| (name, shape.clone())));
            }
        }
        assert_eq!(found, expected, "{}", config.name());
    }
}
