/* The viewer: what is shown, what is kept, what the server is asked, and when it is painted. */

import { bytesOf } from "./tables.js";
import { held, matrixOf, moved, startView, toFilm, toPane, turned, zoomedAt } from "./geometry.js";
import { readFilm, readStyle, writeFilm, writeStyle } from "./store.js";
import { fetched, inflated } from "./data.js";
import { Painter } from "./painter.js";
import { make, percent } from "./elements.js";
import { answered, Findings } from "./findings.js";
import { Controls } from "./controls.js";
import { Gestures } from "./gestures.js";

const FILM = "film"; // the picture without heat, among those that can be chosen
const SETTLED = 140; // milliseconds without a move until what is zoomed in on is made sharp
const BLINK = 800; // milliseconds a picture: slow enough to be safe for those whom flashes harm
const WIDE = 880; // pixels from which on the findings have room beside the pictures
const NARROW = 560; // pixels below which two pictures beside each other are too small
const LEAST_HEIGHT = 240;
const colors = Object.fromEntries(
  Object.entries(COLOR_TABLES).map(([name, hex]) => [name, bytesOf(hex)]),
);
const viewers = new WeakMap();

/** Streamlit calls this with each new view. */
export default function (component) {
  const { parentElement } = component;
  let viewer = viewers.get(parentElement);
  if (!viewer) {
    viewer = new Viewer(parentElement);
    viewers.set(parentElement, viewer);
  }
  viewer.update(component);
  return () =>
    setTimeout(() => {
      // the cleanup of a call that was overtaken by the next one must not end the viewer
      if ((parentElement.host ?? parentElement).isConnected) return;
      viewer.end();
      viewers.delete(parentElement);
    });
}

class Viewer {
  constructor(parent) {
    this.painter = new Painter();
    this.style = readStyle(Object.keys(colors));
    this.film = { level: 0.5, width: 1, inverted: false, view: startView() };
    this.data = null;
    this.chosen = null;
    this.layout = "";
    this.pair = null;
    this.panes = [];
    this.hidden = false;
    this.turnOf = 0; // of two pictures that take turns
    this.cursor = null; // point of the film
    this.lens = false;
    this.ruler = null;
    this.mark = null; // where the visitor suspects something, as [x, y, width, height] in shares
    this.split = 0.5;
    this.dirty = { pictures: true, top: true };
    this.frames = 0; // painted so far
    this.controls = new Controls(this);
    this.controls.setColormaps(Object.keys(colors), Object.keys(colors)[0]);
    this.findings = new Findings({
      select: (id) => this.select(id),
      follow: (id) => this.send("follow", id),
    });
    this.stage = make("div", {
      class: "stage",
      tabindex: "0",
      role: "group",
      "aria-label": "Pictures. Press the question mark for the keys.",
    });
    this.status = make("p", { class: "unseen", role: "status", "aria-live": "polite" });
    this.problem = make("p", { class: "problem", role: "alert", hidden: true });
    const main = make(
      "div",
      { class: "main" },
      this.controls.toolbar,
      this.problem,
      this.stage,
      this.controls.readout,
      this.controls.settings,
    );
    this.root = make("div", { class: "viewer" }, main, this.findings.element, this.status, this.controls.help);
    parent.append(this.root);
    this.root.viewer = this; // for who looks into the page
    this.gestures = new Gestures(this);
    this.observer = new ResizeObserver(() => this.arrange());
    this.observer.observe(this.root);
    this.onResize = () => this.arrange();
    window.addEventListener("resize", this.onResize);
  }

  end() {
    this.gestures.end();
    this.observer.disconnect();
    window.removeEventListener("resize", this.onResize);
    clearInterval(this.timer);
  }

  /** Take a new view from the server. */
  async update({ data, setTriggerValue }) {
    this.send = setTriggerValue; // each is told, also when it was asked for before
    if (!data) return;
    const number = (this.number = (this.number ?? 0) + 1);
    try {
      const [gray, ...values] = await Promise.all([
        fetched(data.urls[data.film.blob]),
        ...data.sprites.map((one) => fetched(data.urls[one.blob])),
      ]);
      if (number !== this.number) return; // the next view is here already
      this.take(data, gray, values);
      this.problem.hidden = true;
    } catch (error) {
      if (number !== this.number) return;
      this.problem.textContent = `The picture did not come through. ${error.message} Reload the page.`;
      this.problem.hidden = false;
    }
  }

