/* Small pieces of the page: elements, icons, buttons, sliders. */

/** An element with attributes (a function listens) and children. */
export function make(tag, attributes = {}, ...children) {
  const found = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") found.addEventListener(name, value);
    else if (value === true) found.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) found.setAttribute(name, value);
  }
  found.append(...children.filter((one) => one !== null && one !== undefined));
  return found;
}

const ICONS = {
  move: "M12 3v18M3 12h18M12 3l-3 3M12 3l3 3M12 21l-3-3M12 21l3-3M3 12l3-3M3 12l3 3M21 12l-3-3M21 12l-3 3",
  window: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  magnify: "M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13zM15.5 15.5L21 21M10.5 8v5M8 10.5h5",
  ruler: "M3 16L16 3l5 5L8 21zM7 12l2 2M10 9l2 2M13 6l2 2",
  mark: "M12 6a6 6 0 1 0 0 12a6 6 0 0 0 0-12zM12 2v5M12 17v5M2 12h5M17 12h5",
  invert: "M4 4h16v16H4zM4 20L20 4",
  rotate: "M19 12a7 7 0 1 1-2.5-5.4M17 2v5h-5",
  flip: "M12 3v18M9 7L4 17h5zM15 7l5 10h-5z",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  reset: "M5 9V5h4M19 9V5h-4M5 15v4h4M19 15v4h-4",
  save: "M12 4v11M8 11l4 4l4-4M5 20h14",
};

/** One of our icons, drawn with lines. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const drawn = document.createElementNS(space, "svg");
  drawn.setAttribute("viewBox", "0 0 24 24");
  drawn.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[name]);
  drawn.append(path);
  if (name === "invert" || name === "window") {
    const half = document.createElementNS(space, "path");
    half.setAttribute("d", name === "invert" ? "M4 20V4h16z" : "M12 4a8 8 0 0 0 0 16z");
    half.setAttribute("class", "solid");
    drawn.append(half);
  }
  return drawn;
}

/** A button with an icon, or a sign, and its name. */
export function button(name, picture, act, more = {}) {
  const inside = picture in ICONS ? icon(picture) : document.createTextNode(picture);
  return make(
    "button",
    { type: "button", class: "tool", "aria-label": name, title: name, click: act, ...more },
    inside,
  );
}

/** A slider in percent with its name and its number. */
export function slider(name, low, high, act, more = {}) {
  const number = make("span", { class: "number", "aria-hidden": "true" });
  const input = make("input", {
    type: "range",
    min: low,
    max: high,
    step: 1,
    "aria-label": name,
    input: () => act(Number(input.value) / 100),
    ...more,
  });
  const element = make("label", { class: "slider" }, make("span", {}, name), input, number);
  const set = (value) => {
    const percent = Math.round(value * 100);
    if (Number(input.value) !== percent) input.value = percent;
    input.setAttribute("aria-valuetext", `${percent} %`);
    number.textContent = `${percent} %`;
  };
  return { element, input, set };
}

/** A box to tick. */
export function tick(name, act, more = {}) {
  const input = make("input", { type: "checkbox", change: () => act(input.checked), ...more });
  return { element: make("label", { class: "tick" }, input, make("span", {}, name)), input };
}

/** Two shares in percent, with a decimal where they would look the same and are not. */
export function percents(one, other) {
  const [a, b] = [percent(one), percent(other)];
  if (a !== b || one === other || one < 0.005 || one >= 0.995) return [a, b];
  return [one, other].map((share) => `${(100 * share).toFixed(1)} %`);
}

/** Share in percent, never "0 %" or "100 %" of something that is only nearly so. */
export function percent(share) {
  if (share > 0 && share < 0.005) return "< 1 %";
  if (share < 1 && share >= 0.995) return "> 99 %";
  return `${Math.round(share * 100)} %`;
}
