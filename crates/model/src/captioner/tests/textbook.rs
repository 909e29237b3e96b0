//! Every captioner against its equations, in loops over 64-bit numbers, one caption at a time.

use std::collections::BTreeMap;

use super::*;

type Vector = Vec<f64>;
/// Rows are inputs.
type Matrix = Vec<Vector>;

struct Weights(BTreeMap<String, Matrix>);

impl Weights {
    fn of(model: &Captioner) -> Self {
        let parameters = model.parameters().into_iter().map(|parameter| {
            let values: Vec<f64> = parameter.values.try_into_vec_as().unwrap();
            let rows = values.chunks(parameter.shape[1]).map(<[f64]>::to_vec);
            (parameter.name, rows.collect())
        });
        Self(parameters.collect())
    }

    fn matrix(&self, name: &str) -> Matrix {
        self.0[name].clone()
    }

    /// The columns from `first` on of a matrix.
    fn columns(&self, name: &str, first: usize, count: usize) -> Matrix {
        let rows = self.0[name].iter();
        rows.map(|row| row[first..first + count].to_vec()).collect()
    }

    /// A row that is one, or 0.
    fn bias(&self, name: &str) -> Vector {
        self.0.get(name).map_or(Vec::new(), |rows| rows[0].clone())
    }

    /// `drop(relu(x W + b))`, without dropout.
    fn rectified(&self, x: &[f64], layer: &str) -> Vector {
        let weight = self.matrix(&format!("{layer}_weight"));
        let sums = add(&times(x, &weight), &self.bias(&format!("{layer}_bias")));
        relu(&sums)
    }
}

fn times(x: &[f64], matrix: &Matrix) -> Vector {
    assert_eq!(x.len(), matrix.len());
    let column = |j: usize| x.iter().zip(matrix).map(|(x, row)| x * row[j]).sum();
    (0..matrix[0].len()).map(column).collect()
}