  take(data, gray, values) {
    const before = this.data;
    this.data = data;
    const { film } = data;
    const maps = new Map();
    data.sprites.forEach((sprite, number) => {
      const { rows, columns, box } = sprite;
      const size = rows * columns;
      sprite.ids.forEach((id, k) =>
        maps.set(id, {
          values: new Uint8Array(values[number], k * size, size),
          rows,
          columns,
          box,
          scale: sprite.scales[k],
        }),
      );
    });
    const anew = before?.film.key !== film.key;
    if (anew) {
      const kept = readFilm(film.key);
      this.film = { level: 0.5, width: 1, inverted: false, view: startView(), ...kept };
      this.ruler = this.cursor = null;
      this.painter.setFilm(film, new Uint16Array(gray));
    }
    this.takeMarking(data, anew);
    this.painter.setMaps(maps);
    if (data.full && this.fullUrl !== data.full.url) this.takeFull(data.full);
    const known = (id) => maps.has(id) || data.findings.some((one) => one.id === id);
    if (anew && known(this.film.selected)) this.chosen = this.film.selected;
    else if (anew || data.selected !== before.selected || !known(this.chosen)) {
      this.chosen = data.selected ?? data.sprites[0]?.ids[0] ?? null;
    }
    this.findings.set(data);
    // nothing to lay over the film, and nothing to come: it stands alone
    const bare = !data.tiles.length && !maps.size && !data.findings.length && !data.message;
    const layouts = this.controls.setLayouts(data.tiles.length > 0, this.choices(), bare);
    this.layouts = layouts;
    if (bare !== this.bare || !layouts.includes(this.layout)) {
      this.bare = bare;
      const kept = layouts.includes(this.style.layout) ? this.style.layout : layouts[0];
      const narrow = this.root.clientWidth && this.root.clientWidth < NARROW;
      this.layout = narrow && kept === "side" ? "overlay" : kept;
    }
    this.controls.setSaves(data.saves);
    this.controls.boxes.element.hidden = !data.boxes.some((one) => one.kind === "model");
    this.controls.truth.element.hidden = !data.boxes.some((one) => one.kind === "truth");
    this.controls.heat.hidden = !maps.size && !data.findings.length;
    this.applyWindow();
    this.applyStyle();
    this.build();
    this.choose(this.chosen, false);
    this.download(data.saved);
  }

  /** A page that asks for a place begins with the tool for it; others do not have it. */
  takeMarking(data, anew) {
    this.controls.tools.mark.hidden = !data.marking;
    this.root.classList.toggle("marking", data.marking);
    if (!this.marking) this.mark = data.mark;
    if (data.marking && (anew || !this.wasMarking)) this.setTool("mark");
    else if (!data.marking && this.style.tool === "mark") this.setTool("move");
    this.wasMarking = data.marking;
  }

  async takeFull(full) {
    this.fullUrl = full.url;
    try {
      const gray = new Uint16Array(await inflated(await fetched(full.url)));
      if (this.fullUrl !== full.url) return;
      this.painter.setFull(gray, full.rows, full.columns);
      this.settle();
    } catch {
      this.fullUrl = null; // screen size has to do
    }
  }

  /** Pictures that can be chosen where two take turns, as [id, name]. */
  choices() {
    const names = this.data.tiles.map((one) => [one.id, one.lines.join(", ")]);
    return [[FILM, "Film"], ...names];
  }

  nameOf(id) {
    const finding = this.data.findings.find((one) => one.id === id);
    if (finding) return `${finding.name}, ${percent(finding.probability)}`;
    const tile = this.data.tiles.find((one) => one.id === id);
    return tile ? tile.lines.join(", ") : (this.data.names[id] ?? "");
  }

  /** What stands on a picture. */
  captionOf(id) {
    if (!id || id === FILM) return "Film";
    const tile = this.data.tiles.find((one) => one.id === id);
    const finding = this.data.findings.find((one) => one.id === id);
    return tile ? tile.lines.join(", ") : (this.data.names[id] ?? finding?.name ?? "");
  }

  /** What a picture shows, in words. */
  wordsOf(id) {
    if (!id || id === FILM) return this.data.title;
    const where = this.data.where[id];
    const finding = this.data.findings.find((one) => one.id === id);
    const sure = finding ? `, ${percent(finding.probability)}` : "";
    return `${this.data.title}, heat over it: ${this.captionOf(id)}${sure}. ${where ?? ""} ${this.data.hottest[id] ?? ""}`.trim();
  }

