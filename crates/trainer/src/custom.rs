//! What other crates add by name: objectives, searches, layouts of captions.

use std::{collections::BTreeMap, error::Error, fmt, path::PathBuf, sync::Arc};

use thiserror::Error;

use crate::config::CustomChoice;

/// Why something of another crate cannot be had, or does not do its work.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CustomError {
    /// A name that nobody registered.
    #[error("`{kind}.custom.name`: found `{found}`, expected {expected}")]
    NotRegistered {
        /// What was looked for, such as `objective`.
        kind: &'static str,
        /// The name.
        found: String,
        /// The names that there are.
        expected: String,
    },
    /// Options that it cannot have.
    #[error("{kind} `{name}`: {source}")]
    Options {
        /// What it is.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What is wrong with them.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A file that it cannot read.
    #[error("`{}`: {kind} `{name}`: {source}", path.display())]
    File {
        /// What it is.
        kind: &'static str,
        /// Its name.
        name: String,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Box<dyn Error + Send + Sync>,
    },
    /// It failed at its work.
    #[error("{kind} `{name}` failed: {source}")]
    Failed {
        /// What it is.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// What it gave is not what it had to give.
    #[error("{kind} `{name}`: found {found}, expected {expected}")]
    Result {
        /// What it is.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What it gave.
        found: String,
        /// What it should have given.
        expected: String,
    },
}

impl CustomError {
    /// Whether the configuration or a file is at fault, not the code.
    pub fn is_mistake(&self) -> bool {
        matches!(
            self,
            Self::NotRegistered { .. } | Self::Options { .. } | Self::File { .. }
        )
    }
}

/// What can be added by name.
pub trait Addition: Send + Sync {
    /// What it is, by its key in configurations.
    const KIND: &'static str;
}

/// Makes it from its table in a configuration.
type Factory<T> =
    Box<dyn Fn(&CustomChoice) -> Result<Arc<T>, Box<dyn Error + Send + Sync>> + Send + Sync>;

/// What a program adds to what is built in: `custom = { name = "..." }` chooses one.
pub struct CustomRegistry<T: ?Sized> {
    factories: BTreeMap<String, Factory<T>>,
}

impl<T: ?Sized> Default for CustomRegistry<T> {
    fn default() -> Self {
        Self {
            factories: BTreeMap::new(),
        }
    }
}

impl<T: ?Sized> CustomRegistry<T> {
    /// Registers what makes it, in place of what had the name before.
    pub fn register(
        &mut self,
        name: impl Into<String>,
        factory: impl Fn(&CustomChoice) -> Result<Arc<T>, Box<dyn Error + Send + Sync>>
        + Send
        + Sync
        + 'static,
    ) {
        self.factories.insert(name.into(), Box::new(factory));
    }
}

impl<T: Addition + ?Sized> CustomRegistry<T> {
    /// What a table asks for.
    ///
    /// # Errors
    /// [`CustomError`] for a name that is not registered, or that of what makes it.
    pub(crate) fn make(&self, config: &CustomChoice) -> Result<Named<T>, CustomError> {
        let name = config.name.clone();
        let kind = T::KIND;
        let Some(factory) = self.factories.get(&name) else {
            let names = self.factories.keys();
            let names: Vec<String> = names.map(|own| format!("`{own}`")).collect();
            return Err(CustomError::NotRegistered {
                kind,
                found: name,
                expected: if names.is_empty() {
                    "a built-in one: this program has none of its own".to_owned()
                } else {
                    format!("one that this program has of its own: {}", names.join(", "))
                },
            });
        };
        match factory(config) {
            Ok(made) => Ok(Named { name, made }),
            Err(source) => Err(CustomError::Options { kind, name, source }),
        }
    }
}

impl<T: ?Sized> fmt::Debug for CustomRegistry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.factories.keys()).finish()
    }
}

/// Something of another crate with its name.
pub(crate) struct Named<T: ?Sized> {
    name: String,
    made: Arc<T>,
}

impl<T: ?Sized> Clone for Named<T> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            made: Arc::clone(&self.made),
        }
    }
}

impl<T: Addition + ?Sized> Named<T> {
    /// What was made.
    pub(crate) fn get(&self) -> &T {
        &self.made
    }

    /// It failed at its work.
    pub(crate) fn failed(&self, source: Box<dyn Error + Send + Sync>) -> CustomError {
        CustomError::Failed {
            kind: T::KIND,
            name: self.name.clone(),
            source,
        }
    }

    /// It cannot read a file.
    pub(crate) fn cannot_read(
        &self,
        path: PathBuf,
        source: Box<dyn Error + Send + Sync>,
    ) -> CustomError {
        CustomError::File {
            kind: T::KIND,
            name: self.name.clone(),
            path,
            source,
        }
    }

    /// What it gave is not what it had to give.
    pub(crate) fn gave(&self, found: String, expected: String) -> CustomError {
        CustomError::Result {
            kind: T::KIND,
            name: self.name.clone(),
            found,
            expected,
        }
    }
}
