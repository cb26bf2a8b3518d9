"use strict";
(() => {
  const root = document.documentElement;

  // Light or dark: the reader's system decides until the button is pressed.
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const press = () => button.setAttribute("aria-pressed", String(isDark()));
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    press();
  });
  system.addEventListener("change", press);
  press();

  // On narrow screens the contents are folded, and fold again once an entry was chosen.
  const nav = document.querySelector(".contents");
  const contents = nav.querySelector("details");
  const narrow = matchMedia("(max-width: 70rem)");
  const fold = () => { contents.open = !narrow.matches; };
  narrow.addEventListener("change", fold);
  contents.addEventListener("click", (event) => {
    if (event.target.closest("a")) fold();
  });
  fold();

  // The entry of the section that is being read.
  const entries = new Map(
    [...contents.querySelectorAll("a")].map((entry) => [entry.hash.slice(1), entry]),
  );
  const headings = [...document.querySelectorAll("main [id]")].filter((one) => entries.has(one.id));
  let current = null;
  const follow = () => {
    const passed = headings.filter((one) => one.getBoundingClientRect().top < innerHeight / 4);
    const entry = entries.get((passed.at(-1) ?? headings[0])?.id);
    if (entry === current) return;
    current?.removeAttribute("aria-current");
    entry?.setAttribute("aria-current", "location");
    // Not scrollIntoView: from there on Tab would start at the entry.
    if (!narrow.matches && entry) nav.scrollTop = entry.offsetTop - nav.clientHeight / 2;
    current = entry;
  };
  addEventListener("scroll", () => requestAnimationFrame(follow), { passive: true });
  follow();

  // What a dagger means, beside it: by pointer, by focus, by tap; Escape hides it.
  const tip = document.getElementById("tip");
  let told = null;
  const place = () => {
    tip.hidden = told === null;
    if (told === null) return;
    tip.textContent = told.getAttribute("aria-label");
    const at = told.getBoundingClientRect();
    const left = Math.min(at.left, innerWidth - tip.offsetWidth - 8);
    const above = at.top - tip.offsetHeight - 6;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${above > 0 ? above : at.bottom + 6}px`;
  };
  const tell = (dagger) => { told = dagger; place(); };
  for (const dagger of document.querySelectorAll(".dagger")) {
    for (const name of ["mouseenter", "focus", "click"]) {
      dagger.addEventListener(name, () => tell(dagger));
    }
    for (const name of ["mouseleave", "blur"]) dagger.addEventListener(name, () => tell(null));
  }
  addEventListener("keydown", (event) => { if (event.key === "Escape") tell(null); });
  addEventListener("scroll", place, { passive: true, capture: true });
})();