  // ---- what visitors do

  select(id) {
    if (!this.data) return;
    this.choose(id, true);
    this.keepFilm();
  }

  choose(id, tell) {
    this.chosen = id;
    this.findings.select(id);
    const there = this.painter.maps.has(id);
    const finding = this.data.findings.find((one) => one.id === id);
    // where the page knows what is asked for and sends no map, its message says why
    this.waiting = !there && finding?.mapped && this.data.selected !== id;
    if (!this.waiting) this.asked = null;
    else if (this.asked !== id) {
      this.asked = id;
      this.send("selected", id);
    }
    this.mention();
    if (tell) {
      const called = finding && `, ${answered(finding)}. `;
      const where = this.data.where[id] ?? "";
      this.say(`${this.nameOf(id)}${called ?? ". "}${there ? where : this.waiting ? "The map is asked for." : this.data.message}`);
    }
    this.paint();
  }

  nextFinding(step) {
    const ids = this.data?.findings.map((one) => one.id) ?? [];
    if (!ids.length) return;
    const at = ids.indexOf(this.chosen);
    this.select(ids[Math.min(ids.length - 1, Math.max(0, at + step))]);
  }

  setStyle(change) {
    Object.assign(this.style, change);
    this.applyStyle();
    this.keepStyle();
    this.paint();
  }

  applyStyle() {
    const { style } = this;
    this.painter.setStyle(style, colors[style.colormap]);
    if (this.rampOf !== style.colormap) {
      this.rampOf = style.colormap;
      const steps = [...Array(17).keys()].map((k) => {
        const at = 3 * Math.round((k * 255) / 16);
        return `rgb(${[...colors[style.colormap].subarray(at, at + 3)]})`;
      });
      this.root.style.setProperty("--ramp", `linear-gradient(90deg, ${steps})`);
    }
  }

  setTool(tool) {
    this.style.tool = tool;
    this.lens = false;
    if (["magnify", "ruler"].includes(tool) && !this.cursor && this.data) {
      this.cursor = [this.film.view.x * this.data.film.width, this.film.view.y * this.data.film.height];
      this.lens = tool === "magnify";
    }
    this.stage.dataset.tool = tool;
    if (tool !== "mark") this.keepStyle(); // no other page has it
    this.paintTop();
  }

  setLayout(layout) {
    this.layout = layout;
    this.style.layout = layout;
    this.keepStyle();
    this.build();
  }

  nextLayout() {
    const at = this.layouts.indexOf(this.layout);
    this.setLayout(this.layouts[(at + 1) % this.layouts.length]);
  }

  setPair(number, id) {
    this.pair[number] = id;
    this.mention();
    this.paint();
  }

  setWindow(level, width) {
    if (level !== null) this.film.level = level;
    if (width !== null) this.film.width = width;
    this.applyWindow();
    this.keepFilm();
    this.paint();
  }

  applyWindow() {
    const { level, width, inverted } = this.film;
    this.painter.setWindow(level, width, inverted);
  }

  /** Window by drag: up is brighter, right is less contrast. */
  dragWindow(dx, dy) {
    const bounded = (value, low, high) => Math.round(1000 * Math.min(high, Math.max(low, value))) / 1000;
    const speed = this.film.width / 300;
    this.setWindow(
      bounded(this.film.level + dy * speed, -0.5, 1.5),
      bounded(this.film.width + dx * speed, 0.02, 2),
    );
  }

  invert() {
    this.film.inverted = !this.film.inverted;
    this.applyWindow();
    this.keepFilm();
    this.say(this.film.inverted ? "Inverted." : "Not inverted.");
    this.paint();
  }

  hide(hidden) {
    if (this.hidden === hidden) return;
    this.hidden = hidden;
    this.paint();
  }

  zoomBy(factor, x, y) {
    const pane = this.pane;
    if (!pane) return;
    const [px, py] = x === undefined ? [pane.width / 2, pane.height / 2] : [x, y];
    this.setView(zoomedAt(this.film.view, this.data.film, pane, px, py, factor));
  }

  push(dx, dy) {
    if (this.pane) this.setView(moved(this.film.view, this.data.film, this.pane, dx, dy));
  }

