// The controls above the list, and what they left to see.
class Toolbar {
  constructor(filters, changed) {
    this.filters = filters;
    this.changed = changed;
    this.count = element("output", { class: "tr-count", role: "status" });
    this.clear = element("button", { type: "button", class: "control tr-clear" }, "Reset");
    this.search = element("input", {
      type: "search", class: "control", placeholder: "Words in prompts and replies",
      "aria-label": "Search prompts and replies", autocomplete: "off", spellcheck: "false",
    });
    this.selects = this.makeSelects();
    this.boxes = this.makeBoxes();
    this.root = element("form", { class: "tr-bar", role: "search", "aria-label": "Filter transcripts" },
      element("div", { class: "tr-fields" }, this.search, ...this.selects.map((one) => one.root)),
      element("div", { class: "tr-fields" }, this.boxes.length > 1 ? this.fieldset() : null),
      element("div", { class: "tr-found" }, this.count, this.clear));
    this.listen();
    this.show();
  }

  // One list of choices per property: [label, choices as [value, words], read, write].
  makeSelects() {
    const { filters } = this;
    const made = [];
    if (filters.categories.length > 1) {
      made.push(this.select("category", "All categories", filters.categories.map((name) => [name, name]),
        () => filters.category, (name) => { filters.category = name; }));
    }
    if (filters.constraints.length > 1) {
      const choices = filters.constraints.map((name) => [name, name === "none" ? "unconstrained" : name]);
      made.push(this.select("constraint", "All constraints", choices,
        () => filters.constraint, (name) => { filters.constraint = name; }));
    }
    for (const [scorer, labels] of filters.labels) {
      if (labels.every(([label]) => label === "scored")) continue;
      const choices = labels.map(([label, n]) => [label, `${label} (${n})`]);
      made.push(this.select(scorer, `${visible(scorer)}: any`, choices,
        () => filters.wanted.get(scorer) ?? "",
        (label) => (label ? filters.wanted.set(scorer, label) : filters.wanted.delete(scorer))));
    }
    return made;
  }

  select(name, any, choices, read, write) {
    const root = element("select", { class: "control", "aria-label": visible(name), "data-filter": name },
      element("option", { value: "" }, any),
      ...choices.map(([value, words]) => element("option", { value }, visible(words))));
    root.addEventListener("change", () => { write(root.value); this.changed(); });
    return { root, read };
  }

  makeBoxes() {
    return this.filters.alphas.map((alpha) => {
      const box = element("input", { type: "checkbox", value: alpha });
      box.addEventListener("change", () => {
        this.filters.chosen[box.checked ? "add" : "delete"](alpha);
        this.changed();
      });
      return { alpha, box };
    });
  }

  fieldset() {
    return element("fieldset", { class: "tr-alphas" }, element("legend", {}, "alpha"),
      ...this.boxes.map(({ alpha, box }) => (
        element("label", {}, box, element("span", {}, String(alpha).replace("-", "−"))))));
  }

  listen() {
    let waiting = 0;
    this.search.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => { this.filters.query = this.search.value.trim(); this.changed(); }, 120);
    });
    this.root.addEventListener("submit", (event) => event.preventDefault());
    this.clear.addEventListener("click", () => {
      const { open } = this.filters;
      this.filters.reset();
      this.filters.open = open;
      this.show();
      this.changed();
      this.search.focus();
    });
  }

  // Let the controls say what the filters hold.
  show() {
    this.search.value = this.filters.query;
    for (const { root, read } of this.selects) root.value = read();
    for (const { alpha, box } of this.boxes) box.checked = this.filters.chosen.has(alpha);
  }

  tell(prompts, n) {
    const { store } = this.filters;
    const all = [...store.replies()].length;
    this.count.textContent = this.filters.narrowed
      ? `${prompts.length.toLocaleString("en")} of ${plural(store.prompts.length, "prompt")}, `
        + `${n.toLocaleString("en")} of ${plural(all, "rollout")}`
      : `${plural(store.prompts.length, "prompt")}, ${plural(all, "rollout")}`;
    this.clear.hidden = !this.filters.narrowed;
  }
}
