async function start() {
  const place = document.getElementById("transcripts");
  if (typeof DecompressionStream === "undefined") {
    place.textContent = "This browser can't unpack the transcripts; one of 2023 or later can.";
    return;
  }
  const store = new Transcripts(await inflate(document.getElementById("tr-data").textContent.trim()));
  const filters = new Filters(store), list = new List(store, filters);
  const panel = new Panel(store, list.root);
  const show = () => {
    panel.hide();
    found.clear();
    const { prompts, n } = filters.select();
    list.show(prompts);
    toolbar.tell(prompts, n);
  };
  const toolbar = new Toolbar(filters, () => { show(); filters.write(); });
  const asked = filters.read();
  if (!asked && store.prompts.length) filters.open.add(store.prompts[0].id);
  place.replaceChildren(toolbar.root, legend(), list.root, panel.root, panel.heard);
  toolbar.show();
  show();
  addEventListener("hashchange", () => {
    if (!filters.read()) return;
    toolbar.show();
    show();
    place.scrollIntoView();
  });
  if (asked) place.scrollIntoView();
}

// What the colours mean, in nats.
function legend() {
  const ends = [...LEVELS_NATS].reverse().map((nats) => [-nats, `−${nats}`]);
  const steps = [...ends, [0, "0"], ...LEVELS_NATS.map((nats) => [nats, `+${nats}`])];
  return element("div", { class: "tr-legend", role: "img", "aria-label":
    "Shading of tokens by log p(target) − log p(baseline): from orange, likelier before the change, "
    + `through none to blue, likelier after it, in steps at ${LEVELS_NATS.join(", ")} nats` },
  element("span", {}, "likelier before the change"),
  element("span", { class: "tr-scale" }, ...steps.map(([nats, words]) => (
    element("span", { class: `tr-step${shade(nats)}` }, words)))),
  element("span", {}, "likelier after it, in nats"));
}

start();
