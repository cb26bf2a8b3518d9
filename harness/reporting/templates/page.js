"use strict";
(() => {
  const root = document.documentElement;

  // Light or dark: the reader's system decides until the button is pressed.
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const tell = () => button.setAttribute("aria-pressed", String(isDark()));
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    tell();
  });
  system.addEventListener("change", tell);
  tell();

  // On narrow screens the contents are folded, and fold again once an entry was chosen.
  const contents = document.querySelector(".contents details");
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
    if (!narrow.matches) entry?.scrollIntoView({ block: "nearest" });
    current = entry;
  };
  addEventListener("scroll", () => requestAnimationFrame(follow), { passive: true });
  follow();

  // What a dagger means, beside it: by pointer, by focus, by tap; Escape hides it.
  const tip = document.getElementById("tip");
  const hide = () => { tip.hidden = true; };
  const show = (dagger) => {
    tip.textContent = dagger.getAttribute("aria-label");
    tip.hidden = false;
    const place = dagger.getBoundingClientRect();
    const left = Math.min(place.left, innerWidth - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(8, left)}px`;
    const above = place.top - tip.offsetHeight - 6;
    tip.style.top = `${above > 0 ? above : place.bottom + 6}px`;
  };
  for (const dagger of document.querySelectorAll(".dagger")) {
    for (const name of ["mouseenter", "focus", "click"]) {
      dagger.addEventListener(name, () => show(dagger));
    }
    for (const name of ["mouseleave", "blur"]) dagger.addEventListener(name, hide);
  }
  addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  addEventListener("scroll", hide, { passive: true, capture: true });
})();
