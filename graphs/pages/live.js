// SPDX-License-Identifier: GPL-3.0-or-later
// Brings <main> up to date every few seconds, without losing the keyboard's place, what is scrolled or
// what is selected. Without this script the page is complete, only not live.
"use strict";
(() => {
  const main = document.querySelector("main[data-live]");
  const stale = document.getElementById("stale");
  if (!main || !stale) return;
  const every = Number(main.dataset.live) * 1000;
  const staleText = stale.textContent;
  let lastGood = Date.now();
  let busy = false;

  const mark = (text, old) => {
    if (stale.textContent !== text) stale.textContent = text;
    stale.classList.toggle("old", old);
    stale.hidden = !text;
  };

  const inView = (element) => {
    const box = element.getBoundingClientRect();
    return box.bottom > 0 && box.top < innerHeight;
  };

  // A link is found again by its address, and by which one of those it is.
  const placeOf = (element) => {
    if (!element || element === main || !main.contains(element)) return null;
    const address = element.getAttribute("href");
    if (!address) return element.id ? () => document.getElementById(element.id) : null;
    const all = () => [...main.querySelectorAll("a[href]")].filter((a) => a.getAttribute("href") === address);
    const at = all().indexOf(element);
    return () => all()[at] ?? all()[0];
  };

  // A picture that is the same, or that nobody sees, stays; a new one is loaded before it is shown.
  // Answers with pairs: what stands in the new content, and what shall stand there.
  const settlePictures = async (next) => {
    const shown = new Map([...main.querySelectorAll("img")].map((img) => [img.alt, img]));
    const settle = async (img) => {
      const before = shown.get(img.alt);
      if (!before) return null;
      const same = before.getAttribute("src") === img.getAttribute("src");
      if (before.naturalWidth > 0 && (same || !inView(before))) return [img, before];
      const fresh = new Image();
      fresh.alt = img.alt;
      fresh.src = img.getAttribute("src");
      return fresh.decode().then(() => [img, fresh], () => null);
    };
    return (await Promise.all([...next.querySelectorAll("img")].map(settle))).filter(Boolean);
  };

  const show = (next, pictures, title) => {
    const focus = placeOf(document.activeElement);
    const scrolled = [...main.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
    const place = scrollY;
    for (const [stand] of pictures) stand.removeAttribute("src"); // not to be loaded once more
    main.replaceChildren(...next.childNodes);
    for (const [stand, picture] of pictures) stand.replaceWith(picture);
    [...main.querySelectorAll(".scroll")].forEach((box, i) => { box.scrollLeft = scrolled[i] ?? 0; });
    if (focus) focus()?.focus({ preventScroll: true });
    scrollTo({ top: place, left: scrollX, behavior: "instant" });
    document.title = title;
  };

  const refresh = async () => {
    if (busy || document.hidden) return;
    if (getSelection().type === "Range" && main.contains(getSelection().anchorNode)) {
      if (Date.now() - lastGood > 2 * every) mark(stale.dataset.paused, false);
      return;
    }
    busy = true;
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), 4 * every);
    try {
      const answer = await fetch(location.href, { cache: "no-store", signal: stop.signal });
      if (!answer.ok) throw new Error(answer.status);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = fresh.querySelector("main[data-live]");
      if (!next) throw new Error("no content");
      show(next, await settlePictures(next), fresh.title);
      lastGood = Date.now();
      mark("", false);
    } catch {
      // Said below when it lasts.
    }
    clearTimeout(timer);
    busy = false;
  };

  const watch = () => {
    if (Date.now() - lastGood > 3 * every && !document.hidden && getSelection().type !== "Range") {
      mark(staleText, true);
    }
  };
  setInterval(refresh, every);
  setInterval(watch, 1000);
  document.addEventListener("visibilitychange", refresh);
})();
