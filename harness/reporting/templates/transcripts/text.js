// Text is data: it enters the page as text nodes only, and what can't be seen is shown.
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") made.className = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// Controls, marks of direction, zero-width and tag characters; joiners are a part of many scripts.
const UNSEEN = new RegExp(
  "[\\0-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e"
  + "\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}]", "gu");

function visible(text) {
  return text.replace(UNSEEN, (character) => (
    `⟨U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`));
}

// A token by itself: its spaces and line breaks are a part of what it is.
function quoted(text) {
  if (text === "") return "(no text)";
  const shown = visible(text).replaceAll("\n", "↵").replaceAll("\t", "⇥");
  return shown.replace(/^ +| +$/g, (spaces) => "␣".repeat(spaces.length));
}

const plural = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

function percent(logp) {
  const share = Math.exp(logp);
  if (Number.isNaN(share)) return "–";
  if (share >= 0.9995) return "100%";
  if (share >= 0.1) return `${(100 * share).toFixed(share > 0.99 ? 1 : 0)}%`;
  if (share >= 0.0001) return `${Number((100 * share).toPrecision(2))}%`;
  return `1 in ${Number((1 / share).toPrecision(2)).toLocaleString("en", { notation: "compact", compactDisplay: "long" })}`;
}

const signed = (nats) => `${nats < 0 ? "−" : "+"}${Math.abs(nats).toFixed(2)}`;
const alphaName = (alpha) => `alpha ${String(alpha).replace("-", "−")}`;
const alphaRole = (alpha) => ({ "-1": "the baseline", 0: "the target" }[alpha] ?? null);
