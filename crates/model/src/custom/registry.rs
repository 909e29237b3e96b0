//! Captioners of other crates, by the names under which configurations ask for them.

use std::{collections::BTreeMap, fmt, sync::Arc};

use super::{CustomCaptioner, CustomConfig, OptionProblem};
use crate::CaptionerConfig;

/// Makes a captioner from its table in a configuration.
type Factory =
    Box<dyn Fn(&CustomConfig) -> Result<Arc<dyn CustomCaptioner>, OptionProblem> + Send + Sync>;

/// The captioners that a program adds to the built-in ones: `[model.custom]` with a `name` chooses one.
#[derive(Default)]
pub struct CaptionerRegistry {
    factories: BTreeMap<String, Factory>,
}

impl CaptionerRegistry {
    /// Registers what makes a captioner, in place of what had the name before.
    pub fn register<C: CustomCaptioner + 'static>(
        &mut self,
        name: impl Into<String>,
        factory: impl Fn(&CustomConfig) -> Result<C, OptionProblem> + Send + Sync + 'static,
    ) {
        let shared = move |config: &CustomConfig| {
            let captioner: Arc<dyn CustomCaptioner> = Arc::new(factory(config)?);
            Ok(captioner)
        };
        self.factories.insert(name.into(), Box::new(shared));
    }

    /// Finds the captioner that a configuration names, and tells it its options; built-in ones need no finding.
    ///
    /// # Errors
    /// [`OptionProblem`] for a name that is not registered, or that of what makes the captioner.
    pub fn resolve(&self, config: &mut CaptionerConfig) -> Result<(), OptionProblem> {
        let CaptionerConfig::Custom(config) = config else {
            return Ok(());
        };
        let Some(factory) = self.factories.get(&config.name) else {
            let names: Vec<&str> = self.factories.keys().map(String::as_str).collect();
            return Err(OptionProblem {
                key: "name".to_owned(),
                found: format!("`{}`", config.name),
                expected: if names.is_empty() {
                    "another captioner: this program has none of its own".to_owned()
                } else {
                    format!(
                        "one that this program has of its own: `{}`",
                        names.join("`, `")
                    )
                },
            });
        };
        config.captioner = Some(factory(config)?);
        Ok(())
    }
}

impl fmt::Debug for CaptionerRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.factories.keys()).finish()
    }
}
