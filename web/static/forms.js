// Forms sent without leaving the page, and what is typed kept as it is typed.

import { $, $$, clean, dress, get, parse, toast } from "./dom.js";
import { closeDialog } from "./dialog.js";
import { ask } from "./chat.js";
import { swap } from "./queue.js";

async function send(form, submitter) {
  const data = new FormData(form, submitter);
  const method = (submitter?.getAttribute("formmethod") || form.method).toUpperCase();
  const plain = new URLSearchParams([...data].filter(([, v]) => typeof v === "string"));
  const action = submitter?.formAction && submitter.hasAttribute("formaction") ? submitter.formAction : form.action;
  form.setAttribute("aria-busy", "true");
  const typing = typed.get(form);
  if (typing) { clearTimeout(typing.timer); typing.since = 0; }
  try {
    if (method === "GET") {
      const dialog = form.closest("dialog");
      const page = await get(`${action}?${plain}`, "1");
      dialog.replaceChildren(...page.body.childNodes);
      return dress(dialog);
    }
    const answer = await fetch(action, { method, body: plain, headers: { accept: "text/html" } });
    const page = parse(await answer.text());
    if (!answer.ok && answer.status !== 409) {
      return toast($(".blank p", page)?.textContent || `The server answered ${answer.status}.`, { bad: true, seconds: 14 });
    }
    closeDialog();
    if (answer.ok) history[answer.url && clean(answer.url) !== clean(location.href) ? "pushState" : "replaceState"]({}, "", clean(answer.url));
    swap(page);
  } catch {
    toast("The server did not answer. What you typed is still here; try again.", { bad: true, seconds: 14 });
  } finally {
    form.removeAttribute("aria-busy");
  }
}

// A tag's reach follows what is chosen, before it is saved.
document.addEventListener("change", async (event) => {
  const form = event.target.closest("dialog form[data-feedback]");
  if (!form || event.target.name === "note") return;
  const words = new URLSearchParams(new FormData(form));
  const page = await get(`${form.action}?${words}`, "1").catch(() => null);
  const [old, fresh] = [$("[data-radius]", form), page && $("[data-radius]", page)];
  if (old && fresh) old.replaceWith(fresh);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  const submitter = event.submitter;
  if (form.matches("[data-chat]")) {
    event.preventDefault();
    return ask(form);
  }
  const method = (submitter?.getAttribute("formmethod") || form.method).toLowerCase();
  if (form.enctype === "multipart/form-data" || (method === "get" && !form.closest("dialog"))) return;
  if (!/^\/(cases|actions|undo)\//.test(new URL(form.action).pathname)) return;
  event.preventDefault();
  send(form, submitter);
});


const typed = new WeakMap();

document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-autosave]");
  if (!form) return;
  const state = typed.get(form) ?? { since: 0 };
  typed.set(form, state);
  clearTimeout(state.timer);
  state.since ||= performance.now();
  const due = Math.min(300, Math.max(0, 700 - (performance.now() - state.since)));
  state.timer = setTimeout(() => save(form, state), due);
});

async function save(form, state) {
  state.since = 0;
  const note = $("[data-typed]", form);
  try {
    const answer = await fetch(form.dataset.autosave, { method: "PUT", body: new URLSearchParams(new FormData(form)), keepalive: true });
    if (!answer.ok) throw new Error();
    const said = await answer.json();
    note.textContent = said.stale ? "kept, but the draft has changed meanwhile" : "kept as you type";
  } catch {
    note.textContent = "not kept: the server does not answer; trying again";
    clearTimeout(state.timer);
    state.timer = setTimeout(() => save(form, state), 1000);
  }
}

addEventListener("pagehide", () => $$("form[data-autosave]").forEach((form) => {
  const state = typed.get(form);
  if (state?.since) save(form, state);
}));
