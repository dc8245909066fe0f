/* The panel of findings: a row each, and what an open row says. */

import { make, percents } from "./elements.js";

/** What the model says of a finding, in two words. */
export const answered = (one) => (one.unsure ? "cannot tell" : one.called ? "called" : "not called");

/** The panel. `act.select(id)` shows a finding's map, `act.follow(id)` opens its link. */
export class Findings {
  constructor(act) {
    this.act = act;
    this.rows = new Map();
    this.heading = make("h3", { id: "findings-heading" });
    this.list = make("ul", { class: "findings", keydown: (event) => this.key(event) });
    this.note = make("p", { class: "note" });
    this.element = make(
      "section",
      { class: "panel", "aria-labelledby": "findings-heading" },
      this.heading,
      this.list,
      this.note,
    );
    this.told = "";
  }

  set({ findings, heading, note, where, cautions }) {
    this.element.hidden = !findings.length;
    this.heading.textContent = heading;
    this.note.textContent = note;
    this.note.hidden = !note;
    const told = JSON.stringify([findings, where, cautions]);
    if (told === this.told) return; // the focus stays where it is
    this.told = told;
    const focused = [...this.rows].find(([, row]) => row.button === this.list.getRootNode().activeElement);
    this.rows.clear();
    this.list.replaceChildren();
    let group = null;
    const several = new Set(findings.map((one) => one.group)).size > 1;
    for (const one of findings) {
      if (several && one.group !== group) {
        group = one.group;
        this.list.append(make("li", { class: "group" }, group));
      }
      const row = this.row(one, where[one.id], cautions[one.id] ?? []);
      this.rows.set(one.id, row);
      this.list.append(row.element);
    }
    if (focused) this.rows.get(focused[0])?.button.focus();
  }

  row(one, where, cautions) {
    const [probability, threshold] = percents(one.probability, one.threshold);
    const state = answered(one);
    const head = make(
      "button",
      {
        type: "button",
        class: "row",
        "aria-expanded": "false",
        click: () => this.act.select(one.id),
        "data-finding": one.id,
      },
      make("span", { class: "name" }, one.name),
      make("span", { class: "probability" }, probability),
      make(
        "span",
        { class: "track", "aria-hidden": "true" },
        make("span", { class: "fill", style: `width:${(100 * one.probability).toFixed(2)}%` }),
        make("span", { class: "mark", style: `left:${(100 * one.threshold).toFixed(2)}%` }),
      ),
      make("span", { class: "state" }, `${state} (from ${threshold})`),
    );
    const body = make("div", { class: "open", hidden: true });
    for (const line of [where, ...one.lines]) if (line) body.append(make("p", {}, line));
    for (const line of cautions) body.append(make("p", { class: "caution" }, line));
    if (one.link) {
      body.append(
        make(
          "a",
          {
            href: one.link,
            click: (event) => {
              if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a tab of its own
              event.preventDefault();
              this.act.follow(one.id);
            },
          },
          one.link_words || "Performance",
        ),
      );
    }
    const element = make("li", { class: one.called ? "finding called" : "finding" }, head, body);
    return { element, button: head, body };
  }

  /** Open the row of what is shown, and close the others. */
  select(id) {
    for (const [key, row] of this.rows) {
      const chosen = key === id;
      row.element.classList.toggle("chosen", chosen);
      row.button.setAttribute("aria-expanded", chosen);
      row.body.hidden = !chosen || !row.body.childNodes.length;
    }
    this.bringIntoView(id);
  }

  /** Scroll the panel, and nothing but the panel, to the row that is open. */
  bringIntoView(id) {
    const row = this.rows.get(id)?.element;
    const panel = this.element;
    if (!row || panel.scrollHeight <= panel.clientHeight) return;
    const [at, frame] = [row.getBoundingClientRect(), panel.getBoundingClientRect()];
    const below = Math.min(at.bottom - frame.bottom, at.top - frame.top);
    if (at.top < frame.top) panel.scrollTop += at.top - frame.top;
    else if (below > 0) panel.scrollTop += below;
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const ids = [...this.rows.keys()];
    let at = ids.findIndex((id) => this.rows.get(id).button === event.target);
    if (at < 0) return;
    if (event.key === "Home") at = 0;
    else if (event.key === "End") at = ids.length - 1;
    else if (step) at = Math.min(ids.length - 1, Math.max(0, at + step));
    else return;
    event.preventDefault();
    event.stopPropagation();
    this.rows.get(ids[at]).button.focus();
    this.act.select(ids[at]);
  }
}
