// The workbench's script: keys, partial refresh, autosave, streams. Every page works without it.

const $ = (what, where = document) => where.querySelector(what);
const $$ = (what, where = document) => [...where.querySelectorAll(what)];
const body = document.body;
body.classList.add("scripted");

// --- small things -------------------------------------------------------------------------------------------

function toast(text, { bad = false, form = null, seconds = 7 } = {}) {
  const box = document.createElement("div");
  box.className = bad ? "toast bad" : "toast";
  const words = document.createElement("span");
  words.textContent = text;
  box.append(words);
  if (form) box.append(form);
  $("#toasts").replaceChildren(box);
  fade(box, seconds);
}

function fade(box, seconds = 9) {
  clearTimeout(fade.timer);
  fade.timer = setTimeout(() => box.remove(), seconds * 1000);
}

function parse(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

// A field that is no longer seen takes no keys: the browser leaves the focus in a closed dialog until it next draws.
function typing(target) {
  if (target.checkVisibility && !target.checkVisibility()) return null;
  return target.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
}

async function get(url, part) {
  const answer = await fetch(url, { headers: { "x-part": part, accept: "text/html" } });
  if (answer.status === 401) location.reload();
  const page = parse(await answer.text());
  if (!answer.ok) throw new Error($(".blank p", page)?.textContent || `The server answered ${answer.status}.`);
  return page;
}

function clean(url) {
  const found = new URL(url, location.href);
  found.searchParams.delete("said");
  found.searchParams.delete("undo");
  return found.pathname + found.search + found.hash;
}

// --- the queue and its case -----------------------------------------------------------------------------------

const rows = () => $$(".queue tbody tr");
const current = () => $(".queue tr[aria-selected=true]");
const wide = matchMedia("(min-width: 1020px)");
let opening = 0;

async function openCase(row, { push = true } = {}) {
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
  dress(pane);
}

function step(by) {
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
async function refresh(url) {
  const answer = await fetch(url, { headers: { accept: "text/html" } });
  swap(parse(await answer.text()));
}

function swap(page) {
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

// --- forms --------------------------------------------------------------------------------------------------

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

document.addEventListener("click", (event) => {
  const target = event.target;
  const link = target.closest("a[data-case]");
  if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey && wide.matches) {
    event.preventDefault();
    openCase(link.closest("tr"));
    return;
  }
  const tag = target.closest("a[data-verdict]");
  if (tag) {
    event.preventDefault();
    return openDialog(tag.href);
  }
  if (target.closest("[data-close]") && target.closest("dialog")) {
    event.preventDefault();
    return closeDialog();
  }
  if (target.closest("[data-keys]")) {
    event.preventDefault();
    return openDialog("/keys", "#keys");
  }
  if (target.closest("[data-theme-toggle]")) return toggleTheme();
  if (target.closest("[data-stop]")) return stop();
  if (target.closest("[data-clear-picks]")) return picks(false);
  if (target.closest("[data-refresh]")) return refresh(location.href);
  $$("details.drop[open]").forEach((d) => d.contains(target) || d.classList.contains("edit") || (d.open = false));
});

// At once, not when the browser tells of it: the next key already belongs to the field.
function openBox(box) {
  box.open = true;
  box.querySelector(":is(textarea, input:not([type=hidden]), select, button, a.btn)")?.focus();
}

document.addEventListener("toggle", (event) => {
  const opened = event.target;
  // Only where a person opened it: what comes open from the server takes no focus.
  if (opened.open && opened.matches?.("details.drop") && document.activeElement === $("summary", opened)) openBox(opened);
}, true);

async function openDialog(url, part = null) {
  $$("details.drop[open]").forEach((d) => d.classList.contains("edit") || (d.open = false));
  let dialog = $("#dialog");
  if (!dialog) {
    dialog = document.createElement("dialog");
    dialog.id = "dialog";
    body.append(dialog);
  }
  try {
    const page = await get(url, "1");
    const found = part ? [$(part, page)] : page.body.childNodes;
    dialog.replaceChildren(...found);
    dialog.setAttribute("aria-label", $("h1, h2", dialog)?.textContent ?? "Keys");
    if (!dialog.open) dialog.showModal();
    dress(dialog);
    $("textarea", dialog)?.focus();
  } catch (error) {
    toast(error.message, { bad: true });
  }
}

function closeDialog() {
  const dialog = $("dialog[open]");
  dialog?.close();
  dialog?.replaceChildren();
}

function toggleTheme() {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = dark ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  document.cookie = `tieout_theme=${theme}; path=/; max-age=31536000; samesite=lax`;
}

// --- selection for bulk --------------------------------------------------------------------------------------

const picked = () => $$(".queue input[name=ids]:checked").map((box) => box.value);

function picks(on) {
  if (on === false) $$(".queue input[name=ids]:checked").forEach((box) => (box.checked = false));
  const n = picked().length;
  $("#bulk")?.classList.toggle("on", n > 0);
  if ($("#bulk-count")) $("#bulk-count").textContent = `${n} selected:`;
}

document.addEventListener("change", (event) => {
  if (event.target.matches(".queue input[name=ids]")) picks();
});

// --- autosave ------------------------------------------------------------------------------------------------

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

// --- chat ----------------------------------------------------------------------------------------------------

let talk = null;

function bubble(log, who, me) {
  const box = document.createElement("div");
  box.className = me ? "said-by me" : "said-by live";
  const meta = document.createElement("span");
  meta.className = "meta";
  meta.textContent = who;
  const text = document.createElement("div");
  text.className = "text";
  box.append(meta, text);
  log.append(box);
  return box;
}

async function ask(form) {
  const field = $("textarea", form);
  const question = field.value.trim();
  if (!question || talk) return;
  const log = $("#chat-log");
  $(".empty", log)?.remove();
  $(".text", bubble(log, body.dataset.person, true)).textContent = question;
  const answer = bubble(log, "tieout", false);
  field.value = "";
  answer.scrollIntoView({ block: "nearest" });
  const cases = picked().filter((id) => id !== form.dataset.chat);
  talk = { form, answer, id: null, last: null, acted: false, over: false, control: new AbortController() };
  $("[data-stop]", form).hidden = false;
  const mine = talk;
  for (let tries = 0; !mine.over && tries < 6; tries++) {
    if (tries) await new Promise((done) => setTimeout(done, 400 * 2 ** tries));
    await stream(mine, { question, cases }).catch(() => {});
  }
  if (!mine.over) say(mine, "error", { message: "The connection was lost; ask again." });
  answer.classList.remove("live");
  talk = null;
  const stopButton = $("[data-stop]", form);
  if (stopButton) stopButton.hidden = true;
  if ($(`.case[data-id="${CSS.escape(form.dataset.chat)}"]`)) await retell(mine.acted);
}

async function stream(chat, words) {
  const headers = { "content-type": "application/json", accept: "text/event-stream" };
  if (chat.last) headers["last-event-id"] = chat.last;
  const answer = await fetch(`/api/v1/cases/${encodeURIComponent(chat.form.dataset.chat)}/chat`, {
    method: "POST", headers, body: JSON.stringify(words), signal: chat.control.signal,
  });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    return say(chat, "error", { message: problem.detail ?? `The server answered ${answer.status}.` });
  }
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const parts = rest.split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const event = { kind: "message", data: "" };
      for (const line of part.split("\n")) {
        if (line.startsWith("event:")) event.kind = line.slice(6).trim();
        else if (line.startsWith("data:")) event.data += line.slice(5);
        else if (line.startsWith("id:")) chat.last = line.slice(3).trim();
      }
      chat.id = chat.last?.split(":")[0] ?? chat.id;
      if (event.data) say(chat, event.kind, JSON.parse(event.data));
    }
  }
}

