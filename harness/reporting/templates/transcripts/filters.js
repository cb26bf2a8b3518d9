// What is looked for: kept in the address, so that a selection can be sent on.
const MAX_LABELS = 12;
// A value that JSON can't hold comes as a label.
const ENDLESS = new Set(["inf", "-inf"]);
const HASH = "#transcripts&";

class Filters {
  constructor(store) {
    this.store = store;
    const replies = [...store.replies()];
    this.alphas = [...new Set(replies.map((reply) => reply.alpha))].sort((a, b) => a - b);
    this.constraints = [...new Set(replies.map((reply) => reply.constraint))];
    this.categories = [...new Set(store.prompts.map((prompt) => prompt.category))].sort();
    this.labels = this.countLabels(replies);
    this.reset();
    this.read();
  }

  // Of each scorer: its labels with how many replies have them, the most frequent first.
  countLabels(replies) {
    const found = new Map(this.store.scorers.map((scorer) => [scorer, new Map()]));
    for (const reply of replies) {
      for (const mark of reply.marks) {
        const counts = found.get(mark.scorer), label = Filters.label(mark);
        counts.set(label, (counts.get(label) ?? 0) + 1);
      }
    }
    this.free = new Set([...found].filter(([, counts]) => counts.size > MAX_LABELS).map(([name]) => name));
    for (const scorer of this.free) {
      const counts = new Map();
      for (const reply of replies) {
        for (const mark of reply.marks.filter((one) => one.scorer === scorer)) {
          const label = this.labelOf(mark);
          counts.set(label, (counts.get(label) ?? 0) + 1);
        }
      }
      found.set(scorer, counts);
    }
    return new Map([...found].map(([scorer, counts]) => (
      [scorer, [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))])));
  }

  static label(mark) {
    if (mark.value === null && !ENDLESS.has(mark.label)) return "unscored";
    if (mark.label !== null) return mark.label;
    if (mark.unit === null && (mark.value === 0 || mark.value === 1)) return mark.value ? "yes" : "no";
    return "scored";
  }

  // Of scorers with more labels than a list can hold, only whether they scored.
  labelOf(mark) {
    if (!this.free.has(mark.scorer)) return Filters.label(mark);
    return mark.value === null ? "unscored" : "scored";
  }

  reset() {
    this.query = "";
    this.category = "";
    this.constraint = this.constraints[0];
    this.chosen = new Set(this.alphas);
    this.wanted = new Map();
    this.open = new Set();
  }

  shows(reply) {
    return this.chosen.has(reply.alpha) && (this.constraint === "" || reply.constraint === this.constraint);
  }

  matches(prompt, reply) {
    if (!this.shows(reply)) return false;
    for (const [scorer, label] of this.wanted) {
      const mark = reply.marks.find((one) => one.scorer === scorer);
      if (!mark || this.labelOf(mark) !== label) return false;
    }
    if (this.query === "") return true;
    // Kept, since a thousand replies are searched at every key.
    prompt.lower ??= prompt.text.toLowerCase();
    reply.lower ??= this.store.said(reply).toLowerCase();
    const query = this.query.toLowerCase();
    return prompt.lower.includes(query) || reply.lower.includes(query);
  }

  // The prompts with a matching reply, and how many replies match.
  select() {
    let n = 0;
    const prompts = this.store.prompts.filter((prompt) => {
      if (this.category !== "" && prompt.category !== this.category) return false;
      const found = prompt.rows.flatMap((row) => row.replies)
        .filter((reply) => this.matches(prompt, reply)).length;
      n += found;
      return found > 0;
    });
    return { prompts, n };
  }

  get narrowed() {
    return this.query !== "" || this.category !== "" || this.wanted.size > 0
      || this.chosen.size < this.alphas.length || this.constraint !== this.constraints[0];
  }

  write() {
    const said = new URLSearchParams();
    if (this.query) said.set("text", this.query);
    if (this.category) said.set("category", this.category);
    if (this.constraint !== this.constraints[0]) said.set("constraint", this.constraint);
    if (this.chosen.size < this.alphas.length) said.set("alpha", [...this.chosen].join(","));
    for (const [scorer, label] of this.wanted) said.set(`label.${scorer}`, label);
    for (const id of this.open) said.append("open", id);
    if (!String(said) && !location.hash.startsWith(HASH)) return;
    // Where a page may not rewrite its address, the selection still holds.
    try { history.replaceState(null, "", String(said) ? HASH + said : "#transcripts"); } catch { /* */ }
  }

  // Take over what the address says; what is not known here is left out.
  read() {
    if (!location.hash.startsWith(HASH)) return false;
    const said = new URLSearchParams(location.hash.slice(HASH.length));
    this.reset();
    this.query = said.get("text") ?? "";
    if (this.categories.includes(said.get("category"))) this.category = said.get("category");
    const constraint = said.get("constraint");
    if (constraint === "" || this.constraints.includes(constraint)) this.constraint = constraint;
    const alphas = (said.get("alpha") ?? "").split(",").filter(Boolean).map(Number);
    if (said.has("alpha")) this.chosen = new Set(this.alphas.filter((alpha) => alphas.includes(alpha)));
    for (const [scorer, labels] of this.labels) {
      const label = said.get(`label.${scorer}`);
      if (labels.some(([known]) => known === label)) this.wanted.set(scorer, label);
    }
    this.open = new Set(said.getAll("open"));
    return true;
  }
}
