/* Heat from the network's grid onto the picture, and the line around it: as xray_models.viz.overlay draws it. */

const CONTOUR_WIDTH = 0.0035; // of the picture's longer side
const HALO = 2.2; // a dark line this much wider keeps the bright one visible on bright bone

/** Weights of a triangle filter, which is bilinear where the picture grows: as Pillow computes them. */
function weightsOf(count, low, high, size) {
  const scale = (high - low) / size;
  const reach = Math.max(1, scale);
  const taps = Math.ceil(reach) * 2 + 1;
  const starts = new Int32Array(size);
  const counts = new Int32Array(size);
  const weights = new Float32Array(size * taps);
  for (let i = 0; i < size; i++) {
    const center = low + (i + 0.5) * scale;
    const start = Math.min(count - 1, Math.max(0, Math.trunc(center - reach + 0.5)));
    const end = Math.max(start + 1, Math.min(count, Math.trunc(center + reach + 0.5)));
    let sum = 0;
    for (let k = start; k < end; k++) {
      const weight = Math.max(0, 1 - Math.abs((k + 0.5 - center) / reach));
      weights[i * taps + k - start] = weight;
      sum += weight;
    }
    if (sum > 0) for (let k = 0; k < end - start; k++) weights[i * taps + k] /= sum;
    else weights[i * taps] = 1; // beside the grid its edge goes on
    starts[i] = start;
    counts[i] = end - start;
  }
  return { starts, counts, weights, taps };
}

/**
 * Values on another grid.
 *
 * @param {ArrayLike<number>} values row by row.
 * @param {number} rows of values.
 * @param {number} columns of values.
 * @param {number[]} box [x0, y0, x1, y1] in cells: what the new grid covers.
 * @param {number} height rows of the new grid.
 * @param {number} width columns of the new grid.
 * @param {number} factor that every value is multiplied with.
 * @returns {Float32Array} height x width.
 */
export function resampled(values, rows, columns, box, height, width, factor = 1) {
  const across = weightsOf(columns, box[0], box[2], width);
  const down = weightsOf(rows, box[1], box[3], height);
  const first = down.starts[0];
  const last = down.starts[height - 1] + down.counts[height - 1];
  const between = new Float32Array((last - first) * width);
  for (let y = first; y < last; y++) {
    const from = y * columns;
    const to = (y - first) * width;
    for (let x = 0; x < width; x++) {
      const at = from + across.starts[x];
      const weight = x * across.taps;
      let sum = 0;
      for (let k = 0; k < across.counts[x]; k++) sum += across.weights[weight + k] * values[at + k];
      between[to + x] = sum * factor;
    }
  }
  const found = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    const to = y * width;
    for (let k = 0; k < down.counts[y]; k++) {
      const weight = down.weights[y * down.taps + k];
      if (weight === 0) continue;
      const from = (down.starts[y] + k - first) * width;
      if (k === 0) for (let x = 0; x < width; x++) found[to + x] = weight * between[from + x];
      else for (let x = 0; x < width; x++) found[to + x] += weight * between[from + x];
    }
  }
  return found;
}

/** Heat in 8 bits, for the table of colors; what lies above 1 is cut off, in the heat too. */
export function heatIndex(heat) {
  const index = new Uint8Array(heat.length);
  for (let i = 0; i < heat.length; i++) {
    if (heat[i] > 1) heat[i] = 1;
    const value = heat[i];
    index[i] = value > 0 && value < 1 / 255 ? 1 : value * 255 + 0.5; // little heat is not none
  }
  return index;
}

/** Steepness of the heat at each pixel, per pixel. */
export function slopes(heat, height, width) {
  const found = new Float32Array(heat.length);
  if (height < 2 || width < 2) return found;
  for (let y = 0; y < height; y++) {
    const above = y > 0 ? -width : 0;
    const below = y < height - 1 ? width : 0;
    const down = below - above === 2 * width ? 0.5 : 1;
    const row = y * width;
    const step = (i, left, right, factor) => {
      const dx = (heat[i + right] - heat[i - left]) * factor;
      const dy = (heat[i + below] - heat[i + above]) * down;
      found[i] = Math.sqrt(dx * dx + dy * dy);
    };
    step(row, 0, 1, 1);
    for (let x = 1, i = row + 1; x < width - 1; x++, i++) {
      const dx = (heat[i + 1] - heat[i - 1]) * 0.5;
      const dy = (heat[i + below] - heat[i + above]) * down;
      found[i] = Math.sqrt(dx * dx + dy * dy);
    }
    step(row + width - 1, 1, 0, 1);
  }
  return found;
}

/**
 * Draw the line where heat equals the threshold, one width everywhere and antialiased.
 *
 * @param {Uint32Array} pixels changed in place.
 * @param {Float32Array} heat 0..1.
 * @param {Float32Array} steep of `slopes`.
 * @param {number} height
 * @param {number} width
 * @param {number} threshold 0..1.
 * @param {number} longest longer side, in these pixels, of the picture as it is shown.
 */
export function drawContour(pixels, heat, steep, height, width, threshold, longest) {
  const half = Math.max(0.75, (CONTOUR_WIDTH * longest) / 2);
  const reach = half * HALO + 0.5;
  const line = [];
  const marks = new Uint8Array(heat.length);
  for (let i = 0; i < heat.length; i++) {
    const away = heat[i] - threshold;
    const slope = steep[i];
    if (slope > 1e-7 && (away < 0 ? -away : away) < reach * slope) {
      marks[i] = 1;
      line.push(i);
    }
  }
  // a peak that only touches the threshold would leave a speck, which looks like a finding
  const least = 4 * Math.PI * (half * HALO) ** 2;
  const stack = [];
  for (const start of line) {
    if (marks[start] !== 1) continue;
    const piece = [start];
    marks[start] = 2;
    stack.push(start);
    while (stack.length) {
      const i = stack.pop();
      const x = i % width;
      const next = (j) => {
        if (marks[j] !== 1) return;
        marks[j] = 2;
        stack.push(j);
        piece.push(j);
      };
      if (x > 0) next(i - 1);
      if (x < width - 1) next(i + 1);
      if (i >= width) next(i - width);
      if (i < heat.length - width) next(i + width);
    }
    if (piece.length < least) continue;
    for (const i of piece) {
      const distance = Math.abs(heat[i] - threshold) / steep[i];
      pixels[i] = over(pixels[i], 0, half * HALO + 0.5 - distance);
      pixels[i] = over(pixels[i], 255, half + 0.5 - distance);
    }
  }
}

/** A pixel with a gray of some strength laid over it. */
function over(pixel, gray, strength) {
  const amount = strength < 0 ? 0 : strength > 1 ? 1 : strength;
  if (amount === 0) return pixel;
  const alpha = (pixel >>> 24) / 255;
  const below = alpha * (1 - amount);
  const all = amount + below;
  const mix = (value) => Math.round((amount * gray + below * value) / all);
  return (
    ((Math.round(all * 255) << 24) |
      (mix((pixel >> 16) & 255) << 16) |
      (mix((pixel >> 8) & 255) << 8) |
      mix(pixel & 255)) >>>
    0
  );
}
