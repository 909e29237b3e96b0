//! Parameters by name.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::Tensor,
};

/// One parameter of a captioner, flattened.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Dotted path of fields, e.g. `recurrence.weight`.
    pub name: String,
    /// Shape before flattening.
    pub shape: Vec<usize>,
    /// Values in row-major order, `[elements]`.
    pub values: Tensor<1>,
}

/// All parameters of `module`, in the order of its fields.
pub(crate) fn parameters(module: &impl Module) -> Vec<Parameter> {
    let mut collector = Collector::default();
    module.visit(&mut collector);
    collector.parameters
}

/// `module` with every parameter replaced by what `change` makes of it.
///
/// `change` sees the name and the flattened values and returns values of the same length. The
/// module is taken apart, so that a change can be made in place.
pub(crate) fn update_parameters<M: Module>(
    module: M,
    change: impl FnMut(&str, Tensor<1>) -> Tensor<1>,
) -> M {
    let mut updater = Updater {
        path: Vec::new(),
        change,
    };
    module.map(&mut updater)
}

#[derive(Default)]
struct Collector {
    path: Vec<String>,
    parameters: Vec<Parameter>,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let values = param.val();
        self.parameters.push(Parameter {
            name: self.path.join("."),
            shape: values.dims().to_vec(),
            values: values.reshape([-1]),
        });
    }
}

struct Updater<F> {
    path: Vec<String>,
    change: F,
}

impl<F: FnMut(&str, Tensor<1>) -> Tensor<1>> ModuleMapper for Updater<F> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        param.map(|values| {
            let shape = values.shape();
            (self.change)(&name, values.reshape([-1])).reshape(shape)
        })
    }
}