  setView(view) {
    this.film.view = view;
    this.keepFilm();
    this.paint();
    this.settleSoon();
  }

  turn() {
    this.film.view = turned(this.film.view, this.data.film, this.pane);
    this.keepFilm();
    this.arrange();
    this.settleSoon();
  }

  flip() {
    this.film.view.flip = !this.film.view.flip;
    this.setView(this.film.view);
  }

  reset() {
    Object.assign(this.film, { level: 0.5, width: 1, inverted: false, view: startView() });
    this.ruler = null;
    this.applyWindow();
    this.keepFilm();
    this.say("Back to the start.");
    this.arrange();
    this.settleSoon();
  }

  clear() {
    this.controls.openSaves(false);
    this.ruler = null;
    this.cursor = null;
    this.lens = false;
    this.paintTop();
  }

  hover(at, lens = false) {
    if (!this.data) return;
    this.cursor = at && this.filmPoint(at);
    this.lens = Boolean(at) && lens;
    this.paintTop();
    this.read();
  }

  moveCursor(dx, dy) {
    const { width, height } = this.data.film;
    const [x, y] = this.cursor ?? [width / 2, height / 2];
    const step = Math.max(1, Math.max(width, height) / 100 / this.film.view.zoom);
    this.cursor = [
      Math.min(width - 1, Math.max(0, x + dx * step)),
      Math.min(height - 1, Math.max(0, y + dy * step)),
    ];
    this.lens = this.style.tool === "magnify";
    if (this.ruler?.open) this.measureTo(this.cursor);
    this.paintTop();
    clearTimeout(this.told);
    this.told = setTimeout(() => this.say(this.read()), 400);
    this.read();
  }

  /** Set an end of the ruler where the cursor stands. */
  setPoint() {
    if (!this.cursor) return;
    if (this.ruler?.open) {
      this.ruler.open = false;
      this.say(this.ruler.words);
    } else {
      this.ruler = { from: this.cursor, to: this.cursor, words: "", open: true };
      this.measureTo(this.cursor);
    }
    this.paintTop();
  }

  /** Measure by drag: from a point, then to another. */
  measure(from, to) {
    if (from) {
      const point = this.filmPoint(from);
      this.ruler = { from: point, to: point, words: "", open: false };
    }
    if (this.ruler) this.measureTo(to ? this.filmPoint(to) : this.ruler.to);
    this.paintTop();
  }

  measureTo(point) {
    this.ruler.to = point;
    this.ruler.words = this.painter.lengthOf(this.ruler.from, point);
  }

  /** Mark a place: a click is a point, a drag a box. */
  markFrom(at) {
    this.before = this.mark;
    this.marking = this.filmPoint(at);
    this.markTo(at);
  }

  markTo(at) {
    if (!this.marking) return;
    const { width, height } = this.data.film;
    const share = ([x, y]) => [x / width, y / height].map((one) => Math.min(1, Math.max(0, one)));
    const [[ax, ay], [bx, by]] = [share(this.marking), share(this.filmPoint(at))];
    const size = [Math.abs(bx - ax), Math.abs(by - ay)];
    const box = Math.min(...size) > 0.012; // less is a click with an unsteady hand
    this.mark = box ? [Math.min(ax, bx), Math.min(ay, by), ...size] : [ax, ay, 0, 0];
    this.paintTop();
  }

  markEnd() {
    this.marking = null;
    if (!this.mark) return;
    this.say("The place is marked.");
    this.send("mark", this.mark);
  }

  /** A second finger came: it was no mark. */
  markCancel() {
    this.mark = this.before;
    this.marking = null;
  }

  markCursor() {
    if (!this.cursor) return;
    const { width, height } = this.data.film;
    this.mark = [this.cursor[0] / width, this.cursor[1] / height, 0, 0];
    this.paintTop();
    this.markEnd();
  }

  filmPoint({ pane, x, y }) {
    return toFilm(matrixOf(this.film.view, this.data.film, pane), x, y);
  }

  save(kind) {
    const { opacity, threshold, colormap, contour, boxes } = this.style;
    this.saving = Date.now();
    this.say("The file is being made.");
    this.send("save", {
      kind,
      id: this.shownId(),
      number: this.saving,
      opacity,
      threshold,
      colormap,
      contour,
      boxes,
    });
  }

