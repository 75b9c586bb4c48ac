// The keys, as the help says them.

import { $, $$, toast, typing } from "./dom.js";
import { openBox, openDialog } from "./dialog.js";
import { current, picks, refresh, step } from "./queue.js";

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
    case "a": { const button = draft && $("[data-key=a]", draft); if (draft && $(".edit[open]", draft)) return toast("Store your edit or throw it away first."); if (!button) return toast("No draft waits here."); if (button.disabled) return toast(button.title || "It cannot be approved.", { bad: true }); return seen(draft) ? button.click() : toast("This is what would leave. Press a again to approve it."); }
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

// Words typed over a draft stay kept, and are not what an approval would send: that is said.
function leave(box) {
  box.open = false;
  $("summary", box).focus();
  const typed = box.matches(".edit") && $$("input[type=text], textarea", box).some((f) => f.value !== f.defaultValue);
  if (typed) toast("Your words are kept, not stored. The draft is still the one shown.");
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const open = $$("details.drop[open]").pop();
    if (open) return leave(open);
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
