// What the models made of one token: beside it on wide screens, at the bottom of narrow ones.
const NAMES = { target: "Target", baseline: "Baseline", amplified: "Amplified" };

class Panel {
  constructor(store, list) {
    this.store = store;
    this.list = list;
    this.root = element("aside", { class: "tr-panel", "aria-label": "Token", hidden: true });
    this.heard = element("div", { class: "tr-heard", role: "status", "aria-live": "polite" });
    this.token = null;
    this.pinned = false;
    this.listen();
  }

  listen() {
    const tokenOf = (event) => event.target.closest?.(".tr-token");
    this.list.addEventListener("pointerover", (event) => {
      if (event.pointerType === "touch" || this.pinned) return;
      const token = tokenOf(event);
      if (token) this.show(token);
    });
    this.list.addEventListener("pointerout", (event) => {
      // Not in the gap between two words: it would flicker.
      const left = event.target.closest?.(".tr-text");
      const within = left && event.relatedTarget && left.contains(event.relatedTarget);
      if (event.pointerType !== "touch" && !this.pinned && !within) this.hide();
    });
    this.list.addEventListener("click", (event) => {
      const token = tokenOf(event);
      if (!token) return;
      const again = this.pinned && token === this.token;
      this.focus(token);
      if (again) this.hide();
    });
    this.list.addEventListener("focusin", (event) => {
      const token = tokenOf(event);
      if (!token) return;
      this.pinned = true;
      this.show(token);
      this.heard.textContent = this.spoken;
    });
    this.list.addEventListener("focusout", (event) => { if (tokenOf(event)) this.hide(); });
    this.list.addEventListener("keydown", (event) => { if (tokenOf(event)) this.move(event); });
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") this.hide(); });
    document.addEventListener("pointerdown", (event) => {
      if (this.pinned && !tokenOf(event) && !this.root.contains(event.target)) this.hide();
    });
    addEventListener("resize", () => this.hide());
    addEventListener("scroll", () => { if (!this.root.hidden) this.place(); }, { passive: true, capture: true });
  }

  move(event) {
    const token = event.target, tokens = [...token.parentNode.querySelectorAll(".tr-token")];
    const at = tokens.indexOf(token), rtl = getComputedStyle(token.parentNode).direction === "rtl";
    const next = {
      ArrowRight: () => tokens[at + (rtl ? -1 : 1)],
      ArrowLeft: () => tokens[at + (rtl ? 1 : -1)],
      ArrowDown: () => beside(tokens.slice(at + 1), token),
      ArrowUp: () => beside(tokens.slice(0, at).reverse(), token),
      Home: () => tokens[0],
      End: () => tokens.at(-1),
    }[event.key];
    if (!next || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const to = next();
    if (to) this.focus(to);
  }

  // One token of a reply is reached by Tab: the one that was looked at last.
  focus(token) {
    token.parentNode.querySelector(".tr-token[tabindex]")?.removeAttribute("tabindex");
    token.tabIndex = 0;
    if (document.activeElement === token) {
      this.pinned = true;
      this.show(token);
    } else token.focus();
  }

  show(token) {
    this.token?.classList.remove("tr-on");
    this.token = token;
    token.classList.add("tr-on");
    const reply = replyOf.get(token.parentNode);
    const position = [...token.parentNode.querySelectorAll(".tr-token")].indexOf(token);
    this.fill(this.store.token(reply, position), reply, position);
    this.root.hidden = false;
    this.place();
    this.uncover();
  }

  hide() {
    this.root.hidden = true;
    this.pinned = false;
    this.token?.classList.remove("tr-on");
    this.token = null;
  }

  fill(token, reply, position) {
    const times = Math.exp(Math.abs(token.ratio));
    const more = Number.isNaN(token.ratio) ? "not measured"
      : Math.abs(token.ratio) < 0.05 ? "as likely before and after the change"
        : `${times < 10 ? times.toFixed(1) : Number(times.toPrecision(2)).toLocaleString("en")} times as likely `
          + `${token.ratio > 0 ? "after" : "before"} the change`;
    // A screen reader would name the signs for spaces.
    this.spoken = `${visible(token.text).trim() || quoted(token.text)}, token ${position + 1}: target ${percent(token.logps.target)}, `
      + `baseline ${percent(token.logps.baseline)}, amplified ${percent(token.logps.amplified)}; ${more}`;
    this.root.replaceChildren(...[
      element("header", {},
        element("code", {}, quoted(token.text)),
        element("span", {}, `token ${position + 1} of ${reply.traced}, ${alphaName(reply.alpha)}`)),
      element("p", {},
        Number.isNaN(token.ratio) ? null
          : element("b", { class: `tr-swatch${shade(token.ratio)}` }, `${signed(token.ratio)} nats`), ` ${more}`),
      element("div", { class: "tr-sides" }, ...SIDES.map((side) => this.side(side, token))),
      token.likeliest ? null
        : element("p", { class: "tr-absent" }, "The trace has no likeliest alternatives of this token."),
    ].filter(Boolean));
  }

  side(side, token) {
    const best = token.likeliest?.[side] ?? [];
    return element("section", {},
      element("p", { class: "tr-side" }, NAMES[side]), element("p", { class: "tr-own" }, percent(token.logps[side])),
      token.likeliest && element("ol", {}, ...best.map((one) => {
        const row = element("li", { class: one.text === token.text ? "tr-same" : "" },
          element("code", {}, quoted(one.text)), element("span", {}, percent(one.logp)));
        row.style.setProperty("--share", `${(100 * Math.exp(one.logp)).toFixed(1)}%`);
        return row;
      }), best.length < N_LIKELIEST ? element("li", { class: "tr-less" }, "others below 0.01%") : null));
  }

  // Below the token, or above it where there is no room; the style sheet docks it on narrow screens.
  place() {
    const token = this.token.getClientRects()[0] ?? this.token.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.root;
    const room = innerHeight - token.bottom > height + 12 || token.top < height + 12;
    const top = room ? token.bottom + 6 : token.top - height - 6;
    const left = Math.max(8, Math.min(token.left - 24, document.documentElement.clientWidth - width - 8));
    this.root.style.setProperty("--top", `${Math.round(top)}px`);
    this.root.style.setProperty("--left", `${Math.round(left)}px`);
  }

  // On narrow screens the panel lies over the end of the page: what it is about must stay above it.
  uncover() {
    if (!matchMedia("(max-width: 44rem)").matches) return;
    const hidden = this.token.getBoundingClientRect().bottom + 12 - this.root.getBoundingClientRect().top;
    if (hidden > 0) scrollBy(0, hidden);
  }
}

// The first token of another line that lies above or below this one.
function beside(tokens, from) {
  const start = from.getBoundingClientRect();
  const line = tokens.map((token) => [token, token.getClientRects()[0] ?? token.getBoundingClientRect()])
    .filter(([, place]) => Math.abs(place.top - start.top) > place.height / 2);
  if (line.length === 0) return null;
  const top = line[0][1].top;
  const near = line.filter(([, place]) => Math.abs(place.top - top) < place.height / 2);
  const off = ([, place]) => Math.abs(place.left + place.width / 2 - start.left - start.width / 2);
  return near.reduce((best, one) => (off(one) < off(best) ? one : best))[0];
}
