/* Tools over the pictures, settings of heat and window under them, and the list of keys. */

import { button, make, slider, tick } from "./elements.js";

export const TOOLS = {
  move: "Move the film",
  window: "Window: brightness and contrast",
  magnify: "Magnifier",
  ruler: "Ruler",
  mark: "Mark a place",
};

const LAYOUTS = {
  side: "Film and heat",
  overlay: "Heat only",
  swipe: "Swipe",
  blink: "Blink",
};

const BARE_LAYOUTS = { overlay: "Film" };
const TILE_LAYOUTS = { grid: "All maps", swipe: "Swipe two", blink: "Blink two" };

/** Windows for those who do not drag: level and width in shares of the gray range. */
export const WINDOWS = {
  "As opened": [0.5, 1],
  "More contrast": [0.5, 0.6],
  "Dark parts": [0.25, 0.5],
  "Bright parts": [0.75, 0.5],
};

const KEYS = [
  ["Drag", "what the chosen tool does"],
  ["Right drag, or Shift and drag", "window: up is brighter, right is less contrast"],
  ["Wheel, pinch, + −", "zoom"],
  ["Double click, R", "back to the start"],
  ["Arrows", "move the film, or what the tool moves"],
  ["Shift and arrows", "window"],
  ["M  W  G  L", "move, window, magnifying glass, ruler"],
  ["Enter, Esc", "set a point of the ruler, take it away"],
  ["X, Space", "mark a place, where a page asks for one"],
  ["I", "invert"],
  ["T  F", "turn by 90 degrees, flip"],
  ["H", "hide the heat while held"],
  ["V", "next way to show film and heat"],
  ["J  K", "next and previous finding"],
  ["?", "this list"],
];

/** All controls; `viewer` holds what they show and does what they ask. */
export class Controls {
  constructor(viewer) {
    this.viewer = viewer;
    this.tools = {};
    this.help = this.makeHelp();
    this.toolbar = this.makeToolbar();
    this.readout = make("p", { class: "readout" });
    this.settings = this.makeSettings();
  }

  makeToolbar() {
    const { viewer } = this;
    const tools = make("div", { class: "tools", role: "group", "aria-label": "What dragging does" });
    for (const [name, words] of Object.entries(TOOLS)) {
      this.tools[name] = button(words, name, () => viewer.setTool(name), { "aria-pressed": "false" });
      tools.append(this.tools[name]);
    }
    this.invert = button("Invert (I)", "invert", () => viewer.invert(), { "aria-pressed": "false" });
    this.zoom = make("span", { class: "zoom", title: "Zoom" });
    const acts = make(
      "div",
      { class: "tools", role: "group", "aria-label": "The film" },
      this.invert,
      button("Turn to the right (T)", "rotate", () => viewer.turn()),
      button("Flip (F)", "flip", () => viewer.flip()),
      button("Zoom out (−)", "minus", () => viewer.zoomBy(1 / 1.25), { class: "tool zooming" }),
      this.zoom,
      button("Zoom in (+)", "plus", () => viewer.zoomBy(1.25), { class: "tool zooming" }),
      button("Back to the start (R)", "reset", () => viewer.reset()),
    );
    this.save = button("Save", "save", () => this.askSave(), { "aria-expanded": "false" });
    this.saves = make("div", { class: "menu", role: "group", "aria-label": "Save as", hidden: true });
    this.layout = make("select", {
      "aria-label": "How film and heat are shown",
      change: () => viewer.setLayout(this.layout.value),
    });
    this.pair = ["First", "Second"].map((name, number) =>
      make("select", {
        "aria-label": `${name} picture`,
        hidden: true,
        change: (event) => viewer.setPair(number, event.target.value),
      }),
    );
    const end = make(
      "div",
      { class: "tools end" },
      this.layout,
      ...this.pair,
      make("div", { class: "saving" }, this.save, this.saves),
      button("Keys (?)", "?", () => this.showHelp(), { "aria-haspopup": "dialog" }),
    );
    return make("div", { class: "toolbar" }, tools, acts, end);
  }

