// What runs beside: the undo counting down, what is new, how far the run is.

import { $, $$, body, dress, dresser, get, typing } from "./dom.js";
import { refresh } from "./queue.js";

setInterval(() => {
  for (const form of $$(".undo[data-until]")) {
    const left = Math.ceil((new Date(form.dataset.until) - Date.now()) / 1000);
    const words = $("[data-countdown]", form);
    if (left > 0) words.textContent = `It leaves in ${left} second${left === 1 ? "" : "s"}.`;
    else if (!form.dataset.past) {
      form.dataset.past = "1";
      words.textContent = "Leaving now.";
      setTimeout(() => document.activeElement && typing(document.activeElement) ? 0 : retellDrafts(), 2500);
    }
  }
}, 500);

async function retellDrafts() {
  const page = await get(location.href, "case").catch(() => null);
  const [old, fresh] = [$("#drafts"), page && $("#drafts", page)];
  if (old && fresh) old.replaceWith(fresh);
  dress(document);
}

async function news() {
  const box = $("#news");
  if (document.hidden) return;
  try {
    const since = box?.dataset.since ?? new Date().toISOString();
    const said = await (await fetch(`/news?since=${encodeURIComponent(since)}`)).json();
    if (box) {
      box.hidden = !said.new;
      box.className = "told";
      const button = document.createElement("button");
      button.className = "btn small";
      button.type = "button";
      button.dataset.refresh = "";
      button.textContent = "Take in";
      box.replaceChildren(`${said.new} new since you looked. `, button);
    }
    live(said.running);
  } catch { /* the next one */ }
}

function live(run) {
  const box = $("#live");
  if (!box) return;
  if (!run) return box.replaceChildren();
  const link = document.createElement("a");
  link.className = "live";
  link.href = `/runs/${run.id}`;
  const words = document.createElement("span");
  words.textContent = `${run.recon}: ${run.stage}`;
  const bar = document.createElement("progress");
  bar.max = run.total || 1;
  if (run.total) bar.value = run.done;
  bar.setAttribute("aria-label", "Run progress");
  link.append(words, " ", bar);
  box.replaceChildren(link);
}

function follow() {
  const box = $("#progress");
  if (!box || box.dataset.following) return;
  box.dataset.following = "1";
  const source = new EventSource(`/api/v1/runs/${box.dataset.run}/events`);
  source.addEventListener("progress", (event) => {
    const said = JSON.parse(event.data);
    $("#stage").textContent = said.stage;
    const bar = $("#run-progress");
    bar.max = said.total || 1;
    if (said.total) bar.value = said.done;
    else bar.removeAttribute("value");
    $("#done").textContent = said.total ? `${said.done.toLocaleString("en")} of ${said.total.toLocaleString("en")}` : "";
  });
  for (const end of ["done", "failed", "cancelled"]) {
    source.addEventListener(end, () => { source.close(); refresh(location.href); });
  }
}

dresser(follow);
if (body.dataset.person) setInterval(news, 15000);
