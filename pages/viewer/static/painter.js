/* Paints film and heat into panes. Rasters are made when something changes, and only what changed. */

import { fillGrayTable, fillHeatTable, paintThrough } from "./tables.js";
import { drawContour, heatIndex, resampled, slopes } from "./heat.js";
import { matrixOf, scaleOf, toPane, turnedSize, visible } from "./geometry.js";

const KEPT_MAPS = 16; // rasters of heat; each takes nine bytes a pixel
const LENS = 90; // radius of the magnifier, in pixels of the pane
const LENS_POWER = 3;
export const BOX_COLOR = "#5ce1ff";
export const TRUTH_COLOR = "#7dff8a";
const MARK_COLOR = "#ffd84a";

/** A canvas of our own with its pixels. */
class Raster {
  constructor(width, height) {
    this.canvas = document.createElement("canvas");
    this.canvas.width = width;
    this.canvas.height = height;
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.image = this.context.createImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  show() {
    this.context.putImageData(this.image, 0, 0);
  }
}

/** Film and maps on one grid of screen pixels: the whole film, or the part that is zoomed in on. */
class Sheet {
  constructor(painter, rect, width, height) {
    this.painter = painter;
    this.rect = rect; // of the film
    this.width = width;
    this.height = height;
    this.gray = painter.grayIn(rect, width, height);
    this.film = null; // raster
    this.filmVersion = -1;
    this.heats = new Map(); // id -> {heat, index, slopes, raster, version}
  }

  filmCanvas() {
    if (this.filmVersion !== this.painter.grayVersion) {
      this.film ??= new Raster(this.width, this.height);
      paintThrough(this.film.pixels, this.gray, this.painter.grayTable);
      this.film.show();
      this.filmVersion = this.painter.grayVersion;
    }
    return this.film.canvas;
  }

  heatCanvas(id) {
    const heat = this.heatOf(id);
    if (!heat) return null;
    if (heat.version !== this.painter.heatVersion) {
      const { style } = this.painter;
      heat.raster ??= new Raster(this.width, this.height);
      paintThrough(heat.raster.pixels, heat.index, this.painter.heatTable);
      if (style.contour && style.threshold > 0 && style.opacity > 0) {
        heat.slopes ??= slopes(heat.heat, this.height, this.width);
        drawContour(
          heat.raster.pixels,
          heat.heat,
          heat.slopes,
          this.height,
          this.width,
          style.threshold,
          this.painter.longest,
        );
      }
      heat.raster.show();
      heat.version = this.painter.heatVersion;
    }
    return heat.raster.canvas;
  }

  /** Film with its heat on one canvas, for when the two are scaled together. */
  bothCanvas(id) {
    const film = this.filmCanvas();
    const heat = this.heatCanvas(id);
    if (!heat) return film;
    const version = `${id} ${this.painter.grayVersion} ${this.painter.heatVersion}`;
    this.both ??= new Raster(this.width, this.height);
    if (this.bothVersion !== version) {
      this.both.context.drawImage(film, 0, 0);
      this.both.context.drawImage(heat, 0, 0);
      this.bothVersion = version;
    }
    return this.both.canvas;
  }

  /** Make what a map needs before it is asked for. */
  prepare(id) {
    const heat = this.heatOf(id);
    if (heat) heat.slopes ??= slopes(heat.heat, this.height, this.width);
  }

  heatOf(id) {
    let made = this.heats.get(id);
    if (made) {
      this.heats.delete(id);
    } else {
      const heat = this.painter.heatIn(id, this.rect, this.width, this.height);
      if (!heat) return null;
      made = { heat, index: heatIndex(heat), slopes: null, raster: null, version: -1 };
    }
    this.heats.set(id, made);
    for (const old of this.heats.keys()) {
      if (this.heats.size <= KEPT_MAPS) break;
      this.heats.delete(old);
    }
    return made;
  }
}

/** What is painted, without a word about controls. */
export class Painter {
  constructor() {
    this.film = null; // {width, height, rows, columns, spacing}
    this.gray = null; // Uint16Array
    this.full = null; // {gray, rows, columns}
    this.maps = new Map(); // id -> {values, rows, columns, box, scale}
    this.style = {};
    this.grayTable = new Uint32Array(65536);
    this.heatTable = new Uint32Array(256);
    this.grayVersion = 0;
    this.heatVersion = 0;
    this.whole = null;
    this.detail = null;
    this.longest = 1;
    this.size = "";
  }

  setFilm(film, gray) {
    this.film = film;
    this.gray = gray;
    this.full = null;
    this.forget();
  }