/// The sum; nothing adds nothing.
fn add(a: &[f64], b: &[f64]) -> Vector {
    if b.is_empty() {
        return a.to_vec();
    }
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn relu(x: &[f64]) -> Vector {
    x.iter().map(|x| x.max(0.0)).collect()
}

fn mean(rows: &[Vector]) -> Vector {
    let column = |j: usize| rows.iter().map(|row| row[j]).sum::<f64>() / rows.len() as f64;
    (0..rows[0].len()).map(column).collect()
}

/// `h` and `c` from gates i, f, o, g and, for maxout, the other half of g.
fn lstm(gates: &[f64], c: &[f64]) -> (Vector, Vector) {
    let n = c.len();
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let unit = |k: usize| {
        let gate = |block: usize| gates[block * n + k];
        let g = if gates.len() == 5 * n {
            gate(3).max(gate(4))
        } else {
            gate(3).tanh()
        };
        let c = sigmoid(gate(1)) * c[k] + sigmoid(gate(0)) * g;
        (sigmoid(gate(2)) * c.tanh(), c)
    };
    (0..n).map(unit).unzip()
}

/// The attended mean of `values`.
fn attend(w: &Weights, values: &[Vector], query: &[f64]) -> Vector {
    let score = w.matrix("regions.score_weight");
    let (weight, bias) = (w.matrix("regions.key_weight"), w.bias("regions.key_bias"));
    let energy = |value: &Vector| {
        let sums = add(&add(&times(value, &weight), &bias), query);
        let tanh: Vector = sums.iter().map(|x| x.tanh()).collect();
        times(&tanh, &score)[0].exp()
    };
    let energies: Vector = values.iter().map(energy).collect();
    let total: f64 = energies.iter().sum();
    let unit = |k: usize| {
        let of_regions = values.iter().zip(&energies);
        of_regions.map(|(value, e)| e / total * value[k]).sum()
    };
    (0..values[0].len()).map(unit).collect()
}

/// What is read of a word.
fn word(w: &Weights, word: u32, input: InputKind) -> Vector {
    let embedded = &w.0["words.embedding"][word as usize];
    match input {
        InputKind::Relu => relu(embedded),
        InputKind::Linear => embedded.clone(),
    }
}

/// The image is the first input.
fn source_first(w: &Weights, source: &[f64], words: &[u32], word_input: InputKind) -> Vec<Vector> {
    let (input, recurrent) = (w.matrix("words.input_weight"), w.matrix("recurrent_weight"));
    let bias = w.bias("words.gate_bias");
    let step = |x: &[f64], h: &[f64], c: &[f64]| {
        let sums = add(&times(x, &input), &times(h, &recurrent));
        lstm(&add(&sums, &bias), c)
    };
    let zeros = vec![0.0; HIDDEN];
    let projected = add(
        &times(source, &w.matrix("image_weight")),
        &w.bias("image_bias"),
    );
    let (mut h, mut c) = step(&projected, &zeros, &zeros);
    let of_word = |&word: &u32| {
        let x = self::word(w, word, word_input);
        (h, c) = step(&x, &h, &c);
        h.clone()
    };
    words.iter().map(of_word).collect()
}

/// `z_t` enters the last gates.
fn attentive(
    w: &Weights,
    values: &[Vector],
    words: &[u32],
    inputs: InputKind,
    start: (Vector, Vector),
) -> Vec<Vector> {
    let input = w.matrix("words.input_weight");
    let (gates, attention) = (input[0].len(), w.0["regions.key_weight"][0].len());
    let recurrent = w.columns("recurrent_weight", 0, gates);
    let query = w.columns("recurrent_weight", gates, attention);
    let (mut h, mut c) = start;
    let of_word = |&word_id: &u32| {
        let x = word(w, word_id, inputs);
        let z = attend(w, values, &times(&h, &query));
        let context = times(&z, &w.matrix("regions.context_weight"));
        let others = vec![0.0; gates - context.len()];
        let sums = add(&times(&x, &input), &times(&h, &recurrent));
        let sums = add(&sums, &w.bias("words.gate_bias"));
        (h, c) = lstm(&add(&sums, &[others, context].concat()), &c);
        h.clone()
    };
    words.iter().map(of_word).collect()
}

/// As PyTorch's `LSTMCell`s have it: `W_ih` of all inputs one behind the other, and `W_hh`.
fn up_down(w: &Weights, source: &[Vector], values: &[Vector], words: &[u32]) -> Vec<Vector> {
    let (gates, attention) = (4 * HIDDEN, w.0["regions.key_weight"][0].len());
    let attention_ih = [
        w.columns("recurrent_weight", 0, gates),
        w.matrix("mean_gate_weight"),
        w.matrix("words.input_weight"),
    ]
    .concat();
    let attention_hh = w.columns("attention_lstm_weight", gates + attention, gates);
    let language_ih = [
        w.matrix("regions.context_weight"),
        w.columns("attention_lstm_weight", 0, gates),
    ]
    .concat();
    let language_hh = w.columns("recurrent_weight", gates, gates);
    let query = w.columns("attention_lstm_weight", gates, attention);
    let cell = |inputs: &[&[f64]], h: &[f64], c: &[f64], ih, hh, bias| {
        let sums = add(&times(&inputs.concat(), ih), &times(h, hh));
        lstm(&add(&sums, &w.bias(bias)), c)
    };
    let source = w.rectified(&mean(source), "mean");
    let zeros = vec![0.0; HIDDEN];
    let [mut h_att, mut c_att, mut h_lang, mut c_lang] = [0; 4].map(|_| zeros.clone());
    let of_word = |&word: &u32| {
        let x = relu(&w.0["words.embedding"][word as usize]);
        let inputs = [h_lang.as_slice(), &source, &x];
        (h_att, c_att) = cell(
            &inputs,
            &h_att,
            &c_att,
            &attention_ih,
            &attention_hh,
            "words.gate_bias",
        );
        let attended = attend(w, values, &times(&h_att, &query));
        (h_lang, c_lang) = cell(
            &[&attended, &h_att],
            &h_lang,
            &c_lang,
            &language_ih,
            &language_hh,
            "language_bias",
        );
        h_lang.clone()
    };
    words.iter().map(of_word).collect()
}

fn hidden(config: &CaptionerConfig, w: &Weights, source: &[Vector], words: &[u32]) -> Vec<Vector> {
    let values = || -> Vec<Vector> {
        let regions = source.iter();
        regions.map(|x| w.rectified(x, "regions.image")).collect()
    };
    let zeros = vec![0.0; HIDDEN];
    match config {
        CaptionerConfig::Fc(config) => source_first(w, &source[0], words, config.word_input),
        CaptionerConfig::ShowTell(_) => source_first(w, &source[0], words, InputKind::Linear),
        CaptionerConfig::Att2in(config) if config.inputs == InputKind::Linear => {
            attentive(w, source, words, config.inputs, (zeros.clone(), zeros))
        }
        CaptionerConfig::Att2in(_) | CaptionerConfig::Att2all(_) => {
            attentive(w, &values(), words, InputKind::Relu, (zeros.clone(), zeros))
        }
        CaptionerConfig::ShowAttendTell(_) => {
            let start = times(&mean(&values()), &w.matrix("start_weight"));
            let start = add(&start, &w.bias("start_bias"));
            let start: Vector = start.iter().map(|x| x.tanh()).collect();
            let (h, c) = start.split_at(HIDDEN);
            let start = (h.to_vec(), c.to_vec());
            attentive(w, &values(), words, InputKind::Relu, start)
        }
        CaptionerConfig::UpDown(_) => up_down(w, source, &values(), words),
        CaptionerConfig::Markov(_)
        | CaptionerConfig::Transformer(_)
        | CaptionerConfig::Custom(_) => {
            unreachable!("only recurrent captioners are tested here")
        }
    }
}

#[test]
fn hidden_states_are_those_of_the_equations() {
    let device = Device::flex();
    let recurrent = |config: &CaptionerConfig| !matches!(config, CaptionerConfig::Transformer(_));
    for config in configs().into_iter().filter(recurrent) {
        let model = model(&config, &device, DType::F64);
        let weights = Weights::of(&model);
        let vectors = features(&config, &device, DType::F64).vectors();
        let vectors: Vector = vectors.try_into_vec_as().unwrap();
        let mut vectors = vectors.chunks(DIMENSIONS.feature).map(<[f64]>::to_vec);
        let sources = REGIONS.map(|count| {
            let count = if config.reads_regions() { count } else { 1 };
            vectors.by_ref().take(count).collect::<Vec<_>>()
        });
        let captions = INPUTS.iter().zip(SOURCE_OF_SEQUENCE);
        let captions: Vec<Vec<Vector>> = captions
            .map(|(words, source)| hidden(&config, &weights, &sources[source], words))
            .collect();
        // Packed, time first.
        let expected = (0..6).flat_map(|t| captions.iter().filter_map(move |c| c.get(t)));
        let expected: Vector = expected.flatten().copied().collect();
        let found = run(&config, &model, None).hidden().unwrap();
        let found: Vector = found.try_into_vec_as().unwrap();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            let error = (found - expected).abs();
            assert!(error < 1e-12, "{}: {found} {expected}", config.name());
        }
    }
}

