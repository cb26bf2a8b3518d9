// The prompts, some at a time; the rollouts of one are made when it is opened.
const PAGE = 20;

class List {
  constructor(store, filters) {
    this.store = store;
    this.filters = filters;
    this.items = element("ol", { class: "tr-list" });
    this.more = element("button", { type: "button", class: "control" });
    this.none = element("p", { class: "tr-none", hidden: true },
      "No rollout matches. Reset the filters, or ask for less.");
    this.primary = this.choosePrimary();
    this.head = element("div", { class: "tr-head", "aria-hidden": "true" });
    this.root = element("div", {}, this.none, this.head, this.items, this.more);
    this.more.addEventListener("click", () => {
      const next = this.items.children.length;
      this.limit += PAGE;
      this.extend();
      this.items.children[next].querySelector("summary").focus();
    });
  }

  // The scorer whose labels stand beside each prompt.
  choosePrimary() {
    const labelled = this.store.scorers.filter((name) => !this.filters.free.has(name));
    return ["refusal", ...labelled.filter((name) => name !== "nonsense"), "nonsense"]
      .find((name) => labelled.includes(name));
  }

  show(prompts) {
    this.prompts = prompts;
    this.limit = PAGE;
    // Prompts that the address opens are there, however far down.
    const last = prompts.findLastIndex((prompt) => this.filters.open.has(prompt.id));
    while (this.limit <= last) this.limit += PAGE;
    this.items.replaceChildren();
    this.head.replaceChildren(
      element("span", {}, this.key()),
      element("span", { class: "tr-strip" }, ...this.alphas().map((alpha) => (
        element("span", {}, String(alpha).replace("-", "−"))))));
    this.head.hidden = prompts.length === 0;
    this.none.hidden = prompts.length > 0;
    this.extend();
  }

  extend() {
    const from = this.items.children.length;
    this.items.append(...this.prompts.slice(from, this.limit).map((prompt) => this.item(prompt)));
    const left = this.prompts.length - this.items.children.length;
    this.more.hidden = left <= 0;
    this.more.textContent = `Show ${Math.min(PAGE, left)} more of ${plural(left, "prompt")}`;
  }

  item(prompt) {
    const details = element("details", { class: "tr-prompt" },
      element("summary", {},
        element("span", { class: "tr-ask", dir: "auto" }, visible(prompt.text.slice(0, 300)).replace(/\s+/g, " ")),
        element("span", { class: "tr-category" }, visible(prompt.category)),
        this.strip(prompt)));
    details.addEventListener("toggle", () => {
      if (details.open === this.filters.open.has(prompt.id)) return;
      this.filters.open[details.open ? "add" : "delete"](prompt.id);
      this.filters.write();
      if (details.open && details.children.length === 1) details.append(this.body(prompt));
    });
    if (this.filters.open.has(prompt.id)) {
      details.append(this.body(prompt));
      details.open = true;
    }
    return element("li", {}, details);
  }

  alphas() {
    return this.filters.alphas.filter((alpha) => this.filters.chosen.has(alpha));
  }

  // What the letters beside each prompt stand for.
  key() {
    if (this.primary === undefined) return "";
    const silly = this.store.scorers.includes("nonsense") && this.primary !== "nonsense" ? "; dashed: nonsense" : "";
    const several = this.prompts.some((prompt) => this.repeats(prompt) > 1);
    if (several) return `${visible(this.primary)} at each alpha, of its rollouts${silly && `${silly} for the most part`}`;
    const labels = this.filters.labels.get(this.primary).map(([label]) => visible(label));
    return `${visible(this.primary)} at each alpha: ${labels.map((label) => `${letter(label)} ${label}`).join(", ")}${silly}`;
  }

  // How many rollouts of a prompt stand under each alpha.
  repeats(prompt) {
    const under = this.filters.constraint === "" ? this.filters.constraints.length : 1;
    return prompt.rows.length * under;
  }