  setFull(gray, rows, columns) {
    this.full = { gray, rows, columns };
    this.detail = null;
  }

  setMaps(maps) {
    this.maps = maps;
    this.whole?.heats.clear();
    this.detail?.heats.clear();
  }

  forget() {
    this.whole = null;
    this.detail = null;
    this.size = "";
  }

  setWindow(level, width, inverted) {
    fillGrayTable(this.grayTable, level, width, inverted);
    this.grayVersion++;
  }

  setStyle(style, colors) {
    this.style = style;
    fillHeatTable(this.heatTable, colors, style.opacity, style.threshold);
    this.heatVersion++;
  }

  /** Screen pixels for each pixel of a pane. */
  get density() {
    return Math.min(2, window.devicePixelRatio || 1);
  }

  /** The finest gray that is there. */
  source() {
    return this.full ?? { gray: this.gray, rows: this.film.rows, columns: this.film.columns };
  }

  grayIn(rect, width, height) {
    // what is shown whole needs no more than the screen has
    const whole = rect[0] === 0 && rect[1] === 0 && rect[2] === this.film.width;
    const { gray, rows, columns } =
      whole && rect[3] === this.film.height && Math.max(width, height) <= Math.max(this.film.rows, this.film.columns)
        ? { gray: this.gray, rows: this.film.rows, columns: this.film.columns }
        : this.source();
    if (whole && width === columns && height === rows) return gray;
    const across = columns / this.film.width;
    const down = rows / this.film.height;
    const box = [rect[0] * across, rect[1] * down, rect[2] * across, rect[3] * down];
    const found = resampled(gray, rows, columns, box, height, width);
    const rounded = new Uint16Array(found.length);
    for (let i = 0; i < found.length; i++) rounded[i] = found[i] + 0.5;
    return rounded;
  }

  heatIn(id, rect, width, height) {
    const map = this.maps.get(id);
    if (!map) return null;
    const [x0, y0, x1, y1] = map.box;
    const across = (x1 - x0) / this.film.width;
    const down = (y1 - y0) / this.film.height;
    const box = [
      x0 + rect[0] * across,
      y0 + rect[1] * down,
      x0 + rect[2] * across,
      y0 + rect[3] * down,
    ];
    return resampled(map.values, map.rows, map.columns, box, height, width, map.scale / 255);
  }

  /** Gray 0..1 and heat 0..1 at a point of the film; null where there is none. */
  valuesAt(x, y, id) {
    if (!this.film || x < 0 || y < 0 || x >= this.film.width || y >= this.film.height) return null;
    const { gray, rows, columns } = this.source();
    const row = Math.min(rows - 1, Math.floor((y * rows) / this.film.height));
    const column = Math.min(columns - 1, Math.floor((x * columns) / this.film.width));
    const heat = id ? this.heatIn(id, [x - 0.5, y - 0.5, x + 0.5, y + 0.5], 1, 1) : null;
    return { gray: gray[row * columns + column] / 65535, heat: heat ? Math.min(1, heat[0]) : null };
  }

  /** The sheet of the whole film, of as many pixels as the pane shows of it. */
  fit(view, pane) {
    const scale = (scaleOf(view, this.film, pane) / view.zoom) * this.density;
    const width = Math.max(1, Math.round(this.film.width * scale));
    const height = Math.max(1, Math.round(this.film.height * scale));
    const size = `${width} ${height}`;
    if (this.size !== size || !this.whole) {
      this.size = size;
      this.longest = Math.max(width, height);
      this.whole = new Sheet(this, [0, 0, this.film.width, this.film.height], width, height);
      this.detail = null;
    }
    return this.whole;
  }

  /** Make what is zoomed in on sharp; false where it is already. */
  refine(view, pane) {
    if (view.zoom <= 1) {
      const had = this.detail !== null;
      this.detail = null;
      return had;
    }
    const rect = visible(view, this.film, pane);
    const scale = scaleOf(view, this.film, pane) * this.density;
    // whole pixels of the screen
    const width = Math.max(1, Math.round((rect[2] - rect[0]) * scale));
    const height = Math.max(1, Math.round((rect[3] - rect[1]) * scale));
    const key = rect.join() + width;
    if (this.detail?.key === key) return false;
    this.detail = new Sheet(this, rect, width, height);
    this.detail.key = key;
    return true;
  }

  /** Whether the screen shows more than the gray that is there holds. */
  wantsMore(view, pane) {
    if (this.full || !this.film) return false;
    return (scaleOf(view, this.film, pane) * this.density * this.film.columns) / this.film.width < 1
      ? false
      : scaleOf(view, this.film, pane) * this.density > (1.1 * this.film.columns) / this.film.width;
  }

