/* What is kept in this tab: the style of the heat for all films, window and view of each film. */

const PREFIX = "radlens viewer ";

export const STYLE = {
  opacity: 0.5,
  threshold: 0.3,
  colormap: "inferno",
  contour: true,
  boxes: false,
  truth: true,
  layout: "",
  tool: "move",
};

function kept(name) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + name)) || {};
  } catch {
    return {}; // nothing is kept where the browser allows nothing
  }
}

function keep(name, value) {
  try {
    sessionStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // as above
  }
}

/** The style: as it was left in this tab, but as the link says where it says something. */
export function readStyle(colormaps) {
  const style = { ...STYLE, ...kept("style") };
  const link = new URLSearchParams(location.search);
  for (const [name, key] of [
    ["opacity", "opacity"],
    ["threshold", "heat"],
  ]) {
    const value = link.has(key) ? Number(link.get(key)) : NaN;
    if (value >= 0 && value <= 1) style[name] = value;
  }
  if (link.get("boxes") === "true") style.boxes = true;
  if (colormaps.includes(link.get("colormap"))) style.colormap = link.get("colormap");
  if (!colormaps.includes(style.colormap)) style.colormap = STYLE.colormap;
  return style;
}

export function writeStyle(style) {
  keep("style", style);
}

/** Window, view and chosen map of a film. */
export function readFilm(key) {
  return kept(`film ${key}`);
}

export function writeFilm(key, state) {
  keep(`film ${key}`, state);
}
