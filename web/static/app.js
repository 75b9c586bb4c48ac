// The workbench's script, a file a subject. Every page works without it, as plain forms.

import { $, $$, body, clean, dress, dresser, fade } from "./dom.js";
import { openCase, picks, refresh, wide } from "./queue.js";
import { closeDialog, openDialog, toggleTheme } from "./dialog.js";
import { stop } from "./chat.js";
import "./forms.js";
import "./charts.js";
import "./live.js";
import "./drop.js";
import "./keys.js";

body.classList.add("scripted");

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

dresser((where) => {
  $$("[data-theme-toggle], [data-clear-picks]").forEach((button) => (button.hidden = false));
  $$("time[data-moment]", where).forEach((t) => (t.title = new Date(t.dateTime).toLocaleString()));
});
dress(document);
if ($("#toasts").children.length) {
  history.replaceState({}, "", clean(location.href));
  fade($("#toasts").firstElementChild);
}
