() => {
  const parse = (text) => {
    const found = text.match(/rgba?\(([^)]+)\)/) || text.match(/color\(srgb ([^)]+)\)/);
    if (!found) return null;
    const srgb = text.startsWith("color(");
    const parts = found[1].split(/[\s,\/]+/).filter(Boolean).map(Number);
    const [r, g, b, a = 1] = parts;
    return srgb ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
  };
  const over = (top, under) => {
    const a = top[3];
    return [0, 1, 2].map((k) => top[k] * a + under[k] * (1 - a)).concat(1);
  };
  const luminance = (color) => {
    const [r, g, b] = color.slice(0, 3).map((v) => {
      const s = v / 255;
      return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)].sort((m, n) => n - m);
    return (x + 0.05) / (y + 0.05);
  };
  const behind = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      const style = getComputedStyle(one);
      if (style.backgroundImage !== "none" && /url|gradient/.test(style.backgroundImage)) return null;
      const color = parse(style.backgroundColor);
      if (color && color[3] > 0) { layers.push(color); if (color[3] === 1) break; }
    }
    let found = [255, 255, 255, 1];
    for (const layer of layers.reverse()) found = over(layer, found);
    return found;
  };
  const faint = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.textContent.trim();
    const element = node.parentElement;
    if (!text || !element || element.closest("script,style,noscript,[aria-hidden=true],:disabled,[disabled],[aria-disabled=true],[data-testid=stSliderThumbValue]")) continue;
    if (element.closest("label")?.querySelector(":disabled")) continue;
    const range = document.createRange(); range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) continue;
    const style = getComputedStyle(element);
    if (style.visibility !== "visible") continue;
    let opacity = 1;
    for (let one = element; one; one = one.parentElement) opacity *= Number(getComputedStyle(one).opacity);
    if (opacity < 0.1) continue;
    const under = behind(element);
    const svg = element.closest("svg");
    const color = parse(svg ? style.fill : style.color);
    if (!under || !color) continue;
    color[3] *= opacity;
    const value = ratio(over(color, under), under);
    const size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
    const least = size >= 24 || (bold && size >= 18.66) ? 3 : 4.5;
    if (value < least) {
      const key = element.tagName + "." + String(element.className?.baseVal ?? element.className).slice(0, 40) + " " + (element.closest("[data-testid]")?.dataset.testid ?? "");
      if (!faint.has(key)) faint.set(key, `${value.toFixed(2)} “${text.slice(0, 40)}” ${key}`);
    }
  }
  return [...faint.values()];
}