  makeSettings() {
    const { viewer } = this;
    this.opacity = slider("Heat", 0, 100, (value) => viewer.setStyle({ opacity: value }), {
      "aria-label": "Opacity of the heat",
    });
    this.threshold = slider("From", 0, 95, (value) => viewer.setStyle({ threshold: value }), {
      "aria-label": "Show heat from",
      class: "ramp",
    });
    this.colormap = make("select", {
      "aria-label": "Color map",
      change: () => viewer.setStyle({ colormap: this.colormap.value }),
    });
    this.contour = tick("Line", (on) => viewer.setStyle({ contour: on }), {
      "aria-label": "Line around the heat that is shown",
    });
    this.boxes = tick("Boxes", (on) => viewer.setStyle({ boxes: on }), {
      "aria-label": "Boxes of the model",
    });
    this.truth = tick("Truth", (on) => viewer.setStyle({ truth: on }), {
      "aria-label": "Boxes that people drew",
    });
    this.heat = make(
      "div",
      { class: "line", role: "group", "aria-label": "Heat" },
      this.opacity.element,
      this.threshold.element,
      this.colormap,
      this.contour.element,
      this.boxes.element,
      this.truth.element,
    );
    this.level = slider("Level", -50, 150, (value) => viewer.setWindow(value, null), {
      "aria-label": "Window level",
    });
    this.width = slider("Width", 2, 200, (value) => viewer.setWindow(null, value), {
      "aria-label": "Window width",
    });
    this.windows = make("select", {
      "aria-label": "Window",
      change: () => {
        const chosen = WINDOWS[this.windows.value];
        if (chosen) viewer.setWindow(...chosen);
      },
    });
    const options = [...Object.keys(WINDOWS), "By hand"];
    this.windows.append(...options.map((one) => make("option", { value: one }, one)));
    const gray = make(
      "div",
      { class: "line", role: "group", "aria-label": "Window" },
      this.level.element,
      this.width.element,
      this.windows,
    );
    return make("div", { class: "settings" }, this.heat, gray);
  }

  makeHelp() {
    const rows = KEYS.map(([keys, words]) =>
      make("tr", {}, make("th", { scope: "row" }, keys), make("td", {}, words)),
    );
    const close = make("button", { type: "button", class: "wide", click: () => dialog.close() }, "Close");
    const dialog = make(
      "dialog",
      { class: "help", "aria-label": "Mouse, touch and keys" },
      make("table", {}, make("tbody", {}, ...rows)),
      close,
    );
    return dialog;
  }

  showHelp() {
    if (!this.help.open) this.help.showModal();
  }

  /** Kinds of files that can be saved, as kind -> words. */
  setSaves(saves) {
    this.kinds = Object.keys(saves);
    this.save.hidden = !this.kinds.length;
    this.saves.replaceChildren(
      ...Object.entries(saves).map(([kind, words]) =>
        make("button", { type: "button", click: () => this.saveAs(kind) }, words),
      ),
    );
  }

  askSave() {
    if (this.kinds.length === 1) this.saveAs(this.kinds[0]);
    else this.openSaves(this.saves.hidden);
  }

  openSaves(open) {
    this.saves.hidden = !open;
    this.save.setAttribute("aria-expanded", open);
    if (open) this.saves.firstElementChild.focus();
  }

  saveAs(kind) {
    this.openSaves(false);
    this.viewer.save(kind);
  }

  setColormaps(names, usual) {
    const words = (name) => (name === usual ? name : ["turbo", "jet"].includes(name) ? `${name} (bands)` : name);
    this.colormap.replaceChildren(
      ...names.map((name) => make("option", { value: name }, words(name))),
    );
  }

  /** Ways to show what there is; `choices` are the pictures that can take turns, as [id, name]. */
  setLayouts(tiles, choices, bare = false) {
    const layouts = bare ? BARE_LAYOUTS : tiles ? TILE_LAYOUTS : LAYOUTS;
    this.layout.hidden = bare;
    this.layout.replaceChildren(
      ...Object.entries(layouts).map(([value, words]) => make("option", { value }, words)),
    );
    for (const one of this.pair) {
      one.replaceChildren(...choices.map(([value, words]) => make("option", { value }, words)));
    }
    return Object.keys(layouts);
  }

  /** Show the state as it is. */
  show(state) {
    const { style, film } = state;
    for (const [name, one] of Object.entries(this.tools)) {
      one.setAttribute("aria-pressed", name === style.tool);
    }
    this.invert.setAttribute("aria-pressed", film.inverted);
    this.zoom.textContent = `${Math.round(100 * film.view.zoom)} %`;
    this.layout.value = state.layout;
    this.pair.forEach((one, number) => {
      one.hidden = !state.pair;
      if (state.pair) one.value = state.pair[number];
    });
    this.opacity.set(style.opacity);
    this.threshold.set(style.threshold);
    this.colormap.value = style.colormap;
    this.contour.input.checked = style.contour;
    this.boxes.input.checked = style.boxes;
    this.truth.input.checked = style.truth;
    this.level.set(film.level);
    this.width.set(film.width);
    const known = Object.entries(WINDOWS).find(
      ([, [level, width]]) => level === film.level && width === film.width,
    );
    this.windows.value = known ? known[0] : "By hand";
  }
}