  download(saved) {
    if (!saved || saved.number !== this.saving) return;
    this.saving = null;
    const link = make("a", { href: new URL(saved.url, document.baseURI), download: saved.name });
    this.root.append(link);
    link.click();
    link.remove();
  }

  // ---- what is kept and told

  keepStyle() {
    writeStyle(this.style);
  }

  keepFilm() {
    clearTimeout(this.keeping);
    const key = this.data?.film.key;
    this.keeping = setTimeout(() => {
      writeFilm(key, { ...this.film, selected: this.chosen });
    }, 150);
  }

  say(words) {
    this.status.textContent = words;
  }

  /** Position, gray and heat under the cursor. */
  read() {
    const { readout } = this.controls;
    const id = this.data.tiles.length ? null : this.shownId();
    const found = this.cursor && this.painter.valuesAt(...this.cursor, id);
    for (const pane of this.panes) {
      if (!pane.number) continue;
      const heat = found && pane.id && this.painter.valuesAt(...this.cursor, pane.id)?.heat;
      pane.number.textContent = typeof heat === "number" ? `heat ${Math.round(100 * heat)} %` : "";
    }
    if (!found) {
      readout.textContent = this.painter.film ? "Point at the picture to read it." : "";
      return "";
    }
    const [x, y] = this.cursor.map((one) => Math.floor(one));
    const parts = [`x ${x}, y ${y} px`, `gray ${Math.round(100 * found.gray)} %`];
    if (found.heat !== null) parts.push(`heat ${Math.round(100 * found.heat)} %`);
    readout.textContent = parts.join(" · ");
    return parts.join(", ");
  }

  // ---- panes

  shownId() {
    return this.painter.maps.has(this.chosen) ? this.chosen : null;
  }

  get pane() {
    return this.panes[0];
  }

  paneOf(element) {
    const found = element.closest?.(".pane");
    return this.panes.find((one) => one.element === found);
  }

  /** Make the panes of the layout. */
  build() {
    const { tiles } = this.data;
    const two = this.layout === "swipe" || this.layout === "blink";
    if (tiles.length && two) {
      const ids = this.choices().map(([id]) => id);
      const fits = this.pair?.every((id) => ids.includes(id));
      if (!fits) this.pair = [ids[Math.min(1, ids.length - 2)] ?? FILM, ids[ids.length - 1]];
    } else {
      this.pair = null;
    }
    const kinds = {
      side: [FILM, "chosen"],
      overlay: ["chosen"],
      swipe: ["pair"],
      blink: ["pair"],
      grid: [FILM, ...tiles.map((one) => one.id)],
    }[this.layout];
    const wanted = `${this.layout} ${kinds.join("|")} ${JSON.stringify(tiles)}`;
    if (wanted !== this.built) {
      this.built = wanted;
      this.panes = kinds.map((kind) => this.makePane(kind, this.layout === "grid"));
      this.stage.replaceChildren(...this.panes.map((one) => one.cell));
    }
    this.stage.dataset.layout = this.layout;
    this.stage.dataset.tool = this.style.tool;
    clearInterval(this.timer);
    if (this.layout === "blink") {
      this.timer = setInterval(() => {
        this.turnOf = 1 - this.turnOf;
        this.mention();
        this.paint();
      }, BLINK);
    }
    this.mention();
    this.arrange();
  }

  makePane(kind, titled) {
    const base = make("canvas", { role: "img" });
    const top = make("canvas", { class: "top", "aria-hidden": "true" });
    const words = make("p", { class: "words" });
    const name = make("p", { class: "name", "aria-hidden": "true" });
    const element = make("div", { class: "pane" }, base, top, name, words);
    const pane = { kind, element, base, top, name, words, width: 0, height: 0, id: null };
    pane.context = base.getContext("2d", { alpha: false });
    pane.topContext = top.getContext("2d");
    if (kind === "pair" && this.layout === "swipe") {
      pane.handle = this.makeHandle();
      element.append(pane.handle);
    }
    pane.cell = make("figure", { class: "cell" }, element);
    if (titled) {
      const tile = this.data.tiles.find((one) => one.id === kind);
      const [first, ...others] = tile ? tile.lines : ["Film"];
      pane.number = make("span", { class: "value" });
      const lines = others.map((one) => make("span", {}, one));
      pane.cell.append(make("figcaption", {}, make("b", {}, first), ...lines, pane.number));
    }
    return pane;
  }