  /**
   * Paint film and, where an id is given, its heat.
   *
   * @param {CanvasRenderingContext2D} context of a pane, in screen pixels.
   * @param {object} view
   * @param {{width: number, height: number}} pane
   * @param {string|null} id of the map; null for the film alone.
   */
  paint(context, view, pane, id) {
    const { density } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "black";
    context.fillRect(0, 0, context.canvas.width, context.canvas.height);
    if (!this.film) return;
    const whole = this.fit(view, pane);
    const matrix = matrixOf(view, this.film, pane);
    const covered = this.detail && this.covers(this.detail.rect, visible(view, this.film, pane));
    if (!covered) this.lay(context, matrix, density, whole, id);
    if (this.detail) this.lay(context, matrix, density, this.detail, id);
  }

  covers(rect, wanted) {
    return (
      rect[0] <= wanted[0] && rect[1] <= wanted[1] && rect[2] >= wanted[2] && rect[3] >= wanted[3]
    );
  }

  /** Lay a sheet where it belongs; one that fits the screen's pixels is copied, not scaled. */
  lay(context, matrix, density, sheet, id) {
    const [x0, y0, x1, y1] = sheet.rect;
    const [a, b, c, d] = matrix;
    const [px, py] = toPane(matrix, x0, y0).map((one) => one * density);
    const [qx, qy] = toPane(matrix, x1, y1).map((one) => one * density);
    const upright = b === 0 && c === 0 && a > 0 && d > 0;
    if (
      upright &&
      Math.abs(qx - px - sheet.width) < 0.75 &&
      Math.abs(qy - py - sheet.height) < 0.75
    ) {
      context.setTransform(1, 0, 0, 1, 0, 0);
      const heat = id && sheet.heatCanvas(id);
      for (const layer of [sheet.filmCanvas(), heat]) {
        if (layer) context.drawImage(layer, Math.round(px), Math.round(py));
      }
      return;
    }
    context.setTransform(
      a * density,
      b * density,
      c * density,
      d * density,
      matrix[4] * density,
      matrix[5] * density,
    );
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "low";
    const picture = id ? sheet.bothCanvas(id) : sheet.filmCanvas();
    context.drawImage(picture, x0, y0, x1 - x0, y1 - y0);
  }

  /** Paint what lies over the pictures: boxes, ruler, cross, magnifier. */
  paintTop(context, view, pane, marks) {
    const { density } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    if (!this.film) return;
    context.setTransform(density, 0, 0, density, 0, 0);
    const matrix = matrixOf(view, this.film, pane);
    for (const box of marks.boxes) this.drawBox(context, matrix, box, pane);
    if (marks.lens) this.drawLens(context, view, pane, matrix, marks.lens, marks.id);
    if (marks.ruler) this.drawRuler(context, matrix, marks.ruler, pane);
    if (marks.mark) this.drawMark(context, matrix, marks.mark, pane);
    if (marks.cross) this.drawCross(context, toPane(matrix, ...marks.cross));
  }

  drawBox(context, matrix, box, pane) {
    const { width, height } = this.film;
    const [ax, ay] = toPane(matrix, box.x * width, box.y * height);
    const [bx, by] = toPane(matrix, (box.x + box.width) * width, (box.y + box.height) * height);
    const [x, y] = [Math.min(ax, bx), Math.min(ay, by)];
    const color = { truth: TRUTH_COLOR, mark: MARK_COLOR }[box.kind] ?? BOX_COLOR;
    context.setLineDash(box.kind === "truth" ? [7, 4] : []);
    for (const [stroke, line] of [
      ["black", 4],
      [color, 2],
    ]) {
      context.strokeStyle = stroke;
      context.lineWidth = line;
      context.strokeRect(x, y, Math.abs(bx - ax), Math.abs(by - ay));
    }
    context.setLineDash([]);
    if (box.words) this.drawWords(context, box.words, x, y - 4, color, pane, Math.abs(by - ay) + 8);
  }

  /** Place that the visitor marked: a box, or a ring around a point. */
  drawMark(context, matrix, [x, y, width, height], pane) {
    if (width && height) {
      this.drawBox(context, matrix, { x, y, width, height, words: "you", kind: "mark" }, pane);
      return;
    }
    const [left, top] = toPane(matrix, x * this.film.width, y * this.film.height);
    for (const [stroke, line] of [
      ["black", 5],
      [MARK_COLOR, 2.5],
    ]) {
      context.strokeStyle = stroke;
      context.lineWidth = line;
      context.beginPath();
      context.arc(left, top, 10, 0, 2 * Math.PI);
      context.stroke();
    }
    this.drawWords(context, "you", left + 12, top - 8, MARK_COLOR, pane);
  }