function say(chat, kind, data) {
  const text = $(".text", chat.answer);
  const meta = $(".meta", chat.answer);
  switch (kind) {
    case "token":
      text.append(typeof data === "string" ? data : data.text ?? data.token ?? "");
      if (chat.answer.getBoundingClientRect().bottom > innerHeight - 90) chat.answer.scrollIntoView({ block: "end" });
      break;
    case "tool":
      meta.textContent = `tieout · looked up ${data.name ?? data.tool ?? data}`;
      break;
    case "action":
      chat.acted = true;
      break;
    case "done":
      chat.over = true;
      if (data.stopped) meta.textContent = "tieout · stopped";
      break;
    case "error":
      chat.over = true;
      text.append(text.textContent ? " " : "", data.message ?? "Something went wrong; ask again.");
      text.classList.add("red");
      break;
  }
}

function stop() {
  if (!talk) return;
  const { form, id, control } = talk;
  talk.over = true;
  if (id) fetch(`/api/v1/cases/${encodeURIComponent(form.dataset.chat)}/chat/${id}`, { method: "DELETE" });
  control.abort();
}

// After an answer: the conversation with its links, and the drafts if they were revised.
async function retell(acted) {
  try {
    const page = await get(location.href, "case");
    for (const part of acted ? ["#chat", "#drafts"] : ["#chat"]) {
      const [old, fresh] = [$(part), $(part, page)];
      if (old && fresh && ($$(".text", fresh).length >= $$(".text", old).length || part === "#drafts")) old.replaceWith(fresh);
    }
    dress($("#pane"));
    $("#chat-log")?.lastElementChild?.scrollIntoView({ block: "nearest" });
  } catch { /* what was streamed stays */ }
}

