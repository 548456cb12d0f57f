// SPDX-License-Identifier: GPL-3.0-or-later
// Brings <main> up to date every few seconds, without losing the keyboard's place. Without this script
// the page is complete, only not live.
"use strict";
(() => {
  const main = document.querySelector("main[data-live]");
  const stale = document.getElementById("stale");
  if (!main) return;
  const every = Number(main.dataset.live) * 1000;
  let lastGood = Date.now();

  const selectorOf = (element) => {
    if (!element || !main.contains(element)) return null;
    const href = element.getAttribute("href");
    return href ? `a[href="${CSS.escape(href)}"]` : element.id ? `#${CSS.escape(element.id)}` : null;
  };

  const refresh = async () => {
    if (document.hidden) return;
    if (main.querySelector("select:focus") || String(getSelection())) return;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.status);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = fresh.querySelector("main[data-live]");
      if (!next) throw new Error("no content");
      const focus = selectorOf(document.activeElement);
      main.replaceChildren(...next.childNodes);
      if (focus) main.querySelector(focus)?.focus({ preventScroll: true });
      lastGood = Date.now();
      stale.hidden = true;
    } catch {
      stale.hidden = Date.now() - lastGood < 2 * every;
    }
  };
  setInterval(refresh, every);
})();
