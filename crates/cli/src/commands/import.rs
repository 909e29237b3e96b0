//! `scst import`: weights of another program as a checkpoint.

use std::process::ExitCode;

use scst_data::RenumberedVocabulary;
use scst_encoder::{FloatTensor, StateDict};
use scst_model::CaptionerRegistry;
use scst_trainer::{
    Config, StateTensor,
    config::{ConfigError, Override},
    import_self_critical,
};

use crate::{
    arguments::{ImportArguments, Origin},
    failure::Failure,
    output::print_line,
};

pub(crate) fn run(
    arguments: &ImportArguments,
    captioners: &CaptionerRegistry,
) -> Result<ExitCode, Failure> {
    let overrides = arguments
        .overrides
        .iter()
        .map(|text| Override::of_flag("--set", text));
    let overrides = overrides.collect::<Result<_, ConfigError>>()?;
    let config = match &arguments.config {
        Some(path) => Some(Config::load(path, overrides, captioners)?),
        None => None,
    };
    let path = arguments.weights.as_path();
    let tensors = StateDict::open(path).and_then(|dict| dict.unwrapped().floats());
    let tensors = tensors
        .map_err(|error| Failure::Mistake(format!("weights `{}`: {error}", path.display())))?;
    let tensors = tensors
        .into_iter()
        .map(|(name, FloatTensor { shape, values })| (name, StateTensor { shape, values }))
        .collect();
    let out = arguments.out.as_path();
    match arguments.from {
        Origin::SelfCritical => {
            let words = RenumberedVocabulary::read_self_critical(&arguments.vocabulary)?;
            import_self_critical(path, tensors, &words, config.as_deref(), out)?;
        }
    }
    let out = out.display();
    print_line!("checkpoint: {out}");
    if config.is_some() {
        print_line!("next: scst eval {out} --split test --beam 5");
    } else {
        print_line!(
            "next: scst eval {out} --captions dataset_coco.json --features FOLDER --split test --beam 5"
        );
        print_line!("or:   scst train {out}/config.toml --set data.features.folder.path=FOLDER");
    }
    Ok(ExitCode::SUCCESS)
}
