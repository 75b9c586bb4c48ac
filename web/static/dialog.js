// Panels that open under their button, the dialog, the theme.

import { $, $$, body, dress, get, toast } from "./dom.js";

// At once, not when the browser tells of it: the next key already belongs to the field.
export function openBox(box) {
  box.open = true;
  box.querySelector(":is(textarea, input:not([type=hidden]), select, button, a.btn)")?.focus();
}

document.addEventListener("toggle", (event) => {
  const opened = event.target;
  // Only where a person opened it: what comes open from the server takes no focus.
  if (opened.open && opened.matches?.("details.drop") && document.activeElement === $("summary", opened)) openBox(opened);
}, true);

export async function openDialog(url, part = null) {
  $$("details.drop[open]").forEach((d) => d.classList.contains("edit") || (d.open = false));
  let dialog = $("#dialog");
  if (!dialog) {
    dialog = document.createElement("dialog");
    dialog.id = "dialog";
    dialog.addEventListener("close", () => dialog.replaceChildren());
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

export function closeDialog() {
  const dialog = $("dialog[open]");
  dialog?.close();
  dialog?.replaceChildren();
}

export function toggleTheme() {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = dark ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  document.cookie = `tieout_theme=${theme}; path=/; max-age=31536000; samesite=lax`;
}
