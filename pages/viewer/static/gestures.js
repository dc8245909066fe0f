/* Mouse, touch and keys over the pictures. */


const TAP = 300; // milliseconds between the two taps of a double tap
let active = null; // of several viewers on a page, the one that keys go to

/** Whether keys belong to a field: letters choose in a menu, arrows move a slider. */
function inField(event) {
  const target = event.composedPath()[0];
  return target?.matches?.("select, textarea, [contenteditable], input:not([type=range],[type=checkbox])");
}

export class Gestures {
  constructor(viewer) {
    this.viewer = viewer;
    this.pointers = new Map();
    this.action = null;
    this.tapped = 0;
    const { stage, root } = viewer;
    const listen = (target, name, act, options) => {
      target.addEventListener(name, act, options);
      this.ends.push(() => target.removeEventListener(name, act, options));
    };
    this.ends = [];
    listen(stage, "pointerdown", (event) => this.down(event));
    listen(stage, "pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) listen(stage, name, (event) => this.up(event));
    listen(stage, "pointerleave", () => viewer.hover(null));
    listen(stage, "wheel", (event) => this.wheel(event), { passive: false });
    listen(stage, "dblclick", (event) => {
      if (!event.target.closest(".handle")) viewer.reset();
    });
    listen(stage, "contextmenu", (event) => event.preventDefault());
    listen(root, "pointerenter", () => (active = viewer));
    listen(root, "focusin", () => (active = viewer));
    listen(window, "keydown", (event) => this.keyDown(event), true);
    listen(window, "keyup", (event) => this.keyUp(event), true);
    listen(window, "blur", () => viewer.hide(false));
    active ??= viewer;
  }

  end() {
    for (const one of this.ends) one();
    if (active === this.viewer) active = null;
  }

  /** Pane under a pointer, and the point in it. */
  place(event) {
    const pane = this.viewer.paneOf(event.target) ?? this.pane;
    if (!pane) return null;
    const frame = pane.element.getBoundingClientRect();
    return { pane, x: event.clientX - frame.left, y: event.clientY - frame.top };
  }

  down(event) {
    const { viewer } = this;
    if (event.target.closest(".handle")) return;
    const at = this.place(event);
    if (!at) return;
    viewer.stage.focus({ preventScroll: true });
    this.pane = at.pane;
    at.pane.element.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, at);
    if (event.pointerType === "touch") {
      const now = event.timeStamp;
      if (this.pointers.size === 1 && now - this.tapped < TAP) {
        this.tapped = 0;
        viewer.reset();
        return;
      }
      this.tapped = now;
    }
    if (this.pointers.size === 2) {
      if (this.action === "mark") viewer.markCancel();
      this.action = "pinch";
      return;
    }
    const { tool } = viewer.style;
    this.action = event.button === 2 || event.shiftKey ? "window" : event.button === 1 ? "move" : tool;
    if (this.action === "ruler") viewer.measure(at, null);
    if (this.action === "mark") viewer.markFrom(at);
    if (this.action === "magnify") viewer.hover(at, true);
    event.preventDefault();
  }

