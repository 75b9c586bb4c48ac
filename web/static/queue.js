// The queue and the case beside it: moving, taking parts of the page in, selecting many.

import { $, $$, body, clean, dress, dresser, fade, get, parse, toast } from "./dom.js";

export const rows = () => $$(".queue tbody tr");
export const current = () => $(".queue tr[aria-selected=true]");
export const wide = matchMedia("(min-width: 1020px)");
let opening = 0;

export async function openCase(row, { push = true } = {}) {
  const link = $("a[data-case]", row);
  const mine = ++opening;
  rows().forEach((r) => r.removeAttribute("aria-selected"));
  row.setAttribute("aria-selected", "true");
  row.scrollIntoView({ block: "nearest" });
  if (push) history.pushState({}, "", clean(link.href));
  try {
    const page = await get(link.href, "case");
    if (mine !== opening) return;
    showCase(page);
  } catch (error) {
    toast(error.message, { bad: true });
  }
}

function showCase(page) {
  const pane = $("#pane");
  pane.replaceChildren(...page.body.childNodes);
  pane.scrollTop = 0;
  $("#main").classList.add("has-case");
  document.title = `${$("h1", pane)?.textContent ?? "Case"} · Queue · Tieout`;
  if (!wide.matches) scrollTo(0, 0);
  $("#spoken").textContent = $("h1", pane)?.textContent ?? "";
  dress(pane);
}

export function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(current());
  const to = all[Math.max(0, Math.min(all.length - 1, at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by))];
  if (to !== current()) openCase(to);
  else if (by > 0) $("a[rel=next]")?.click();
}

addEventListener("popstate", async () => {
  if (body.dataset.page !== "queue") return location.reload();
  await refresh(location.href);
});

// Takes the whole page again and puts its parts in place, without a jump of the list.
export async function refresh(url) {
  const answer = await fetch(url, { headers: { accept: "text/html" } });
  swap(parse(await answer.text()));
}

export function swap(page) {
  const list = $("#list");
  const top = list?.scrollTop ?? 0;
  const fresh = $("#main", page);
  const main = $("#main");
  if (fresh && main) {
    const paneTop = $("#pane")?.scrollTop ?? 0;
    const before = $(".case", main)?.dataset.id;
    main.className = fresh.className;
    main.replaceChildren(...fresh.childNodes);
    if ($("#list")) $("#list").scrollTop = top;
    if ($("#pane") && $(".case", main)?.dataset.id === before) $("#pane").scrollTop = paneTop;
  }
  document.title = page.title;
  body.dataset.page = page.body.dataset.page ?? "";
  const said = $("#toasts", page);
  if (said?.children.length) {
    $("#toasts").replaceChildren(...said.childNodes);
    fade($("#toasts").firstElementChild);
  }
  dress(document);
}

export const picked = () => $$(".queue input[name=ids]:checked").map((box) => box.value);

export function picks(on) {
  if (on === false) $$(".queue input[name=ids]:checked").forEach((box) => (box.checked = false));
  const n = picked().length;
  $("#bulk")?.classList.toggle("on", n > 0);
  if ($("#bulk-count")) $("#bulk-count").textContent = `${n} selected:`;
  const about = $("[data-about]");
  if (!about) return;
  const others = picked().filter((id) => id !== about.closest("form").dataset.chat).length;
  about.hidden = !others;
  about.textContent = `about this and ${others} selected`;
}

document.addEventListener("change", (event) => {
  if (event.target.matches(".queue input[name=ids]")) picks();
});

dresser(() => picks());
