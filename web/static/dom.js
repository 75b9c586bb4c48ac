// What every part of the script stands on: finding, telling, fetching a part of a page.

export const $ = (what, where = document) => where.querySelector(what);
export const $$ = (what, where = document) => [...where.querySelectorAll(what)];
export const body = document.body;

export function toast(text, { bad = false, form = null, seconds = 7 } = {}) {
  const box = document.createElement("div");
  box.className = bad ? "toast bad" : "toast";
  const words = document.createElement("span");
  words.textContent = text;
  box.append(words);
  if (form) box.append(form);
  $("#toasts").replaceChildren(box);
  fade(box, seconds);
}

export function fade(box, seconds = 9) {
  clearTimeout(fade.timer);
  fade.timer = setTimeout(() => box.remove(), seconds * 1000);
}

export function parse(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

// A field that is no longer seen takes no keys: the browser leaves the focus in a closed dialog until it next draws.
export function typing(target) {
  if (target.checkVisibility && !target.checkVisibility()) return null;
  return target.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
}

export async function get(url, part) {
  const answer = await fetch(url, { headers: { "x-part": part, accept: "text/html" } });
  if (answer.status === 401) location.reload();
  const page = parse(await answer.text());
  if (!answer.ok) throw new Error($(".blank p", page)?.textContent || `The server answered ${answer.status}.`);
  return page;
}

export function clean(url) {
  const found = new URL(url, location.href);
  found.searchParams.delete("said");
  found.searchParams.delete("undo");
  return found.pathname + found.search + found.hash;
}

// What a part does to what was put on the page: each part adds its own.
const dressers = [];
export const dresser = (dress) => dressers.push(dress);
export function dress(where) {
  dressers.forEach((each) => each(where));
}
