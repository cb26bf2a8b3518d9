// One rollout: its text token by token, what scorers said of it and why, or why it is not shown.
const LEVELS_NATS = [0.25, 0.75, 1.5, 3];
const STOPS = {
  max_tokens: "cut at the token limit", model_length: "cut at the model's length", stop: null,
};

// How strongly a token is shaded, 0 to 4, and for whom.
function shade(ratio) {
  if (Number.isNaN(ratio)) return "";
  const level = LEVELS_NATS.filter((nats) => Math.abs(ratio) >= nats).length;
  return level === 0 ? "" : ` tr-${ratio > 0 ? "t" : "b"}${level}`;
}

function card(store, reply, matches) {
  const role = alphaRole(reply.alpha), name = alphaName(reply.alpha);
  const constraint = reply.constraint === "none" ? null : visible(reply.constraint);
  return element("article", { class: matches ? "tr-card" : "tr-card tr-off", "aria-label": constraint ? `${name}, ${constraint}` : name },
    element("header", {},
      element("p", { class: "tr-alpha" }, name, role ? element("small", {}, ` ${role}`) : null,
        constraint ? element("small", {}, ` ${constraint}`) : null),
      element("ul", { class: "tr-chips", "aria-label": "What scorers said" },
        ...reply.marks.map(chip), ended(reply))),
    reply.note === undefined ? words(store, reply, name) : kept(reply),
    element("footer", {}, figures(reply), reasons(reply)));
}

function chip(mark) {
  const label = Filters.label(mark);
  const said = mark.label === null && mark.value !== null && !["yes", "no"].includes(label)
    ? String(mark.value) : label;
  const graded = mark.label !== null && mark.value !== null && mark.value !== 0 && mark.value !== 1
    ? ` ${mark.value}` : "";
  const event = mark.unit === null && mark.value >= 0.5;
  const kind = label === "unscored" ? "tr-chip tr-unscored" : event ? "tr-chip tr-event" : "tr-chip";
  const own = !["refusal", "nonsense"].includes(mark.scorer);
  return element("li", { class: kind, title: visible(mark.scorer) },
    own || mark.value === null ? element("span", { class: "tr-scorer" }, `${visible(mark.scorer)} `) : null,
    visible(said) + graded);
}

function ended(reply) {
  const stop = reply.stop in STOPS ? STOPS[reply.stop] : reply.stop;
  return stop ? element("li", { class: "tr-chip tr-stop" }, visible(stop)) : null;
}

function kept(reply) {
  return element("p", { class: "tr-note" }, visible(reply.note));
}

function words(store, reply, name) {
  const about = reply.traced ? `${plural(reply.traced, "token")}; arrow keys move along them` : "not measured";
  const box = element("div", {
    class: "tr-text", dir: "auto", role: "group", "aria-label": `Reply at ${name}, ${about}`,
    tabindex: reply.traced ? null : "0",
  });
  for (let position = 0; position < (reply.traced ?? 0); position++) {
    const i = reply.start + position, piece = store.piece(i);
    const kind = piece === "" ? " tr-part" : piece.startsWith("\n") ? " tr-break" : "";
    // A space before a word stays outside of its shade, where a line may break.
    const space = piece.trim() === "" ? "" : piece.match(/^ */)[0];
    const token = element("span", { class: `tr-token${shade(store.ratio(i))}${kind}` }, visible(piece.slice(space.length)));
    if (position === 0) token.tabIndex = 0;
    box.append(space, token);
  }
  const rest = reply.traced ? reply.rest ?? "" : reply.text ?? "";
  box.append(visible(rest));
  if (box.textContent === "") box.append(element("em", { class: "tr-empty" }, "nothing was said"));
  replyOf.set(box, reply);
  return box;
}

function figures(reply) {
  const said = [];
  if (reply.tokens !== undefined) said.push(plural(reply.tokens, "token"));
  if (reply.chars !== undefined) said.push(plural(reply.chars, "character"));
  if (reply.ratio !== undefined) said.push(`mean ${signed(reply.ratio)} nats`);
  return element("p", { class: "tr-figures", title: "mean of log p(target) − log p(baseline) per token" }, said.join(" · "));
}

function reasons(reply) {
  const told = reply.marks.filter((mark) => mark.why !== null);
  if (told.length === 0) return null;
  return element("dl", { class: "tr-why" }, ...told.flatMap((mark) => [
    element("dt", {}, visible(mark.scorer)), element("dd", {}, visible(withoutLabel(mark)))]));
}

// "refusal: declines by ..." stands below the chip that says refusal already.
function withoutLabel(mark) {
  const start = `${mark.label}: `;
  return mark.why.startsWith(start) ? mark.why.slice(start.length) : mark.why;
}

const replyOf = new WeakMap();
