// Files dropped anywhere on a page land in the upload, sorted by what they are.

import { $, body } from "./dom.js";
import { openDialog } from "./dialog.js";

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
