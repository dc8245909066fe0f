/* Where the film lies in a pane: zoom, place, turns by 90 degrees and a flip. */

export const MOST_ZOOM = 40;

/** View as it is at first. */
export function startView() {
  return { zoom: 1, x: 0.5, y: 0.5, turn: 0, flip: false };
}

/** Width and height of the film as it is turned. */
export function turnedSize(view, film) {
  return view.turn % 2 ? [film.height, film.width] : [film.width, film.height];
}

/** Pixels of a pane for each pixel of the film. */
export function scaleOf(view, film, pane) {
  const [width, height] = turnedSize(view, film);
  return Math.min(pane.width / width, pane.height / height) * view.zoom;
}

/** Matrix [a, b, c, d, e, f] from pixels of the film to pixels of the pane. */
export function matrixOf(view, film, pane) {
  const scale = scaleOf(view, film, pane);
  const [cos, sin] = [
    [1, 0],
    [0, 1],
    [-1, 0],
    [0, -1],
  ][view.turn];
  const side = view.flip ? -1 : 1; // as seen: after the turn
  const a = side * cos * scale;
  const b = sin * scale;
  const c = side * -sin * scale;
  const d = cos * scale;
  const x = view.x * film.width;
  const y = view.y * film.height;
  return [a, b, c, d, pane.width / 2 - a * x - c * y, pane.height / 2 - b * x - d * y];
}

/** Point of the pane of a point of the film. */
export function toPane(matrix, x, y) {
  const [a, b, c, d, e, f] = matrix;
  return [a * x + c * y + e, b * x + d * y + f];
}

/** Point of the film under a point of the pane. */
export function toFilm(matrix, x, y) {
  const [a, b, c, d, e, f] = matrix;
  const det = a * d - b * c;
  return [(d * (x - e) - c * (y - f)) / det, (a * (y - f) - b * (x - e)) / det];
}

/** Keep the film in the pane: never pushed out, centered where it is smaller than the pane. */
export function held(view, film, pane) {
  const scale = scaleOf(view, film, pane);
  const sides = view.turn % 2 ? [pane.height, pane.width] : [pane.width, pane.height];
  const within = (at, length, room) => {
    const half = room / scale / length / 2;
    return half >= 0.5 ? 0.5 : Math.min(1 - half, Math.max(half, at));
  };
  return {
    ...view,
    x: within(view.x, film.width, sides[0]),
    y: within(view.y, film.height, sides[1]),
  };
}

/** The view after a zoom that leaves the film under a point of the pane where it is. */
export function zoomedAt(view, film, pane, px, py, factor) {
  const zoom = Math.min(MOST_ZOOM, Math.max(1, view.zoom * factor));
  const [x, y] = toFilm(matrixOf(view, film, pane), px, py);
  const next = { ...view, zoom };
  const [nx, ny] = toFilm(matrixOf(next, film, pane), px, py);
  next.x += (x - nx) / film.width;
  next.y += (y - ny) / film.height;
  return held(next, film, pane);
}

/** The view after the film was pushed by so many pixels of the pane. */
export function moved(view, film, pane, dx, dy) {
  const matrix = matrixOf(view, film, pane);
  const [x0, y0] = toFilm(matrix, 0, 0);
  const [x1, y1] = toFilm(matrix, dx, dy);
  return held(
    { ...view, x: view.x - (x1 - x0) / film.width, y: view.y - (y1 - y0) / film.height },
    film,
    pane,
  );
}

/** The view after a turn by 90 degrees to the right, as seen. */
export function turned(view, film, pane) {
  return held({ ...view, turn: (view.turn + (view.flip ? 3 : 1)) % 4 }, film, pane);
}

/** Rectangle [x0, y0, x1, y1] of the film that a pane shows. */
export function visible(view, film, pane) {
  const matrix = matrixOf(view, film, pane);
  const [ax, ay] = toFilm(matrix, 0, 0);
  const [bx, by] = toFilm(matrix, pane.width, pane.height);
  return [
    Math.max(0, Math.min(ax, bx)),
    Math.max(0, Math.min(ay, by)),
    Math.min(film.width, Math.max(ax, bx)),
    Math.min(film.height, Math.max(ay, by)),
  ];
}
