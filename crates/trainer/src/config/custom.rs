//! The choice of what other crates add.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The choice of something that the program around this library registered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CustomChoice {
    /// The name that it was registered under; has to be given.
    #[schemars(extend("examples" = ["mine"]))]
    pub name: String,
    /// Whatever it can be told; it checks that itself.
    pub options: Map<String, Value>,
}
