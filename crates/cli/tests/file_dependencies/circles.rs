//! Circles in a graph.

use std::collections::{BTreeMap, BTreeSet};

/// Every node with the nodes that it uses.
pub(crate) type Graph = BTreeMap<String, BTreeSet<String>>;

/// The sets of two nodes or more that can all reach one another, sorted.
pub(crate) fn circles(graph: &Graph) -> Vec<BTreeSet<String>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> = graph
        .keys()
        .map(|start| (start.as_str(), reachable(graph, start)))
        .collect();
    let found: BTreeSet<BTreeSet<String>> = reached
        .iter()
        .filter(|(start, reached)| reached.contains(*start))
        .map(|(start, there)| {
            there
                .iter()
                .filter(|node| reached[*node].contains(start))
                .map(|node| (*node).to_owned())
                .collect()
        })
        .collect();
    found.into_iter().collect()
}

/// All that can be reached from `start` in one step or more.
fn reachable<'a>(graph: &'a Graph, start: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = graph[start].iter().map(String::as_str).collect();
    while let Some(node) = open.pop() {
        if let Some((node, next)) = graph.get_key_value(node)
            && reached.insert(node.as_str())
        {
            open.extend(next.iter().map(String::as_str));
        }
    }
    reached
}