  // One mark per alpha: what the main scorer said there.
  strip(prompt) {
    const marks = this.alphas().map((alpha) => {
      const replies = prompt.rows.flatMap((row) => row.replies)
        .filter((reply) => reply.alpha === alpha && this.filters.shows(reply));
      return this.dot(alpha, replies);
    });
    return element("span", { class: "tr-strip", role: "img", "aria-label": marks.map((mark) => mark.title).join("; ") }, ...marks);
  }

  dot(alpha, replies) {
    const said = (scorer) => replies.map((reply) => reply.marks.find((mark) => mark.scorer === scorer))
      .filter((mark) => mark && mark.value !== null);
    const marks = said(this.primary), silly = said("nonsense").filter((mark) => mark.value === 1);
    const events = marks.filter((mark) => mark.value === 1).length;
    const one = replies.length === 1 ? marks[0] : null;
    const label = one ? Filters.label(one) : `${events} of ${marks.length}`;
    const nonsense = silly.length && this.primary !== "nonsense" ? ", nonsense" : "";
    const words = marks.length === 0 ? "not scored" : label;
    const kind = ["tr-dot", marks.length && events === marks.length ? "tr-full" : events ? "tr-some" : "",
      silly.length * 2 > replies.length ? "tr-silly" : ""].filter(Boolean).join(" ");
    const short = marks.length === 0 ? "–" : one ? letter(label) : `${events}/${marks.length}`;
    return element("span", { class: kind, title: `${alphaName(alpha)}: ${visible(words)}${nonsense}` }, visible(short));
  }

  body(prompt) {
    const body = element("div", { class: "tr-body" },
      element("div", { class: "tr-asked", dir: "auto", tabindex: "0", role: "group", "aria-label": "Prompt" }, visible(prompt.text)),
      element("p", { class: "tr-id" }, `${visible(prompt.id)} · ${visible(prompt.category)}`));
    for (const row of prompt.rows) {
      const about = this.about(prompt, row);
      if (about) body.append(element("p", { class: "tr-row" }, about));
      for (const constraint of this.filters.constraints) {
        const replies = row.replies.filter((reply) => reply.constraint === constraint && this.filters.shows(reply));
        if (replies.length) body.append(this.cards(prompt, replies));
      }
    }
    this.mark(body);
    return body;
  }

  // Rollouts under one constraint, along alpha.
  cards(prompt, replies) {
    const { constraint } = replies[0];
    const under = constraint === "none" ? "" : ` under ${visible(constraint)}`;
    return element("div", { class: "tr-cards", role: "group", "aria-label": `Rollouts along alpha${under}` },
      ...replies.map((reply) => card(this.store, reply, this.filters.matches(prompt, reply))));
  }

  about(prompt, row) {
    const repeat = prompt.rows.length > 1 ? `Repeat ${row.epoch}` : "";
    const seed = row.seed ? `same random numbers at every alpha (seed ${row.seed})` : "";
    return [repeat, seed].filter(Boolean).join(", ");
  }

  // Mark what was searched for, without touching the text.
  mark(body) {
    if (!CSS.highlights || this.filters.query === "") return;
    const query = this.filters.query.toLowerCase();
    for (const box of body.querySelectorAll(".tr-text, .tr-asked")) {
      const nodes = [], walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) nodes.push(walker.currentNode);
      const text = nodes.map((node) => node.data).join("").toLowerCase();
      for (let at = text.indexOf(query); at >= 0; at = text.indexOf(query, at + query.length)) {
        found.add(rangeOf(nodes, at, at + query.length));
      }
    }
  }
}

const letter = (label) => (label === "unscored" ? "–" : [...label][0].toUpperCase());

// Characters from start to end of the text of several nodes.
function rangeOf(nodes, start, end) {
  const range = new Range();
  let at = 0;
  for (const node of nodes) {
    const next = at + node.length;
    if (start >= at && start < next) range.setStart(node, start - at);
    if (end > at && end <= next) { range.setEnd(node, end - at); break; }
    at = next;
  }
  return range;
}

const found = typeof Highlight === "undefined" ? new Set() : new Highlight();
if (CSS.highlights) CSS.highlights.set("tr-found", found);
