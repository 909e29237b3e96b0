//! All keys of a configuration.

use std::sync::LazyLock;

use super::{order::put_in_order, schema::json_schema, shape::Shape};

/// The keys of a configuration, in order.
pub(super) fn root() -> &'static Shape {
    static ROOT: LazyLock<Shape> = LazyLock::new(|| {
        let mut root = Shape::read(&json_schema());
        put_in_order(&mut root);
        root
    });
    &ROOT
}