  move(event) {
    const { viewer } = this;
    const at = this.place(event);
    if (!at) return;
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== "touch") viewer.hover(at, viewer.style.tool === "magnify");
      return;
    }
    const [dx, dy] = [at.x - before.x, at.y - before.y];
    if (this.action === "pinch") {
      this.pinch(event.pointerId, at);
      return;
    }
    this.pointers.set(event.pointerId, at);
    if (Math.hypot(dx, dy) > 4) this.tapped = 0;
    if (this.action === "window") viewer.dragWindow(dx, dy);
    else if (this.action === "ruler") viewer.measure(null, at);
    else if (this.action === "mark") viewer.markTo(at);
    else if (this.action === "magnify") viewer.hover(at, true);
    else viewer.push(dx, dy);
    if (this.action !== "magnify") viewer.hover(at, false);
  }

  /** Two fingers: what lies between them stays between them. */
  pinch(id, at) {
    const other = [...this.pointers].find(([key]) => key !== id)?.[1];
    const before = this.pointers.get(id);
    this.pointers.set(id, at);
    if (!other) return;
    const middle = (one) => [(one.x + other.x) / 2, (one.y + other.y) / 2];
    const apart = (one) => Math.max(10, Math.hypot(one.x - other.x, one.y - other.y));
    const [x, y] = middle(at);
    const [bx, by] = middle(before);
    this.viewer.push(x - bx, y - by);
    this.viewer.zoomBy(apart(at) / apart(before), x, y);
    this.tapped = 0;
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    if (this.pointers.size) return;
    if (this.action === "mark") this.viewer.markEnd();
    this.action = null;
    this.pane = null;
    if (event.pointerType === "touch") this.viewer.hover(null);
  }

  wheel(event) {
    const at = this.place(event);
    if (!at) return;
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
    // a trackpad's pinch comes as a wheel with Ctrl, in small steps
    const speed = event.ctrlKey ? 0.01 : 0.0016;
    this.viewer.zoomBy(Math.exp(-event.deltaY * unit * speed), at.x, at.y);
  }

  /** Whether a key is meant for this viewer. */
  mine(event) {
    if (event.composedPath().includes(this.viewer.root)) return true;
    const nowhere = document.activeElement === document.body || !document.activeElement;
    return nowhere && active === this.viewer && this.viewer.root.isConnected;
  }

  keyDown(event) {
    const { viewer } = this;
    if (!this.mine(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (inField(event) || viewer.controls.help.open) {
      if (viewer.controls.help.open) event.stopPropagation(); // Esc closes it by itself
      return;
    }
    if (event.key.startsWith("Arrow")) {
      const target = event.composedPath()[0];
      const free = target === viewer.stage || target === document.body;
      if (!free || !this.arrow(event)) return;
    } else if (!this.letter(event)) {
      return;
    }
    event.preventDefault();
    event.stopPropagation(); // R would run the whole page again, C clear its cache
  }

  keyUp(event) {
    if (event.key.toLowerCase() === "h") this.viewer.hide(false);
  }

  arrow(event) {
    const { viewer } = this;
    const [x, y] = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    }[event.key];
    const { tool } = viewer.style;
    if (event.shiftKey || tool === "window") {
      viewer.dragWindow(16 * x, 16 * y);
      return true;
    }
    if (["ruler", "magnify", "mark"].includes(tool)) {
      viewer.moveCursor(x, y);
      return true;
    }
    if (viewer.film.view.zoom <= 1) return false; // the page may scroll
    viewer.push(-40 * x, -40 * y);
    return true;
  }

  letter(event) {
    const { viewer } = this;
    const acts = {
      r: () => viewer.reset(),
      i: () => viewer.invert(),
      t: () => viewer.turn(),
      f: () => viewer.flip(),
      h: () => viewer.hide(true),
      v: () => viewer.nextLayout(),
      j: () => viewer.nextFinding(1), // N and P go through films
      k: () => viewer.nextFinding(-1),
      "+": () => viewer.zoomBy(1.25),
      "=": () => viewer.zoomBy(1.25),
      "-": () => viewer.zoomBy(1 / 1.25),
      "?": () => viewer.controls.showHelp(),
      escape: () => viewer.clear(),
      m: () => viewer.setTool("move"),
      w: () => viewer.setTool("window"),
      g: () => viewer.setTool("magnify"),
      l: () => viewer.setTool("ruler"),
      x: () => viewer.data?.marking && viewer.setTool("mark"),
    };
    const key = event.key.toLowerCase();
    if (key === "enter" || key === " ") {
      const onStage = event.composedPath()[0] === viewer.stage;
      if (onStage && key === " " && viewer.style.tool === "mark") {
        viewer.markCursor(); // Enter stays the page's
        return true;
      }
      if (!onStage || viewer.style.tool !== "ruler") return false;
      viewer.setPoint();
      return true;
    }
    const act = acts[key];
    if (!act || (event.repeat && key === "h")) return Boolean(act);
    act();
    return true;
  }
}