  drawWords(context, words, x, y, color, pane, otherwise = 24) {
    context.font = "12px sans-serif";
    const width = context.measureText(words).width + 8;
    const left = Math.max(0, Math.min(pane.width - width, x));
    const bottom = y < 18 ? y + otherwise + 16 : y;
    context.fillStyle = "rgba(0, 0, 0, 0.75)";
    context.fillRect(left, bottom - 16, width, 18);
    context.fillStyle = color;
    context.textBaseline = "alphabetic";
    context.fillText(words, left + 4, bottom - 3);
  }

  drawRuler(context, matrix, ruler, pane) {
    const [ax, ay] = toPane(matrix, ...ruler.from);
    const [bx, by] = toPane(matrix, ...ruler.to);
    const length = Math.hypot(bx - ax, by - ay) || 1;
    const [ux, uy] = [((by - ay) / length) * 6, (-(bx - ax) / length) * 6];
    for (const [stroke, line] of [
      ["black", 4],
      ["#ffe14d", 1.75],
    ]) {
      context.strokeStyle = stroke;
      context.lineWidth = line;
      context.beginPath();
      context.moveTo(ax, ay);
      context.lineTo(bx, by);
      for (const [x, y] of [
        [ax, ay],
        [bx, by],
      ]) {
        context.moveTo(x - ux, y - uy);
        context.lineTo(x + ux, y + uy);
      }
      context.stroke();
    }
    this.drawWords(context, ruler.words, bx + 8, by - 6, "#ffe14d", pane);
  }

  drawCross(context, [x, y]) {
    for (const [stroke, line] of [
      ["black", 3],
      ["white", 1],
    ]) {
      context.strokeStyle = stroke;
      context.lineWidth = line;
      context.beginPath();
      for (const [dx, dy] of [
        [1, 0],
        [-1, 0],
        [0, 1],
        [0, -1],
      ]) {
        context.moveTo(x + 3 * dx, y + 3 * dy);
        context.lineTo(x + 9 * dx, y + 9 * dy);
      }
      context.stroke();
    }
  }

  /** A round glass over a point of the film, as sharp as the gray that is there. */
  drawLens(context, view, pane, matrix, point, id) {
    const [x, y] = toPane(matrix, ...point);
    const reach = LENS / (scaleOf(view, this.film, pane) * LENS_POWER);
    const rect = [point[0] - reach, point[1] - reach, point[0] + reach, point[1] + reach];
    const side = Math.round(2 * LENS * this.density);
    // a lens at the border sees black beside the film
    const inside = [
      Math.max(0, rect[0]),
      Math.max(0, rect[1]),
      Math.min(this.film.width, rect[2]),
      Math.min(this.film.height, rect[3]),
    ];
    if (inside[2] <= inside[0] || inside[3] <= inside[1]) return;
    const width = Math.max(1, Math.round((side * (inside[2] - inside[0])) / (2 * reach)));
    const height = Math.max(1, Math.round((side * (inside[3] - inside[1])) / (2 * reach)));
    const sheet = new Sheet(this, inside, width, height);
    context.save();
    context.beginPath();
    context.arc(x, y, LENS, 0, 2 * Math.PI);
    context.clip();
    context.fillStyle = "black";
    context.fill();
    const zoomed = { ...view, zoom: view.zoom * LENS_POWER };
    zoomed.x = point[0] / this.film.width;
    zoomed.y = point[1] / this.film.height;
    const lens = matrixOf(zoomed, this.film, { width: pane.width, height: pane.height });
    lens[4] += x - pane.width / 2;
    lens[5] += y - pane.height / 2;
    this.lay(context, lens, this.density, sheet, id);
    context.restore();
    context.setTransform(this.density, 0, 0, this.density, 0, 0);
    context.lineWidth = 3;
    context.strokeStyle = "black";
    context.beginPath();
    context.arc(x, y, LENS, 0, 2 * Math.PI);
    context.stroke();
    context.lineWidth = 1.5;
    context.strokeStyle = "white";
    context.stroke();
  }

  /** Length between two points of the film, in words. */
  lengthOf(from, to) {
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    const { spacing } = this.film;
    if (!spacing) return `${Math.round(Math.hypot(dx, dy))} px`;
    const mm = Math.hypot(dx * spacing[1], dy * spacing[0]);
    return `${mm < 100 ? mm.toFixed(1) : Math.round(mm)} mm`;
  }

  /** Width over height of the film as it is turned. */
  ratio(view) {
    const [width, height] = turnedSize(view, this.film);
    return width / height;
  }
}