#[test]
fn parameters_are_as_many_as_documented() {
    let Dimensions {
        feature: f,
        vocab: v,
    } = DIMENSIONS;
    let (h, e, a) = (HIDDEN, 4, 3);
    let expected = [
        v * (e + h + 1) + e * (f + 1) + 4 * h * (e + h + 1),
        v * (e + h + 1) + e * (f + 1) + 5 * h * (e + h + 1),
        v * (e + h + 1) + e * (f + 1) + 4 * h * (e + h),
        v * (e + h + 1) + h * (f + 1) + 5 * h * (e + 1) + 7 * h * h + 2 * a * (h + 1),
        v * (e + h + 1) + 5 * h * (e + 1) + h * (5 * h + 2 * f) + a * (h + f + 2),
        v * (e + h + 1) + h * (f + 1) + 5 * h * (e + 1) + 10 * h * h + 2 * a * (h + 1),
        v * (e + h + 1) + h * (f + 1) + 4 * h * (e + 1) + 10 * h * h + 2 * h + 2 * a * (h + 1),
        v * (e + h + 1) + 2 * h * (f + 1) + 4 * h * (e + 2) + 24 * h * h + 2 * a * (h + 1),
    ];
    for (config, expected) in configs().iter().zip(expected) {
        let parameters = model(config, &Device::flex(), DType::F32).parameters();
        let found: usize = parameters.iter().map(|p| p.values.dims()[0]).sum();
        assert_eq!(found, expected, "{}", config.name());
    }
}