  /** The handle between two pictures, by drag or by arrows. */
  makeHandle() {
    const handle = make("div", {
      class: "handle",
      role: "slider",
      tabindex: "0",
      "aria-label": "Border between the two pictures",
      "aria-valuemin": "0",
      "aria-valuemax": "100",
      pointerdown: (event) => handle.setPointerCapture(event.pointerId),
      pointermove: (event) => {
        if (!handle.hasPointerCapture(event.pointerId)) return;
        const frame = handle.parentElement.getBoundingClientRect();
        this.setSplit((event.clientX - frame.left) / frame.width);
      },
      keydown: (event) => {
        const step = { ArrowLeft: -0.05, ArrowRight: 0.05, Home: -1, End: 1 }[event.key];
        if (!step) return;
        event.preventDefault();
        event.stopPropagation();
        this.setSplit(this.split + step);
      },
    });
    return handle;
  }

  setSplit(split) {
    this.split = Math.min(1, Math.max(0, split));
    this.paint();
  }

  /** Which picture a pane shows: the id of a map, or null for the film. */
  idsOf(pane) {
    const shown = (id) => (id === FILM || this.hidden || !this.painter.maps.has(id) ? null : id);
    if (pane.kind === "pair") {
      const pair = this.pair ?? [FILM, this.chosen];
      return pair.map(shown);
    }
    return [shown(pane.kind === "chosen" ? this.chosen : pane.kind)];
  }

  /** Say what each picture shows. */
  mention() {
    if (!this.data) return;
    const there = this.painter.maps.has(this.chosen);
    for (const pane of this.panes) {
      const named =
        pane.kind === "pair"
          ? (this.pair ?? [FILM, this.chosen])
          : [pane.kind === "chosen" ? this.chosen : pane.kind];
      const label =
        pane.kind === "pair"
          ? `${this.wordsOf(named[0])} In turns with: ${this.wordsOf(named[1])}`
          : this.wordsOf(named[0]);
      pane.base.setAttribute("aria-label", label);
      const seen = named[pane.kind === "pair" && this.layout === "blink" ? this.turnOf : named.length - 1];
      pane.name.textContent = this.layout === "grid" ? "" : this.captionOf(seen);
      pane.name.hidden = !pane.name.textContent;
      const heat = pane.kind === "chosen" || (pane.kind === "pair" && !this.pair);
      const lacking = heat && !there;
      pane.words.textContent = !lacking
        ? ""
        : this.waiting
          ? "The model is asked …"
          : this.data.message;
      pane.words.hidden = !pane.words.textContent;
    }
  }

  /** Give the panes their size: as large as the screen allows, without scrolling. */
  arrange() {
    if (!this.data || !this.painter.film) return;
    const room = this.root.clientWidth;
    if (!room) return;
    this.root.classList.toggle("beside", room >= WIDE && this.data.findings.length > 0);
    this.root.classList.toggle("narrow", room < NARROW);
    const gap = 6;
    const inside = this.stage.clientWidth;
    const count = this.panes.length;
    const most = room < NARROW ? 2 : 5;
    const rows = this.layout === "grid" ? Math.ceil(count / most) : 1;
    const columns = Math.ceil(count / rows);
    const width = Math.floor((inside - gap * (columns - 1)) / columns);
    const ratio = this.painter.ratio(this.film.view);
    const height = Math.round(Math.min(width / ratio, this.roomDown(room)));
    this.stage.style.setProperty("--columns", columns);
    let view = this.film.view;
    for (const pane of this.panes) {
      pane.element.style.height = `${height}px`;
      pane.width = width;
      pane.height = height;
      for (const canvas of [pane.base, pane.top]) {
        const size = [width, height].map((one) => Math.round(one * this.painter.density));
        if (canvas.width !== size[0]) canvas.width = size[0];
        if (canvas.height !== size[1]) canvas.height = size[1];
      }
      view = held(view, this.data.film, pane);
    }
    this.film.view = view;
    const beside = this.root.classList.contains("beside");
    const main = this.root.querySelector(".main");
    this.findings.element.style.maxHeight = beside ? `${main.offsetHeight}px` : "";
    this.findings.bringIntoView(this.chosen);
    this.paint();
    this.settleSoon();
  }

