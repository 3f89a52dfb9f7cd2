// Draws the plots of a report from the block of JSON beside it. No dependency, nothing from the network.
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const root = document.documentElement;

  // ---- numbers into text

  const digits = (number, most = 3) => {
    const size = Math.abs(number);
    const decimals = size === 0 ? 0 : Math.min(6, Math.max(0, most - 1 - Math.floor(Math.log10(size))));
    return number.toLocaleString('en', { maximumFractionDigits: decimals });
  };
  const units = [[1e-3, 1e6, 'ns'], [1, 1e3, 'µs'], [1e3, 1, 'ms'], [6e4, 1e-3, 's'], [36e5, 1 / 6e4, 'min'], [Infinity, 1 / 36e5, 'h']];
  const time = (ms) => {
    const [, factor, unit] = ms === 0 ? units[2] : units.find(([below]) => ms < below * 0.9995);
    return `${digits(ms * factor)} ${unit}`;
  };
  const count = (number) => Math.round(number).toLocaleString('en');
  const shown = (value, unit) => value === null || value === undefined ? '–'
    : unit === 'ms' ? time(value) : unit === '/s' ? `${digits(value, value >= 1000 ? 6 : 3)}/s` : count(value);
  const two = (number) => String(number).padStart(2, '0');
  const clock = (second, isLong) => {
    if (!isLong) return `${digits(second, 4)} s`;
    const whole = Math.round(second);
    const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
  };

  // ---- elements

  const put = (element, attributes, children) => {
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const svg = (name, attributes = {}, ...children) => put(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);
  const html = (name, attributes = {}, ...children) => put(document.createElement(name), attributes, children);
  const swatch = (line) => {
    const bar = line.bar || line.band;
    const mark = bar ? svg('rect', { class: line.band ? `band ${line.look}` : `bars ${line.look}`, x: 3, width: 12, height: 10, rx: 2 })
      : svg('path', { class: `line ${line.look.replace('filled', '')}`, d: 'M0 5H18' });
    return svg('svg', { viewBox: '0 0 18 10', 'aria-hidden': 'true' }, mark);
  };

  // ---- scales

  const roundStep = (rough) => {
    const size = 10 ** Math.floor(Math.log10(rough));
    return [1, 2, 2.5, 5, 10].map((factor) => factor * size).find((step) => step >= rough * 0.9999);
  };
  const linear = (most, places, isWhole) => {
    const step = Math.max(roundStep(Math.max(most, 1e-9) / places), isWhole ? 1 : 0);
    // A line along the upper edge would be taken for the edge.
    const top = (Math.floor(most * 1.02 / step) + 1) * step;
    const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, n) => n * step);
    return { ticks, at: (value) => value / top };
  };
  const logarithmic = (least, most, places) => {
    const decades = Math.log10(most / least);
    const steps = decades < 1.5 ? [1, 2, 3, 5, 7] : decades < 4 ? [1, 2, 5] : [1];
    let ticks = [];
    for (let e = Math.floor(Math.log10(least)); e <= Math.ceil(Math.log10(most)); e += 1) {
      for (const step of steps) ticks.push(step * 10 ** e);
    }
    const from = ticks.filter((tick) => tick <= least * 1.0001).pop();
    const to = ticks.find((tick) => tick >= most * 0.9999);
    ticks = ticks.filter((tick) => tick >= from && tick <= to);
    const every = Math.ceil(ticks.length / (places + 2));
    const at = (value) => Math.max(0, Math.log(Math.max(value, from) / from) / Math.log(to / from || 10));
    return { ticks: ticks.filter((_, n) => n % every === 0), at };
  };
  const timeSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400];

  const overTime = (() => {
    const { at, step } = data.time;
    const from = at.length ? at[0] : 0;
    const to = at.length ? at[at.length - 1] + step : 1;
    const isLong = to - from > 150;
    const ticks = (width) => {
      const rough = (to - from) / Math.max(2, width / 90);
      const every = timeSteps.find((each) => each >= rough && each >= step) || roundStep(rough / 86400) * 86400;
      const first = Math.ceil(from / every);
      return Array.from({ length: Math.floor(to / every) - first + 1 }, (_, n) => (first + n) * every)
        .map((second) => [second, clock(second, isLong)]);
    };
    const label = (n) => step === 1 && !isLong ? `second ${at[n]}` : `${clock(at[n], isLong)} to ${clock(at[n] + step, isLong)}`;
    return { head: 'Time', from, to, half: step / 2, places: at.map((second) => second + step / 2), ticks, label, bands: data.bands, marks: data.marks };
  })();

  const byPercentile = data.curves && (() => {
    const places = data.curves.places;
    const to = places[places.length - 1];
    const name = (place) => {
      const percent = 100 * (1 - 10 ** -place);
      return `${percent.toFixed(Math.max(0, Math.ceil(place) - 1)).replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '')}%`;
    };
    const ticks = () => {
      const decades = Array.from({ length: Math.floor(to + 1e-9) }, (_, n) => n + 1);
      return [0, ...(to < 3.2 ? [Math.log10(2)] : []), ...decades].map((place) => [place, name(place)]);
    };
    const label = (n) => n === places.length - 1 ? 'the longest' : `${(100 * (1 - 10 ** -places[n])).toFixed(Math.max(1, Math.ceil(places[n])))}% took at most`;
    return { head: 'Percentile', from: 0, to, half: 0, places, ticks, label, bands: [], marks: [] };
  })();

  // ---- a plot

  const groups = { time: [], curves: [] };

  class Plot {
    constructor(figure, { axis, group, lines, unit, heat, isLog, height }) {
      Object.assign(this, { figure, axis, lines, unit, heat, isLog, height, hidden: new Set(), group: groups[group], index: null });
      this.group.push(this);
      this.name = figure.querySelector('h3').textContent;
      this.legend = html('div', { class: 'legend' });
      this.box = html('div', { class: 'plot', tabindex: '0', role: 'slider', 'aria-label': `${this.name}; arrow keys move along the plot`,
        'aria-orientation': 'horizontal', 'aria-valuemin': '0', 'aria-valuemax': String(axis.places.length - 1), 'aria-valuenow': '0', 'aria-valuetext': 'press an arrow key' });
      this.tip = html('div', { class: 'tip', 'aria-hidden': 'true' });
      this.figure.append(this.legend, this.box);
      this.writeLegend();
      if (!heat) this.addTable();
      this.listen();
      new ResizeObserver(() => this.draw()).observe(this.box);
    }

    writeLegend() {
      this.outputs = new Map();
      for (const line of this.lines) {
        const value = html('span', { class: 'at' });
        this.outputs.set(line, value);
        if (this.lines.length === 1) {
          this.legend.append(value);
          continue;
        }
        const button = html('button', { type: 'button', 'aria-pressed': 'true', title: 'Show or hide' }, swatch(line), line.name, value);
        button.addEventListener('click', () => {
          const hide = !this.hidden.delete(line);
          if (hide) this.hidden.add(line);
          button.setAttribute('aria-pressed', String(!hide));
          this.draw();
        });
        this.legend.append(button);
      }
      // The first plot says it for all.
      for (const [look, text] of [['violated', 'an SLA rule was violated'], ['found', 'a finding']]) {
        if (this.group[0] === this && this.axis.bands.some((band) => band.look === look)) {
          this.legend.append(html('span', { class: 'key' }, swatch({ band: true, look }), text));
        }
      }
      if (this.unit === 'ms' && !this.heat) {
        const button = html('button', { type: 'button', class: 'scale', 'aria-pressed': String(this.isLog) }, 'log scale');
        button.addEventListener('click', () => {
          this.isLog = !this.isLog;
          button.setAttribute('aria-pressed', String(this.isLog));
          this.draw();
        });
        this.legend.append(button);
      }
    }

    addTable() {
      const details = html('details', {}, html('summary', {}, 'As a table'));
      details.addEventListener('toggle', () => {
        if (!details.open || details.childElementCount > 1) return;
        const head = [this.axis.head, ...this.lines.map((line) => line.name)];
        const cell = (line, n) => html('td', { class: 'n' }, shown(line.values[n], this.unit));
        const rows = this.axis.places.map((_, n) => html('tr', {}, html('th', { scope: 'row' }, this.axis.label(n)), ...this.lines.map((line) => cell(line, n))));
        const heads = head.map((text, n) => html('th', n ? { scope: 'col', class: 'n' } : { scope: 'col' }, text));
        const table = html('table', {}, html('thead', {}, html('tr', {}, ...heads)), html('tbody', {}, ...rows));
        details.append(html('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `${this.name} as a table` }, table));
      });
      this.figure.append(details);
    }

    seen() { return this.lines.filter((line) => !this.hidden.has(line)); }

    scale(places) {
      if (this.heat) {
        const edges = this.edges();
        return logarithmic(edges[0], edges[edges.length - 1], places);
      }
      const bars = this.lines.filter((line) => line.bar && !this.hidden.has(line));
      const all = this.seen().filter((line) => !line.bar).flatMap((line) => line.values).filter((value) => value !== null);
      const sums = bars.length ? this.axis.places.map((_, n) => bars.reduce((sum, line) => sum + line.values[n], 0)) : [];
      const most = Math.max(0, ...all, ...sums);
      const above = all.filter((value) => value > 0);
      if (this.isLog && above.length) return logarithmic(Math.min(...above), most, places);
      return linear(most, places, this.unit === '');
    }

    // The first row may begin at 0, which has no logarithm.
    edges() {
      const [first, ...rest] = this.heat.edges;
      return [first > 0 ? first : rest[0] / 2, ...rest];
    }

    draw(given) {
      const width = Math.floor(given || this.box.clientWidth);
      if (width < 50) return;
      const { axis, height } = this;
      const y = this.scale(Math.max(2, Math.round(height / 50)));
      const labels = y.ticks.map((tick) => shown(tick, this.unit));
      // The same in all plots, so that their cursors stand above each other.
      const left = Math.max(width < 500 ? 52 : 66, Math.max(...labels.map((label) => label.length)) * 6.4 + 10);
      const [top, right, bottom] = [8, 14, 22];
      const [w, h] = [Math.max(10, width - left - right), height - top - bottom];
      this.x = (place) => left + (place - axis.from) / (axis.to - axis.from) * w;
      this.y = (value) => top + h - y.at(value) * h;
      const picture = svg('svg', { viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true', 'shape-rendering': this.heat ? 'crispEdges' : 'auto' });
      for (const band of axis.bands) {
        const [from, to] = [band.from, band.to].map((second) => Math.min(axis.to, Math.max(axis.from, second)));
        const wide = Math.max(2, this.x(to) - this.x(from));
        picture.append(svg('rect', { class: `band ${band.look}`, x: this.x(from), y: top, width: wide, height: h }));
      }
      for (const { at } of axis.marks) picture.append(svg('path', { class: 'mark', d: `M${Math.round(this.x(at)) + 0.5} ${top}v${h}` }));
      y.ticks.forEach((tick, n) => {
        const at = Math.round(this.y(tick)) + 0.5;
        picture.append(svg('path', { class: 'grid', d: `M${left} ${at}H${left + w}` }),
          svg('text', { x: left - 8, y: at + 4, 'text-anchor': 'end' }, labels[n]));
      });
      let free = -Infinity;
      for (const [place, label] of axis.ticks(w)) {
        const at = Math.round(this.x(place)) + 0.5;
        const half = label.length * 3.2;
        picture.append(svg('path', { class: 'axis', d: `M${at} ${top + h}v4` }));
        if (at - half < free) continue;
        const anchor = at + half > width ? 'end' : 'middle';
        picture.append(svg('text', { x: anchor === 'end' ? width : at, y: height - 4, 'text-anchor': anchor }, label));
        free = at + half + 8;
      }
      picture.append(svg('path', { class: 'axis', d: `M${left} ${top + h + 0.5}H${left + w}` }));
      if (this.heat) this.drawHeat(picture);
      this.drawBars(picture, top + h);
      for (const line of this.seen()) if (!line.bar) this.drawLine(picture, line, top + h);
      this.cursor = svg('path', { class: 'cursor', d: `M0 ${top}v${h}` });
      this.dots = new Map(this.seen().filter((line) => !line.bar && line.values).map((line) => [line, svg('circle', { class: `dotmark ${line.look.split(' ')[0]}`, r: 4 })]));
      picture.append(this.cursor, ...this.dots.values());
      this.box.replaceChildren(picture, this.tip);
      this.show(this.index);
    }

    drawLine(picture, line, base) {
      const { places, half } = this.axis;
      const parts = [];
      let part = null;
      line.values.forEach((value, n) => {
        if (value === null) { part = null; return; }
        if (!part) parts.push(part = []);
        part.push([places[n], this.y(value)]);
      });
      for (const points of parts) {
        // A value holds for its whole column.
        const [first, last] = [points[0], points[points.length - 1]];
        const whole = [[first[0] - half, first[1]], ...points, [last[0] + half, last[1]]];
        const d = `M${whole.map(([place, at]) => `${this.x(place).toFixed(1)} ${at.toFixed(1)}`).join('L')}`;
        if (line.look.includes('filled')) {
          const close = `V${base}H${this.x(first[0] - half).toFixed(1)}Z`;
          picture.append(svg('path', { class: 'area', d: d + close }));
        }
        picture.append(svg('path', { class: `line ${line.look}`, d }));
      }
    }

    drawBars(picture, base) {
      const { places, half } = this.axis;
      const below = places.map(() => 0);
      for (const line of this.seen().filter((each) => each.bar)) {
        let d = '';
        line.values.forEach((value, n) => {
          if (!value) return;
          const [from, to] = [this.x(places[n] - half), this.x(places[n] + half)];
          const gap = to - from > 4 ? 1 : 0;
          const [low, high] = [this.y(below[n]), Math.min(this.y(below[n] + value), this.y(below[n]) - 1)];
          d += `M${from.toFixed(1)} ${low.toFixed(1)}V${high.toFixed(1)}H${(to - gap).toFixed(1)}V${low.toFixed(1)}Z`;
          below[n] += value;
        });
        picture.append(svg('path', { class: `bars ${line.look}`, d: d || `M0 ${base}` }));
      }
    }

    drawHeat(picture) {
      const levels = 10;
      const paths = Array.from({ length: levels + 1 }, () => '');
      const edges = this.edges();
      const rows = edges.map((edge) => this.y(edge));
      const { places, half } = this.axis;
      this.heat.cells.forEach(([first, ...counts], n) => {
        const [from, to] = [this.x(places[n] - half), this.x(places[n] + half)];
        counts.forEach((number, k) => {
          if (!number) return;
          const level = this.heat.most > 1 ? Math.max(1, Math.round(levels * Math.log1p(number) / Math.log1p(this.heat.most))) : levels;
          const [low, high] = [rows[first + k], rows[first + k + 1]];
          paths[level] += `M${from.toFixed(1)} ${low.toFixed(1)}V${high.toFixed(1)}H${to.toFixed(1)}V${low.toFixed(1)}Z`;
        });
      });
      paths.forEach((d, level) => d && picture.append(svg('path', { class: 'cell', 'fill-opacity': (0.06 + 0.94 * (level / levels) ** 1.4).toFixed(2), d })));
    }

    listen() {
      const nearest = (event) => {
        const box = this.box.getBoundingClientRect();
        const at = event.clientX - box.left;
        const { places } = this.axis;
        let best = 0;
        for (let n = 1; n < places.length; n += 1) {
          if (Math.abs(this.x(places[n]) - at) < Math.abs(this.x(places[best]) - at)) best = n;
        }
        this.move(best, event.clientY - box.top);
      };
      this.box.addEventListener('pointermove', nearest);
      this.box.addEventListener('pointerdown', nearest);
      this.box.addEventListener('pointerleave', () => this.move(null));
      this.box.addEventListener('blur', () => this.move(null));
      this.box.addEventListener('keydown', (event) => {
        const last = this.axis.places.length - 1;
        const now = this.index ?? -1;
        const to = { ArrowRight: now + 1, ArrowUp: now + 1, ArrowLeft: now - 1, ArrowDown: now - 1, Home: 0, End: last, PageDown: now + 10, PageUp: now - 10, Escape: null }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        this.move(to === null ? null : Math.min(last, Math.max(0, to)), 20);
      });
    }

    // Moves the cursor of all plots that lie along the same axis; this one tells the values beside it.
    move(index, down) {
      for (const plot of this.group) plot.show(index, plot === this ? down : undefined);
    }

    show(index, down) {
      this.index = index;
      const on = index !== null && this.cursor;
      for (const [line, output] of this.outputs) output.textContent = on && line.values ? shown(line.values[index], this.unit) : '';
      this.tip.style.visibility = on && down !== undefined ? 'visible' : 'hidden';
      if (!this.cursor) return;
      this.cursor.style.visibility = on ? 'visible' : 'hidden';
      for (const dot of this.dots.values()) dot.style.visibility = 'hidden';
      if (!on) return;
      const place = this.axis.places[index];
      const x = this.x(place);
      this.cursor.setAttribute('transform', `translate(${Math.round(x) + 0.5} 0)`);
      for (const [line, dot] of this.dots) {
        const value = line.values[index];
        if (value === null) continue;
        dot.setAttribute('cx', x);
        dot.setAttribute('cy', this.y(value));
        dot.style.visibility = 'visible';
      }
      if (down !== undefined) this.tell(index, x, down);
    }

    tell(index, x, down) {
      const rows = this.heat ? this.cellsAt(index, down) : this.seen().map((line) => [line, line.name, shown(line.values[index], this.unit)]);
      const place = this.axis.places[index];
      const [from, to] = [place - this.axis.half, place + this.axis.half];
      const notes = [...this.axis.bands.filter((band) => band.from < to && band.to > from),
        ...this.axis.marks.filter(({ at }) => at >= from && at < to)].map(({ text }) => text);
      const label = this.axis.label(index);
      this.tip.replaceChildren(html('b', {}, label),
        ...rows.map(([line, name, value]) => html('span', {}, ...(line ? [swatch(line)] : []), name, html('i', {}, value))),
        ...[...new Set(notes)].slice(0, 4).map((note) => html('em', {}, html('span', {}, note))));
      const [wide, high] = [this.tip.offsetWidth, this.tip.offsetHeight];
      const room = this.box.clientWidth;
      const beside = x + 14 + wide <= room ? x + 14 : Math.max(0, x - 14 - wide);
      const at = Math.min(Math.max(0, down - high / 2), Math.max(0, this.height - high));
      this.tip.style.transform = `translate(${Math.round(beside)}px, ${Math.round(at)}px)`;
      this.box.setAttribute('aria-valuenow', String(index));
      this.box.setAttribute('aria-valuetext', [label, ...rows.map(([, name, value]) => `${name} ${value}`), ...notes].join('; '));
    }

    // What is under the pointer of a heat map, and what most took.
    cellsAt(index, down) {
      const [first, ...counts] = this.heat.cells[index];
      const edges = this.edges();
      const name = (row) => `${row + first || this.heat.edges[0] > 0 ? time(edges[row + first]) : '0'} to ${time(edges[row + first + 1])}`;
      if (!counts.length) return [[null, 'nothing ended', '']];
      const all = counts.reduce((sum, number) => sum + number, 0);
      const most = counts.indexOf(Math.max(...counts));
      const row = edges.findIndex((edge, n) => n + 1 < edges.length && this.y(edge) >= down && this.y(edges[n + 1]) < down) - first;
      const here = counts[row] ? [[null, name(row), count(counts[row])]] : [];
      return [...here, ...(row === most && here.length ? [] : [[null, `most: ${name(most)}`, count(counts[most])]]), [null, 'all', count(all)]];
    }
  }

  // ---- the page

  const wantsLog = (lines) => {
    const all = lines.flatMap((line) => line.values).filter((value) => value > 0);
    return all.length > 0 && Math.max(...all) / Math.min(...all) > 25;
  };
  for (const figure of document.querySelectorAll('figure[data-plot]')) {
    const name = figure.dataset.plot;
    if (name === 'heat') {
      new Plot(figure, { axis: overTime, group: 'time', lines: [], unit: 'ms', heat: data.heat, height: 260 });
    } else if (name === 'curves') {
      const looks = ['c1', 'c2', 'c3 dotted'];
      const lines = data.curves.lines.map(([title, values], n) => ({ name: title, look: looks[n], values }));
      new Plot(figure, { axis: byPercentile, group: 'curves', lines, unit: 'ms', isLog: wantsLog(lines), height: 330 });
    } else {
      const { lines, unit } = data.plots[name];
      new Plot(figure, { axis: overTime, group: 'time', lines, unit, isLog: unit === 'ms' && wantsLog(lines), height: figure.classList.contains('low') ? 150 : 240 });
    }
  }

  const button = document.getElementById('theme');
  const prefersDark = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => (root.dataset.theme || (prefersDark.matches ? 'dark' : 'light')) === 'dark';
  const name = () => { button.textContent = isDark() ? 'Light' : 'Dark'; };
  button.hidden = false;
  button.addEventListener('click', () => { root.dataset.theme = isDark() ? 'light' : 'dark'; name(); });
  prefersDark.addEventListener('change', name);
  name();

  // On paper everything is open, and as wide as the paper.
  const plots = [...groups.time, ...groups.curves];
  let opened = [];
  addEventListener('beforeprint', () => {
    opened = [...document.querySelectorAll('details:not([open])')].filter((details) => !details.closest('figure'));
    for (const details of opened) details.open = true;
    for (const plot of plots) plot.draw(680);
  });
  addEventListener('afterprint', () => {
    for (const details of opened) details.open = false;
    for (const plot of plots) plot.draw();
  });
})();
