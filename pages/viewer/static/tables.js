/* Lookup tables: gray through a window, heat through colors. A pixel is RGBA in 32 bits, little endian. */

/** Share within 0..1. */
export function share(value) {
  return value < 0 ? 0 : value > 1 ? 1 : value;
}

/**
 * Fill the table from 16-bit gray to pixels.
 *
 * @param {Uint32Array} table 65,536 entries, changed in place.
 * @param {number} level middle of the window, 0..1 of the gray range.
 * @param {number} width of the window, above 0.
 * @param {boolean} inverted exchange black and white.
 */
export function fillGrayTable(table, level, width, inverted) {
  const low = (level - width / 2) * 65535;
  const factor = 255 / (width * 65535);
  for (let value = 0; value < 65536; value++) {
    let gray = (value - low) * factor;
    gray = gray < 0 ? 0 : gray > 255 ? 255 : (gray + 0.5) | 0;
    if (inverted) gray = 255 - gray;
    table[value] = 0xff000000 | (gray * 0x010101);
  }
}

/**
 * Fill the table from 8-bit heat to pixels that are laid over the film.
 *
 * @param {Uint32Array} table 256 entries, changed in place.
 * @param {Uint8Array} colors 256 colors of three bytes.
 * @param {number} opacity 0..1.
 * @param {number} threshold 0..1; heat below it, and no heat, leaves the film as it is.
 */
export function fillHeatTable(table, colors, opacity, threshold) {
  const alpha = Math.round(opacity * 255) << 24;
  for (let heat = 0; heat < 256; heat++) {
    const shown = heat > 0 && heat / 255 >= threshold - 0.5 / 255;
    table[heat] = shown
      ? alpha | (colors[3 * heat + 2] << 16) | (colors[3 * heat + 1] << 8) | colors[3 * heat]
      : 0;
  }
}

/** Paint values through a table: pixels[i] = table[values[i]]. */
export function paintThrough(pixels, values, table) {
  for (let i = 0; i < values.length; i++) pixels[i] = table[values[i]];
}

/** Bytes of a text of hexadecimal digits. */
export function bytesOf(hex) {
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.substr(2 * i, 2), 16);
  return bytes;
}