// --- charts --------------------------------------------------------------------------------------------------

function readChart(chart) {
  const readings = JSON.parse(chart.dataset.readings);
  const out = $("[data-readout]", chart.closest("section"));
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("class", "cursor");
  chart.append(line);
  let at = readings.length - 1;
  const show = (i) => {
    at = Math.max(0, Math.min(readings.length - 1, i));
    const [x, words] = readings[at];
    line.setAttribute("d", `M${x} 8V${chart.viewBox.baseVal.height - 24}`);
    if (out) out.textContent = words;
  };
  chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * chart.viewBox.baseVal.width;
    show(readings.reduce((best, [px], i) => (Math.abs(px - x) < Math.abs(readings[best][0] - x) ? i : best), 0));
  });
  chart.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    out?.setAttribute("aria-live", "polite");
    show(at + by);
  });
}

// --- what runs beside ------------------------------------------------------------------------------------------

function dress(where) {
  $$("svg[data-readings]:not([data-read])", where).forEach((chart) => {
    chart.dataset.read = "1";
    readChart(chart);
  });
  $$("[data-theme-toggle], [data-clear-picks]").forEach((b) => (b.hidden = false));
  $$("time[data-moment]", where).forEach((t) => (t.title = new Date(t.dateTime).toLocaleString()));
  picks();
  follow();
}

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

// --- files dropped anywhere -----------------------------------------------------------------------------------

let depth = 0;
const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
addEventListener("dragenter", (event) => { if (hasFiles(event)) { depth++; body.classList.add("dropping"); } });
addEventListener("dragleave", () => { if (--depth <= 0) body.classList.remove("dropping"); });
addEventListener("dragover", (event) => { if (hasFiles(event)) event.preventDefault(); });
addEventListener("drop", async (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  depth = 0;
  body.classList.remove("dropping");
  const files = [...event.dataTransfer.files];
  if (!$("#upload")) await openDialog("/runs", "#upload");
  const form = $("#upload");
  if (!form) return;
  const put = (name, chosen) => {
    const box = new DataTransfer();
    chosen.forEach((file) => box.items.add(file));
    $(`[name=${name}]`, form).files = box.files;
  };
  const isRecon = (file) => /\.ya?ml$/i.test(file.name);
  const isPast = (file) => !isRecon(file) && /hist|past|prev/i.test(file.name);
  put("recon_file", files.filter(isRecon));
  put("history", files.filter(isPast));
  put("current", files.filter((f) => !isRecon(f) && !isPast(f)));
  $(".btn.go", form).focus();
});

