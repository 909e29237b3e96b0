'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const root = document.documentElement;
  const find = (id) => document.getElementById(id);
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const element = (name, attributes, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };

  // Curves.
  const COLOURS = 6;
  const DASHES = [[], [6, 4], [2, 3], [10, 3, 2, 3], [1, 5], [12, 6]];
  const several = data.stages.length > 1;
  const plots = [];
  const lastStep = Math.max(1, ...data.charts.flatMap((chart) => chart.series.map((line) => line.steps[line.steps.length - 1])));
  const WHOLE = [1, 2, 5].flatMap((n) => Array.from({ length: 9 }, (_, k) => n * 10 ** k)).sort((a, b) => a - b);
  const short = (value) => {
    if (value == null) return '\u2013';
    const size = Math.abs(value);
    return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(2) : String(+value.toPrecision(4));
  };

  function stageLines(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.font = 11 * devicePixelRatio + 'px system-ui, sans-serif';
    ctx.fillStyle = ctx.strokeStyle = colour('--faint');
    ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.textAlign = 'left';
    ctx.textBaseline = 'top';
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const { name, step } of data.stages[0] || []) {
      const x = plot.valToPos(step, 'x', true);
      if (step > 0) {
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
      }
      ctx.fillText(name, Math.max(x, bbox.left) + 4 * devicePixelRatio, bbox.top + 2 * devicePixelRatio);
    }
    ctx.restore();
  }

  function draw(parent, title, note, lines, more) {
    const box = element('div');
    const caption = element('figcaption', {}, title);
    if (note) caption.append(element('small', {}, note));
    parent.append(element('figure', {}, caption, box));
    const tables = [];
    const series = [{ label: more.label, value: (_, x) => (x == null ? '\u2013' : String(more.whole ? Math.floor(x) : x)) }];
    const bands = [];
    for (const line of lines) {
      const stroke = () => colour('--c' + (line.colour % COLOURS));
      tables.push([line.x, line.y]);
      series.push({
        label: line.label, stroke, width: 1.75, dash: DASHES[line.dash % DASHES.length],
        points: { show: line.x.length < 2 ? true : undefined, size: 5 }, value: (_, y) => short(y),
      });
      if (line.low && line.low.length) {
        const at = series.length;
        for (const edge of [line.high, line.low]) {
          tables.push([line.x, edge]);
          series.push({ label: '', stroke: 'transparent', width: 0, points: { show: false }, legend: false });
        }
        bands.push({ series: [at, at + 1], fill: () => colour('--c' + (line.colour % COLOURS)) + '2e' });
      }
    }
    // All curves over steps have the same steps, until somebody drags over a part of them.
    const all = (plot, from, to) => (plot.data[0].length && from <= plot.data[0][0] && to >= plot.data[0][plot.data[0].length - 1] ? [0, lastStep] : [from, to]);
    const axis = (size, incrs) => ({
      incrs,
      stroke: () => colour('--faint'), size, font: '12px system-ui, sans-serif',
      grid: { stroke: () => colour('--line'), width: 1 }, ticks: { stroke: () => colour('--line'), width: 1, size: 4 },
      values: (_, ticks) => ticks.map((tick) => (tick == null ? '' : short(tick))),
    });
    const options = {
      width: Math.max(box.clientWidth, 200), height: more.height || 210,
      scales: more.scales || { x: { time: false, range: more.sync ? all : undefined } },
      axes: [axis(30, more.whole ? WHOLE : undefined), axis(54)], series, bands,
      cursor: { sync: more.sync ? { key: 'steps' } : undefined, y: false, points: { size: 6 } },
      legend: { live: true },
      hooks: { draw: more.sync ? [stageLines] : [] },
    };
    const plot = new uPlot(options, uPlot.join(tables), box);
    plot.root.querySelectorAll('.u-legend .u-series').forEach((row, k) => {
      if (series[k] && series[k].legend === false) row.remove();
    });
    plots.push([plot, box, options.height]);
  }

  data.charts.forEach((chart, k) => {
    const lines = chart.series.map((line) => ({
      label: line.label, x: line.steps, y: line.means, low: line.low, high: line.high,
      colour: several ? line.run : line.value, dash: several ? line.value : 0,
    }));
    draw(find('charts'), chart.title, chart.note, lines, { label: 'step', sync: true, whole: true, height: k === 0 ? 260 : 200 });
  });
  const ofWords = (make) => data.words.map((of, k) => ({ label: of.name, colour: k, dash: 0, ...make(of) })).filter((line) => line.x.length);
  draw(find('shapes'), 'Lengths', 'share by words', ofWords((of) => ({ x: of.lengths.map((_, k) => k), y: of.lengths })), { label: 'words', whole: true });
  draw(find('shapes'), 'Words by rank', 'how often each is there', ofWords((of) => ({ x: of.ranks, y: of.counts })), {
    label: 'rank', scales: { x: { time: false, distr: 3 }, y: { distr: 3 } },
  });
  const redraw = () => plots.forEach(([plot]) => plot.redraw(false, true));
  const fit = () => plots.forEach(([plot, box, height]) => {
    const width = Math.max(box.clientWidth, 200);
    if (width !== plot.width) plot.setSize({ width, height });
  });
  addEventListener('resize', fit);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  addEventListener('beforeprint', () => { root.classList.add('printed'); redraw(); });
  addEventListener('afterprint', () => { root.classList.remove('printed'); redraw(); });

  // Captions: those of two outputs beside each other.
  const PAGE = 50;
  const outputs = data.outputs;
  const isPair = outputs.length > 1;
  // Before and after of one run; the last checkpoints of the first and the last of several.
  const left = several ? Math.max(0, outputs.filter((output) => output.run === 0).length - 1) : 0;
  const state = { left, right: outputs.length - 1, metric: data.main, order: isPair ? 'improved' : 'worst', filter: 'all', search: '', shown: PAGE };
  const sets = outputs.map((output) => ({ cut: new Set(output.cut), bad: new Set(output.bad) }));
  const words = (text) => text.split(' ').filter(Boolean);

  // Which words of two lists are in their longest common subsequence.
  function common(a, b) {
    const length = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
    for (let i = a.length - 1; i >= 0; i--) {
      for (let j = b.length - 1; j >= 0; j--) {
        length[i][j] = a[i] === b[j] ? length[i + 1][j + 1] + 1 : Math.max(length[i + 1][j], length[i][j + 1]);
      }
    }
    const [inA, inB] = [new Set(), new Set()];
    for (let i = 0, j = 0; i < a.length && j < b.length;) {
      if (a[i] === b[j]) { inA.add(i++); inB.add(j++); } else if (length[i + 1][j] >= length[i][j + 1]) i++; else j++;
    }
    return [inA, inB];
  }

  function row(k) {
    const score = (side) => outputs[side].scores[k][state.metric];
    const [left, right] = [score(state.left), score(state.right)];
    const sign = data.metrics[state.metric].smaller ? -1 : 1;
    return { k, left, right, gain: sign * (right - left), good: sign * right };
  }
  function changed(k) {
    const [a, b] = [words(outputs[state.left].captions[k]), words(outputs[state.right].captions[k])];
    return a.length + b.length - 2 * common(a, b)[0].size;
  }
  const has = (which) => (r) => sets[state.right][which].has(r.k) || (isPair && sets[state.left][which].has(r.k));
  const ORDERS = {
    improved: ['most improved', (a, b) => b.gain - a.gain, true],
    harmed: ['most harmed', (a, b) => a.gain - b.gain, true],
    changed: ['most changed', (a, b) => b.changed - a.changed, true],
    best: ['best', (a, b) => b.good - a.good],
    worst: ['worst', (a, b) => a.good - b.good],
    name: ['name', (a, b) => (data.sources[a.k].name < data.sources[b.k].name ? -1 : data.sources[a.k].name > data.sources[b.k].name ? 1 : 0)],
    file: ['as in the file', (a, b) => a.k - b.k],
  };
  const FILTERS = {
    all: ['all', () => true],
    better: ['improved', (r) => r.gain > 0, true],
    harmed: ['harmed', (r) => r.gain < 0, true],
    different: ['changed', (r) => outputs[state.left].captions[r.k] !== outputs[state.right].captions[r.k], true],
    same: ['unchanged', (r) => outputs[state.left].captions[r.k] === outputs[state.right].captions[r.k], true],
    cut: ['cut off', has('cut')],
    bad: ['bad endings', has('bad')],
  };

  function fill(select, entries, chosen) {
    select.replaceChildren(...entries.map(([value, label]) => element('option', { value }, label)));
    select.value = String(chosen);
  }
  fill(find('left'), outputs.map((output, k) => [k, output.name]), state.left);
  fill(find('right'), outputs.map((output, k) => [k, output.name]), state.right);
  fill(find('metric'), data.metrics.map((metric, k) => [k, metric.label]), state.metric);
  const offered = (table) => Object.entries(table).filter(([name, of]) => (isPair || !of[2]) && (data.endings || name !== 'bad')).map(([name, of]) => [name, of[0]]);
  fill(find('order'), offered(ORDERS), state.order);
  fill(find('filter'), offered(FILTERS), state.filter);
  if (outputs.length < 3) document.querySelectorAll('.pair').forEach((label) => { label.style.display = 'none'; });

  function marked(text, kept, name) {
    const list = words(text);
    return list.flatMap((word, k) => [kept && !kept.has(k) ? element(name, {}, word) : word, ' ']);
  }
  function mark(side, k) {
    const marks = [];
    if (sets[side].cut.has(k)) marks.push('cut off');
    if (sets[side].bad.has(k)) marks.push('bad ending');
    return marks.map((text) => element('span', { class: 'mark' }, text));
  }
  function tableRow(r) {
    const source = data.sources[r.k];
    const name = element('td', { class: 'name' });
    if (data.pictures[r.k]) name.append(element('img', { src: data.pictures[r.k], alt: '', loading: 'lazy' }));
    name.append(source.name);
    if (source.text !== undefined && source.text !== source.name) name.append(element('div', {}, source.text));
    const left = outputs[state.left].captions[r.k];
    const right = outputs[state.right].captions[r.k];
    const [inLeft, inRight] = isPair ? common(words(left), words(right)) : [null, null];
    const references = element('details', {}, element('summary', {}, source.references.length + (source.references.length === 1 ? ' reference' : ' references')),
      element('ul', {}, ...source.references.map((text) => element('li', {}, text))));
    const made = element('tr', {}, name);
    if (isPair) made.append(element('td', { 'data-label': outputs[state.left].name }, ...marked(left, inLeft, 'del'), ...mark(state.left, r.k)));
    made.append(element('td', { 'data-label': outputs[state.right].name }, ...marked(right, inRight, 'ins'), ...mark(state.right, r.k), references));
    const number = (label, value, style) => element('td', { class: 'score ' + style, 'data-label': label }, value);
    if (isPair) made.append(number(outputs[state.left].name, r.left.toFixed(3), ''));
    made.append(number(isPair ? outputs[state.right].name : data.metrics[state.metric].label, r.right.toFixed(3), ''));
    if (isPair) {
      const change = r.right - r.left;
      made.append(number('change', (change > 0 ? '+' : '') + change.toFixed(3), r.gain > 0 ? 'rise' : r.gain < 0 ? 'fall' : ''));
    }
    return made;
  }
  function head() {
    const label = data.metrics[state.metric].label;
    const columns = [['name', 'name', ['name', 'file']]];
    if (isPair) columns.push([outputs[state.left].name, '', ['changed']]);
    columns.push([outputs[state.right].name, '', [isPair ? 'changed' : 'best']]);
    if (isPair) columns.push([label + ', ' + outputs[state.left].name, 'score', []]);
    columns.push([isPair ? label + ', ' + outputs[state.right].name : label, 'score', ['best', 'worst']]);
    if (isPair) columns.push(['change', 'score', ['improved', 'harmed']]);
    const cells = columns.map(([text, style, orders]) => {
      const cell = element('th', { class: style, scope: 'col' });
      if (!orders.length) { cell.append(text); return cell; }
      const button = element('button', { type: 'button' }, text);
      button.addEventListener('click', () => {
        const at = orders.indexOf(state.order);
        set('order', orders[(at + 1) % orders.length]);
        find('order').value = state.order;
      });
      if (orders.includes(state.order)) cell.setAttribute('aria-sort', ['harmed', 'worst', 'name', 'file'].includes(state.order) ? 'ascending' : 'descending');
      cell.append(button);
      return cell;
    });
    document.querySelector('#table thead tr').replaceChildren(...cells);
  }
  function show() {
    const query = state.search.trim().toLowerCase();
    const matches = (k) => {
      const source = data.sources[k];
      const texts = [source.name, source.text || '', outputs[state.left].captions[k], outputs[state.right].captions[k], ...source.references];
      return texts.some((text) => text.toLowerCase().includes(query));
    };
    let rows = data.sources.map((_, k) => row(k)).filter(FILTERS[state.filter][1]);
    if (query) rows = rows.filter((r) => matches(r.k));
    if (state.order === 'changed') rows.forEach((r) => { r.changed = changed(r.k); });
    rows.sort((a, b) => ORDERS[state.order][1](a, b) || a.k - b.k);
    head();
    document.querySelector('#table tbody').replaceChildren(...rows.slice(0, state.shown).map(tableRow));
    find('found').textContent = rows.length + ' of ' + data.sources.length + (rows.length > state.shown ? ', the first ' + state.shown + ' shown' : '');
    find('more').style.display = rows.length > state.shown ? '' : 'none';
  }
  function set(key, value) {
    state[key] = value;
    if (key !== 'shown') state.shown = PAGE;
    show();
  }
  if (outputs.length) {
    for (const key of ['left', 'right', 'metric']) find(key).addEventListener('change', (event) => set(key, Number(event.target.value)));
    for (const key of ['order', 'filter']) find(key).addEventListener('change', (event) => set(key, event.target.value));
    find('search').addEventListener('input', (event) => set('search', event.target.value));
    find('controls').addEventListener('submit', (event) => event.preventDefault());
    find('more').addEventListener('click', () => set('shown', state.shown + 4 * PAGE));
    show();
  }
})();
