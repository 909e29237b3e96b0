//! The parameters of every captioner against the tables in `README.md`.

use std::collections::BTreeMap;

use super::*;

/// Sections of the document whose tables a captioner has, and its `C` in units of `H`.
fn sections(config: &CaptionerConfig) -> (Vec<String>, usize) {
    let own = format!("`{}`", config.name());
    let context = if config.name() == "att2in" { 2 } else { 4 };
    let shared = config
        .reads_regions()
        .then(|| "Captioners that attend".to_owned());
    let all = ["All captioners".to_owned()].into_iter();
    (all.chain(shared).chain([own]).collect(), context)
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
    for config in super::tests::configs() {
        let model = super::tests::model(&config, &Device::flex(), DType::F32);
        let found: BTreeMap<String, Vec<usize>> = model
            .parameters()
            .into_iter()
            .map(|parameter| (parameter.name, parameter.shape))
            .collect();
        let (hidden, gates) = (
            found["words.output_weight"][0],
            found["words.input_weight"][1],
        );
        let (vocab, embedding) = (found["words.embedding"][0], found["words.embedding"][1]);
        let (sections, context) = sections(&config);
        let attention = found.get("regions.key_weight").map_or(0, |shape| shape[1]);
        let values: BTreeMap<char, usize> = [
            ('V', vocab),
            ('E', embedding),
            ('F', model.dimensions().feature),
            ('H', hidden),
            ('G', gates),
            ('A', attention),
            ('C', context * hidden),
        ]
        .into();
        let mut expected = BTreeMap::new();
        for section in document.split("\n## ").skip(1) {
            let (title, text) = section.split_once('\n').unwrap();
            if !sections.iter().any(|section| section == title) {
                continue;
            }
            for row in text.lines().filter(|line| line.starts_with("| `")) {
                let cells: Vec<&str> = row
                    .split('|')
                    .map(|cell| cell.trim().trim_matches('`'))
                    .collect();
                let shape = cells[2].trim_matches(['[', ']']).split(", ");
                let shape = shape.map(|formula| size(formula, &values)).collect();
                expected.insert(cells[1].to_owned(), shape);
            }
        }
        assert_eq!(found, expected, "{}", config.name());
    }
}
