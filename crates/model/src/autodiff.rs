//! What autodiff says of the parameters of a module: the oracle of backward passes by hand.

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Gradients, Tensor},
};

/// The gradients at all parameters of `module`, flattened, in the order of its fields; `None` where autodiff has none.
pub(crate) fn of_module(
    module: &impl Module,
    gradients: &Gradients,
) -> Vec<(String, Option<Tensor<1>>)> {
    let mut collector = Collector {
        gradients,
        path: Vec::new(),
        by_name: Vec::new(),
    };
    module.visit(&mut collector);
    collector.by_name
}

struct Collector<'a> {
    gradients: &'a Gradients,
    path: Vec<String>,
    by_name: Vec<(String, Option<Tensor<1>>)>,
}

impl ModuleVisitor for Collector<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad(self.gradients);
        let gradient = gradient.map(|gradient| gradient.reshape([-1]));
        self.by_name.push((self.path.join("."), gradient));
    }
}
