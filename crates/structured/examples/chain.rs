//! Parts of speech as a chain: marginals, the best labelings, and the gradient of a labeling's likelihood.
#![expect(clippy::print_stdout, reason = "an example shows its results")]

use scst_structured::{EdgeScores, Graph, Model, StructuredError, Tree};

const WORDS: [&str; 4] = ["the", "can", "will", "rust"];
const LABELS: [&str; 3] = ["determiner", "noun", "verb"];

fn main() -> Result<(), StructuredError> {
    // How well each label fits each word, nats: `can`, `will` and `rust` are nouns as well as verbs.
    #[rustfmt::skip]
    let node = [
        3.0, 0.0, 0.0,
        0.0, 0.6, 1.0,
        0.0, 0.8, 1.0,
        0.0, 1.0, 0.8,
    ];
    // How well a label (row) is followed by another (column); no determiner follows a determiner.
    let never = f64::NEG_INFINITY;
    #[rustfmt::skip]
    let edge = [
        never, 2.0, 0.0,
        0.0, 0.2, 1.5,
        0.5, 0.3, 0.9,
    ];
    let graph = Graph::chain(WORDS.len(), LABELS.len())?;
    let tree = Tree::new(Model::new(graph, &node, EdgeScores::Shared(&edge))?)?;

    println!(
        "marginals       {}",
        LABELS.map(|l| format!("{l:>12}")).join("")
    );
    let marginals = tree.marginals();
    for (word, row) in WORDS.iter().zip(marginals.node.chunks(LABELS.len())) {
        print_row(word, row);
    }

    println!("\nthe best labelings, with probabilities; the first one is Viterbi's");
    for labeling in tree.k_best(3) {
        let labels: Vec<&str> = labeling.labels.iter().map(|&label| LABELS[label]).collect();
        let probability = (labeling.score - tree.log_partition()).exp();
        println!("{probability:.4}  {}", labels.join(" "));
    }
    assert_eq!(tree.k_best(1)[0].labels, tree.viterbi().labels);

    // Self-critical with an advantage of 1 or maximum likelihood: marginals minus indicators.
    let gold = [0, 1, 2, 2];
    let gradient = tree.model().gradient(&marginals, &gold, 1.0)?;
    println!("\ngradient of -log P(determiner noun verb verb) at the scores of words");
    for (word, row) in WORDS.iter().zip(gradient.node.chunks(LABELS.len())) {
        print_row(word, row);
    }
    Ok(())
}

fn print_row(word: &str, row: &[f64]) {
    let row: Vec<String> = row.iter().map(|value| format!("{value:12.4}")).collect();
    println!("{word:<16}{}", row.join(""));
}