  /** Height that is left on the screen for the pictures. */
  roomDown(room) {
    const screen = window.innerHeight;
    if (room < NARROW) return screen * 0.7;
    if (this.layout === "grid") return screen * 0.8;
    const scrolled = document.querySelector('[data-testid="stMain"]')?.scrollTop ?? window.scrollY;
    const top = this.stage.getBoundingClientRect().top + scrolled;
    const below = this.controls.readout.offsetHeight + this.controls.settings.offsetHeight + 16;
    return Math.max(LEAST_HEIGHT, screen - Math.min(top, screen / 2) - below);
  }

  // ---- painting, once a frame at most

  paint() {
    this.dirty.pictures = true;
    this.paintTop();
  }

  paintTop() {
    this.dirty.top = true;
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.paintNow();
    });
  }

  paintNow() {
    if (!this.data || !this.pane?.width) return;
    const { view } = this.film;
    for (const pane of this.panes) {
      const ids = this.idsOf(pane);
      if (this.dirty.pictures) this.paintPane(pane, ids, view);
      pane.id = ids[ids.length - 1];
      this.painter.paintTop(pane.topContext, view, pane, this.marksOf(pane));
    }
    if (this.dirty.pictures) {
      this.controls.show(this);
      this.stage.classList.toggle("zoomed", view.zoom > 1);
    } else {
      this.controls.show(this);
    }
    this.dirty = { pictures: false, top: false };
    this.frames++;
  }

  paintPane(pane, ids, view) {
    if (ids.length === 1) {
      this.painter.paint(pane.context, view, pane, ids[0]);
    } else if (this.layout === "blink") {
      this.painter.paint(pane.context, view, pane, ids[this.turnOf]);
    } else {
      const { context } = pane;
      const border = Math.round(this.split * pane.base.width);
      this.painter.paint(context, view, pane, ids[0]);
      context.save();
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.beginPath();
      context.rect(border, 0, pane.base.width - border, pane.base.height);
      context.clip();
      this.painter.paint(context, view, pane, ids[1]);
      context.restore();
      pane.handle.style.left = `${100 * this.split}%`;
      pane.handle.setAttribute("aria-valuenow", Math.round(100 * this.split));
    }
  }

  /** Which picture the magnifier sees: where two are swiped, the one on its side. */
  underLens(pane) {
    if (!pane.handle || !this.lens || !this.cursor) return pane.id;
    const [x] = toPane(matrixOf(this.film.view, this.data.film, pane), ...this.cursor);
    return x < this.split * pane.width ? this.idsOf(pane)[0] : pane.id;
  }

  marksOf(pane) {
    const { boxes, truth } = this.style;
    const named = pane.kind !== FILM || this.layout === "grid";
    const id = pane.kind === FILM ? this.chosen : pane.id;
    const shown = this.hidden
      ? []
      : this.data.boxes.filter(
          (one) => (one.kind === "truth" ? truth : boxes) && (!one.map || one.map === id),
        );
    return {
      boxes: named ? shown : shown.map((one) => ({ ...one, words: "" })),
      cross: this.cursor && !this.lens ? this.cursor : null,
      lens: this.lens ? this.cursor : null,
      ruler: this.ruler,
      mark: this.mark,
      id: this.underLens(pane),
    };
  }

  /** Make the other maps ready while nothing else is to be done: a click shows them at once. */
  prepareOthers() {
    const idle =
      window.requestIdleCallback ?? ((act) => setTimeout(() => act({ timeRemaining: () => 5 }), 50));
    const ids = this.data.tiles.length ? [] : [...this.painter.maps.keys()].slice(0, 15);
    const sheet = this.painter.whole;
    const next = (deadline) => {
      while (ids.length && sheet === this.painter.whole && deadline.timeRemaining() > 4) {
        sheet?.prepare(ids.pop());
      }
      if (ids.length && sheet && sheet === this.painter.whole) this.preparing = idle(next);
    };
    window.cancelIdleCallback?.(this.preparing);
    this.preparing = idle(next);
  }

  settleSoon() {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.settle(), SETTLED);
  }

  /** Make what is zoomed in on sharp, and ask for more where the screen can show it. */
  settle() {
    if (!this.data || !this.pane?.width) return;
    if (this.painter.refine(this.film.view, this.pane)) this.paint();
    this.prepareOthers();
    const { key } = this.data.film;
    if (this.data.sharp && !this.data.full && this.sharpOf !== key) {
      if (this.painter.wantsMore(this.film.view, this.pane)) {
        this.sharpOf = key;
        this.send("sharp", key);
      }
    }
  }
}
