//! Errors of losses, searches, structured inference, captioners, comparisons and reports.

use scst_loss::LossError;
use scst_model::ModelError;
use scst_report::ReportError;
use scst_sampler::{OptionProblem, SamplerError};
use scst_significance::SignificanceError;
use scst_structured::StructuredError;

use super::{check, sample, text};

pub(super) fn losses() -> Vec<LossError> {
    vec![
        LossError::Rows {
            what: "words",
            found: 1,
            expected: 2,
        },
        LossError::Shape {
            what: "targets",
            found: [1, 2],
            expected: [3, 4],
        },
        LossError::NotADistribution {
            row: 0,
            sum: 1.5,
            smallest: -0.5,
        },
        LossError::WordOutOfRange {
            row: 0,
            word: 7,
            vocab: 3,
        },
        LossError::Range {
            what: "epsilon",
            found: 2.0,
            expected: "0 to 1",
        },
        LossError::Precision,
        LossError::Read {
            what: "losses",
            reason: "it is gone".to_owned(),
        },
    ]
}

fn structured() -> Vec<StructuredError> {
    let mut errors = vec![
        StructuredError::NoLabels,
        StructuredError::EdgeOutOfRange {
            edge: 0,
            node: 3,
            nodes: 2,
        },
        StructuredError::SelfLoop { edge: 0, node: 1 },
        StructuredError::Length {
            what: "scores",
            found: 1,
            expected: 2,
        },
        StructuredError::ChainLength {
            length: 3,
            positions: 2,
        },
        StructuredError::NodeScore {
            node: 0,
            label: 1,
            found: f64::NAN,
        },
        StructuredError::EdgeScore {
            edge: 0,
            labels: [1, 2],
            found: f64::INFINITY,
        },
        StructuredError::LabelOutOfRange {
            node: 0,
            label: 7,
            labels: 3,
        },
        StructuredError::NothingAllowed,
        StructuredError::ForbiddenLabeling,
        StructuredError::Cycle { edge: 2 },
        StructuredError::TooManyLabelings {
            labels: 9,
            nodes: 9,
            limit: 100,
        },
        StructuredError::WordNotListed {
            position: 0,
            word: 3,
        },
        StructuredError::Range {
            what: "damping",
            found: 2.0,
            expected: "0 to 1",
        },
    ];
    errors.push(StructuredError::Row {
        row: 0,
        source: Box::new(StructuredError::NoLabels),
    });
    errors
}

fn models() -> Vec<ModelError> {
    vec![
        ModelError::FeatureDimension {
            found: 1,
            expected: 2,
        },
        ModelError::WordOutOfRange { word: 7, vocab: 3 },
        ModelError::Rows {
            what: "captions",
            found: 1,
            expected: 2,
        },
        ModelError::Read {
            reason: "it is gone".to_owned(),
        },
        ModelError::WholeCaptions,
        ModelError::Structured(StructuredError::NoLabels),
        ModelError::NoAttention,
        ModelError::NoText {
            captioner: "markov",
        },
        ModelError::OtherSource {
            found: "texts",
            expected: "vectors",
        },
        ModelError::OtherCaptioner,
        ModelError::NotRegistered { name: text() },
        ModelError::Custom {
            captioner: text(),
            problem: "found 2 rows, expected 3".to_owned(),
        },
        ModelError::Precision,
        ModelError::MissingParameter { name: text() },
        ModelError::ParameterShape {
            name: text(),
            found: vec![1],
            expected: vec![2, 3],
        },
    ]
}

fn searches() -> (OptionProblem, Vec<SamplerError<ModelError>>) {
    let problem = OptionProblem {
        option: "beam",
        found: "0".to_owned(),
        expected: "1 or more",
    };
    let errors = vec![
        SamplerError::Model(ModelError::NoAttention),
        SamplerError::Read {
            step: 0,
            reason: "it is gone".to_owned(),
        },
        SamplerError::NoDistribution { row: 0, step: 1 },
        SamplerError::NothingAllowed { row: 0, step: 1 },
        SamplerError::Option(problem.clone()),
    ];
    (problem, errors)
}

fn significance() -> Vec<SignificanceError> {
    vec![
        SignificanceError::NoRuns,
        SignificanceError::NoSources,
        SignificanceError::Rows { found: 3, width: 2 },
        SignificanceError::Count {
            source_index: 1,
            found: f64::NAN,
        },
        SignificanceError::Sources {
            found: 3,
            expected: 2,
        },
        SignificanceError::Width {
            found: 3,
            expected: 2,
        },
        SignificanceError::Resamples {
            found: 3,
            least: 100,
            most: 1_000_000,
        },
    ]
}

fn reports() -> Vec<ReportError> {
    let json = serde_json::from_str::<u8>("x").expect_err("no JSON");
    vec![
        ReportError::Captions {
            run: "runs/x".to_owned(),
            found: 3,
            expected: 2,
            sources: "images".to_owned(),
        },
        ReportError::Page(std::fmt::Error.into()),
        ReportError::Data(json),
    ]
}

#[test]
fn messages_of_numerics_keep_the_rules() {
    let (problem, searches) = searches();
    let samples = losses()
        .into_iter()
        .map(sample)
        .chain(structured().into_iter().map(sample))
        .chain(models().into_iter().map(sample))
        .chain(significance().into_iter().map(sample))
        .chain(reports().into_iter().map(sample))
        .chain(searches.into_iter().map(sample))
        .chain([sample(problem)]);
    let samples: Vec<_> = samples.collect();
    let sources = [
        include_str!("../../../loss/src/error.rs"),
        include_str!("../../../structured/src/error.rs"),
        include_str!("../../../model/src/error.rs"),
        include_str!("../../../sampler/src/error.rs"),
        include_str!("../../../significance/src/error.rs"),
        include_str!("../../../report/src/error.rs"),
    ];
    check(&sources, &samples, &[]);
}