// --- keys ----------------------------------------------------------------------------------------------------

let going = 0;

function press(key) {
  const draft = $(".draft.now") ?? $(".draft");
  const inCase = (what) => $(what, $("#pane") ?? document);
  switch (key) {
    case "j": return step(1);
    case "k": return step(-1);
    case "Enter":
    case "o": { const id = $(".case")?.dataset.id ?? (current() && current().dataset.id); if (id) location.href = `/cases/${id}`; return; }
    case "x": { const box = current() && $("input[name=ids]", current()); if (box) { box.checked = !box.checked; picks(); } return; }
    case "a": { const button = draft && $("[data-key=a]", draft); if (!button) return toast("No draft waits here."); if (button.disabled) return toast(button.title || "It cannot be approved.", { bad: true }); return seen(draft) ? button.click() : toast("This is what would leave. Press a again to approve it."); }
    case "e": case "r": case "w": { const summary = draft && $(`[data-key=${key}]`, draft); if (!summary) return toast("No draft waits here."); return openBox(summary.parentElement); }
    case "[": case "]": return nextDraft(key === "]" ? 1 : -1);
    case "u": { const form = $(".undo") ?? $("#toasts form"); return form ? form.requestSubmit() : toast("There is nothing to undo here."); }
    case "t": case "f": case "b": case "n": { const verdict = { t: "true", f: "false_positive", b: "corrected", n: "missed" }[key]; return inCase(`[data-verdict=${verdict}]`)?.click(); }
    case "m": return inCase("[data-key=m]")?.click();
    case "s": { const box = inCase("[data-key=s]"); return box && openBox(box.parentElement); }
    case "c": return $(".composer textarea")?.focus();
    case "/": { const box = $(".filter input[type=search]"); box?.focus(); box?.select(); return; }
    case ".": return refresh(location.href);
    case "?": return openDialog("/keys", "#keys");
    case "g": going = Date.now(); return;
  }
}

// Nothing is approved unseen: the first press brings the draft into view.
function seen(draft) {
  const letter = ($(".letter", draft) ?? draft).getBoundingClientRect();
  const edge = $(".composer")?.getBoundingClientRect().top ?? innerHeight;
  const visible = letter.top >= 0 && Math.min(letter.bottom, letter.top + 120) <= edge;
  if (!visible) draft.scrollIntoView({ block: "center" });
  return visible;
}

function nextDraft(by) {
  const all = $$(".draft");
  if (!all.length) return;
  const at = all.findIndex((d) => d.classList.contains("now"));
  all.forEach((d) => d.classList.remove("now"));
  const to = all[(at + by + all.length) % all.length];
  to.classList.add("now");
  to.scrollIntoView({ block: "nearest" });
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const open = $$("details.drop[open]").pop();
    if (open) { open.open = false; $("summary", open).focus(); return; }
    if (typing(event.target)) return event.target.blur();
    return;
  }
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form) {
    event.preventDefault();
    return event.target.form.requestSubmit($("button.go, button", event.target.form));
  }
  if (event.key === "Enter" && !event.shiftKey && event.target.matches?.(".composer textarea")) {
    event.preventDefault();
    return event.target.form.requestSubmit();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || $("dialog[open]")) return;
  if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
  if (Date.now() - going < 1200) {
    going = 0;
    const to = { q: "/", b: "/brief", r: "/runs", t: "/trust", h: "/handover", a: "/audit" }[event.key];
    if (to) { event.preventDefault(); location.href = to; }
    return;
  }
  if ("jkoxaerwutfbnmsc/.?g[]".includes(event.key) || event.key === "Enter") {
    event.preventDefault();
    press(event.key);
  }
});

dress(document);
if ($("#toasts").children.length) {
  history.replaceState({}, "", clean(location.href));
  fade($("#toasts").firstElementChild);
}
if (body.dataset.person) setInterval(news, 15000);
